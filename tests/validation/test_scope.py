"""It is known which properties a query follows, and in which direction."""

import pytest
from pyoxigraph import NamedNode

from practicegraph.validation.scope import (
    ANY,
    Scope,
    parse_patterns,
    scope_beyond_focus_node,
)

PREFIX = "PREFIX : <x:> SELECT $this ?value "


def scope(forward: str = "", inverse: str = "", anywhere: str = "", constants: str = "") -> Scope:
    return Scope(
        frozenset(f"x:{name}" for name in forward.split()),
        frozenset(f"x:{name}" for name in inverse.split()),
        frozenset(f"x:{name}" for name in anywhere.split()),
        frozenset(NamedNode(f"x:{name}") for name in constants.split()),
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ $this :own ?value }", scope()),
        ("{ $this :own ?value . ?value :next ?more }", scope("next")),
        ("{ $this :own+ ?value }", scope("own")),
        ("{ ?value :next $this }", scope(inverse="next")),
        ("{ $this ^:next ?value }", scope(inverse="next")),
        ("{ $this :own ?value . ?other :own ?value ; :next ?more }", scope("next", "own")),
        ("{ $this (^:one/:two)|:three ?value }", scope("two three", "one")),
        ("{ :list :members/:rest* ?value }", scope("members rest", constants="list")),
        ("{ ?one :apart ?other }", scope(anywhere="apart")),
        ("{ $this :own ?value FILTER NOT EXISTS { ?value :next ?end "
         "FILTER NOT EXISTS { ?end :last true } } }", scope("next last")),
        ("{ $this :own ?value OPTIONAL { ?value :next ?more } }", scope("next")),
        ("{ $this :own ?value . { SELECT ?value { ?value :next ?more } } }", scope("next")),
        ("{ $this :own ?value . ?value ?any ?more }", Scope(described=frozenset({"x:own"}))),
        ("{ $this :own ?value . ?value !:next ?more }", Scope(frozenset({ANY}))),
        ("{ $this :own ?value . ?value (:next/!:last)* ?more }", Scope(frozenset({"x:next", ANY}))),
        ("{ ?value :next $this . ?value ?any ?more }", Scope(frozenset({ANY}), frozenset({"x:next"}))),
        ("{ $this !:own ?value }", Scope(frozenset({ANY}))),
        ("{ ?one ?any ?other }", Scope(anywhere=frozenset({ANY}))),
    ],
)  # fmt: skip
def test_a_query_is_followed(query: str, expected: Scope) -> None:
    assert scope_beyond_focus_node(parse_patterns(PREFIX + query)) == expected
