"""A page of a search as a Hydra collection (https://www.hydra-cg.com/spec/latest/core/).

The collection's IRI has the published base. Its pages have the URL of the request, so that a client
can follow them there. The statements about the page stand in a named graph of their own, before the
graphs of the entries. A graph has no order; documents list members and entries in that of the
search.
"""

from collections.abc import Iterator, Mapping

from fastapi import Request
from pyoxigraph import Literal, NamedNode, Triple

from ...application.services import Services
from ...rdf.terms import HYDRA, PG, RDF, RDFS, in_graph, integer
from ...schema.fields import Field
from ...search.engine import SearchResult
from ...search.request import NOT, RequestParser
from ..document import serialize_in_order, triple
from ..http import responses
from ..http.negotiation import MediaType
from ..urls import search_path
from .links import REPRESENTATION_PARAMETERS, with_query, without_names

_SEE_ALSO = RDFS + "seeAlso"
_RELATIONS = {"first": "first", "next": "next", "prev": "previous"}
_NO_FILTERS = ("after", "before", "size", "sort", "zeros", "explain")
_PROPERTIES = {
    "q": HYDRA + "freetextQuery",
    "size": HYDRA + "limit",
    "after": HYDRA + "pageReference",
    "before": HYDRA + "pageReference",
}
_OTHER_PROPERTY = PG + "searchParameter"
"""The property of what no property of entries stands for: orders, exclusions, ends of ranges."""
_VARIABLES = ("q", "sort", "size", "after", "before")


def hydra_document(
    services: Services,
    request: Request,
    result: SearchResult,
    pages: Mapping[str, str],
    media_type: MediaType,
) -> bytes:
    """Return a page of a search in an RDF syntax."""
    catalogue, parameters = services.catalogue, request.query_params.multi_items()
    origin = str(request.url.replace(path="", query=""))
    page = origin + with_query(request.url.path, parameters)
    filters = without_names(parameters, (*_NO_FILTERS, *REPRESENTATION_PARAMETERS))
    search = search_path(catalogue.shapes.entry_shape)
    collection = with_query(catalogue.base.rstrip("/") + search, filters)
    path = f"{responses.root(request)}{search}"
    template = f"{path}#search"
    triples = [
        *_collection(collection, page, result),
        *_page(page, {relation: origin + url for relation, url in pages.items()}),
        *_template(services.request_parser, collection, path, template),
    ]
    quads = [
        *in_graph(triples, page),
        *(quad for entry in result.entries for quad in catalogue.store.graph_quads(entry)),
    ]
    topics = (collection, page, template, *result.entries)
    return serialize_in_order(catalogue, quads, media_type, topics)


def _collection(collection: str, page: str, result: SearchResult) -> Iterator[Triple]:
    yield triple(collection, RDF + "type", NamedNode(HYDRA + "Collection"))
    yield triple(collection, HYDRA + "totalItems", integer(result.total))
    yield triple(collection, HYDRA + "view", NamedNode(page))
    for entry in result.entries:
        yield triple(collection, HYDRA + "member", NamedNode(entry))


def _page(page: str, pages: Mapping[str, str]) -> Iterator[Triple]:
    yield triple(page, RDF + "type", NamedNode(HYDRA + "PartialCollectionView"))
    for relation, url in ({"first": page} | dict(pages)).items():
        yield triple(page, HYDRA + _RELATIONS[relation], NamedNode(url))


def _template(parser: RequestParser, collection: str, path: str, template: str) -> Iterator[Triple]:
    """Yield the URI template of a search (RFC 6570), with a mapping for each variable."""
    parameters = parser.parameters.items()
    variables = {name: facet for name, facet in parameters if facet or name in _VARIABLES}
    expression = ",".join(name + "*" * _repeats(name, facet) for name, facet in variables.items())
    yield triple(collection, HYDRA + "search", NamedNode(template))
    yield triple(template, RDF + "type", NamedNode(HYDRA + "IriTemplate"))
    yield triple(template, HYDRA + "template", Literal(f"{path}{{?{expression}}}"))
    yield triple(
        template, HYDRA + "variableRepresentation", NamedNode(HYDRA + "BasicRepresentation")
    )
    for name, facet in variables.items():
        mapping = f"{template}-{name}"
        yield triple(template, HYDRA + "mapping", NamedNode(mapping))
        yield from _mapping(mapping, name, facet)


def _mapping(mapping: str, name: str, facet: Field | None) -> Iterator[Triple]:
    """Yield what a variable stands for: its properties, and the shape of its field."""
    yield triple(mapping, RDF + "type", NamedNode(HYDRA + "IriTemplateMapping"))
    yield triple(mapping, HYDRA + "variable", Literal(name))
    properties = facet.predicates if facet and name == facet.key else ()
    for iri in properties or [_PROPERTIES.get(name, _OTHER_PROPERTY)]:
        yield triple(mapping, HYDRA + "property", NamedNode(iri))
    if facet:
        yield triple(mapping, _SEE_ALSO, NamedNode(facet.iri))


def _repeats(name: str, facet: Field | None) -> bool:
    return facet is not None and name in (facet.key, facet.key + NOT)
