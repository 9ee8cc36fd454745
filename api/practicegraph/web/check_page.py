"""The page of a validation report: the text beside its findings, whose fixes are applied to it.

A fix is a button of the form that has the text: it names the region and what replaces it. It
applies to the text as it was validated alone, which a digest tells, since an edit moves regions.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..rdf.terms import local_name
from ..validation.submissions import SYNTAXES, Submission

MAX_FINDINGS = 200
"""The findings of a page."""
_MAX_LINES = 400
_AROUND = 3  # lines around a finding, in a longer text
_FIX = re.compile(r"(\d{1,9}):(\d{1,9}):(\d{1,9}):(\d{1,9}):(.*)", re.DOTALL)


@dataclass(frozen=True)
class FixSent:
    """A fix that a form asks for: the region, what replaces it, and the digest of the text."""

    region: tuple[int, int, int, int]
    replacement: str
    digest: str

    def apply(self, text: str) -> str:
        """Return a text with the fix; the text itself where it is not the one that was validated.

        Lines and columns count from 1, in characters; the end is the first one after the region.
        """
        lines = text.split("\n")
        line, column, end_line, end_column = self.region
        is_inside = 1 <= line <= end_line <= len(lines) and column >= 1 and end_column >= 1
        if digest(text) != self.digest or not is_inside:
            return text
        start = sum(len(each) + 1 for each in lines[: line - 1]) + column - 1
        end = sum(len(each) + 1 for each in lines[: end_line - 1]) + end_column - 1
        return text[:start] + self.replacement + text[max(start, end) :]


def parse_fix(value: str, digest: str) -> FixSent | None:
    """Return the fix that the value of a button asks for; None for another value."""
    match = _FIX.fullmatch(value)
    if match is None:
        return None
    line, column, end_line, end_column = (int(number) for number in match.groups()[:4])
    return FixSent((line, column, end_line, end_column), match[5], digest)


def digest(text: str) -> str:
    """Return the digest of a text, whose lines end as in no browser's forms but in all files."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True)
class PageFinding:
    """A finding on the page: `place` is its line or file, `fix` the value of its button."""

    number: int
    line: int
    place: str
    severity: str
    message: str
    hint: str
    rule: str
    fix: str
    fix_text: str


@dataclass(frozen=True)
class TextLine:
    """A line of the text with the numbers of its findings; a number 0 stands for lines left out."""

    number: int
    text: str
    findings: Sequence[int]


@dataclass(frozen=True)
class CheckPage:
    """A report on what a form sent: one text, or files that are not shown."""

    data: Sequence[Submission]
    report: Mapping[str, Any]

    @property
    def conforms(self) -> bool:
        """Return whether the catalogue admits the data."""
        return bool(self.report.get("conforms"))

    @cached_property
    def text(self) -> str | None:
        """Return the text, if it is one and in a syntax that is a text."""
        if len(self.data) != 1 or self.data[0].extension not in (*SYNTAXES, "csv"):
            return None
        try:
            return self.data[0].content.decode().replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    @property
    def extension(self) -> str:
        """Return the extension of the text."""
        return self.data[0].extension if self.data else ""

    @property
    def digest(self) -> str:
        """Return the digest of the text."""
        return digest(self.text or "")

    @property
    def count(self) -> int:
        """Return the number of findings."""
        return len(self._rows)

    @cached_property
    def findings(self) -> list[PageFinding]:
        """Return the first findings, and the warnings about shapes."""
        rows = self._rows[:MAX_FINDINGS]
        return [self._finding(number, row) for number, row in enumerate(rows, 1)]

    def lines(self) -> Iterator[TextLine]:
        """Yield the lines of the text with their findings, of a long text those near findings."""
        lines = (self.text or "").split("\n")
        numbers: dict[int, list[int]] = {}
        for finding in self.findings:
            if finding.line:
                numbers.setdefault(finding.line, []).append(finding.number)
        near = {n + step for n in numbers for step in range(-_AROUND, _AROUND + 1)}
        previous = 0
        for number, text in enumerate(lines, 1):
            if len(lines) <= _MAX_LINES or number in near:
                if number > previous + 1:
                    yield TextLine(0, "", ())
                yield TextLine(number, text, numbers.get(number, ()))
                previous = number

    @cached_property
    def _rows(self) -> list[Mapping[str, Any]]:
        return [*self.report.get("findings", ()), *self.report.get("shapeWarnings", ())]

    def _finding(self, number: int, row: Mapping[str, Any]) -> PageFinding:
        location, fix = row.get("location", {}), row.get("fix", {})
        is_own = bool(self.data) and location.get("file") == str(self.data[0].path)
        line = int(location.get("line", 0)) if is_own and self.text is not None else 0
        places = (location.get("sheet") or location.get("file"), location.get("line"))
        region = fix.get("location", {})
        names = ("line", "column", "endLine", "endColumn")
        can_apply = line and "text" in fix and all(name in region for name in names)
        place = ":".join(str(region[name]) for name in names) if can_apply else ""
        rule = (row.get("sourceShape", ""), row.get("sourceConstraintComponent", ""))
        return PageFinding(
            number=number,
            line=line,
            place=":".join(str(part) for part in places if part),
            severity=local_name(row.get("severity", "")),
            message=row["message"],
            hint=row.get("hint", ""),
            rule=" ".join(local_name(name) for name in rule if name),
            fix=f"{place}:{fix['text']}" if can_apply else "",
            fix_text=fix.get("description", ""),
        )


def read_report(content: bytes) -> dict[str, Any]:
    """Return a report in JSON."""
    report: dict[str, Any] = json.loads(content)
    return report


def unreadable_report(details: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Return the report on a text that no parser reads, with its place."""
    names = ("file", "line", "column")
    location = {name: details[name] for name in names if details.get(name)}
    row = {"message": message, "severity": "Violation", "location": location}
    return {"conforms": False, "findings": [row]}
