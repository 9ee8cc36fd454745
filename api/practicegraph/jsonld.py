"""Records as JSON-LD with readable keys: the context comes from the shapes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyoxigraph import RdfFormat, Triple, serialize
from rdflib import Graph

from .kinds import Field, Kind
from .turtle import XSD


def context(kind: Kind, prefixes: Mapping[str, str]) -> dict[str, Any]:
    """Give a JSON-LD 1.1 context: the prefixes, and a term for every field of the kind."""
    terms = {field.key: _term(field) for field in kind.fields if field.predicate}
    return {"id": "@id", "type": "@type", **prefixes, **terms}


def document(triples: Iterable[Triple], terms: Mapping[str, Any]) -> bytes:
    """Give the triples as compact JSON-LD 1.1 with the context in it."""
    lines = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert isinstance(lines, bytes)
    graph = Graph().parse(data=lines.decode(), format="nt")
    expanded = graph.serialize(format="json-ld", context=dict(terms), auto_compact=False)
    return json.dumps(json.loads(expanded), ensure_ascii=False, indent=1).encode()


def _term(field: Field) -> dict[str, str]:
    assert field.predicate
    term = {"@id": field.predicate}
    if field.text:
        return term | {"@container": "@language"}
    if not field.datatypes:
        return term | {"@type": "@id"}
    plain = len(field.datatypes) > 1 or field.datatypes == (XSD + "string",)
    return term if plain else term | {"@type": field.datatypes[0]}
