"""Parser of requests of the Reconciliation Service API 0.2; errors name the place in the request.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ...errors import RequestError
from ...reconciliation.candidates import ALL, ANY, LIMIT, SHOULD, PropertyValue, Query
from ...reconciliation.entities import Types
from ...reconciliation.extension import EVERY, PropertyRequest
from ...schema.text import find_similar, parse_whole_number, truncate
from ...schema.value_parser import InvalidParameterError
from ..http import bodies

MAX_BATCH = 1000
"""The maximum number of queries, or of entities of a data extension, in a request."""
MAX_CANDIDATES = 50
"""The maximum number of candidates for a query."""
_MAX_PROPERTIES = 50
_MAX_VALUES = 10_000
_QUERIES = '{"q0": {"query": "…"}}'
_QUERY = {"query": '"…"', "type": '"…"', "limit": "3", "properties": "[…]", "type_strict": '"any"'}
_PROPERTY = '{"pid": "…", "v": "…"}'
_EXTENSION = '{"ids": ["…"], "properties": [{"id": "…"}]}'
_STRICT = (SHOULD, ANY, ALL)


@dataclass(frozen=True)
class Extension:
    """A data extension request: identifiers of entities, and properties (section 7.3)."""

    identifiers: tuple[str, ...]
    properties: tuple[PropertyRequest, ...]


@dataclass(frozen=True)
class BatchParser:
    """Parses requests; raises RequestError or InvalidParameterError with its place."""

    types: Types
    languages: Sequence[str]

    def parse_queries(self, text: str) -> dict[str, Query]:
        """Return the queries of a batch by key (section 4.1)."""
        batch = _load("queries", text, _QUERIES)
        _check_length(batch)
        queries = {key: self._query(f"queries.{key}", query) for key, query in batch.items()}
        properties = [value for query in queries.values() for value in query.properties]
        _check_length([text for value in properties for text in value.values], _MAX_VALUES)
        return queries

    def parse_extension(self, text: str) -> Extension:
        """Return a data extension request (section 7.3)."""
        fields = _load("extend", text, _EXTENSION)
        identifiers = _listed("extend.ids", fields.get("ids"), '["…"]')
        properties = _listed("extend.properties", fields.get("properties"), '[{"id": "…"}]')
        _check_length(identifiers)
        _check_length(properties, _MAX_PROPERTIES)
        for number, one in enumerate(identifiers):
            _text(f"extend.ids[{number}]", one)
        places = (f"extend.properties[{number}]" for number in range(len(properties)))
        requests = map(self._property_request, places, properties)
        return Extension(tuple(dict.fromkeys(identifiers)), tuple(requests))

    def _query(self, place: str, said: Any) -> Query:
        known = _object(place, said, _written(_QUERY))
        _check_names(place, known, _QUERY)
        name = known.get("query")
        properties = tuple(self._property_values(f"{place}.properties", known.get("properties")))
        if name is None and not properties:
            _refuse(place, _written(_QUERY))
        types = known.get("type") or []
        types = types if isinstance(types, list) else [types]
        _check_length(types, _MAX_PROPERTIES)
        return Query(
            name="" if name is None else _plain(f"{place}.query", name).strip(),
            types=tuple(
                self.types.parse_type(f"{place}.type", _named(place, one)) for one in types
            ),
            strict=_choice(f"{place}.type_strict", known.get("type_strict") or SHOULD, _STRICT),
            properties=properties,
            limit=min(_limit(f"{place}.limit", known.get("limit")) or LIMIT, MAX_CANDIDATES),
        )

    def _property_values(self, place: str, said: Any) -> Iterable[PropertyValue]:
        listed = [] if said is None else _listed(place, said, f"[{_PROPERTY}]")
        _check_length(listed, _MAX_PROPERTIES)
        for number, one in enumerate(listed):
            here = f"{place}[{number}]"
            known = _object(here, one, _PROPERTY)
            found = self.types.parse_property(f"{here}.pid", _text(f"{here}.pid", known.get("pid")))
            values = known.get("v")
            values = values if isinstance(values, list) else [values]
            _check_length(values, _MAX_PROPERTIES)
            texts = [_value(f"{here}.v", value) for value in values if value not in (None, "")]
            if texts:
                yield PropertyValue(found, tuple(texts))

    def _property_request(self, place: str, said: Any) -> PropertyRequest:
        known = _object(place, said, '{"id": "…"}')
        settings = _object(f"{place}.settings", known.get("settings") or {}, '{"limit": 1}')
        _check_names(f"{place}.settings", settings, ("limit", "language"))
        language = settings.get("language") or ""
        valid = ("", *self.languages, EVERY)
        return PropertyRequest(
            property=self.types.parse_property(
                f"{place}.id", _text(f"{place}.id", known.get("id"))
            ),
            language=_choice(f"{place}.settings.language", language, valid),
            limit=_limit(f"{place}.settings.limit", settings.get("limit")),
        )


def _load(name: str, text: str, form: str) -> dict[str, Any]:
    return _object(name, bodies.parse_json(text, name), form)


def _refuse(place: str, form: str) -> NoReturn:
    raise RequestError("invalidItem", place=place, form=form)


def _check_length(found: Sequence[Any] | dict[str, Any], maximum: int = MAX_BATCH) -> None:
    if len(found) > maximum:
        raise RequestError("listTooLong", count=len(found), limit=maximum)


def _check_names(place: str, found: Iterable[str], valid: Iterable[str]) -> None:
    known = list(valid)
    for name in found:
        if name not in known:
            near = dict.fromkeys([*find_similar(name, known), *known])
            raise InvalidParameterError(f"{place}.{name}", None, list(near))


def _object(place: str, found: Any, form: str) -> dict[str, Any]:
    return found if isinstance(found, dict) else _refuse(place, form)


def _listed(place: str, found: Any, form: str) -> list[Any]:
    return found if isinstance(found, list) else _refuse(place, form)


def _text(place: str, found: Any) -> str:
    return truncate(found) if isinstance(found, str) else _refuse(place, '"…"')


def _plain(place: str, found: Any) -> str:
    """Return a text, a number, or true or false as a text."""
    return _text(place, json.dumps(found) if isinstance(found, int | float) else found)


def _named(place: str, found: Any) -> str:
    """Return the identifier of a type, which may be in an object."""
    return _text(f"{place}.type", found.get("id") if isinstance(found, dict) else found)


def _value(place: str, found: Any) -> str:
    """Return the value of a property; of an entity that was matched before, its identifier."""
    is_thing = isinstance(found, dict)
    return _text(f"{place}.id", found.get("id")) if is_thing else _plain(place, found)


def _choice(place: str, found: Any, valid: Sequence[str]) -> str:
    if found in valid and isinstance(found, str):
        return found
    raise InvalidParameterError(place, str(found), [name for name in valid if name])


def _limit(place: str, found: Any) -> int:
    """Return a whole number, 0 for none; OpenRefine sends it as a text."""
    if found in (None, ""):
        return 0
    is_whole = isinstance(found, float) and found.is_integer()
    text = str(int(found) if is_whole else found) if isinstance(found, int | float) else found
    read = parse_whole_number(text) if isinstance(text, str) else None
    if read is None:
        raise InvalidParameterError(place, str(found)[:20], ["1", "2", "3"])
    return read


def _written(members: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {form}' for name, form in members.items()) + "}"
