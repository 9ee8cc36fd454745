"""Checks beside SHACL: stored questions with a severity, whose rows are said as findings.

A row says of `?this`, at `?path`, that `?value` is no good, or that `?missing` ought to be said. In
the question's message, `{?name}` stands for what the row has there (SHACL, section 5.3.2).

Links to elsewhere: which addresses do not answer any more.

Several hosts are asked at once, and each one for one address after the other. A server that refuses
a program may well answer a person, so what it refuses is no dead link.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from pyoxigraph import Literal, NamedNode

from .. import __version__
from ..catalogue.loading import Progress, no_progress
from ..rdf.namespaces import PG, SH
from ..rdf.terms import Term, as_text
from ..schema.shapes import ShapesError
from ..schema.text import Labels, pick_text
from ..storage import query_guard
from ..storage.base import Solution, Store
from .findings import Finding, FindingBuilder

Fetch = Callable[[Iterable[str]], Mapping[str, str]]
"""Gives those of the addresses that do not answer, with why."""

_RULE = "SPARQLConstraintComponent"
_THIS = re.compile(r"[?$]this\b")
_VARIABLE = re.compile(r"\{[?$](\w+)\}")


@dataclass(frozen=True)
class StoredCheck:
    """A question that is a check; one that fetches asks the addresses among its values."""

    iri: str
    text: str
    severity: str
    messages: Labels
    fetches: bool


@dataclass(frozen=True)
class StoredChecks:
    """Says what the checks find; homes are the files of the things that rows are about."""

    store: Store
    reporter: FindingBuilder
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

    def _home(self, row: Solution) -> Path | None:
        return self.homes.get(as_text(row["this"])) if isinstance(row["this"], NamedNode) else None

    def _finding(self, audit: StoredCheck, row: Solution) -> Finding:
        focus, path = as_text(row["this"]), self._home(row)
        predicate = as_text(row["path"]) if "path" in row else ""
        value, missing = row.get("value"), row.get("missing")
        shown = value if value is not None else missing
        assert path is not None
        found = self.reporter.violation(
            path,
            _RULE,
            focus,
            reason=self._reason(audit, row),
            field=self._field(focus, predicate),
            value=as_text(shown) if isinstance(shown, NamedNode | Literal) else "",
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

    def _reason(self, audit: StoredCheck, row: Solution) -> str:
        message = pick_text(audit.messages, self.reporter.languages)
        return _VARIABLE.sub(lambda match: self._named(row.get(match[1])), message)

    def _named(self, term: Term | None) -> str:
        if isinstance(term, NamedNode):
            return self.reporter.reader.label(term.value, self.reporter.languages) or term.value
        return term.value if isinstance(term, Literal) else ""


def read(store: Store) -> list[StoredCheck]:
    """Read the checks out of the store, in order of their addresses."""
    nodes = sorted(store.subjects(SH + "severity"), key=str)
    texts = ((node, store.value(node, SH + "select")) for node in nodes)
    return [
        StoredCheck(
            iri=node.value,
            text=text.value,
            severity=as_text(severity).removeprefix(SH),
            messages=store.labels(node, SH + "message"),
            fetches=store.value(node, PG + "fetches") == _TRUE,
        )
        for node, text in texts
        if isinstance(text, Literal) and (severity := store.value(node, SH + "severity"))
    ]


_TRUE = Literal(True)


def _rows(store: Store, audit: StoredCheck) -> list[Solution]:
    try:
        query_guard.check_service_calls(audit.text)
        rows = list(store.select(audit.text))
    except (SyntaxError, ValueError) as error:
        raise ShapesError(f"{audit.iri}: {error}") from error
    if not _THIS.search(audit.text) or any("this" not in row for row in rows):
        raise ShapesError(f"{audit.iri}: a check gives ?this, what is at fault")
    return rows


def _unanswered(rows: Iterable[Solution], fetch: Fetch) -> Iterator[Solution]:
    """Give the rows whose values do not answer, with why as `?answer`."""
    listed = [(row, row["value"]) for row in rows if "value" in row]
    asked = [(row, term.value) for row, term in listed if isinstance(term, NamedNode)]
    silent = fetch({address for _, address in asked})
    for row, address in asked:
        if address in silent:
            yield {**row, "answer": Literal(silent[address])}


_SECONDS = 15  # that a server has for each answer
_HOSTS = 8  # asked at once
_REFUSALS = frozenset({401, 403, 405, 406, 429, 451, 503, 999})
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # what an address may have beside letters and digits (RFC 3986)
_HEADERS = {"User-Agent": f"PracticeGraph/{__version__} (link check)", "Accept": "*/*"}
_HANDLERS = (
    ProxyHandler,
    HTTPHandler,
    HTTPSHandler,
    HTTPRedirectHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    UnknownHandler,
)


class _NoHostError(Exception):
    """A host to which nothing connects."""


def find_dead_links(
    addresses: Iterable[str], progress: Progress = no_progress, seconds: float = _SECONDS
) -> dict[str, str]:
    """Give those of the addresses on the web that do not answer, with why.

    Each server has some seconds to answer; one to which nothing connects is asked once.
    """
    hosts: dict[str, list[str]] = {}
    for address in sorted(addresses):
        if address.startswith(("http://", "https://")):
            hosts.setdefault(urlsplit(address).netloc, []).append(address)
    with ThreadPoolExecutor(_HOSTS) as pool:
        asked = [pool.submit(_of_host, listed, seconds) for listed in hosts.values()]
        found = [answer.result() for answer in progress("Asking hosts", asked)]
    return {address: reason for silent in found for address, reason in silent.items()}


def _of_host(addresses: Sequence[str], seconds: float) -> dict[str, str]:
    opener = OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        reasons = {address: _reason(opener, address, seconds) for address in addresses}
    except _NoHostError as error:
        return dict.fromkeys(addresses, str(error))
    return {address: reason for address, reason in reasons.items() if reason}


def _reason(opener: OpenerDirector, address: str, seconds: float) -> str:
    """Give why an address does not answer, or ""; servers that know no HEAD are asked with GET."""
    reason = ""
    for method in ("HEAD", "GET"):
        try:
            asked = Request(_ascii(address), method=method, headers=_HEADERS)  # noqa: S310 - the opener knows HTTP alone
            with opener.open(asked, timeout=seconds):
                return ""
        except HTTPError as error:
            if error.code in _REFUSALS:
                return ""
            reason = f"{error.code} {error.reason}"
        except URLError as error:
            raise _NoHostError(str(error.reason)) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
    return reason


def _ascii(address: str) -> str:
    """Write an IRI as a URI (RFC 3987, section 3.1)."""
    host = urlsplit(address).netloc
    return quote(address.replace(host, host.encode("idna").decode(), 1), safe=_KEPT)
