"""Checks beside SHACL: stored questions with a severity, whose rows are said as findings.

A row says of `?this`, at `?path`, that `?value` is no good, or that `?missing` ought to be said. In
the question's message, `{?name}` stands for what the row has there (SHACL, section 5.3.2).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from . import sparql
from .findings import Finding, Reporter
from .shapes import PG, SH, ShapesError
from .store import Row, Store, Term, plain
from .text import Labels, best

Fetch = Callable[[Iterable[str]], Mapping[str, str]]
"""Gives those of the addresses that do not answer, with why."""

_RULE = "SPARQLConstraintComponent"
_THIS = re.compile(r"[?$]this\b")
_VARIABLE = re.compile(r"\{[?$](\w+)\}")


@dataclass(frozen=True)
class Audit:
    """A question that is a check; one that fetches asks the addresses among its values."""

    iri: str
    text: str
    severity: str
    messages: Labels
    fetches: bool


@dataclass(frozen=True)
class Auditor:
    """Says what the checks find; homes are the files of the things that rows are about."""

    store: Store
    reporter: Reporter
    homes: Mapping[str, Path]
    field_name: Callable[[str, str], str]

    def findings(self, wanted: Set[Path], fetch: Fetch | None) -> Iterator[Finding]:
        """Give what is found in the wanted files; without `fetch`, no address is asked.

        Raises ShapesError for a check that cannot be asked.
        """
        for audit in read(self.store):
            if audit.fetches and not fetch:
                continue
            rows = [row for row in _rows(self.store, audit) if self._home(row) in wanted]
            for row in _unanswered(rows, fetch) if audit.fetches and fetch else rows:
                yield self._finding(audit, row)

    def _home(self, row: Row) -> Path | None:
        return self.homes.get(plain(row["this"])) if isinstance(row["this"], NamedNode) else None

    def _finding(self, audit: Audit, row: Row) -> Finding:
        focus, path = plain(row["this"]), self._home(row)
        predicate = plain(row["path"]) if "path" in row else ""
        value, missing = row.get("value"), row.get("missing")
        shown = value if value is not None else missing
        assert path is not None
        found = self.reporter.violation(
            path,
            _RULE,
            focus,
            reason=self._reason(audit, row),
            field=self._field(focus, predicate),
            value=plain(shown) if isinstance(shown, NamedNode | Literal) else "",
        )
        return replace(
            found,
            shape=audit.iri,
            severity=audit.severity,
            level=self.reporter.say(audit.severity),
            predicate=predicate,
            term="" if value is None else str(value),
            missing="" if missing is None else str(missing),
        )

    def _field(self, focus: str, predicate: str) -> str:
        name = self.field_name(focus, predicate) if predicate else ""
        return name if name != predicate else predicate.rpartition("#")[2].rpartition("/")[2]

    def _reason(self, audit: Audit, row: Row) -> str:
        message = best(audit.messages, self.reporter.languages)
        return _VARIABLE.sub(lambda match: self._named(row.get(match[1])), message)

    def _named(self, term: Term | None) -> str:
        if isinstance(term, NamedNode):
            return self.reporter.reader.name(term.value, self.reporter.languages) or term.value
        return term.value if isinstance(term, Literal) else ""


def read(store: Store) -> list[Audit]:
    """Read the checks out of the store, in order of their addresses."""
    nodes = sorted(store.subjects(SH + "severity"), key=str)
    texts = ((node, store.value(node, SH + "select")) for node in nodes)
    return [
        Audit(
            iri=node.value,
            text=text.value,
            severity=plain(severity).removeprefix(SH),
            messages=store.labels(node, SH + "message"),
            fetches=store.value(node, PG + "fetches") == _TRUE,
        )
        for node, text in texts
        if isinstance(text, Literal) and (severity := store.value(node, SH + "severity"))
    ]


_TRUE = Literal(True)


def _rows(store: Store, audit: Audit) -> list[Row]:
    try:
        sparql.refuse_calls(audit.text)
        rows = list(store.select(audit.text))
    except (SyntaxError, ValueError) as error:
        raise ShapesError(f"{audit.iri}: {error}") from error
    if not _THIS.search(audit.text) or any("this" not in row for row in rows):
        raise ShapesError(f"{audit.iri}: a check gives ?this, what is at fault")
    return rows


def _unanswered(rows: Iterable[Row], fetch: Fetch) -> Iterator[Row]:
    """Give the rows whose values do not answer, with why as `?answer`."""
    listed = [(row, row["value"]) for row in rows if "value" in row]
    asked = [(row, term.value) for row, term in listed if isinstance(term, NamedNode)]
    silent = fetch({address for _, address in asked})
    for row, address in asked:
        if address in silent:
            yield {**row, "answer": Literal(silent[address])}
