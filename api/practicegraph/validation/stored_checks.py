"""Stored queries with a severity, whose rows are findings; links that do not answer any more.

A row has the focus node as `?this`, and at `?path` a `?value` that is wrong or a `?missing` one. In
the query's message, `{?name}` stands for the row's term of that name (SHACL, section 5.3.2).

Links: several hosts are asked at once, each for one IRI after the other. A server that refuses a
program may answer a person, so that a refusal is no dead link.
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
from ..rdf.terms import Term, as_text, local_name
from ..schema.shapes import ShapesError
from ..schema.text import Labels, pick_text
from ..storage import query_guard
from ..storage.base import QueryRefusedError, Solution, Store
from .findings import Finding, FindingBuilder

LinkChecker = Callable[[Iterable[str]], Mapping[str, str]]
"""Returns those of the IRIs that do not answer, with the reason."""

_COMPONENT = SH + "SPARQLConstraintComponent"
_TRUE = Literal(True)
_THIS = re.compile(r"[?$]this\b")
_VARIABLE = re.compile(r"\{[?$](\w+)\}")


@dataclass(frozen=True)
class StoredCheck:
    """A stored query that is a check; `follows_links` where it asks whether its values answer."""

    iri: str
    text: str
    severity: str
    messages: Labels
    follows_links: bool


@dataclass(frozen=True)
class StoredChecks:
    """Runs the stored checks of a store; `files` are those of the focus nodes."""

    store: Store
    builder: FindingBuilder
    files: Mapping[str, Path]
    path_label: Callable[[str, str], str]

    def check(self, files: Set[Path], link_checker: LinkChecker | None) -> Iterator[Finding]:
        """Yield the findings in some files; without a link checker, no link is followed.

        Raises ShapesError for a check that cannot be evaluated.
        """
        for check in read_stored_checks(self.store):
            if check.follows_links and not link_checker:
                continue
            rows = [row for row in _evaluate(self.store, check) if self._file(row) in files]
            if check.follows_links and link_checker:
                rows = list(_with_answers(rows, link_checker))
            yield from (self._finding(check, row) for row in rows)

    def _file(self, row: Solution) -> Path | None:
        return self.files.get(as_text(row["this"])) if isinstance(row["this"], NamedNode) else None

    def _finding(self, check: StoredCheck, row: Solution) -> Finding:
        focus_node, file = as_text(row["this"]), self._file(row)
        path = as_text(row["path"]) if "path" in row else ""
        value, missing = row.get("value"), row.get("missing")
        shown = value if value is not None else missing
        assert file is not None
        finding = self.builder.violation(
            file,
            "SPARQLConstraintComponent",
            focus_node,
            detail=self._detail(check, row),
            path_label=self._label(focus_node, path),
            value=as_text(shown) if isinstance(shown, NamedNode | Literal) else "",
        )
        return replace(
            finding,
            source_constraint_component=_COMPONENT,
            source_shape=check.iri,
            severity=check.severity,
            severity_label=self.builder.say(check.severity.removeprefix(SH)),
            result_path=path,
            value_term="" if value is None else str(value),
            missing_term="" if missing is None else str(missing),
        )

    def _label(self, focus_node: str, path: str) -> str:
        label = self.path_label(focus_node, path) if path else ""
        return label if label != path else local_name(path)

    def _detail(self, check: StoredCheck, row: Solution) -> str:
        message = pick_text(check.messages, self.builder.languages)
        return _VARIABLE.sub(lambda match: self._name(row.get(match[1])), message)

    def _name(self, term: Term | None) -> str:
        if isinstance(term, NamedNode):
            return self.builder.reader.label(term.value, self.builder.languages) or term.value
        return term.value if isinstance(term, Literal) else ""


def read_stored_checks(store: Store) -> list[StoredCheck]:
    """Return the stored checks of a store, in order of their IRIs."""
    nodes = sorted(store.subjects(SH + "severity"), key=str)
    texts = ((node, store.value(node, SH + "select")) for node in nodes)
    return [
        StoredCheck(
            iri=node.value,
            text=text.value,
            severity=as_text(severity),
            messages=store.labels(node, SH + "message"),
            follows_links=store.value(node, PG + "fetches") == _TRUE,
        )
        for node, text in texts
        if isinstance(text, Literal) and (severity := store.value(node, SH + "severity"))
    ]


def _evaluate(store: Store, check: StoredCheck) -> list[Solution]:
    try:
        query_guard.check_service_calls(check.text)
        rows = list(store.select(check.text))
    except (QueryRefusedError, SyntaxError, ValueError) as error:
        raise ShapesError(f"{check.iri}: {error}") from error
    if not _THIS.search(check.text) or any("this" not in row for row in rows):
        raise ShapesError(f"{check.iri}: a check selects ?this, the focus node")
    return rows


def _with_answers(rows: Iterable[Solution], link_checker: LinkChecker) -> Iterator[Solution]:
    """Yield the rows whose values do not answer, with the reason as `?answer`."""
    links = [(row, value) for row in rows if isinstance(value := row.get("value"), NamedNode)]
    dead = link_checker({iri.value for _, iri in links})
    for row, iri in links:
        if iri.value in dead:
            yield {**row, "answer": Literal(dead[iri.value])}


_SECONDS = 15  # that a server has for each answer
_MAX_HOSTS = 8  # asked at once
_REFUSALS = frozenset({401, 403, 405, 406, 429, 451, 503, 999})
_SAFE = "!#$%&'()*+,/:;=?@[]~"  # characters of a URI beside letters and digits (RFC 3986)
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
    iris: Iterable[str], progress: Progress = no_progress, seconds: float = _SECONDS
) -> dict[str, str]:
    """Return those of the IRIs on the web that do not answer in some seconds, with the reason.

    A host to which nothing connects is asked once.
    """
    hosts: dict[str, list[str]] = {}
    for iri in sorted(iris):
        if iri.startswith(("http://", "https://")):
            hosts.setdefault(urlsplit(iri).netloc, []).append(iri)
    with ThreadPoolExecutor(_MAX_HOSTS) as pool:
        asked = [pool.submit(_ask_host, of_host, seconds) for of_host in hosts.values()]
        results = [result.result() for result in progress("Asking hosts", asked)]
    return {iri: reason for dead in results for iri, reason in dead.items()}


def _ask_host(iris: Sequence[str], seconds: float) -> dict[str, str]:
    opener = OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        reasons = {iri: _ask(opener, iri, seconds) for iri in iris}
    except _NoHostError as error:
        return dict.fromkeys(iris, str(error))
    return {iri: reason for iri, reason in reasons.items() if reason}


def _ask(opener: OpenerDirector, iri: str, seconds: float) -> str:
    """Return why an IRI does not answer, or ""; a server without HEAD is asked with GET."""
    reason = ""
    for method in ("HEAD", "GET"):
        try:
            request = Request(_to_uri(iri), method=method, headers=_HEADERS)  # noqa: S310 - the opener knows HTTP alone
            with opener.open(request, timeout=seconds):
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


def _to_uri(iri: str) -> str:
    """Return an IRI as a URI (RFC 3987, section 3.1)."""
    host = urlsplit(iri).netloc
    return quote(iri.replace(host, host.encode("idna").decode(), 1), safe=_SAFE)
