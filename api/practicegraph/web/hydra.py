"""A page of a search as a graph: its entries, and the way on in the terms of Hydra.

The collection keeps the published base; its pages have the address at which they were asked for, so
that a client can follow them there (https://www.hydra-cg.com/spec/latest/core/). The page's
statements stand in a graph of their own, which the page names, before the entries' graphs. A graph
has no order; the documents list members and entries in that of the search.
"""

from collections.abc import Iterator

from fastapi import Request
from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import Catalogue
from ..choices import NOT
from ..kinds import Field
from ..store import RDF, Term, named
from ..turtle import XSD
from . import documents, links
from .leads import OURS, PATH, address, query_of
from .negotiation import Form
from .results import Found

HYDRA = "http://www.w3.org/ns/hydra/core#"
_SEE_ALSO = "http://www.w3.org/2000/01/rdf-schema#seeAlso"
_RELATIONS = {"first": "first", "next": "next", "prev": "previous"}
_PAGING = ("after", "before", "size", "sort", "zeros", "explain")
_MEANT = {"q": "freetextQuery", "size": "limit", "after": "pageReference"}
_TEMPLATE = "#search"
_IN_TEMPLATE = ("q", "sort", "size", "after", "before")


def page(catalogue: Catalogue, request: Request, found: Found, form: Form) -> bytes:
    """Give a page of a search in an RDF syntax."""
    asked = request.query_params.multi_items()
    origin = str(request.url.replace(path="", query=""))
    view = origin + address(request.url.path, asked)
    narrowing = query_of(asked, (*_PAGING, *OURS))
    collection = address(catalogue.base.rstrip("/") + PATH, narrowing)
    template = f"{links.root(request)}{PATH}"
    said = [
        *_of_collection(collection, view, found),
        *_of_view(view, origin, found),
        *_of_template(catalogue, collection, template),
    ]
    entries = found.answer.entries
    quads = [*named(said, view), *(q for name in entries for q in catalogue.store.graph(name))]
    topics = (collection, view, template + _TEMPLATE, *entries)
    return documents.listed(catalogue, quads, form, topics)


def _of_collection(collection: str, view: str, found: Found) -> Iterator[Triple]:
    yield _says(collection, RDF + "type", NamedNode(HYDRA + "Collection"))
    total = Literal(str(found.answer.total), datatype=NamedNode(XSD + "integer"))
    yield _says(collection, HYDRA + "totalItems", total)
    yield _says(collection, HYDRA + "view", NamedNode(view))
    for entry in found.answer.entries:
        yield _says(collection, HYDRA + "member", NamedNode(entry))


def _of_view(view: str, origin: str, found: Found) -> Iterator[Triple]:
    yield _says(view, RDF + "type", NamedNode(HYDRA + "PartialCollectionView"))
    pages = {relation: origin + place for relation, place in found.pages.items()}
    for relation, place in ({"first": view} | pages).items():
        yield _says(view, HYDRA + _RELATIONS[relation], NamedNode(place))


def _of_template(catalogue: Catalogue, collection: str, path: str) -> Iterator[Triple]:
    """Give how a search is asked for: a template (RFC 6570), each variable with its field."""
    parameters, template = catalogue.choosing.parameters, path + _TEMPLATE
    variables = {n: facet for n, facet in parameters.items() if facet or n in _IN_TEMPLATE}
    listed = ",".join(n + "*" * _repeats(n, facet) for n, facet in variables.items())
    yield _says(collection, HYDRA + "search", NamedNode(template))
    yield _says(template, RDF + "type", NamedNode(HYDRA + "IriTemplate"))
    yield _says(template, HYDRA + "template", Literal(f"{path}{{?{listed}}}"))
    basic = NamedNode(HYDRA + "BasicRepresentation")
    yield _says(template, HYDRA + "variableRepresentation", basic)
    for name, facet in variables.items():
        mapping = f"{template}-{name}"
        yield _says(template, HYDRA + "mapping", NamedNode(mapping))
        yield from _of_mapping(mapping, name, facet)


def _of_mapping(mapping: str, name: str, facet: Field | None) -> Iterator[Triple]:
    """Give what a variable means: its property if it has one, and the shape of its field."""
    yield _says(mapping, RDF + "type", NamedNode(HYDRA + "IriTemplateMapping"))
    yield _says(mapping, HYDRA + "variable", Literal(name))
    if facet is None:
        if name in _MEANT:
            yield _says(mapping, HYDRA + "property", NamedNode(HYDRA + _MEANT[name]))
        return
    yield _says(mapping, _SEE_ALSO, NamedNode(facet.iri))
    if facet.predicate and name == facet.key:
        yield _says(mapping, HYDRA + "property", NamedNode(facet.predicate))


def _repeats(name: str, facet: Field | None) -> bool:
    return facet is not None and name in (facet.key, facet.key + NOT)


def _says(subject: str, name: str, value: Term) -> Triple:
    return Triple(NamedNode(subject), NamedNode(name), value)
