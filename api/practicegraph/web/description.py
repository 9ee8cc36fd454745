"""What the endpoint says of itself (https://www.w3.org/TR/sparql11-service-description/)."""

from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..catalogue import Catalogue
from ..store import RDF, Node, Term
from ..turtle import XSD
from . import documents
from .negotiation import HTML, Form

_SD = "http://www.w3.org/ns/sparql-service-description#"
_VOID = "http://rdfs.org/ns/void#"
_FORMATS = "http://www.w3.org/ns/formats/"
_NAMES = {
    "json": "SPARQL_Results_JSON",
    "xml": "SPARQL_Results_XML",
    "csv": "SPARQL_Results_CSV",
    "tsv": "SPARQL_Results_TSV",
    "ttl": "Turtle",
    "nt": "N-Triples",
    "rdf": "RDF_XML",
    "jsonld": "JSON-LD",
    "trig": "TriG",
    "nq": "N-Quads",
}


def description(
    catalogue: Catalogue,
    address: str,
    form: Form,
    results: Iterable[Form],
    features: Iterable[str],
) -> bytes:
    """Give the service description in a form: language, features, formats, graphs with counts."""
    triples = list(_triples(catalogue, NamedNode(address), results, features))
    return documents.serialised(catalogue, triples, form, address)


def _triples(
    catalogue: Catalogue, service: NamedNode, results: Iterable[Form], features: Iterable[str]
) -> Iterator[Triple]:
    def says(subject: Node, name: str, value: Term) -> Triple:
        return Triple(subject, NamedNode(name), value)

    yield says(service, RDF + "type", NamedNode(_SD + "Service"))
    yield says(service, _SD + "endpoint", service)
    yield says(service, _SD + "supportedLanguage", NamedNode(_SD + "SPARQL11Query"))
    for feature in features:
        yield says(service, _SD + "feature", NamedNode(_SD + feature))
    for form in results:
        if form != HTML:
            name = NamedNode(_FORMATS + _NAMES[form.extension])
            yield says(service, _SD + "resultFormat", name)
    dataset, union = BlankNode(), BlankNode()
    yield says(service, _SD + "defaultDataset", dataset)
    yield says(dataset, RDF + "type", NamedNode(_SD + "Dataset"))
    yield says(dataset, _SD + "defaultGraph", union)
    yield says(union, RDF + "type", NamedNode(_SD + "Graph"))
    sizes = catalogue.store.sizes()
    yield from catalogue.dataset.statistics.said(union, catalogue.base)
    for graph, size in sizes.items():
        named, contents = BlankNode(), BlankNode()
        yield says(dataset, _SD + "namedGraph", named)
        yield says(named, RDF + "type", NamedNode(_SD + "NamedGraph"))
        yield says(named, _SD + "name", NamedNode(graph))
        yield says(named, _SD + "graph", contents)
        yield says(contents, RDF + "type", NamedNode(_SD + "Graph"))
        yield says(contents, _VOID + "triples", _number(size))


def _number(value: int) -> Literal:
    return Literal(str(value), datatype=NamedNode(XSD + "integer"))
