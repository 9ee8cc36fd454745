"""The report of data gaps agrees with the search and the files."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode

from practicegraph.application import startup
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import SKOS
from practicegraph.reporting import gaps
from practicegraph.reporting.gaps import GapReport
from practicegraph.schema.value_parser import InvalidParameterError
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import loaded, rows

PARTS = [
    "missing-texts",
    "translated-texts",
    "thin-fields",
    "thin-entries",
    "unused-concepts-by-scheme",
    "unconfirmed-facts",
]


@pytest.fixture(scope="module")
def report(real: Catalogue) -> GapReport:
    return GapReport(real, real.preferred_languages("de"))


@pytest.fixture(scope="module")
def found(report: GapReport) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table of the JSON."""
    listed = json.loads(gaps.write_json(report, report.tables()))["gaps"]
    assert [part["name"] for part in listed] == PARTS
    return {part["name"]: part["rows"] for part in listed}


def test_missing_titles_are_counted_in_the_column_of_their_language(
    real: Catalogue, found: dict[str, list[dict[str, Any]]]
) -> None:
    entries = real.store.subjects("http://purl.org/dc/terms/abstract")
    titles = [
        real.store.labels(entry, "http://purl.org/dc/terms/title")
        | real.store.labels(entry, "https://w3id.org/practicegraph/ontology#translatedTitle")
        for entry in entries
    ]
    (row,) = [r for r in found["missing-texts"] if r["field"]["id"].endswith("#Practice-title")]
    assert row["total"] == len(titles) == 56
    for language in real.languages:
        assert row[language] == sum(language not in labels for labels in titles)


def test_counts_of_translated_labels_agree_with_the_stored_query(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    for language in ("es", "el"):
        asked = client.get(f"/queries/translated-labels?language={language}&format=csv")
        counted = [r for r in found["translated-texts"] if "Concept" in r["field"]["id"]]
        assert sum(row[language] for row in counted) == len(rows(asked.text))


def test_entries_without_a_value_are_as_many_as_a_search_for_not_stated_finds(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    fields = {row["field"]["id"].rpartition("#")[2]: row["empty"] for row in found["thin-fields"]}
    empty = {name.removeprefix("Practice-"): number for name, number in fields.items()}
    facets = set(empty) & set(client.get("/practices.json").json()["facets"])
    assert len(facets) >= 5
    for key in facets:
        total = client.get(f"/practices.json?{key}=not-stated").json()["total"]
        assert empty[key] == total, key


def test_counts_of_unused_concepts_agree_with_the_stored_query(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    for row in found["unused-concepts-by-scheme"]:
        asked = client.get(
            "/queries/unused-concepts", params={"scheme": row["group"]["id"], "format": "csv"}
        )
        assert row["unused"] == len(rows(asked.text)) > 0


def test_entries_with_the_fewest_fields_come_first(found: dict[str, list[dict[str, Any]]]) -> None:
    filled = [row["filled"] for row in found["thin-entries"]]
    assert len(filled) == 56
    assert filled == sorted(filled)
    assert found["thin-entries"][-1]["identifier"] == "1788"


def test_inferred_facts_and_incomplete_lists_are_unconfirmed(
    real: Catalogue, found: dict[str, list[dict[str, Any]]]
) -> None:
    reasons = [row["reason"]["id"].rpartition("#")[2] for row in found["unconfirmed-facts"]]
    notes = real.store.quads(None, NamedNode(SKOS + "editorialNote"))
    noted = [quad for quad in notes if "is inferred" in str(quad.object)]
    assert reasons.count("Concept-inferred") == len(noted) == 14
    assert reasons.count("Observation-inferred") == 2 * 28
    assert reasons.count("Record-incomplete") == 23
    fields = [row["field"]["id"].rpartition("#")[2] for row in found["unconfirmed-facts"]]
    assert fields.count("Practice-identifier") == 1


@pytest.mark.parametrize("name", PARTS)
def test_titles_and_headings_of_a_table_are_in_the_language_of_the_report(
    name: str, report: GapReport, real: Catalogue
) -> None:
    (part,) = report.tables(name)
    assert part.title == real.stored_queries[name].labels["de"]
    headings = [report.heading(column) for column in part.columns]
    codes = [column for column in part.columns if column in headings]
    assert codes in ([], list(real.languages))
    assert part.title in gaps.write_text(report, [part])


def test_text_has_the_first_rows_and_csv_all(report: GapReport) -> None:
    (part,) = report.tables("thin-entries")
    shown = gaps.write_text(report, [part])
    assert len(shown.splitlines()) < 25
    assert "… und 36 weitere: practicegraph gaps thin-entries" in shown
    table = rows(gaps.write_csv(report, [part]))
    assert len(table) == len(part.rows) == 56
    assert table[0]["thing"].startswith("https://w3id.org/practicegraph/practice/")
    assert table[0]["thingLabel"]


def test_an_unknown_table_is_an_error_that_names_similar_ones(report: GapReport) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        report.tables("thin-field")
    assert "thin-fields" in refused.value.valid


def test_the_command_prints_the_report_and_exits_with_zero(run: Callable[..., Result]) -> None:
    whole = run("gaps", "--lang", "nl")
    assert whole.exit_code == 0
    assert "Welke gegevens heeft de bron niet bevestigd?" in whole.output
    assert run("gaps", "thin-fields", "--format", "csv").output.startswith(
        "gap,field,fieldLabel,total,empty"
    )
    assert run("gaps", "--lang", "pt").exit_code == 1


def test_the_page_has_every_table_with_its_title_in_the_language_of_the_request(
    client: TestClient, report: GapReport
) -> None:
    page = client.get("/gaps?lang=de", headers={"Accept": "text/html"}).text
    parts = report.tables()
    places = [page.index(f'href="/queries/{part.name}?lang=de"') for part in parts]
    assert places == sorted(places)
    for part in parts:
        assert part.title in unescape(page)
        assert f"Gesamt: {len(part.rows)}<" in page
    (thin,) = [part for part in parts if part.name == "thin-entries"]
    thing = thin.rows[0]["thing"]
    assert isinstance(thing, NamedNode)
    path = thing.value.removeprefix(report.catalogue.base)
    assert f'<a href="/{path}.html?lang=de">{report.label(thing)}</a>' in unescape(page)


def test_json_has_the_counts_and_the_first_rows(
    client: TestClient, found: dict[str, list[dict[str, Any]]]
) -> None:
    answer = client.get("/gaps?lang=de")
    assert answer.headers["content-type"] == "application/json"
    for part in answer.json()["gaps"]:
        rows = found[part["name"]]
        assert part["count"] == len(rows)
        assert part["rows"] == rows[: gaps.MAX_ROWS]
        assert client.get(part["answer"]).status_code == 200
    known = {"If-None-Match": answer.headers["etag"]}
    assert client.get("/gaps?lang=de", headers=known).status_code == 304
    assert client.get("/gaps", headers={"Accept": "text/csv"}).status_code == 406


def test_a_query_beyond_its_deadline_has_no_count_and_a_note(tmp_path: Path) -> None:
    served = startup.open_for_serving(loaded(tmp_path / "catalogue"))
    assert served.source
    workers = WorkerPool(served.source, QueryLimits(seconds=0, processes=1))
    with TestClient(application(served, workers)) as client:
        parts = client.get("/gaps").json()["gaps"]
        page = client.get("/gaps?lang=nl", headers={"Accept": "text/html"}).text
    assert {part["count"] for part in parts} == {None}
    assert all(part["truncated"] and part["rows"] == [] for part in parts)
    assert page.count("Deze query overschrijdt de tijdslimiet") == len(PARTS)
