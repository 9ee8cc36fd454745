"""How deep what somebody sends is nested: found level by level, so that no depth is too much."""

from collections.abc import Iterable
from typing import Any

from pyoxigraph import BlankNode, Triple

MOST = 32
"""The levels that are read; counting ends beyond them."""


def of_json(found: Any) -> int:
    """Give how many levels of objects and lists there are."""
    level, depth = [found], 0
    while level and depth <= MOST:
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level, depth = inner, depth + 1
    return depth


def of_nodes(triples: Iterable[Triple]) -> int:
    """Give how many blank nodes stand in one another; a ring of them has no end."""
    inside: dict[Any, list[Any]] = {}
    for triple in triples:
        if isinstance(triple.object, BlankNode):
            inside.setdefault(triple.subject, []).append(triple.object)
    level, depth = [node for node in inside if not isinstance(node, BlankNode)], 0
    while level and depth <= MOST:
        level, depth = list({n for node in level for n in inside.get(node, ())}), depth + 1
    return depth
