from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.value_parser import BadChoiceError
from practicegraph.search.engine import Answer
from practicegraph.search.request import cursor

BASE = "https://w3id.org/practicegraph/"
OUTCOME = "Access to compulsory education"


def answer(services: Services, *parameters: tuple[str, str]) -> Answer:
    return services.search.answer(services.choosing.read(parameters), services.catalogue.languages)


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
    services: Services, entries: list[dict[str, Any]]
) -> None:
    assert answer(services).total == len(entries) == 53


def test_the_counts_are_those_of_the_source(
    real: Catalogue, services: Services, entries: list[dict[str, Any]]
) -> None:
    found = counts(real, answer(services), "outcome")
    scheme = real.vocabularies.by_key["outcome"]
    said = Counter(label for entry in entries for label in entry["outcome"])
    for concept in scheme.concepts.values():
        if len(concept.notation) == 3:
            assert found.get(concept.notation, 0) == said[concept.labels["en"]], concept.notation


def test_a_broader_concept_counts_each_entry_below_it_once(
    real: Catalogue, services: Services, entries: list[dict[str, Any]], vocabulary: dict[str, Any]
) -> None:
    found = counts(real, answer(services), "outcome")
    items = vocabulary["schemes"]["outcome"]
    below = [item["labels"]["en"] for item in items if item["dimension"] == "Access to rights"]
    assert found["access-to-rights"] == len(with_labels(entries, "outcome", *below))
    assert answer(services, ("outcome", "access-to-rights")).total == found["access-to-rights"]


def test_values_of_one_facet_widen_and_facets_narrow(
    services: Services, entries: list[dict[str, Any]]
) -> None:
    either = with_labels(entries, "country", "Ireland", "Spain")
    both = with_labels(either, "outcome", OUTCOME)
    wide = answer(services, ("country", "IRL"), ("country", "ESP"))
    narrow = answer(services, ("country", "IRL"), ("country", "ESP"), ("outcome", "ACE"))
    assert (wide.total, narrow.total) == (len(either), len(both))


def test_a_choice_narrows_every_facet_but_its_own(
    real: Catalogue, services: Services, entries: list[dict[str, Any]]
) -> None:
    free, chosen = answer(services), answer(services, ("country", "IRL"))
    assert counts(real, chosen, "country") == counts(real, free, "country")
    irish = Counter(entry["category"] for entry in with_labels(entries, "country", "Ireland"))
    assert counts(real, chosen, "category") == {
        "good-practice": irish["Good Practices"],
        "policy-paper": irish["Policy papers"],
    }


def test_every_count_is_the_total_of_the_search_that_it_promises(
    real: Catalogue, services: Services
) -> None:
    start = [("category", "good-practice"), ("outcome", "language-and-culture")]
    found = answer(services, *start)
    for facet in ("country", "language", "funding"):
        for value, count in counts(real, found, facet).items():
            assert answer(services, *start, (facet, value)).total == count, f"{facet}={value}"


def test_all_words_must_stand_somewhere_in_an_entry(services: Services) -> None:
    assert answer(services, ("q", "mentoring unaccompanied")).entries == (BASE + "practice/1788",)
    assert answer(services, ("q", "UNICEF brief")).total >= 1
    assert answer(services, ("q", "nosuchword")).total == 0


def test_words_find_entries_by_the_labels_of_their_concepts(services: Services) -> None:
    assert BASE + "practice/1788" in answer(services, ("q", "Mentorschapsprogramma")).entries


@pytest.mark.parametrize(
    "words", ['"', "'", "\\", "{", "}", '") } DROP ALL #', "?entry", "é", "\n", "*", "$"]
)
def test_no_words_break_the_query(services: Services, words: str) -> None:
    assert answer(services, ("q", words)).total <= 53


def test_pages_follow_each_other_without_gap_or_overlap(services: Services) -> None:
    for sort in ("title", "-title", "start", "-identifier"):
        seen: list[str] = []
        after: list[tuple[str, str]] = []
        while True:
            found = answer(services, ("size", "7"), ("sort", sort), *after)
            seen += found.entries
            if not found.more_after:
                break
            after = [("after", cursor(found.places[-1]))]
        assert len(seen) == len(set(seen)) == 53, sort
        assert seen == list(answer(services, ("size", "100"), ("sort", sort)).entries)


def test_entries_are_sorted_by_the_title_in_the_reader_s_language(
    real: Catalogue, services: Services
) -> None:
    languages = ("nl", "en", "es", "de", "it", "fr", "el")
    choices = services.choosing.read([("size", "60")])
    found = services.search.answer(choices, languages)
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
    services: Services, name: str, value: str, nearest: str
) -> None:
    with pytest.raises(BadChoiceError) as caught:
        services.choosing.read([(name, value)])
    assert nearest in caught.value.valid[:3]


def test_a_value_can_be_given_as_an_iri(services: Services) -> None:
    by_notation = answer(services, ("outcome", "ACE"))
    assert answer(services, ("outcome", BASE + "outcome/ACE")) == by_notation


def test_the_values_of_a_facet_are_terms(services: Services) -> None:
    assert services.choosing.options["outcome"]["ACE"] == NamedNode(BASE + "outcome/ACE")
    assert not any(
        isinstance(term, Literal) for term in services.choosing.options["country"].values()
    )
