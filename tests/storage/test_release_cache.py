from practicegraph.storage.base import ReleaseCache


def test_a_value_is_computed_once_a_release_and_returned_in_the_order_of_keys() -> None:
    made: list[int] = []

    def squares(keys: list[int]) -> list[int]:
        made.extend(keys)
        return [key * key for key in keys]

    recent: ReleaseCache[int, int] = ReleaseCache(3)
    assert recent.get_many("one", [1, 2], squares) == [1, 4]
    assert recent.get_many("one", [3, 2, 1], squares) == [9, 4, 1]
    assert made == [1, 2, 3]
    assert recent.get_many("two", [1], squares) == [1]
    assert made == [1, 2, 3, 1]


def test_the_least_recently_used_value_is_dropped_first() -> None:
    made: list[int] = []

    def same(keys: list[int]) -> list[int]:
        made.extend(keys)
        return keys

    recent: ReleaseCache[int, int] = ReleaseCache(2)
    for keys in ([1, 2], [1], [3], [1], [2]):
        recent.get_many("one", keys, same)
    assert made == [1, 2, 3, 2]


def test_without_a_release_nothing_is_cached() -> None:
    made: list[int] = []

    def same(keys: list[int]) -> list[int]:
        made.extend(keys)
        return keys

    recent: ReleaseCache[int, int] = ReleaseCache(2)
    recent.get_many("", [1], same)
    recent.get_many("", [1], same)
    assert made == [1, 1]
