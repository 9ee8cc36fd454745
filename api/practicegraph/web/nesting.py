"""How deep what somebody sends is nested: found level by level, so that no depth is too much."""

from collections.abc import Iterable
from typing import Any

from pyoxigraph import BlankNode, Triple

from .. import leaves

MOST = 32
"""The levels that are read; counting ends beyond them."""


def refuse_json(text: str) -> None:
    """Raise TooDeepError where objects and lists are nested too deep in JSON."""
    for _ in leaves.in_json(text, MOST):
        pass


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
