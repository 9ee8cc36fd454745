"""The node shapes of a catalogue, their fields and its languages, read from SHACL.

The terms: https://www.w3.org/TR/shacl/ and those that our ontology adds; shapes/README.md says what
each of them becomes.
"""

import re
from collections.abc import Iterable
from contextlib import suppress

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf.namespaces import PG, RDFS, SH, SKOS, XSD
from ..rdf.terms import Node, Term, as_text, local_name, parse_decimal
from ..storage.base import Store
from .fields import Field, Group, NodeShape, Shapes
from .text import Labels

SHAPE = "https://w3id.org/practicegraph/shapes#"
_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_COLLECTION = re.compile(r"[a-z][a-z0-9-]*")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_ROLE = "http://datashapes.org/dash#propertyRole"
_SHAPES = (
    *("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf", "property", "path"),
    *("node", "not", "and", "or", "xone", "sparql", "select", "ask", "declare", "namespace"),
)
"""Terms without which nothing is a shape, or part of one."""


class ShapesError(CatalogueError):
    """Shapes that make no sense; the message names the shape."""


def read_shapes(store: Store) -> Shapes:
    """Read the shapes out of the store; raises ShapesError."""
    targets = (SH + "targetClass", SH + "targetSubjectsOf")
    shapes = dict.fromkeys(shape for target in targets for shape in store.subjects(target))
    coded = (shape for shape in store.subjects(SH + "codeIdentifier") if shape not in shapes)
    shapes |= dict.fromkeys(shape for shape in coded if store.value(shape, SH + "property"))
    named = (shape for shape in shapes if isinstance(shape, NamedNode))
    kinds = sorted((_kind(store, shape) for shape in named), key=lambda kind: kind.iri)
    if not any(kind.segment for kind in kinds):
        raise ShapesError("no node shape has sh:targetClass, sh:property and sh:codeIdentifier")
    return Shapes(tuple(kinds), _languages(store))


def _languages(store: Store) -> tuple[str, ...]:
    lists = [
        store.list_members(store.value(node, SH + "languageIn")) for node in _with_languages(store)
    ]
    items = (as_text(item) for listed in lists for item in listed if isinstance(item, Literal))
    found = tuple(dict.fromkeys(tag for tag in items if _TAG.fullmatch(tag)))
    if not found:
        raise ShapesError("sh:languageIn stands once in the shapes: it is the list of languages")
    return found


def _with_languages(store: Store) -> list[Node]:
    return store.subjects(SH + "languageIn")


def _kind(store: Store, shape: Node) -> NodeShape:
    fields, spans = (_fields(store, shape, term) for term in (SH + "property", PG + "span"))
    classes = _names(store.values(shape, SH + "targetClass"))
    said = _optional(store.value(shape, SH + "codeIdentifier")) or ""
    segment = said if fields and _CODE.fullmatch(said) else None
    if segment is None and classes and any(one.is_facet for one in fields):
        segment = local_name(classes[0]).lower()
    return NodeShape(
        iri=shape.value,
        classes=tuple(sorted(classes)) or ((shape.value,) if segment else ()),
        labels=store.labels(shape, RDFS + "label"),
        segment=segment,
        collection=_collection(store, shape) or segment or "",
        is_topic=_optional(store.value(shape, PG + "topic")) == "true",
        fields=fields,
        ranges=spans,
    )


def _collection(store: Store, shape: Node) -> str:
    """Return the name of all entries together, or "" where none is stated that fits a path."""
    name = _optional(store.value(shape, PG + "collection")) or ""
    return name if _COLLECTION.fullmatch(name) else ""


def _fields(store: Store, shape: Node, term: str) -> tuple[Field, ...]:
    listed = store.values(shape, term)
    fields: list[Field] = []
    for node in listed:
        if isinstance(node, NamedNode):
            with suppress(ShapesError):  # a check tells of it; the others stay as they are
                fields.append(read_field(store, node))
    return tuple(sorted(fields, key=lambda found: found.sort_key))


def read_field(store: Store, shape: Node) -> Field:
    """Read a property shape, or a parameter of a question; raises ShapesError without a path."""

    def text(term: str) -> str | None:
        return _optional(store.value(shape, term))

    path = store.value(shape, SH + "path")
    if path is None:
        raise ShapesError(f"{shape.value}: a field has an sh:path")
    predicates = _predicates(store, path)
    name = path.value if isinstance(path, NamedNode) else ""
    said, last = text(SH + "codeIdentifier") or "", local_name(name)
    key = next((code for code in (said, last) if _CODE.fullmatch(code)), "")
    if not key:
        raise ShapesError(f"{shape.value}: a field with such a path has an sh:codeIdentifier")
    node = store.value(shape, SH + "node")
    return Field(
        iri=shape.value,
        key=key,
        path=_path(store, path),
        predicates=predicates,
        names=store.labels(shape, SH + "name"),
        other_names=_wordings(store, shape, SKOS + "altLabel"),
        hints=store.labels(shape, SH + "description"),
        group=_group(store, shape),
        order=_number(store.value(shape, SH + "order")),
        is_required=_number(store.value(shape, SH + "minCount")) > 0,
        is_repeatable=text(SH + "maxCount") != "1",
        is_text=bool(node and node in _with_languages(store)),
        datatypes=_datatypes(store, shape),
        pattern=_pattern(text(SH + "pattern")),
        scheme=_scheme(store, node),
        options=_options(store, shape),
        is_facet=text(PG + "facet") == "true",
        is_searched=text(PG + "searched") == "true",
        role=(text(_ROLE) or "").rpartition("#")[2],
        links_to=text(PG + "linksTo"),
        open_where=text(PG + "openWhere"),
    )


def read_shape_graphs(store: Store) -> list[Triple]:
    """Return all graphs in which shapes stand, as an engine reads them."""
    quads = (quad for term in _SHAPES for quad in store.quads(None, NamedNode(SH + term)))
    graphs = dict.fromkeys(str(quad.graph_name) for quad in quads)
    return [quad.triple for graph in graphs for quad in store.graph_quads(graph.strip("<>"))]


def read_paths(store: Store) -> dict[Node, str]:
    """Return the paths of all property shapes, as SPARQL's."""
    found: dict[Node, str] = {}
    for shape in store.subjects(SH + "path"):
        with suppress(ShapesError):
            found[shape] = _path(store, store.values(shape, SH + "path")[0])
    return found


def _group(store: Store, shape: Node) -> Group:
    group = store.value(shape, SH + "group")
    if not isinstance(group, NamedNode):
        return Group("", {}, 0)
    order = _number(store.value(group, SH + "order"))
    return Group(group.value, store.labels(group, RDFS + "label"), order)


def _scheme(store: Store, node: Term | None) -> str | None:
    if not isinstance(node, NamedNode | BlankNode):
        return None
    for value_shape in store.values(node, SH + "property"):
        if not isinstance(value_shape, NamedNode | BlankNode):
            continue
        if _optional(store.value(value_shape, SH + "path")) == SKOS + "inScheme":
            scheme = store.value(value_shape, SH + "hasValue")
            return scheme.value if isinstance(scheme, NamedNode) else None
    return None


def _options(store: Store, shape: Node) -> tuple[Term, ...]:
    listed = store.list_members(store.value(shape, SH + "in"))
    if options := tuple(term for term in listed if isinstance(term, NamedNode | Literal)):
        return options
    if _datatypes(store, shape) == (XSD + "boolean",):
        boolean = NamedNode(XSD + "boolean")
        return (Literal("true", datatype=boolean), Literal("false", datatype=boolean))
    return ()


def _datatypes(store: Store, shape: Node) -> tuple[str, ...]:
    alternatives = store.list_members(store.value(shape, SH + "or"))
    nodes = [shape, *(node for node in alternatives if isinstance(node, NamedNode | BlankNode))]
    return _names(term for node in nodes for term in store.values(node, SH + "datatype"))


def _wordings(store: Store, shape: Node, predicate: str) -> tuple[tuple[str, str], ...]:
    terms = [term for term in store.values(shape, predicate) if isinstance(term, Literal)]
    return tuple(sorted((term.language or "", term.value) for term in terms))


def _predicates(store: Store, path: Term) -> tuple[str, ...]:
    """Return the properties among which a path is a choice (SHACL, 2.3.1.3); none if it is more."""
    if isinstance(path, NamedNode):
        return (path.value,)
    if not isinstance(path, BlankNode):
        return ()
    listed = store.list_members(store.value(path, SH + "alternativePath"))
    plain_ones = tuple(term.value for term in listed if isinstance(term, NamedNode))
    return plain_ones if len(plain_ones) == len(listed) else ()


def _path(store: Store, path: Term, within: tuple[Term, ...] = ()) -> str:
    """Write a SHACL path (section 2.3.1) as a SPARQL property path; raises ShapesError."""
    if isinstance(path, NamedNode):
        return str(path)
    if not isinstance(path, BlankNode) or path in within:
        raise ShapesError(f"no path of SHACL: {path}")
    within = (*within, path)
    if steps := store.list_members(path):
        return "(" + "/".join(_path(store, step, within) for step in steps) + ")"
    for term, (before, after) in _PATHS.items():
        if inner := store.value(path, SH + term):
            return f"({before}{_path(store, inner, within)}{after})"
    alternatives = store.list_members(store.value(path, SH + "alternativePath"))
    if not alternatives:
        raise ShapesError(f"no path of SHACL: {path}")
    return "(" + "|".join(_path(store, step, within) for step in alternatives) + ")"


_PATHS = {
    "inversePath": ("^", ""),
    "zeroOrMorePath": ("", "*"),
    "oneOrMorePath": ("", "+"),
    "zeroOrOnePath": ("", "?"),
}


def _optional(term: Term | None) -> str | None:
    return as_text(term) if isinstance(term, NamedNode | Literal) else None


def _number(term: Term | None) -> float:
    return parse_decimal(_optional(term) or "") or 0


def _pattern(text: str | None) -> str | None:
    try:
        return None if text is None else re.compile(text).pattern
    except re.error:
        return None


def _names(terms: Iterable[Term]) -> tuple[str, ...]:
    return tuple(term.value for term in terms if isinstance(term, NamedNode))


def read_parameter_values(store: Store, shape: str | BlankNode, component: str) -> list[Term]:
    """Return what a shape demands by a constraint component: its parameter's values (section 4).

    The parameter of `MinCountConstraintComponent` is `sh:minCount`; lists are given as members.
    """
    parameter = component.removesuffix("ConstraintComponent")
    parameter = SH + parameter[:1].lower() + parameter[1:]
    node = NamedNode(shape) if isinstance(shape, str) else shape
    values = store.values(node, parameter)
    return [term for value in values for term in store.list_members(value) or [value]]


def read_messages(store: Store, shape: str) -> list[Labels]:
    """Return the messages of a shape (section 2.1.5) and of its SPARQL constraints (section 5.1).

    Each is given by language, or by "" where it has none.
    """
    constraints = store.values(NamedNode(shape), SH + "sparql")
    nodes = [node for node in constraints if isinstance(node, NamedNode | BlankNode)]
    return [_message(store, node) for node in (NamedNode(shape), *nodes)]


def _message(store: Store, node: Node) -> Labels:
    texts = [term for term in store.values(node, SH + "message") if isinstance(term, Literal)]
    plain = [("", text.value) for text in texts if not text.language]
    return dict(plain) | store.labels(node, SH + "message")
