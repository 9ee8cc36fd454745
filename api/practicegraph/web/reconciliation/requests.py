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
_MAX_SHOWN = 20
_QUERY_KEYS = ("query", "type", "limit", "properties", "type_strict")
_BATCH = '{"q0": {"query": "…"}}'
_QUERY = '{"query": "…", "type": "…", "limit": 3, "properties": […], "type_strict": "any"}'
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
        batch = _object("queries", bodies.parse_json(text), _BATCH)
        _check_length(batch)
        queries = {key: self._query(f"queries.{key}", value) for key, value in batch.items()}
        properties = [value for query in queries.values() for value in query.properties]
        _check_length([text for value in properties for text in value.values], _MAX_VALUES)
        return queries

    def parse_extension(self, text: str) -> Extension:
        """Return a data extension request (section 7.3)."""
        fields = _object("extend", bodies.parse_json(text), _EXTENSION)
        identifiers = _array("extend.ids", fields.get("ids"), '["…"]', MAX_BATCH)
        properties = _array("extend.properties", fields.get("properties"), '[{"id": "…"}]')
        return Extension(
            tuple(dict.fromkeys(_text(place, value) for place, value in identifiers)),
            tuple(self._property_request(place, value) for place, value in properties),
        )

    def _query(self, place: str, value: Any) -> Query:
        fields = _object(place, value, _QUERY)
        _check_names(place, fields, _QUERY_KEYS)
        name = fields.get("query")
        properties = tuple(self._property_values(f"{place}.properties", fields.get("properties")))
        if name is None and not properties:
            _refuse(place, _QUERY)
        types = _items(f"{place}.type", fields.get("type"))
        strict = fields.get("type_strict") or SHOULD
        limit = _limit(f"{place}.limit", fields.get("limit")) or LIMIT
        return Query(
            name="" if name is None else _scalar(f"{place}.query", name).strip(),
            types=tuple(self.types.parse_type(p, _identifier(p, type_)) for p, type_ in types),
            strict=_choice(f"{place}.type_strict", strict, _STRICT),
            properties=properties,
            limit=min(limit, MAX_CANDIDATES),
        )

    def _property_values(self, place: str, value: Any) -> Iterable[PropertyValue]:
        items = [] if value is None else _array(place, value, f"[{_PROPERTY}]")
        for item_place, item in items:
            fields = _object(item_place, item, _PROPERTY)
            key_place = f"{item_place}.pid"
            key = _text(key_place, fields.get("pid"))
            property_ = self.types.parse_property(key_place, key)
            values = _items(f"{item_place}.v", fields.get("v"))
            if texts := tuple(_value(p, v) for p, v in values):
                yield PropertyValue(property_, texts)

    def _property_request(self, place: str, value: Any) -> PropertyRequest:
        fields = _object(place, value, '{"id": "…"}')
        settings = _object(f"{place}.settings", fields.get("settings") or {}, '{"limit": 1}')
        _check_names(f"{place}.settings", settings, ("limit", "language"))
        language = settings.get("language") or ""
        valid = ("", *self.languages, EVERY)
        key = _text(f"{place}.id", fields.get("id"))
        return PropertyRequest(
            property=self.types.parse_property(f"{place}.id", key),
            language=_choice(f"{place}.settings.language", language, valid),
            limit=_limit(f"{place}.settings.limit", settings.get("limit")),
        )


def _refuse(place: str, form: str) -> NoReturn:
    raise RequestError("invalidItem", place=place, form=form)


def _check_length(values: Sequence[Any] | dict[str, Any], maximum: int = MAX_BATCH) -> None:
    if len(values) > maximum:
        raise RequestError("listTooLong", count=len(values), limit=maximum)


def _check_names(place: str, names: Iterable[str], valid: Sequence[str]) -> None:
    for name in names:
        if name not in valid:
            nearest = dict.fromkeys([*find_similar(name, valid), *valid])
            raise InvalidParameterError(f"{place}.{name}", None, list(nearest))


def _object(place: str, value: Any, form: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(place, form)


def _array(
    place: str, value: Any, form: str, maximum: int = _MAX_PROPERTIES
) -> list[tuple[str, Any]]:
    """Return the items of an array, each with its place."""
    values = value if isinstance(value, list) else _refuse(place, form)
    _check_length(values, maximum)
    return [(f"{place}[{number}]", item) for number, item in enumerate(values)]


def _items(place: str, value: Any) -> list[tuple[str, Any]]:
    """Return the items of an array or a single value, each with its place; empty ones are none."""
    items = _array(place, value, "[…]") if isinstance(value, list) else [(place, value)]
    return [(p, item) for p, item in items if item not in (None, "")]


def _text(place: str, value: Any) -> str:
    return truncate(value) if isinstance(value, str) else _refuse(place, '"…"')


def _scalar(place: str, value: Any) -> str:
    """Return a text, a number, or true or false as a text."""
    return _text(place, json.dumps(value) if isinstance(value, int | float) else value)


def _identifier(place: str, value: Any) -> str:
    """Return an identifier, which may be in an object."""
    return _text(f"{place}.id", value.get("id")) if isinstance(value, dict) else _text(place, value)


def _value(place: str, value: Any) -> str:
    """Return the value of a property; of an entity that was matched before, its identifier."""
    return _identifier(place, value) if isinstance(value, dict) else _scalar(place, value)


def _choice(place: str, value: Any, valid: Sequence[str]) -> str:
    if value in valid and isinstance(value, str):
        return value
    raise InvalidParameterError(place, str(value), [name for name in valid if name])


def _limit(place: str, value: Any) -> int:
    """Return a whole number, 0 for none; OpenRefine sends it as a text."""
    if value in (None, ""):
        return 0
    is_whole = isinstance(value, float) and value.is_integer()
    text = str(int(value) if is_whole else value) if isinstance(value, int | float) else value
    number = parse_whole_number(text) if isinstance(text, str) else None
    if number is None:
        raise InvalidParameterError(place, str(value)[:_MAX_SHOWN], ["1", "2", "3"])
    return number
