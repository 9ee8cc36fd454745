"""The pairs of sets are counted as their intersections are, however large the sets are."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from practicegraph.search import facets

SHARES = (0.0, 0.001, 0.01, 0.05, 0.2, 0.9)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 3000),
    share=st.sampled_from((0.0, 0.003, 0.5, 1.0)),
    rows=st.lists(st.sampled_from(SHARES), min_size=1, max_size=40),
    columns=st.lists(st.sampled_from(SHARES), min_size=1, max_size=60),
)
@example(seed=1, size=2000, share=1.0, rows=[0.01, 0.9] * 20, columns=[0.05] * 300)
@example(seed=2, size=70_000, share=1.0, rows=[0.05] * 20, columns=[0.06, 0.01] * 20)
def test_pairs_of_sets_are_counted_as_their_intersections(
    seed: int, size: int, share: float, rows: list[float], columns: list[float]
) -> None:
    random = np.random.default_rng(seed)
    (entries,), row_sets, column_sets = (
        [BitMap(np.flatnonzero(random.random(size) < part)) for part in parts]
        for parts in ([share], rows, columns)
    )
    assert facets.count_pairs(entries, row_sets, column_sets) == [
        [len(row & column & entries) for column in column_sets] for row in row_sets
    ]


@pytest.mark.parametrize("count", [1, 300])
def test_entries_in_more_sets_than_a_layer_has_are_counted_in_all(count: int) -> None:
    sets = [BitMap(range(place % 7, 100)) for place in range(count)]
    numbers = BitMap(range(10_000))
    assert facets.count_pairs(numbers, sets, sets) == [
        [100 - max(row % 7, column % 7) for column in range(count)] for row in range(count)
    ]
