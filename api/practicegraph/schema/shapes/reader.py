"""The node shapes of a catalogue, their fields and its languages; parameters of stored queries."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from pyoxigraph import BlankNode, Literal, NamedNode

from ...errors import CatalogueError
from ...rdf.terms import (
    PG,
    RDFS,
    SH,
    SKOS,
    TRUE,
    XSD,
    Node,
    Term,
    as_text,
    local_name,
    parse_decimal,
)
from ...storage.base import NodeReader
from ..fields import Field, Group, NodeShape, Parameter, Shapes

SHAPE = "https://w3id.org/practicegraph/shapes#"
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_COLLECTION = re.compile(r"[a-z][a-z0-9-]*")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_ROLE = "http://datashapes.org/dash#propertyRole"
_MIN_COUNTS = (SH + "minCount", SH + "qualifiedMinCount")
_MAX_COUNTS = (SH + "maxCount", SH + "qualifiedMaxCount")
_PATHS = {
    "inversePath": ("^", ""),
    "zeroOrMorePath": ("", "*"),
    "oneOrMorePath": ("", "+"),
    "zeroOrOnePath": ("", "?"),
}
"""The paths of one step, with what SPARQL writes before and after the step."""


class ShapesError(CatalogueError):
    """Shapes that make no sense; the message names the shape."""


def read_shapes(store: NodeReader) -> Shapes:
    """Read the shapes out of a store; raise ShapesError."""
    targets = (SH + "targetClass", SH + "targetSubjectsOf")
    nodes = dict.fromkeys(node for target in targets for node in store.subjects(target))
    coded = (node for node in store.subjects(SH + "codeIdentifier") if node not in nodes)
    nodes |= dict.fromkeys(node for node in coded if store.value(node, SH + "property"))
    shapes = [_node_shape(store, node) for node in nodes if isinstance(node, NamedNode)]
    if not any(shape.segment for shape in shapes):
        raise ShapesError("no node shape has sh:targetClass, sh:property and sh:codeIdentifier")
    node_shapes = tuple(sorted(shapes, key=lambda shape: shape.iri))
    languages, compounding = _languages(store), _compounding_languages(store)
    return Shapes(node_shapes, languages, compounding_languages=compounding)


def read_field(store: NodeReader, shape: Node) -> Field:
    """Read a property shape, or a parameter of a query; raise ShapesError without a path."""

    def text(term: str) -> str | None:
        return _optional_text(store.value(shape, term))

    path = store.value(shape, SH + "path")
    if path is None:
        is_described = store.labels(shape, SH + "name") or store.values(shape, RDFS + "label")
        reason = "a field has an sh:path" if is_described else "no file describes this field"
        raise ShapesError(f"{shape.value}: {reason}")
    name = path.value if isinstance(path, NamedNode) else ""
    keys = (text(SH + "codeIdentifier") or "", local_name(name))
    key = next((key for key in keys if _KEY.fullmatch(key)), None)
    if key is None:
        raise ShapesError(f"{shape.value}: a field with such a path has an sh:codeIdentifier")
    node = store.value(shape, SH + "node")
    return Field(
        iri=shape.value,
        key=key,
        path=path_to_sparql(store, path),
        predicates=_predicates(store, path),
        via=None,
        names=store.labels(shape, SH + "name"),
        other_names=_other_names(store, shape),
        hints=store.labels(shape, SH + "description"),
        group=_group(store, shape),
        order=_number(store.value(shape, SH + "order")),
        is_required=any(_number(store.value(shape, name)) > 0 for name in _MIN_COUNTS),
        is_repeatable=all(text(name) != "1" for name in _MAX_COUNTS),
        is_text=node in store.subjects(SH + "languageIn"),
        has_unique_languages=store.value(shape, SH + "uniqueLang") == TRUE,
        datatypes=_datatypes(store, shape),
        pattern=_pattern(text(SH + "pattern")),
        scheme=_scheme(store, node) or _kind_of_records(store, shape),
        options=_options(store, shape),
        is_facet=store.value(shape, PG + "facet") == TRUE,
        is_searched=store.value(shape, PG + "searched") == TRUE,
        role=(text(_ROLE) or "").rpartition("#")[2],
        links_to=text(PG + "linksTo"),
        open_where=text(PG + "openWhere"),
        has_parts=_has_parts(store, shape),
        is_on_map=store.value(shape, PG + "onMap") == TRUE,
        is_badge=store.value(shape, PG + "badge") == TRUE,
        is_breakdown=store.value(shape, PG + "breakdown") == TRUE,
    )


def read_parameters(store: NodeReader, query: Node) -> tuple[Parameter, ...]:
    """Read the parameters of a stored query, in order of their keys; raise ShapesError."""
    parameters = [
        Parameter(
            field=read_field(store, node),
            default=store.value(node, SH + "defaultValue"),
            is_optional=store.value(node, SH + "optional") == TRUE,
        )
        for node in store.values(query, SH + "parameter")
        if isinstance(node, NamedNode)
    ]
    return tuple(sorted(parameters, key=lambda parameter: parameter.key))


def read_query_group(store: NodeReader, query: Node) -> Group:
    """Read the group under which a stored query is listed; an empty one without `pg:queryGroup`."""
    return _group(store, query, PG + "queryGroup")


def path_to_sparql(store: NodeReader, path: Term, within: tuple[Term, ...] = ()) -> str:
    """Write a SHACL path (section 2.3.1) as a SPARQL property path; raise ShapesError."""
    if isinstance(path, NamedNode):
        return str(path)
    if not isinstance(path, BlankNode) or path in within:
        raise ShapesError(f"no path of SHACL: {path}")
    within = (*within, path)
    if steps := store.list_members(path):
        return "(" + "/".join(path_to_sparql(store, step, within) for step in steps) + ")"
    for term, (before, after) in _PATHS.items():
        if step := store.value(path, SH + term):
            return f"({before}{path_to_sparql(store, step, within)}{after})"
    alternatives = store.list_members(store.value(path, SH + "alternativePath"))
    if not alternatives:
        raise ShapesError(f"no path of SHACL: {path}")
    return "(" + "|".join(path_to_sparql(store, step, within) for step in alternatives) + ")"


def _node_shape(store: NodeReader, shape: NamedNode) -> NodeShape:
    fields = _fields(store, shape, SH + "property")
    classes = _iris(store.values(shape, SH + "targetClass"))
    segment = _segment(store, shape, classes, fields)
    combined = _fields(store, shape, PG + "combinedFacet")
    return NodeShape(
        iri=shape.value,
        classes=tuple(sorted(classes)) or ((shape.value,) if segment else ()),
        labels=(labels := store.labels(shape, RDFS + "label")),
        plural=store.labels(shape, PG + "collectionLabel") or labels,
        segment=segment,
        collection=_collection(store, shape) or segment or "",
        is_topic=store.value(shape, PG + "topic") == TRUE,
        fields=fields,
        combined_facets=tuple(replace(facet, is_facet=True) for facet in combined),
        including=tuple(
            read_field(store, node)
            for node in store.values(shape, SH + "property")
            if isinstance(node, NamedNode) and _included_fields(store, node)
        ),
        evidence_map=_iris(store.list_members(store.value(shape, PG + "evidenceMap"))),
    )


def _segment(
    store: NodeReader, shape: NamedNode, classes: Sequence[str], fields: Sequence[Field]
) -> str | None:
    """Return the segment of a kind in paths: as stated, or where it has facets, by its class."""
    code = _optional_text(store.value(shape, SH + "codeIdentifier")) or ""
    if fields and _KEY.fullmatch(code):
        return code
    has_facets = any(field.is_facet for field in fields)
    return local_name(classes[0]).lower() if classes and has_facets else None


def _collection(store: NodeReader, shape: Node) -> str:
    """Return the name of all entries together, or "" where none is stated that fits a path."""
    name = _optional_text(store.value(shape, PG + "collection")) or ""
    return name if _COLLECTION.fullmatch(name) else ""


def _fields(store: NodeReader, shape: Node, term: str) -> tuple[Field, ...]:
    fields: list[Field] = []
    for node in store.values(shape, term):
        if isinstance(node, NamedNode):
            with suppress(ShapesError):  # a check reports it; the others stay as they are
                fields += _included_fields(store, node) or [read_field(store, node)]
    return tuple(sorted(fields, key=lambda field: field.sort_key))


def _included_fields(store: NodeReader, shape: NamedNode) -> list[Field]:
    """Return the fields of the values of a property shape that are fields of its subject too.

    The path to them is inverse and one property long.
    """
    path = store.value(shape, SH + "path")
    link = store.value(path, SH + "inversePath") if isinstance(path, BlankNode) else None
    if not isinstance(link, NamedNode):
        return []
    nodes = (n for n in store.values(shape, PG + "includesField") if isinstance(n, NamedNode))
    fields = (read_field(store, node) for node in nodes)
    return [
        replace(
            field,
            path=f"(^{link}/{field.path})",
            predicates=(),
            via=(link.value, field.predicate),
        )
        for field in fields
        if field.predicate
    ]


def _languages(store: NodeReader) -> tuple[str, ...]:
    heads = (store.value(node, SH + "languageIn") for node in store.subjects(SH + "languageIn"))
    members = (term for head in heads for term in store.list_members(head))
    tags = (as_text(term) for term in members if isinstance(term, Literal))
    languages = tuple(dict.fromkeys(tag for tag in tags if _TAG.fullmatch(tag)))
    if not languages:
        raise ShapesError("sh:languageIn stands once in the shapes: it is the list of languages")
    return languages


def _compounding_languages(store: NodeReader) -> frozenset[str]:
    term = PG + "compoundingLanguage"
    return frozenset(as_text(tag) for n in store.subjects(term) for tag in store.values(n, term))


def _other_names(store: NodeReader, shape: Node) -> tuple[tuple[str, str], ...]:
    terms = store.values(shape, SKOS + "altLabel")
    return tuple(sorted((t.language or "", t.value) for t in terms if isinstance(t, Literal)))


def _group(store: NodeReader, shape: Node, term: str = SH + "group") -> Group:
    group = store.value(shape, term)
    if not isinstance(group, NamedNode):
        return Group("", {}, 0)
    order = _number(store.value(group, SH + "order"))
    return Group(group.value, store.labels(group, RDFS + "label"), order)


def _scheme(store: NodeReader, node: Term | None) -> str | None:
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


def _kind_of_records(store: NodeReader, shape: Node) -> str | None:
    """Return the class of which all values are, if it is that of a kind of records."""
    name = store.value(shape, SH + "class")
    shapes = store.subjects(SH + "targetClass", name) if name else []
    coded = any(store.value(node, SH + "codeIdentifier") for node in shapes)
    return name.value if coded and isinstance(name, NamedNode) else None


def _has_parts(store: NodeReader, shape: Node) -> bool:
    """Return whether the values are of a class with a shape that is neither a kind nor a list."""
    name = store.value(shape, SH + "class")
    listed = store.value(shape, SH + "node") or _kind_of_records(store, shape)
    return bool(name and not listed and store.subjects(SH + "targetClass", name))


def _options(store: NodeReader, shape: Node) -> tuple[Term, ...]:
    members = store.list_members(store.value(shape, SH + "in"))
    if options := tuple(term for term in members if isinstance(term, NamedNode | Literal)):
        return options
    is_boolean = _datatypes(store, shape) == (XSD + "boolean",)
    return (TRUE, Literal(False)) if is_boolean else ()


def _datatypes(store: NodeReader, shape: Node) -> tuple[str, ...]:
    """Return the datatypes of the values that count, where not all do (section 4.7.3)."""
    qualified = store.value(shape, SH + "qualifiedValueShape")
    if isinstance(qualified, NamedNode | BlankNode):
        return _datatypes(store, qualified)
    alternatives = store.list_members(store.value(shape, SH + "or"))
    nodes = [shape, *(node for node in alternatives if isinstance(node, NamedNode | BlankNode))]
    return _iris(term for node in nodes for term in store.values(node, SH + "datatype"))


def _predicates(store: NodeReader, path: Term) -> tuple[str, ...]:
    """Return the properties among which a path is a choice (section 2.3.1.3), else none."""
    if isinstance(path, NamedNode):
        return (path.value,)
    if not isinstance(path, BlankNode):
        return ()
    members = store.list_members(store.value(path, SH + "alternativePath"))
    predicates = _iris(members)
    return predicates if len(predicates) == len(members) else ()


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
