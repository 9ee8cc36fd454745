import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode, RdfFormat, serialize

from practicegraph.catalogue import documents
from practicegraph.catalogue.catalogue import HASH_SCHEME, Catalogue
from practicegraph.rdf.terms import PG, PROV, as_text
from support.catalogues import TABLES, opened, snapshot

ROW = {
    "identifier": "own-1",
    "title@en": "Reading, together",
    "Categorie": "Goede praktijken",
    "abstract@en": 'A "quoted" summary.',
    "outcome": "ACE | Children's sense of belonging",
    "Country of origin / implementation": "Ungheria",
    "start": "2019-01",
    "ongoing": "true",
    "source": "https://example.org/own",
}


def table(path: Path, *table_rows: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table_rows[0]), restval="")
    writer.writeheader()
    writer.writerows(table_rows)
    path.write_text(text.getvalue())
    return path


def test_a_table_is_read_by_keys_and_labels_in_any_language(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    result = run("import", table(tmp_path / "rows.csv", ROW))
    assert result.exit_code == 0, result.output
    text = (copied / "data/practices/own-1.ttl").read_text()
    for expected in (
        'dct:title "Reading, together"@en',
        "pg:category category:good-practice",
        "outcome:ACE ,\n        outcome:BEL",
        "pg:country country:HUN",
        'schema:startDate "2019-01"^^xsd:gYearMonth',
        "pg:ongoing true",
        "prov:used <ni:///sha-256;",
    ):
        assert expected in text


def test_importing_the_csv_of_a_search_changes_nothing(
    run: Callable[..., Result], copied: Path, tmp_path: Path, client: TestClient
) -> None:
    exported = tmp_path / "all.csv"
    exported.write_bytes(client.get("/practices.csv?size=100").content)
    before = snapshot(copied)
    result = run("import", exported)
    assert result.exit_code == 0, result.output
    assert result.output.count("Unchanged") == 56
    assert snapshot(copied) == before


def test_an_import_changes_the_file_that_an_entry_is_in(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    (copied / "data/practices/1789.ttl").rename(copied / "data/practices/other.ttl")
    row = {"identifier": "1789", "title@nl": "Samen lezen"}
    result = run("import", table(tmp_path / "rows.csv", row))
    assert result.exit_code == 0, result.output
    assert '"Samen lezen"@nl' in (copied / "data/practices/other.ttl").read_text()
    assert not (copied / "data/practices/1789.ttl").exists()


def test_an_entry_in_a_file_of_several_graphs_is_not_imported(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    path = copied / "data/practices/1789.ttl"
    quads = documents.read_document(path).quads
    (copied / "data/set.nq").write_bytes(serialize(quads, format=RdfFormat.N_QUADS) or b"")
    path.unlink()
    before = snapshot(copied)
    result = run(
        "import", table(tmp_path / "rows.csv", {"identifier": "1789", "title@nl": "Samen"})
    )
    assert result.exit_code == 1
    assert "rows.csv:2:1: The entry is in a file" in result.output
    assert "data/set.nq" in result.output
    assert snapshot(copied) == before


def test_importing_the_table_that_entries_were_imported_from_changes_nothing(
    run: Callable[..., Result], copied: Path
) -> None:
    before = snapshot(copied)
    result = run("import", *TABLES.glob("*.csv"))
    assert result.exit_code == 0, result.output
    assert result.output.count("Unchanged") == 56
    assert snapshot(copied) == before


def test_every_table_that_provenance_names_is_kept_under_its_hash(real: Catalogue) -> None:
    named: set[tuple[str, str]] = set()
    for quad in real.store.quads(None, NamedNode(PROV + "used")):
        assert isinstance(quad.subject, NamedNode)
        assert isinstance(quad.object, NamedNode)
        if quad.object.value.startswith(HASH_SCHEME):
            (stated,) = real.store.values(quad.subject, PG + "checksum")
            named.add((quad.object.value.removeprefix(HASH_SCHEME), as_text(stated)))
    kept = {path.stem: path.read_bytes() for path in TABLES.iterdir()}
    assert {checksum for _, checksum in named} == kept.keys()
    for digest, checksum in named:
        assert hashlib.sha256(kept[checksum]).hexdigest() == checksum
        assert real.source_file(digest) == TABLES / f"{checksum}.csv"


def test_an_import_leaves_line_ends_in_other_texts_alone(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    path = copied / "data/practices/1789.ttl"
    text = path.read_bytes().decode()
    path.write_bytes(
        text.replace("    a pg:P", '    dct:description """a\r\nb\rc"""@en ;\n    a pg:P').encode()
    )
    result = run("import", table(tmp_path / "rows.csv", {"identifier": "1789", "ongoing": "true"}))
    assert result.exit_code == 0, result.output
    assert "a\r\nb\rc" in {
        getattr(q.object, "value", "") for q in documents.read_document(path).quads
    }


def test_an_empty_cell_empties_its_field_and_a_missing_column_leaves_it_alone(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    assert (
        run("import", table(tmp_path / "a.csv", {"identifier": "1788", "funding": ""})).exit_code
        == 0
    )
    catalogue = opened(copied)
    entry = catalogue.entry_iri("1788")
    record = catalogue.reader.read_records(catalogue.shapes.entry_shape, [entry])[0]
    assert "funding" not in record.values
    assert len(record.values["outcome"]) == 7


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Categorie": "Gute Praktik"}, [":2:", "Gute Praktik", "Bewährte Praktiken"]),
        ({"start": "last year"}, [":2:", "last year", "gYear"]),
        ({"ongoing": "perhaps"}, ["perhaps", "true, false"]),
        ({"source": "not an address"}, ["not an address"]),
        ({"identifier": ""}, ["Identifier"]),
        ({"identifier": "../x"}, ["../x"]),
        ({"Categorie": "good-practice | policy-paper"}, ["one value"]),
        ({"colour": "red"}, [":1:", "colour"]),
        ({"title": "No language"}, ["title@en"]),
        ({"Title@en": "Twice"}, ["Title@en", "Duplicate"]),
    ],
)
def test_a_table_with_a_fault_is_refused_and_nothing_is_written(
    run: Callable[..., Result],
    copied: Path,
    tmp_path: Path,
    change: dict[str, str],
    said: list[str],
) -> None:
    before = snapshot(copied)
    result = run("import", table(tmp_path / "rows.csv", ROW | change))
    assert result.exit_code == 1
    assert not [words for words in said if words not in result.output], result.output
    assert "Traceback" not in result.output
    assert snapshot(copied) == before


def test_an_identifier_twice_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("import", table(tmp_path / "rows.csv", ROW, ROW))
    assert result.exit_code == 1
    assert ":3:1: own-1" in result.output.replace("“", "").replace("”", "")


def test_a_row_with_too_few_cells_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("identifier,category\nown-1\n")
    result = run("import", path)
    assert result.exit_code == 1
    assert "1 cells" in result.output


def test_a_text_of_several_lines_is_the_same_after_a_round_trip(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    text = 'Line "one"\n\n• two | three'
    assert (
        run("import", table(tmp_path / "rows.csv", ROW | {"description@en": text})).exit_code == 0
    )
    quads = documents.read_document(copied / "data/practices/own-1.ttl").quads
    assert text in [getattr(quad.object, "value", "") for quad in quads]


@pytest.mark.parametrize(
    ("language", "message"), [("nl", "Onbekende waarde"), ("el", "Άγνωστη τιμή"), ("en", "Unknown")]
)
def test_an_import_speaks_the_language_of_its_reader(
    run: Callable[..., Result], tmp_path: Path, language: str, message: str
) -> None:
    table = tmp_path / "new.csv"
    table.write_text("identifier,category\nx,good-practic\n")
    result = run("import", str(table), "--lang", language)
    assert result.exit_code == 1
    assert message in result.output
