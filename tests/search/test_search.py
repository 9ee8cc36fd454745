from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.text import collation_key
from practicegraph.schema.value_parser import InvalidParameterError
from practicegraph.search.engine import SearchResult
from practicegraph.search.request import encode_cursor

BASE = "https://w3id.org/practicegraph/"
OUTCOME = "ACE"


def search(services: Services, *parameters: tuple[str, str]) -> SearchResult:
    request = services.request_parser.parse(parameters)
    return services.search.search(request, services.catalogue.languages)


def counts(real: Catalogue, result: SearchResult, facet: str) -> dict[str, int]:
    return {
        real.reader.code(term): count
        for term, count in result.counts[facet].items()
        if term is not None
    }


def with_codes(entries: Iterable[dict[str, Any]], facet: str, *codes: str) -> list[dict[str, Any]]:
    def values(entry: dict[str, Any]) -> list[str]:
        value = entry.get(facet, [])
        return [value] if isinstance(value, str) else value

    return [entry for entry in entries if set(codes) & set(values(entry))]


def test_a_request_without_filters_matches_all_entries(
    services: Services, entries: list[dict[str, Any]]
) -> None:
    assert search(services).total == len(entries) == 56


def test_a_search_counts_only_the_facets_that_are_asked_for(services: Services) -> None:
    request = services.request_parser.parse([("outcome", OUTCOME)])
    whole = services.search.search(request, ("en",))
    facet = services.catalogue.shapes.entry_shape.facets_by_key["country"]
    some = services.search.search(request, ("en",), [facet])
    assert some.cursors == whole.cursors
    assert some.counts == {"country": whole.counts["country"]}
    assert services.search.search(request, ("en",), ()).counts == {}


def test_counts_are_those_of_the_source(
    real: Catalogue, services: Services, entries: list[dict[str, Any]]
) -> None:
    outcomes = counts(real, search(services), "outcome")
    scheme = real.vocabularies.schemes_by_key["outcome"]
    expected = Counter(code for entry in entries for code in entry["outcome"])
    for concept in scheme.concepts.values():
        if len(concept.notation) == 3:
            assert outcomes.get(concept.notation, 0) == expected[concept.notation]


def test_a_broader_concept_counts_each_entry_below_it_once(
    real: Catalogue, services: Services, entries: list[dict[str, Any]], vocabulary: dict[str, Any]
) -> None:
    outcomes = counts(real, search(services), "outcome")
    items = vocabulary["schemes"]["outcome"]
    below = [item["code"] for item in items if item["dimension"] == "Access to rights"]
    assert outcomes["access-to-rights"] == len(with_codes(entries, "outcome", *below))
    assert search(services, ("outcome", "access-to-rights")).total == outcomes["access-to-rights"]


def test_a_second_value_widens_and_a_second_facet_narrows_a_search(
    services: Services, entries: list[dict[str, Any]]
) -> None:
    either = with_codes(entries, "country", "IRL", "ESP")
    both = with_codes(either, "outcome", OUTCOME)
    wide = search(services, ("country", "IRL"), ("country", "ESP"))
    narrow = search(services, ("country", "IRL"), ("country", "ESP"), ("outcome", "ACE"))
    assert (wide.total, narrow.total) == (len(either), len(both))


def test_a_filter_narrows_the_counts_of_every_facet_but_its_own(
    real: Catalogue, services: Services, entries: list[dict[str, Any]]
) -> None:
    all_entries, filtered = search(services), search(services, ("country", "IRL"))
    assert counts(real, filtered, "country") == counts(real, all_entries, "country")
    irish = Counter(entry["category"] for entry in with_codes(entries, "country", "IRL"))
    assert counts(real, filtered, "category") == {
        "good-practice": irish["good-practice"],
        "policy-paper": irish["policy-paper"],
    }


def test_every_count_is_the_total_of_the_search_with_its_value(
    real: Catalogue, services: Services
) -> None:
    start = [("category", "good-practice"), ("outcome", "language-and-culture")]
    result = search(services, *start)
    for facet in ("country", "language", "funding"):
        for value, count in counts(real, result, facet).items():
            assert search(services, *start, (facet, value)).total == count, f"{facet}={value}"


def test_an_entry_with_all_words_is_the_first(services: Services) -> None:
    (first, *_) = search(services, ("q", "mentoring unaccompanied")).entries
    assert first == BASE + "practice/1788"
    assert search(services, ("q", "UNICEF brief")).total >= 1
    assert search(services, ("q", "nosuchword")).total == 0


def test_an_entry_matches_by_the_labels_of_its_concepts(services: Services) -> None:
    assert BASE + "practice/1788" in search(services, ("q", "Mentorschapsprogramma")).entries


@pytest.mark.parametrize(
    "words", ['"', "'", "\\", "{", "}", '") } DROP ALL #', "?entry", "é", "\n", "*", "$"]
)
def test_no_query_is_an_error(services: Services, words: str) -> None:
    assert search(services, ("q", words)).total <= 56


def test_pages_have_neither_gaps_nor_overlaps(services: Services) -> None:
    for sort in ("title", "-title", "start", "-identifier"):
        seen: list[str] = []
        after: list[tuple[str, str]] = []
        while True:
            result = search(services, ("size", "7"), ("sort", sort), *after)
            seen += result.entries
            if not result.has_next:
                break
            after = [("after", encode_cursor(result.cursors[-1]))]
        assert len(seen) == len(set(seen)) == 56, sort
        assert seen == list(search(services, ("size", "100"), ("sort", sort)).entries)


def test_entries_are_sorted_by_their_titles_in_the_reader_s_language(
    real: Catalogue, services: Services
) -> None:
    languages = ("nl", "en", "es", "de", "it", "fr", "el")
    request = services.request_parser.parse([("size", "60")])
    result = services.search.search(request, languages)
    records = real.reader.read_records(real.shapes.entry_shape, result.entries)
    titles = [record.text_with_role("LabelRole", languages)[0] for record in records]
    assert titles == sorted(titles, key=lambda title: collation_key(title, "nl"))
    assert any("hervestiging" in title.lower() for title in titles)


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("outcom", "ACE", "outcome"),
        ("outcome", "ACX", "ACE"),
        ("country", "hungarian", "HUN"),
        ("sort", "titel", "title"),
        ("size", "1001", "a whole number from 0 to 1000"),
        ("size", "many", "a whole number from 0 to 1000"),
        ("after", "???", "the value that the page before gave"),
        ("after", "W10", "the value that the page before gave"),
    ],
)
def test_an_unknown_name_or_value_is_refused_with_the_nearest_valid_ones(
    services: Services, name: str, value: str, nearest: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        services.request_parser.parse([(name, value)])
    assert nearest in caught.value.valid[:3]


def test_the_value_of_a_filter_may_be_an_iri(services: Services) -> None:
    by_notation = search(services, ("outcome", "ACE"))
    assert search(services, ("outcome", BASE + "outcome/ACE")) == by_notation


def test_codes_stand_for_concepts(services: Services) -> None:
    assert services.request_parser.options["outcome"]["ACE"] == NamedNode(BASE + "outcome/ACE")
    assert not any(
        isinstance(term, Literal) for term in services.request_parser.options["country"].values()
    )
