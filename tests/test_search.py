from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.value_parser import BadChoiceError
from practicegraph.search.engine import Answer
from practicegraph.search.request import cursor

BASE = "https://w3id.org/practicegraph/"
OUTCOME = "Access to compulsory education"


def answer(real: Catalogue, *parameters: tuple[str, str]) -> Answer:
    return real.search.answer(real.choosing.read(parameters), real.languages)


def counts(real: Catalogue, found: Answer, facet: str) -> dict[str, int]:
    return {real.reader.code(t): count for t, count in found.counts[facet].items() if t is not None}


def with_labels(
    entries: Iterable[dict[str, Any]], facet: str, *labels: str
) -> list[dict[str, Any]]:
    def said(entry: dict[str, Any]) -> list[str]:
        value = entry.get(facet, [])
        return [value] if isinstance(value, str) else value

    return [entry for entry in entries if set(labels) & set(said(entry))]


def test_without_a_choice_all_entries_are_found(
    real: Catalogue, entries: list[dict[str, Any]]
) -> None:
    assert answer(real).total == len(entries) == 53


def test_the_counts_are_those_of_the_source(real: Catalogue, entries: list[dict[str, Any]]) -> None:
    found = counts(real, answer(real), "outcome")
    scheme = real.vocabularies.by_key["outcome"]
    said = Counter(label for entry in entries for label in entry["outcome"])
    for concept in scheme.concepts.values():
        if len(concept.notation) == 3:
            assert found.get(concept.notation, 0) == said[concept.labels["en"]], concept.notation


def test_a_broader_concept_counts_each_entry_below_it_once(
    real: Catalogue, entries: list[dict[str, Any]], vocabulary: dict[str, Any]
) -> None:
    found = counts(real, answer(real), "outcome")
    items = vocabulary["schemes"]["outcome"]
    below = [item["labels"]["en"] for item in items if item["dimension"] == "Access to rights"]
    assert found["access-to-rights"] == len(with_labels(entries, "outcome", *below))
    assert answer(real, ("outcome", "access-to-rights")).total == found["access-to-rights"]


def test_values_of_one_facet_widen_and_facets_narrow(
    real: Catalogue, entries: list[dict[str, Any]]
) -> None:
    either = with_labels(entries, "country", "Ireland", "Spain")
    both = with_labels(either, "outcome", OUTCOME)
    wide = answer(real, ("country", "IRL"), ("country", "ESP"))
    narrow = answer(real, ("country", "IRL"), ("country", "ESP"), ("outcome", "ACE"))
    assert (wide.total, narrow.total) == (len(either), len(both))


def test_a_choice_narrows_every_facet_but_its_own(
    real: Catalogue, entries: list[dict[str, Any]]
) -> None:
    free, chosen = answer(real), answer(real, ("country", "IRL"))
    assert counts(real, chosen, "country") == counts(real, free, "country")
    irish = Counter(entry["category"] for entry in with_labels(entries, "country", "Ireland"))
    assert counts(real, chosen, "category") == {
        "good-practice": irish["Good Practices"],
        "policy-paper": irish["Policy papers"],
    }


def test_every_count_is_the_total_of_the_search_that_it_promises(real: Catalogue) -> None:
    start = [("category", "good-practice"), ("outcome", "language-and-culture")]
    found = answer(real, *start)
    for facet in ("country", "language", "funding"):
        for value, count in counts(real, found, facet).items():
            assert answer(real, *start, (facet, value)).total == count, f"{facet}={value}"


def test_all_words_must_stand_somewhere_in_an_entry(real: Catalogue) -> None:
    assert answer(real, ("q", "mentoring unaccompanied")).entries == (BASE + "practice/1788",)
    assert answer(real, ("q", "UNICEF brief")).total >= 1
    assert answer(real, ("q", "nosuchword")).total == 0


def test_words_find_entries_by_the_labels_of_their_concepts(real: Catalogue) -> None:
    assert BASE + "practice/1788" in answer(real, ("q", "Mentorschapsprogramma")).entries


@pytest.mark.parametrize(
    "words", ['"', "'", "\\", "{", "}", '") } DROP ALL #', "?entry", "é", "\n", "*", "$"]
)
def test_no_words_break_the_query(real: Catalogue, words: str) -> None:
    assert answer(real, ("q", words)).total <= 53


def test_pages_follow_each_other_without_gap_or_overlap(real: Catalogue) -> None:
    for sort in ("title", "-title", "start", "-identifier"):
        seen: list[str] = []
        after: list[tuple[str, str]] = []
        while True:
            found = answer(real, ("size", "7"), ("sort", sort), *after)
            seen += found.entries
            if not found.more_after:
                break
            after = [("after", cursor(found.places[-1]))]
        assert len(seen) == len(set(seen)) == 53, sort
        assert seen == list(answer(real, ("size", "100"), ("sort", sort)).entries)


def test_entries_are_sorted_by_the_title_in_the_reader_s_language(real: Catalogue) -> None:
    languages = ("nl", "en", "es", "de", "it", "fr", "el")
    choices = real.choosing.read([("size", "60")])
    found = real.search.answer(choices, languages)
    records = real.reader.records(real.shapes.record, found.entries)
    titles = [record.spoken("LabelRole", languages)[0].lower() for record in records]
    assert titles == sorted(titles)
    assert any("hervestiging" in title for title in titles)


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("outcom", "ACE", "outcome"),
        ("outcome", "ACX", "ACE"),
        ("country", "hungary", "HUN"),
        ("sort", "titel", "title"),
        ("size", "1001", "a whole number from 0 to 1000"),
        ("size", "many", "a whole number from 0 to 1000"),
        ("after", "???", "the value that the page before gave"),
        ("after", "W10", "the value that the page before gave"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_first(
    real: Catalogue, name: str, value: str, nearest: str
) -> None:
    with pytest.raises(BadChoiceError) as caught:
        real.choosing.read([(name, value)])
    assert nearest in caught.value.valid[:3]


def test_a_value_can_be_given_as_an_iri(real: Catalogue) -> None:
    by_notation = answer(real, ("outcome", "ACE"))
    assert answer(real, ("outcome", BASE + "outcome/ACE")) == by_notation


def test_the_values_of_a_facet_are_terms(real: Catalogue) -> None:
    assert real.choosing.options["outcome"]["ACE"] == NamedNode(BASE + "outcome/ACE")
    assert not any(isinstance(term, Literal) for term in real.choosing.options["country"].values())
