"""SHACL (https://www.w3.org/TR/shacl/), read into node shapes, fields, parameters and messages.

No other module reads its terms. shapes/README.md says what they, and those of our ontology, become.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from ..errors import CatalogueError
from ..rdf.namespaces import PG, RDFS, SH, SKOS, XSD
from ..rdf.terms import Node, Term, as_text, local_name, parse_decimal
from ..storage import query_guard
from ..storage.base import Store
from .fields import Field, Group, NodeShape, Parameter, Shapes
from .text import Labels

SHAPE = "https://w3id.org/practicegraph/shapes#"
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_COLLECTION = re.compile(r"[a-z][a-z0-9-]*")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_ROLE = "http://datashapes.org/dash#propertyRole"
_EXECUTABLE = re.compile(re.escape(SH) + "SPARQL(Select|Ask|Construct)Executable")
_TERMS_OF_SHAPES = (
    *("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf", "property", "path"),
    *("node", "not", "and", "or", "xone", "sparql", "select", "ask", "declare", "namespace"),
)
"""Terms without which nothing is a shape, or part of one."""
_PATHS = {
    "inversePath": ("^", ""),
    "zeroOrMorePath": ("", "*"),
    "oneOrMorePath": ("", "+"),
    "zeroOrOnePath": ("", "?"),
}
"""The paths of one step, with what SPARQL writes before and after the step."""
_TRUE = Literal(True)


class ShapesError(CatalogueError):
    """Shapes that make no sense; the message names the shape."""


def read_shapes(store: Store) -> Shapes:
    """Read the shapes out of the store; raise ShapesError."""
    targets = (SH + "targetClass", SH + "targetSubjectsOf")
    nodes = dict.fromkeys(node for target in targets for node in store.subjects(target))
    coded = (node for node in store.subjects(SH + "codeIdentifier") if node not in nodes)
    nodes |= dict.fromkeys(node for node in coded if store.value(node, SH + "property"))
    shapes = [_node_shape(store, node) for node in nodes if isinstance(node, NamedNode)]
    if not any(shape.segment for shape in shapes):
        raise ShapesError("no node shape has sh:targetClass, sh:property and sh:codeIdentifier")
    return Shapes(tuple(sorted(shapes, key=lambda shape: shape.iri)), _languages(store))


def read_field(store: Store, shape: Node) -> Field:
    """Read a property shape, or a parameter of a query; raise ShapesError without a path."""

    def text(term: str) -> str | None:
        return _optional_text(store.value(shape, term))

    path = store.value(shape, SH + "path")
    if path is None:
        raise ShapesError(f"{shape.value}: a field has an sh:path")
    name = path.value if isinstance(path, NamedNode) else ""
    keys = (text(SH + "codeIdentifier") or "", local_name(name))
    key = next((key for key in keys if _KEY.fullmatch(key)), None)
    if key is None:
        raise ShapesError(f"{shape.value}: a field with such a path has an sh:codeIdentifier")
    node = store.value(shape, SH + "node")
    return Field(
        iri=shape.value,
        key=key,
        path=_path(store, path),
        predicates=_predicates(store, path),
        names=store.labels(shape, SH + "name"),
        other_names=_other_names(store, shape),
        hints=store.labels(shape, SH + "description"),
        group=_group(store, shape),
        order=_number(store.value(shape, SH + "order")),
        is_required=_number(store.value(shape, SH + "minCount")) > 0,
        is_repeatable=text(SH + "maxCount") != "1",
        is_text=node in store.subjects(SH + "languageIn"),
        datatypes=_datatypes(store, shape),
        pattern=_pattern(text(SH + "pattern")),
        scheme=_scheme(store, node),
        options=_options(store, shape),
        is_facet=store.value(shape, PG + "facet") == _TRUE,
        is_searched=store.value(shape, PG + "searched") == _TRUE,
        role=(text(_ROLE) or "").rpartition("#")[2],
        links_to=text(PG + "linksTo"),
        open_where=text(PG + "openWhere"),
    )


def read_parameters(store: Store, query: Node) -> tuple[Parameter, ...]:
    """Read the parameters of a stored query, in order of their keys; raise ShapesError."""
    parameters = [
        Parameter(
            field=read_field(store, node),
            default=store.value(node, SH + "defaultValue"),
            is_optional=store.value(node, SH + "optional") == _TRUE,
        )
        for node in store.values(query, SH + "parameter")
        if isinstance(node, NamedNode)
    ]
    return tuple(sorted(parameters, key=lambda parameter: parameter.key))


def executable_quads(quads: Sequence[Quad], text: str) -> Iterator[Quad]:
    """Yield the statement of a stored query's SPARQL, its parameters bound to their defaults."""
    query = Literal(query_guard.bind_parameters(text, _defaults(quads)))
    for quad in quads:
        if kind := _EXECUTABLE.fullmatch(getattr(quad.object, "value", "")):
            yield Quad(quad.subject, NamedNode(SH + kind[1].lower()), query, quad.graph_name)


def read_shape_graphs(store: Store) -> list[Triple]:
    """Return all graphs in which shapes stand, as an engine reads them."""
    terms = (NamedNode(SH + term) for term in _TERMS_OF_SHAPES)
    graphs = dict.fromkeys(str(quad.graph_name) for t in terms for quad in store.quads(None, t))
    return [quad.triple for graph in graphs for quad in store.graph_quads(graph.strip("<>"))]


def read_paths(store: Store) -> dict[Node, str]:
    """Return the paths of all property shapes, as SPARQL's."""
    paths: dict[Node, str] = {}
    for shape in store.subjects(SH + "path"):
        with suppress(ShapesError):
            paths[shape] = _path(store, store.values(shape, SH + "path")[0])
    return paths


def read_parameter_values(store: Store, shape: str | BlankNode, component: str) -> list[Term]:
    """Return the values of a constraint component's parameter in a shape (section 4).

    The parameter of `MinCountConstraintComponent` is `sh:minCount`. Lists are returned as members.
    """
    parameter = component.removesuffix("ConstraintComponent")
    parameter = SH + parameter[:1].lower() + parameter[1:]
    node = NamedNode(shape) if isinstance(shape, str) else shape
    values = store.values(node, parameter)
    return [term for value in values for term in store.list_members(value) or [value]]


def read_messages(store: Store, shape: str) -> list[Labels]:
    """Return the messages of a shape (section 2.1.5) and of its SPARQL constraints (section 5.1).

    Each is by language, or by "" where it has none.
    """
    constraints = store.values(NamedNode(shape), SH + "sparql")
    nodes = [node for node in constraints if isinstance(node, NamedNode | BlankNode)]
    return [_message(store, node) for node in (NamedNode(shape), *nodes)]


def _node_shape(store: Store, shape: NamedNode) -> NodeShape:
    fields = _fields(store, shape, SH + "property")
    classes = _iris(store.values(shape, SH + "targetClass"))
    segment = _segment(store, shape, classes, fields)
    return NodeShape(
        iri=shape.value,
        classes=tuple(sorted(classes)) or ((shape.value,) if segment else ()),
        labels=store.labels(shape, RDFS + "label"),
        segment=segment,
        collection=_collection(store, shape) or segment or "",
        is_topic=store.value(shape, PG + "topic") == _TRUE,
        fields=fields,
        ranges=_fields(store, shape, PG + "span"),
    )


def _segment(
    store: Store, shape: NamedNode, classes: Sequence[str], fields: Sequence[Field]
) -> str | None:
    """Return the segment of a kind in paths: as stated, or where it has facets, by its class."""
    code = _optional_text(store.value(shape, SH + "codeIdentifier")) or ""
    if fields and _KEY.fullmatch(code):
        return code
    has_facets = any(field.is_facet for field in fields)
    return local_name(classes[0]).lower() if classes and has_facets else None


def _collection(store: Store, shape: Node) -> str:
    """Return the name of all entries together, or "" where none is stated that fits a path."""
    name = _optional_text(store.value(shape, PG + "collection")) or ""
    return name if _COLLECTION.fullmatch(name) else ""


def _fields(store: Store, shape: Node, term: str) -> tuple[Field, ...]:
    fields: list[Field] = []
    for node in store.values(shape, term):
        if isinstance(node, NamedNode):
            with suppress(ShapesError):  # a check reports it; the others stay as they are
                fields.append(read_field(store, node))
    return tuple(sorted(fields, key=lambda field: field.sort_key))


def _languages(store: Store) -> tuple[str, ...]:
    heads = (store.value(node, SH + "languageIn") for node in store.subjects(SH + "languageIn"))
    members = (term for head in heads for term in store.list_members(head))
    tags = (as_text(term) for term in members if isinstance(term, Literal))
    languages = tuple(dict.fromkeys(tag for tag in tags if _TAG.fullmatch(tag)))
    if not languages:
        raise ShapesError("sh:languageIn stands once in the shapes: it is the list of languages")
    return languages


def _other_names(store: Store, shape: Node) -> tuple[tuple[str, str], ...]:
    terms = store.values(shape, SKOS + "altLabel")
    return tuple(sorted((t.language or "", t.value) for t in terms if isinstance(t, Literal)))


def _group(store: Store, shape: Node) -> Group:
    group = store.value(shape, SH + "group")
    if not isinstance(group, NamedNode):
        return Group("", {}, 0)
    order = _number(store.value(group, SH + "order"))
    return Group(group.value, store.labels(group, RDFS + "label"), order)


def _scheme(store: Store, node: Term | None) -> str | None:
    """Return the scheme in which all values are that conform to a node shape."""
    if not isinstance(node, NamedNode | BlankNode):
        return None
    for shape in store.values(node, SH + "property"):
        if not isinstance(shape, NamedNode | BlankNode):
            continue
        if _optional_text(store.value(shape, SH + "path")) == SKOS + "inScheme":
            scheme = store.value(shape, SH + "hasValue")
            return scheme.value if isinstance(scheme, NamedNode) else None
    return None


def _options(store: Store, shape: Node) -> tuple[Term, ...]:
    members = store.list_members(store.value(shape, SH + "in"))
    if options := tuple(term for term in members if isinstance(term, NamedNode | Literal)):
        return options
    is_boolean = _datatypes(store, shape) == (XSD + "boolean",)
    return (_TRUE, Literal(False)) if is_boolean else ()


def _datatypes(store: Store, shape: Node) -> tuple[str, ...]:
    alternatives = store.list_members(store.value(shape, SH + "or"))
    nodes = [shape, *(node for node in alternatives if isinstance(node, NamedNode | BlankNode))]
    return _iris(term for node in nodes for term in store.values(node, SH + "datatype"))


def _predicates(store: Store, path: Term) -> tuple[str, ...]:
    """Return the properties among which a path is a choice (section 2.3.1.3), else none."""
    if isinstance(path, NamedNode):
        return (path.value,)
    if not isinstance(path, BlankNode):
        return ()
    members = store.list_members(store.value(path, SH + "alternativePath"))
    predicates = _iris(members)
    return predicates if len(predicates) == len(members) else ()


def _path(store: Store, path: Term, within: tuple[Term, ...] = ()) -> str:
    """Write a SHACL path (section 2.3.1) as a SPARQL property path; raise ShapesError."""
    if isinstance(path, NamedNode):
        return str(path)
    if not isinstance(path, BlankNode) or path in within:
        raise ShapesError(f"no path of SHACL: {path}")
    within = (*within, path)
    if steps := store.list_members(path):
        return "(" + "/".join(_path(store, step, within) for step in steps) + ")"
    for term, (before, after) in _PATHS.items():
        if step := store.value(path, SH + term):
            return f"({before}{_path(store, step, within)}{after})"
    alternatives = store.list_members(store.value(path, SH + "alternativePath"))
    if not alternatives:
        raise ShapesError(f"no path of SHACL: {path}")
    return "(" + "|".join(_path(store, step, within) for step in alternatives) + ")"


def _defaults(quads: Sequence[Quad]) -> dict[str, Term]:
    """Return the default values of a query's parameters, by key."""
    values: dict[str, Mapping[object, Term]] = {
        name: {quad.subject: quad.object for quad in quads if quad.predicate.value == SH + name}
        for name in ("codeIdentifier", "defaultValue")
    }
    keys = {n: key.value for n, key in values["codeIdentifier"].items() if isinstance(key, Literal)}
    return {keys[node]: term for node, term in values["defaultValue"].items() if node in keys}


def _message(store: Store, node: Node) -> Labels:
    texts = [term for term in store.values(node, SH + "message") if isinstance(term, Literal)]
    plain = [("", text.value) for text in texts if not text.language]
    return dict(plain) | store.labels(node, SH + "message")


def _pattern(text: str | None) -> str | None:
    try:
        return None if text is None else re.compile(text).pattern
    except re.error:
        return None


def _optional_text(term: Term | None) -> str | None:
    return as_text(term) if isinstance(term, NamedNode | Literal) else None


def _number(term: Term | None) -> float:
    return parse_decimal(_optional_text(term) or "") or 0


def _iris(terms: Iterable[Term]) -> tuple[str, ...]:
    return tuple(term.value for term in terms if isinstance(term, NamedNode))
