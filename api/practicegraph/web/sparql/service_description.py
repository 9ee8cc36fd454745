"""The description of the SPARQL endpoint (https://www.w3.org/TR/sparql11-service-description/)."""

from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, NamedNode, Triple

from ...application.services import Services
from ...rdf.namespaces import RDF, SD, VOID
from ...rdf.terms import Node, Term, integer
from .. import document as web_document
from ..http.negotiation import HTML, MediaType

_FORMATS = "http://www.w3.org/ns/formats/"
_FORMAT_NAMES = {
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


def service_description(
    services: Services,
    address: str,
    media_type: MediaType,
    results: Iterable[MediaType],
    features: Iterable[str],
) -> bytes:
    """Return the service description in a media type: features, formats, and graphs with counts."""
    triples = list(_triples(services, NamedNode(address), results, features))
    return web_document.serialize_triples(services.catalogue, triples, media_type, address)


def _triples(
    services: Services, endpoint: NamedNode, results: Iterable[MediaType], features: Iterable[str]
) -> Iterator[Triple]:
    catalogue = services.catalogue

    def statement(subject: Node, name: str, value: Term) -> Triple:
        return Triple(subject, NamedNode(name), value)

    yield statement(endpoint, RDF + "type", NamedNode(SD + "Service"))
    yield statement(endpoint, SD + "endpoint", endpoint)
    yield statement(endpoint, SD + "supportedLanguage", NamedNode(SD + "SPARQL11Query"))
    for feature in features:
        yield statement(endpoint, SD + "feature", NamedNode(SD + feature))
    for media_type in results:
        if media_type != HTML:
            name = NamedNode(_FORMATS + _FORMAT_NAMES[media_type.extension])
            yield statement(endpoint, SD + "resultFormat", name)
    dataset, union = BlankNode(), BlankNode()
    yield statement(endpoint, SD + "defaultDataset", dataset)
    yield statement(dataset, RDF + "type", NamedNode(SD + "Dataset"))
    yield statement(dataset, SD + "defaultGraph", union)
    yield statement(union, RDF + "type", NamedNode(SD + "Graph"))
    sizes = catalogue.store.graph_sizes()
    yield from services.dataset.statistics.triples(union)
    for graph, size in sizes.items():
        named, contents = BlankNode(), BlankNode()
        yield statement(dataset, SD + "namedGraph", named)
        yield statement(named, RDF + "type", NamedNode(SD + "NamedGraph"))
        yield statement(named, SD + "name", NamedNode(graph))
        yield statement(named, SD + "graph", contents)
        yield statement(contents, RDF + "type", NamedNode(SD + "Graph"))
        yield statement(contents, VOID + "triples", integer(size))
