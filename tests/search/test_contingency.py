"""A contingency table has the sizes of all intersections, however large the sets are."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal
from pyroaring import BitMap

from practicegraph.rdf.terms import Term
from practicegraph.search import contingency

Sets = dict[Term | None, BitMap]
SHARES = (0.0, 0.001, 0.01, 0.05, 0.2, 0.9)


def sets(random: np.random.Generator, size: int, shares: list[float]) -> Sets:
    drawn = [BitMap(np.flatnonzero(random.random(size) < share)) for share in shares]
    values: list[Term | None] = [*(Literal(str(place)) for place in range(len(drawn))), None]
    return dict(zip(values, [*drawn, BitMap(range(size)) - BitMap.union(*drawn)], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 3000),
    left=st.sampled_from((0.0, 0.003, 0.5, 1.0)),
    rows=st.lists(st.sampled_from(SHARES), min_size=1, max_size=60),
    columns=st.lists(st.sampled_from(SHARES), min_size=1, max_size=90),
)
@example(seed=1, size=2000, left=1.0, rows=[0.01, 0.9] * 20, columns=[0.05] * 300)
@example(seed=2, size=70_000, left=1.0, rows=[0.05] * 20, columns=[0.06, 0.01] * 40)
def test_a_table_has_the_sizes_of_all_intersections(
    seed: int, size: int, left: float, rows: list[float], columns: list[float]
) -> None:
    random = np.random.default_rng(seed)
    entries = BitMap(np.flatnonzero(random.random(size) < left))
    down, across = sets(random, size, rows), sets(random, size, columns)
    table = contingency.cross_tabulate(entries, down, across)
    assert table.total == len(entries)
    assert table.rows == {
        value: n for value, inside in down.items() if (n := len(inside & entries))
    }
    assert table.columns == {
        value: n for value, inside in across.items() if (n := len(inside & entries))
    }
    assert table.cells == {
        (row, column): count
        for row, inside in down.items()
        for column, other in across.items()
        if (count := len(inside & other & entries))
    }
