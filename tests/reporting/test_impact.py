"""The impact of edits of the catalogue on its readers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from pyoxigraph import NamedNode

from practicegraph.catalogue import catalogue, revisions
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.reporting.differences import Comparison, State
from practicegraph.reporting.impact import compute_impact
from support.catalogues import ROOT, sparql_engine
from support.retirement import BASE, GONE, NEXT, OLD, REPLACED, SUCCESSOR, move, write_tombstone

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def earlier() -> State:
    return state(ROOT)


def state(root: Path) -> State:
    documents = revisions.read_revision(str(root), root)
    return State(documents, catalogue.open_in_memory(documents, root))


def impact(earlier: State, root: Path, language: str = "en") -> dict[str, Any]:
    new = state(root)
    comparison = Comparison(earlier, new, new.catalogue.preferred_languages(language))
    impact = compute_impact(comparison, comparison.differences())
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(impact))
    return found


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def counts(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {
        each.get("id", each["name"]): (each["before"], each["after"]) for each in found["counts"]
    }


def number(client_of: Catalogue, iri: str) -> int:
    """Return the number of entries for a concept as a search counts them."""
    facets = client_of.shapes.entry_shape.facets
    defined = sparql_engine(client_of)
    found = (defined.counts(facet) for facet in facets)
    return next(n for each in found for term, n in each.items() if term == NamedNode(iri))


def test_equal_states_have_no_impact(earlier: State) -> None:
    assert impact(earlier, ROOT) == {
        "counts": [],
        "retagged": [],
        "addresses": [],
        "questions": [],
        "names": [],
    }


def test_a_merged_concept_changes_counts_and_facet_values_of_unchanged_entries(
    earlier: State, copied: Path, real: Catalogue
) -> None:
    move(copied / "ontology/outcome.ttl", REPLACED, SUCCESSOR)
    found = impact(earlier, copied)
    before = counts(found)
    assert before[REPLACED] == (number(real, REPLACED), 0)
    assert before[SUCCESSOR][0] == number(real, SUCCESSOR)
    assert before[SUCCESSOR][1] > before[SUCCESSOR][0]
    assert len(found["retagged"]) == number(real, REPLACED)
    for entry in found["retagged"]:
        (field,) = entry["fields"]
        assert [value["value"] for value in field["removed"]] == [REPLACED]
        assert {value["value"] for value in field["added"]} <= {SUCCESSOR}
    assert [(each["id"], each["change"], each["to"]) for each in found["addresses"]] == [
        (REPLACED, "moved", SUCCESSOR)
    ]


def test_another_facet_value_of_an_entry_is_in_the_impact(earlier: State, copied: Path) -> None:
    edit(
        copied / "data/practices/1788.ttl",
        "    pg:country country:HUN ;\n",
        "    pg:country country:AUT ;\n",
    )
    found = impact(earlier, copied, "nl")
    (entry,) = found["retagged"]
    assert entry["id"] == f"{BASE}practice/1788"
    (field,) = entry["fields"]
    assert field["label"] == "Land van herkomst of uitvoering"
    assert [value["label"] for value in field["removed"]] == ["Hongarije"]
    assert [value["label"] for value in field["added"]] == ["Oostenrijk"]
    moved = {each["name"]: each["after"] - each["before"] for each in found["counts"]}
    assert moved == {"Hongarije": -1, "Oostenrijk": 1}


def test_another_label_alone_has_no_impact(earlier: State, copied: Path) -> None:
    edit(copied / "ontology/funding.ttl", '"EU funds"@en', '"Money of the EU"@en')
    assert not any(impact(earlier, copied).values())


def test_a_label_that_is_lost_in_a_language_is_in_the_impact(earlier: State, copied: Path) -> None:
    path = copied / "ontology/funding.ttl"
    text = path.read_text()
    label = re.search(r'        "([^"]*)"@fr ,\n', text)
    assert label
    path.write_text(text.replace(label[0], "", 1))
    (lost,) = impact(earlier, copied)["names"]
    assert (lost["language"], lost["lost"]) == ("fr", label[1])


def test_published_iris_that_are_moved_withdrawn_or_removed_are_in_the_impact(
    earlier: State, copied: Path
) -> None:
    practices = copied / "data/practices"
    move(practices / "1764.ttl", OLD, NEXT)
    write_tombstone(practices / "1701.ttl", GONE)
    (practices / "1803.ttl").unlink()
    fates = {
        each["id"]: (each["change"], each.get("to"))
        for each in impact(earlier, copied)["addresses"]
    }
    assert fates == {
        OLD: ("moved", NEXT),
        GONE: ("withdrawn", None),
        f"{BASE}practice/1803": ("removed", None),
    }


def test_stored_queries_that_fail_or_return_nothing_are_in_the_impact(
    earlier: State, copied: Path
) -> None:
    queries = copied / "queries"
    edit(queries / "imports.rq", "WHERE {", "WHERE {{")
    text = (queries / "outcomes-together.rq").read_text()
    (queries / "outcomes-together.rq").write_text(text.replace("pg:outcome", "pg:outcom"))
    found = {each["id"].rpartition("/")[2]: each for each in impact(earlier, copied)["questions"]}
    assert set(found) == {"imports", "outcomes-together"}
    assert "cannot stand here" in found["imports"]["fails"]
    assert found["outcomes-together"]["before"] > 0
    assert found["outcomes-together"]["after"] == 0


@pytest.mark.parametrize("language", ["en", "el"])
def test_the_text_of_a_diff_begins_with_the_impact(
    run: Run, copied: Path, real: Catalogue, language: str
) -> None:
    move(copied / "ontology/outcome.ttl", REPLACED, SUCCESSOR)
    edit(copied / "queries/imports.rq", "WHERE {", "WHERE {{")
    result = run("diff", str(ROOT), "--lang", language)
    lines = result.output.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        f"{real.phrases.format(name, (language,))}:"
        for name in ("changedCounts", "changedFacetValues", "lostIris", "brokenQueries")
    ]
    assert any(re.fullmatch(r"  .+: .+: \d+ → \d+", line) for line in lines)


def test_a_check_against_an_earlier_state_reports_the_impact(run: Run, copied: Path) -> None:
    edit(copied / "queries/imports.rq", "WHERE {", "WHERE {{")
    result = run("check", "--against", str(ROOT))
    assert result.exit_code == 1
    heading, told, *_ = result.output.splitlines()
    assert heading == "Stored queries that fail or return nothing:"
    assert "/queries/imports: fails now:" in told
    assert "queries/imports.rq:" in result.output
    assert "[QueryFails]" in result.output
