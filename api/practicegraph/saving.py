"""Facets and orders as bytes by name, and read again."""

import json
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from pyroaring import BitMap

from .facets import Facets
from .orders import Order

_ENTRIES = "entries"
_ORDER = "order"


def contents(facets: Facets, orders: Mapping[str, Order]) -> Iterator[tuple[str, bytes]]:
    """Give all sets and orders, each with a name."""
    facets.compress()
    yield _name(_ENTRIES), facets.entries.serialize()
    for key, found in facets.sets.items():
        yield _name("stated", key), found.stated.serialize()
        for part in ("values", "open", "sizes"):
            for value, numbers in getattr(found, part).items():
                yield _name(part, key, value), numbers.serialize()
    for key, (low, high) in facets.ends.items():
        yield _name("low", key), low.tobytes()
        yield _name("high", key), high.tobytes()
    for key, order in orders.items():
        yield _name(_ORDER, key), order.numbers.tobytes()


def restore(
    saved: Iterable[tuple[str, bytes]], facets: Facets, orders: Mapping[str, Order]
) -> None:
    """Put what was saved into facets and orders that are empty."""
    ends: dict[str, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
    for name, content in saved:
        part, *path = json.loads(name)
        if part == _ENTRIES:
            facets.entries = BitMap.deserialize(content)
        elif part == _ORDER:
            orders[path[0]].numbers = np.frombuffer(content, np.uint32)
        elif part in ("low", "high"):
            ends.setdefault(path[0], {})[part] = np.frombuffer(content, np.float64).copy()
        elif part == "stated":
            facets.of(path[0]).stated = BitMap.deserialize(content)
        else:
            getattr(facets.of(path[0]), part)[path[1]] = BitMap.deserialize(content)
    facets.ends |= {key: (found["low"], found["high"]) for key, found in ends.items()}


def _name(*path: str | int) -> str:
    return json.dumps(path, ensure_ascii=False)
