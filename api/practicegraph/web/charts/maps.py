"""The map of the values of a facet that are countries; without their outlines there is none.

`api/frontend/map.mjs` writes the outlines beside the bundles of scripts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...schema.fields import Field
from ...schema.vocabularies import Vocabularies
from ..search.results import FacetValue

_OUTLINES = Path(__file__).parents[1] / "static" / "built" / "map.json"
_SHADES = 5


class Outline(msgspec.Struct, rename="camel"):
    """The outline of a country as an SVG path, and the point at which its number stands."""

    path: str
    x: int
    y: int
    is_small: bool


class Outlines(msgspec.Struct):
    """The outlines of countries by their codes, in a frame."""

    width: int
    height: int
    places: dict[str, Outline]


class MapPlace(NamedTuple):
    """A country on a map: its value, the URL of its search, its outline, its shade."""

    value: FacetValue
    href: str
    outline: Outline
    shade: int


@dataclass(frozen=True)
class PlaceMap:
    """A map: the countries with entries, all others as one path, and the values not on it."""

    width: int
    height: int
    land: str
    places: tuple[MapPlace, ...]
    elsewhere: tuple[FacetValue, ...]


def draw_map(
    vocabularies: Vocabularies,
    field: Field,
    values: Sequence[FacetValue],
    link: Callable[[str, str], str],
) -> PlaceMap | None:
    """Return the map of a facet's values, or None for one without a map or without the outlines.

    The link of a value is made of the key of the facet and the value's short form.
    """
    outlines = _outlines(_OUTLINES) if field.is_on_map else None
    if outlines is None:
        return None
    codes = {value.value: _code(vocabularies, value, outlines) for value in values if value.count}
    maximum = max((value.count for value in values), default=0)
    places = tuple(
        MapPlace(
            value,
            link(field.key, value.value),
            outlines.places[code],
            ceil(shade(value.count, maximum)),
        )
        for value in values
        if (code := codes.get(value.value))
    )
    others = (o.path for code, o in outlines.places.items() if code not in codes.values())
    elsewhere = tuple(v for v in values if v.count and not codes[v.value])
    return PlaceMap(outlines.width, outlines.height, "".join(others), places, elsewhere)


def shade(count: int, maximum: int) -> float:
    """Return the shade of a number, from 0 to 5; its square has the share of the maximum."""
    return _SHADES * sqrt(count / maximum) if maximum else 0


@cache
def _outlines(path: Path) -> Outlines | None:
    return msgspec.json.decode(path.read_bytes(), type=Outlines) if path.exists() else None


def _code(vocabularies: Vocabularies, value: FacetValue, outlines: Outlines) -> str | None:
    """Return the code by which a value has an outline: its notation, or one of its codes."""
    concept = vocabularies.concepts.get(value.id)
    codes: Iterable[str] = (value.value, *(concept.codes if concept else ()))
    return next((code for code in codes if code in outlines.places), None)
