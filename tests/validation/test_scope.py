"""It is known which properties a query follows, and in which direction."""

import pytest
from pyoxigraph import NamedNode

from practicegraph.validation.scope import ANY, Scope, of_own, patterns

PREFIX = "PREFIX : <x:> SELECT $this ?value "


def sight(onward: str = "", back: str = "", wide: str = "", fixed: str = "") -> Scope:
    properties = (
        frozenset(f"x:{name}" for name in names.split()) for names in (onward, back, wide)
    )
    onwards, backs, wides = properties
    return Scope(onwards, backs, wides, frozenset(NamedNode(f"x:{name}") for name in fixed.split()))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ $this :own ?value }", sight()),
        ("{ $this :own ?value . ?value :next ?more }", sight("next")),
        ("{ $this :own+ ?value }", sight("own")),
        ("{ ?value :next $this }", sight(back="next")),
        ("{ $this ^:next ?value }", sight(back="next")),
        ("{ $this :own ?value . ?other :own ?value ; :next ?more }", sight("next", "own")),
        ("{ $this (^:one/:two)|:three ?value }", sight("two three", "one")),
        ("{ :list :members/:rest* ?value }", sight("members rest", fixed="list")),
        ("{ ?one :apart ?other }", sight(wide="apart")),
        ("{ $this :own ?value FILTER NOT EXISTS { ?value :next ?end "
         "FILTER NOT EXISTS { ?end :last true } } }", sight("next last")),
        ("{ $this :own ?value OPTIONAL { ?value :next ?more } }", sight("next")),
        ("{ $this :own ?value . { SELECT ?value { ?value :next ?more } } }", sight("next")),
        ("{ $this :own ?value . ?value ?any ?more }", Scope(frozenset({ANY}))),
        ("{ $this !:own ?value }", Scope(frozenset({ANY}))),
        ("{ ?one ?any ?other }", Scope(wide=frozenset({ANY}))),
    ],
)  # fmt: skip
def test_a_query_is_followed(query: str, expected: Scope) -> None:
    assert of_own(patterns(PREFIX + query)) == expected
