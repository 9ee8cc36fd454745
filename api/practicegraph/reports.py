"""What a check has found, in every form: for people as text or a page, for programs as data."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from . import pipelines, verdicts
from .findings import Checked, Finding, Mend
from .markup import environment

_ENVIRONMENT = environment("practicegraph")


@dataclass(frozen=True)
class Form:
    """A form of a report: its media type, and what writes it with the prefixes of a catalogue."""

    media_type: str
    write: Callable[[Checked, Mapping[str, str]], str]


def text(checked: Checked) -> str:
    """Give the findings one a line, as compilers print theirs, and the summary."""
    return "\n".join([*map(str, checked.findings), checked.summary]) + "\n"


def as_json(checked: Checked) -> str:
    """Give the findings as a list in JSON."""
    return json.dumps(rows(checked), ensure_ascii=False, indent=1) + "\n"


def as_object(checked: Checked) -> str:
    """Give the findings in an object of JSON that says whether there are any, and the summary."""
    found = {"conforms": not checked.findings, "summary": checked.summary}
    return json.dumps(found | {"findings": rows(checked)}, ensure_ascii=False, indent=1) + "\n"


def rows(checked: Checked) -> list[dict[str, Any]]:
    """Give the findings as objects of JSON."""
    return [_row(finding) for finding in checked.findings]


def html(checked: Checked) -> str:
    """Give the findings as a page that stands alone and can be printed."""
    files = [(path, list(some)) for path, some in groupby(checked.findings, attrgetter("path"))]
    return _ENVIRONMENT.get_template("report.html").render(checked=checked, files=files)


def _row(finding: Finding) -> dict[str, Any]:
    start = finding.part.start if finding.part else None
    return {
        "path": str(finding.path),
        "line": start and start.line,
        "column": start and start.column,
        "end": finding.part and finding.part.end._asdict(),
        "rule": finding.rule,
        "shape": finding.shape,
        "severity": finding.severity,
        "level": finding.level,
        "focus": finding.focus,
        "subject": finding.subject,
        "predicate": finding.predicate,
        "field": finding.field,
        "value": finding.value,
        "reason": finding.reason,
        "hint": finding.hint,
        "message": finding.message,
        "mend": finding.mend and _edit(finding.mend),
    }


def _edit(mend: Mend) -> dict[str, Any]:
    if mend.part is None:
        return {"said": mend.said}
    start, end = (position._asdict() for position in mend.part)
    return {"said": mend.said, "start": start, "end": end, "text": mend.text}


FORMS = {
    "text": Form("text/plain", lambda checked, _: text(checked)),
    "json": Form("application/json", lambda checked, _: as_json(checked)),
    "turtle": Form("text/turtle", verdicts.turtle),
    "jsonld": Form("application/ld+json", lambda checked, _: verdicts.jsonld(checked)),
    "html": Form("text/html", lambda checked, _: html(checked)),
    "sarif": Form("application/sarif+json", lambda checked, _: pipelines.sarif(checked)),
    "junit": Form("application/xml", lambda checked, _: pipelines.junit(checked)),
}
"""The forms by name."""
ANSWERS = FORMS | {"json": Form("application/json", lambda checked, _: as_object(checked))}
"""The same as a service gives them: what is not a list may get keys later."""
