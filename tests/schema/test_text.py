import pytest

from practicegraph.schema.text import find_similar, fold, pick_text, put_first


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
def test_texts_that_differ_in_case_accents_or_typography_are_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_texts_that_differ_in_letters_are_not_equal() -> None:
    assert fold("Spain") != fold("Spanish")


def test_a_reader_gets_the_preferred_language_then_the_fallback_then_any() -> None:
    order = put_first("nl", ("en", "nl", "de"))
    assert pick_text({"en": "one", "nl": "een"}, order) == "een"
    assert pick_text({"en": "one", "de": "eins"}, order) == "one"
    assert pick_text({"el": "ένα"}, order) == "ένα"
    assert pick_text({}, order) == ""


def test_similar_words_come_with_the_most_similar_first() -> None:
    assert find_similar("Hungry", ["Spain", "Hungary", "Germany"])[0] == "Hungary"
    assert find_similar("qqqq", ["Spain"]) == []
