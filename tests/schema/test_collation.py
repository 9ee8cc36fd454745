"""Texts are sorted as dictionaries of the reader's language do (UTS #10, CLDR)."""

import unicodedata

import pytest

from practicegraph.schema.text import MAX_TEXT_LENGTH, collation_key


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["co op", "co-op", "coop", "Ñandú", "nota", "re\u0301sume", "resumes"]),
        ("en", ["resume", "Resume", "résumé", "Résumé", "resumes"]),
        (
            "en",
            ["", " a", "_a", "-a", "«a»", "\U0001f600", "€1", "1", "9", "a", "β", "б", "中"],
        ),
        ("nl", ["een", "één", "Eén school", "IJs", "ijs a", "ik", "zomer"]),
        ("de", ["Apfel", "Ärzte", "Oase", "Öffnung", "Strasse", "Straße", "Straßen", "Zirkus"]),
        ("fr", ["cœur", "cote", "coté", "côte", "côté", "École", "Edelweiss", "Œuvre", "zèbre"]),
        ("it", ["Abilità", "caffè", "Città", "È ora", "l'ora", "l’ora", "Zaino"]),
        ("es", ["¿Qué?", "Ámbito", "arte", "nota", "nz", "n\u0303a", "ñandú", "Ñandú", "ñu", "o"]),
        ("el", ["9", "Αγορά", "Άνοιξη", "Όαση", "Οδός", "ὁδός a", "Ωδείο", "Abc", "б"]),
    ],
)
def test_texts_are_sorted_by_letters_then_accents_then_case(
    language: str, texts: list[str]
) -> None:
    keys = [collation_key(text, language) for text in texts]
    assert keys == sorted(set(keys))


def test_the_form_of_normalization_makes_no_difference() -> None:
    for language, text in (("es", "El ñandú"), ("el", "Άνοιξη"), ("fr", "Épreuve à Łódź")):
        keys = {
            collation_key(unicodedata.normalize(form, text), language) for form in ("NFC", "NFD")
        }
        assert len(keys) == 1


@pytest.mark.parametrize(
    "text", ["\0", "\ud800", "\uffff", "\U0010ffff", "n\u0303" * 5000, "a" * 10**6]
)
def test_any_text_has_a_key_of_limited_length(text: str) -> None:
    for language in ("en", "es", "el", "xx"):
        assert len(collation_key(text, language)) < 20 * MAX_TEXT_LENGTH
