"""The ledger of gaps, held against the search and the files."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode

from conftest import rows
from practicegraph import ledger
from practicegraph.catalogue import Catalogue
from practicegraph.choices import BadChoiceError
from practicegraph.ledger import Ledger
from practicegraph.shapes import SKOS

PARTS = [
    "missing-texts",
    "translated-texts",
    "thin-fields",
    "thin-entries",
    "unused-concepts-by-scheme",
    "unconfirmed-facts",
]


@pytest.fixture(scope="module")
def kept(real: Catalogue) -> Ledger:
    return Ledger(real, real.preferring("de"))


@pytest.fixture(scope="module")
def found(kept: Ledger) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part, as programs read them."""
    listed = json.loads(ledger.as_json(kept, kept.parts()))["gaps"]
    assert [part["name"] for part in listed] == PARTS
    return {part["name"]: part["rows"] for part in listed}


def test_titles_that_nobody_has_in_a_language_are_counted_in_its_column(
    real: Catalogue, found: dict[str, list[dict[str, Any]]]
) -> None:
    entries = real.store.subjects("http://purl.org/dc/terms/abstract")
    titles = [
        real.store.labels(entry, "http://purl.org/dc/terms/title")
        | real.store.labels(entry, "https://w3id.org/practicegraph/ontology#translatedTitle")
        for entry in entries
    ]
    (row,) = [r for r in found["missing-texts"] if r["field"]["id"].endswith("#Practice-title")]
    assert row["of"] == len(titles) == 53
    for language in real.languages:
        assert row[language] == sum(language not in labels for labels in titles)


def test_labels_of_ours_are_those_that_the_stored_question_lists(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    for language in ("es", "el"):
        asked = client.get(f"/queries/translated-labels?language={language}&format=csv")
        counted = [r for r in found["translated-texts"] if "Concept" in r["field"]["id"]]
        assert sum(row[language] for row in counted) == len(rows(asked.text))


def test_entries_without_a_value_are_those_that_a_search_for_not_stated_finds(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    empty = {row["field"]["id"].rpartition("-")[2]: row["empty"] for row in found["thin-fields"]}
    facets = set(empty) & set(client.get("/practices.json").json()["facets"])
    assert len(facets) >= 5
    for key in facets:
        total = client.get(f"/practices.json?{key}=not-stated").json()["total"]
        assert empty[key] == total, key


def test_concepts_never_used_are_those_that_the_stored_question_lists(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    for row in found["unused-concepts-by-scheme"]:
        asked = client.get(
            "/queries/unused-concepts", params={"scheme": row["group"]["id"], "format": "csv"}
        )
        assert row["unused"] == len(rows(asked.text)) > 0


def test_the_thinnest_entries_come_first(found: dict[str, list[dict[str, Any]]]) -> None:
    filled = [row["filled"] for row in found["thin-entries"]]
    assert len(filled) == 53
    assert filled == sorted(filled)
    assert found["thin-entries"][-1]["identifier"] == "1788"


def test_what_is_inferred_and_lists_not_seen_to_their_end_are_unconfirmed(
    real: Catalogue, found: dict[str, list[dict[str, Any]]]
) -> None:
    reasons = [row["reason"]["id"].rpartition("#")[2] for row in found["unconfirmed-facts"]]
    notes = real.store.quads(None, NamedNode(SKOS + "editorialNote"))
    noted = [quad for quad in notes if "is inferred" in str(quad.object)]
    assert reasons.count("Concept-inferred") == len(noted) == 14
    assert reasons.count("Practice-incomplete") == 22


@pytest.mark.parametrize("name", PARTS)
def test_tables_speak_the_language_and_leave_no_column_without_a_heading(
    name: str, kept: Ledger, real: Catalogue
) -> None:
    (part,) = kept.parts(name)
    assert part.title == real.questions[name].labels["de"]
    headings = [kept.heading(column) for column in part.columns]
    codes = [column for column in part.columns if column in headings]
    assert codes in ([], list(real.languages))
    assert part.title in ledger.text(kept, [part])


def test_people_get_the_first_rows_and_programs_all(kept: Ledger) -> None:
    (part,) = kept.parts("thin-entries")
    shown = ledger.text(kept, [part])
    assert len(shown.splitlines()) < 25
    assert "… und 33 weitere: practicegraph gaps thin-entries" in shown
    table = rows(ledger.as_csv(kept, [part]))
    assert len(table) == len(part.rows) == 53
    assert table[0]["thing"].startswith("https://w3id.org/practicegraph/practice/")
    assert table[0]["thingLabel"]


def test_a_part_that_is_not_there_is_refused_with_those_that_are(kept: Ledger) -> None:
    with pytest.raises(BadChoiceError) as refused:
        kept.parts("thin-field")
    assert "thin-fields" in refused.value.valid


def test_the_command_prints_the_ledger_and_is_no_check(run: Callable[..., Result]) -> None:
    whole = run("gaps", "--lang", "nl")
    assert whole.exit_code == 0
    assert "Welke gegevens heeft de bron niet bevestigd?" in whole.output
    assert run("gaps", "thin-fields", "--format", "csv").output.startswith(
        "gap,field,fieldLabel,of,empty"
    )
    assert run("gaps", "--lang", "pt").exit_code == 1
