import pytest

from practicegraph.schema.text import best, fold, nearest, preferring


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Projects’ deliverables", "projects' deliverables"),
        ("Español", "ESPANOL"),
        ("Networks – Actors", "Networks - Actors"),
        ("a\u00a0 b", "A B"),
        ("Ελληνικά", "ΕΛΛΗΝΙΚΑ"),
    ],
)
def test_wordings_that_differ_in_case_accents_or_typography_are_the_same(
    one: str, other: str
) -> None:
    assert fold(one) == fold(other)


def test_wordings_that_differ_in_letters_are_not_the_same() -> None:
    assert fold("Spain") != fold("Spanish")


def test_a_reader_gets_the_preferred_language_then_the_fallback_then_any() -> None:
    order = preferring("nl", ("en", "nl", "de"))
    assert best({"en": "one", "nl": "een"}, order) == "een"
    assert best({"en": "one", "de": "eins"}, order) == "one"
    assert best({"el": "ένα"}, order) == "ένα"
    assert best({}, order) == ""


def test_the_nearest_words_come_with_the_nearest_first() -> None:
    assert nearest("Hungry", ["Spain", "Hungary", "Germany"])[0] == "Hungary"
    assert nearest("qqqq", ["Spain"]) == []
