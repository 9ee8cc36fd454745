"""The rules of single triples: the characters of texts, language tags, terms, links and values.

A term is known where a closed namespace of rdflib has it, or where an ontology declares it with
`rdfs:isDefinedBy`; terms below the base are those of the catalogue. Text is suspect where it has
characters that XML cannot carry (XML 1.0, section 2.2), U+FFFD, blanks at an end, or where its
bytes in another encoding are UTF-8.

Nothing links to an IRI of ours that nothing describes, no current subject has a deprecated value,
and the embedded store returns each literal as the file has it.

Links: several hosts are requested at once, each for one IRI after the other. A server that
refuses a program may answer a person, so that a refusal is no dead link.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
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

import rdflib.namespace
from pyoxigraph import BlankNode, Literal, NamedNode, Quad
from rdflib.namespace import DefinedNamespace

from .. import __version__
from ..catalogue.documents import Document
from ..catalogue.loading import Progress, no_progress
from ..rdf.terms import PG, RDF, RDFS, SKOS, XSD, Term, as_text, local_name
from ..schema.catalog_records import PRIMARY_TOPIC
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY, Lifecycle
from ..schema.shapes.constraints import query_text
from ..schema.text import NOT_XML, decode_misread, find_similar
from ..storage.base import Solution, Store
from ..storage.oxigraph import find_rewritten_literals
from ..storage.query_guard import find_iris
from .findings import Finding, FindingBuilder, Fix, Position, Region

_DANGLING = """
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?subject ?property ?value .
    FILTER (isIRI(?value) && STRSTARTS(STR(?value), {base}))
    FILTER (?property != <http://www.w3.org/2002/07/owl#versionIRI>)
    FILTER NOT EXISTS {{ ?value ?any ?thing }}
}}
ORDER BY ?subject ?property ?value
"""
_DEPRECATED_VALUES = f"""
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?value <{DEPRECATED}> true .
    ?subject ?property ?value .
    FILTER (isIRI(?subject))
    FILTER (?property NOT IN (
        <{IS_REPLACED_BY}>, <{SKOS}hasTopConcept>, <{SKOS}narrower>, {PRIMARY_TOPIC}
    ))
    FILTER NOT EXISTS {{ ?subject <{DEPRECATED}> true }}
}}
ORDER BY ?subject ?property ?value
"""
LinkChecker = Callable[[Iterable[str]], Mapping[str, str]]
"""Returns those of the IRIs that do not answer, with the reason."""
_NAMESPACES = {
    str(names._NS): names
    for names in vars(rdflib.namespace).values()
    if isinstance(names, type) and issubclass(names, DefinedNamespace) and hasattr(names, "_NS")
}
_IS_DEFINED_BY = NamedNode(RDFS + "isDefinedBy")
_TEXTS = (NamedNode(XSD + "string"), NamedNode(RDF + "langString"))
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u200c\u200d\u2060\ufeff"
"""All blanks of Unicode, the last of which is U+3000, and the characters of no width."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_PLAIN = re.compile("[!-~](?:[\n -~]*[!-~])?")
"""Texts of ASCII that neither are suspect nor end with a blank: half of all, told at once."""
_MIN_SIMILARITY = 0.75
_MAX_CACHED = 1 << 14  # IRIs, characters

_SECONDS = 15  # that a server has for each answer
_MAX_HOSTS = 8  # requested at once
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


@dataclass(frozen=True)
class _Fault:
    """A rule that a triple breaks, the term at fault, and the one that would be right."""

    rule: str
    term: Term
    right: Term | None = None
    is_violation: bool = False
    encoding: str = ""


@dataclass(frozen=True)
class TripleChecker:
    """Checks the triples of documents; the store has the declarations of terms."""

    store: Store
    builder: FindingBuilder
    base: str
    languages: Sequence[str]
    path_label: Callable[[str, str], str]

    def check(self, documents: Iterable[Document]) -> Iterator[Finding]:
        """Yield the findings about single triples, each predicate of a subject once.

        So do the terms that the SPARQL of stored queries names.
        """
        for document in documents:
            faults = {
                (quad.subject, quad.predicate, fault): None
                for quad in document.quads
                for fault in self._faults(quad, document)
            }
            for subject, predicate, fault in faults:
                yield self._finding(document.path, as_name(subject), predicate.value, fault)
            yield from self._query_findings(document)

    def _query_findings(self, document: Document) -> Iterator[Finding]:
        for iri, (start, end) in find_iris(document.sparql):
            is_ours = iri.startswith(self.base) and not iri.startswith(PG)
            before = document.sparql[:start]
            line, column = before.count("\n") + 1, start - before.rfind("\n")
            region = query_region(document, line, column, end - start)
            build = partial(self.builder.violation, document.path, focus_node=document.topics[0])
            if is_ours and not self.store.is_subject(iri):
                yield replace(build("Dangling", value=iri), region=region)
            elif not is_ours and self._is_unknown(iri, True):
                finding = self.builder.as_warning(build("UnknownTerm", value=iri))
                right = self._unknown_term(NamedNode(iri)).right
                description = self.builder.phrase("changeTo", text=str(right))
                fix = Fix(description, region, str(right)) if right else None
                yield replace(finding, region=region, fix=fix)

    def _finding(self, file: Path, subject: str, predicate: str, fault: _Fault) -> Finding:
        is_predicate = fault.term == NamedNode(predicate)
        finding = self.builder.violation(
            file,
            fault.rule,
            subject,
            detail=self.builder.phrase(
                fault.rule,
                language=getattr(fault.term, "language", ""),
                encoding=fault.encoding,
            ),
            path_label=self.path_label(subject, predicate),
            value="" if is_predicate else as_text(fault.term),
        )
        finding = replace(
            finding,
            result_path=predicate,
            value_term="" if is_predicate else str(fault.term),
            replacement="" if fault.right is None else str(fault.right),
        )
        return finding if fault.is_violation else self.builder.as_warning(finding)

    def _faults(self, quad: Quad, document: Document) -> Iterator[_Fault]:
        if self._is_unknown(quad.predicate.value, True):
            yield self._unknown_term(quad.predicate)
        if isinstance(quad.object, NamedNode):
            if self._is_unknown(quad.object.value, False):
                yield self._unknown_term(quad.object)
        elif isinstance(quad.object, Literal):
            yield from self._literal_faults(quad, quad.object, document)

    def _literal_faults(self, quad: Quad, value: Literal, document: Document) -> Iterator[_Fault]:
        datatype = value.datatype
        if self._is_unknown(datatype.value, True):
            right = self._unknown_term(datatype).right
            typed = Literal(value.value, datatype=right) if isinstance(right, NamedNode) else None
            yield _Fault("UnknownTerm", value, typed)
        if self._is_variant(value.language):
            yield _Fault("RegionalTag", value, _listed(quad, value, document), is_violation=True)
        content = value.value
        if _PLAIN.fullmatch(content):
            return
        if NOT_XML.search(content):
            yield _Fault("NotXml", value, is_violation=True)
        if datatype not in _TEXTS or query_text(quad):
            return
        if _REPLACEMENT in content:
            yield _Fault("ReplacementCharacter", value)
        text, encoding = decode_misread(content)
        if encoding:
            yield _Fault("Mojibake", value, _with_text(value, text), False, encoding)
        elif (text := trim(content)) != content:
            yield _Fault("BlankEnds", value, _with_text(value, text) if text else None)

    def _is_variant(self, tag: str | None) -> bool:
        """Return whether a tag is not in the list of languages but its primary subtag is."""
        return bool(tag) and tag not in self.languages and _primary(tag) in self.languages

    @cached_property
    def _is_unknown(self) -> Callable[[str, bool], bool]:
        """Return a cached function, since few terms are repeated in many triples."""
        return lru_cache(_MAX_CACHED)(self._lacks_definition)

    def _lacks_definition(self, iri: str, with_base: bool) -> bool:
        namespace = iri.removesuffix(local_name(iri))
        if namespace == iri or iri in self._declared:
            return False
        if namespace in _NAMESPACES:
            return local_name(iri) not in _NAMESPACES[namespace]
        return with_base and iri.startswith(self.base)

    def _unknown_term(self, term: NamedNode) -> _Fault:
        namespace = term.value.removesuffix(local_name(term.value))
        terms = {*map(str, dir(_NAMESPACES.get(namespace, object))), *self._declared}
        names = [local_name(iri) for iri in terms if iri.startswith(namespace)]
        near = find_similar(local_name(term.value), sorted(names), 1, _MIN_SIMILARITY)
        return _Fault("UnknownTerm", term, NamedNode(namespace + near[0]) if near else None)

    @cached_property
    def _declared(self) -> set[str]:
        quads = self.store.quads(None, _IS_DEFINED_BY)
        return {quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)}


def query_region(document: Document, line: int, column: int, length: int = 0) -> Region:
    """Return a place in the SPARQL of a stored query as a region of its file."""
    text = document.content.decode("utf-8-sig")
    first = text.count("\n", 0, max(text.find(document.sparql.strip()), 0))
    start = Position(first + max(line, 1), max(column, 1))
    return Region(start, start._replace(column=start.column + length))


@dataclass(frozen=True)
class ValueChecker:
    """Checks the links to IRIs of ours, the deprecated values and the literals of a store.

    `file` returns the file of a subject, `path_label` the label of its property.
    """

    store: Store
    builder: FindingBuilder
    file: Callable[[str], Path]
    path_label: Callable[[str, str], str]

    def find_dangling(self, base: str) -> Iterator[Finding]:
        """Yield violations for links to IRIs below the base that nothing describes."""
        for row in self.store.select(_DANGLING.format(base=Literal(base))):
            yield self._finding("Dangling", row)

    def find_deprecated(self, lifecycle: Lifecycle) -> Iterator[Finding]:
        """Yield warnings for the deprecated values of current subjects, with their successors.

        The links of a scheme or a concept to its narrower concepts do not count.
        """
        for row in self.store.select(_DEPRECATED_VALUES):
            if deprecation := lifecycle.get(as_text(row["value"])):
                finding = replace(
                    self._finding("Deprecated", row), hint=self._hint(deprecation.successor)
                )
                yield self.builder.as_warning(finding)

    def find_rewritten(self, documents: Sequence[Document]) -> Iterator[Finding]:
        """Yield violations for literals that the embedded store does not keep as they are.

        Equal literals have the same lexical form and datatype (RDF 1.1 Concepts, section 3.3).
        Texts have no other form.
        """
        literals = {
            (document.path, quad.triple): quad.object
            for document in documents
            for quad in document.quads
            if isinstance(quad.object, Literal) and quad.object.datatype not in _TEXTS
        }
        rewritten = find_rewritten_literals(literals.values())
        for (path, triple), literal in literals.items():
            if term := rewritten.get(literal):
                datatype = local_name(term.datatype.value)
                detail = self.builder.phrase("Rewritten", value=term.value, datatype=datatype)
                row = {"subject": triple.subject, "property": triple.predicate, "value": literal}
                yield replace(self._finding("Rewritten", row), file=path, detail=detail)

    def _finding(self, rule: str, row: Solution) -> Finding:
        subject, path = as_name(row["subject"]), as_text(row["property"])
        finding = self.builder.violation(
            self.file(subject),
            rule,
            subject,
            path_label=self.path_label(subject, path),
            value=as_text(row["value"]),
        )
        return replace(finding, result_path=path, value_term=str(row["value"]))

    def _hint(self, successor: str) -> str:
        if not successor:
            return self.builder.phrase("removeReference")
        name = self.builder.reader.label(successor, self.builder.languages)
        return self.builder.phrase("replaceWith", name=name or successor, iri=successor)


def as_name(node: Term) -> str:
    """Return the IRI of a node, or the label of a blank one."""
    return str(node) if isinstance(node, BlankNode) else as_text(node)


def trim(text: str) -> str:
    """Return a text without blanks and characters of no width at its ends."""
    return text.strip(_BLANKS)


def trim_literal(term: Term) -> Term:
    """Return a literal without blanks at its ends, unless it has nothing else; others as is."""
    if not isinstance(term, Literal):
        return term
    content = term.value
    text = trim(content)
    return term if text in ("", content) else _with_text(term, text)


def has_blanks(document: Document) -> bool:
    """Return whether a literal of a document, but a query, has blanks at its ends."""
    return any(
        isinstance(term := quad.object, Literal)
        and trim_literal(term) is not term
        and not query_text(quad)
        for quad in document.quads
    )


def without_blanks(finding: Finding) -> tuple[str, ...]:
    """Return what tells a result from others, the value without blanks at its ends."""
    names = (finding.focus_node, finding.result_path, finding.source_constraint_component)
    return (*names, finding.source_shape, trim(finding.value) or finding.value_term)


def _primary(tag: str | None) -> str:
    return (tag or "").partition("-")[0]


def _listed(quad: Quad, value: Literal, document: Document) -> Literal | None:
    """Return a text with its primary language, unless the field has one in that language."""
    right = Literal(value.value, language=_primary(value.language))
    others = (
        other.object
        for other in document.quads
        if (other.subject, other.predicate) == (quad.subject, quad.predicate)
    )
    languages = {other.language for other in others if isinstance(other, Literal)}
    return None if right.language in languages else right


def _with_text(value: Literal, text: str) -> Literal:
    if value.language:
        return Literal(text, language=value.language)
    return Literal(text, datatype=value.datatype)


class _NoHostError(Exception):
    """A host to which nothing connects."""


def find_dead_links(
    iris: Iterable[str], progress: Progress = no_progress, seconds: float = _SECONDS
) -> dict[str, str]:
    """Return those of the IRIs on the web that do not answer in some seconds, with the reason.

    A host to which nothing connects is requested once.
    """
    hosts: dict[str, list[str]] = {}
    for iri in sorted(iris):
        if iri.startswith(("http://", "https://")):
            hosts.setdefault(urlsplit(iri).netloc, []).append(iri)
    with ThreadPoolExecutor(_MAX_HOSTS) as pool:
        requests = [pool.submit(_request_host, iris, seconds) for iris in hosts.values()]
        results = [request.result() for request in progress("Requesting hosts", requests)]
    return {iri: reason for dead in results for iri, reason in dead.items()}


def _request_host(iris: Sequence[str], seconds: float) -> dict[str, str]:
    opener = OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        reasons = {iri: _request(opener, iri, seconds) for iri in iris}
    except _NoHostError as error:
        return dict.fromkeys(iris, str(error))
    return {iri: reason for iri, reason in reasons.items() if reason}


def _request(opener: OpenerDirector, iri: str, seconds: float) -> str:
    """Return why an IRI does not answer, or ""; a server without HEAD gets a GET."""
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
