"""Sheets of spreadsheet programs: filled in, read back cell by cell, and refused."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as some
from openpyxl import Workbook
from pyoxigraph import Literal, NamedNode

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.exchange import table_reader
from practicegraph.exchange.table_format import (
    TableColumns,
    escape_formula,
    join_values,
    split_values,
    unescape_formula,
)
from practicegraph.exchange.table_reader import TableParser
from practicegraph.exchange.table_writer import CellValueError, WorkbookWriter
from practicegraph.rdf.terms import RDF
from practicegraph.schema.catalog_records import is_generated
from practicegraph.schema.records import Record
from practicegraph.schema.text import fold
from practicegraph.schema.value_parser import (
    Draft,
    ImportFailedError,
    SourceLocation,
    column_letters,
)
from support.catalogues import snapshot

LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
HEADER = ["identifier", "title@en", "category", "source"]
FILLED = ["own-1", "Reading", "good-practice", "https://example.org/own"]


def saved(path: Path, *table_rows: Sequence[Any]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet
    sheet.title = "Entries"
    for row in table_rows:
        sheet.append(list(row))
    book.save(path)
    return path


def changed(path: Path, change: Callable[[Any], None]) -> Path:
    """A workbook, saved again after a change of its first sheet."""
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)
    return path


def parse_drafts(real: Catalogue, path: Path) -> list[Draft]:
    return TableParser(real.value_parser).parse_file(path)


def entry_values(real: Catalogue, path: Path) -> dict[str, list[Any]]:
    """What the only entry of a table says, by the keys of the fields."""
    (draft,) = parse_drafts(real, path)
    return {v.field.key: [getattr(t, "value", "") for t in v.terms] for v in draft.values}


def problems_of(real: Catalogue, path: Path) -> list[str]:
    with pytest.raises(ImportFailedError) as caught:
        parse_drafts(real, path)
    return [str(problem).replace(str(path), path.name) for problem in caught.value.problems]


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_all_entries_exported_and_imported_change_nothing(
    run: Callable[..., Result], copied: Path, tmp_path: Path, form: str
) -> None:
    exported = tmp_path / f"all.{form}"
    assert run("export", "--lang", "el", "-o", exported).exit_code == 0
    before = snapshot(copied / "data")
    result = run("import", exported)
    assert result.exit_code == 0, result.output
    assert result.output.count("Unchanged") == 56
    assert snapshot(copied / "data") == before


@pytest.fixture(scope="module")
def exported(real: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All entries in a workbook."""
    path = tmp_path_factory.mktemp("exported") / "all.xlsx"
    kind = real.shapes.entry_shape
    entries = [NamedNode(iri) for c in kind.classes for iri in _instances(real, c)]
    found = real.reader.read_records(kind, [entry.value for entry in entries])
    with path.open("wb") as output:
        WorkbookWriter(TableColumns(real.value_parser), real.languages).write(
            real.reader, found, output
        )
    return path


def _instances(real: Catalogue, name: str) -> list[str]:
    found = real.store.subjects(RDF + "type", NamedNode(name))
    return [node.value for node in found if isinstance(node, NamedNode)]


def values_of(drafts: list[Draft]) -> list[Any]:
    return [draft.values for draft in drafts]


def test_a_workbook_saved_by_another_program_has_the_same_values(
    real: Catalogue, exported: Path, tmp_path: Path
) -> None:
    again = Path(shutil.copy(exported, tmp_path / "again.xlsx"))
    changed(again, lambda sheet: sheet.insert_rows(20))
    assert len(parse_drafts(real, exported)) == 56
    assert values_of(parse_drafts(real, again)) == values_of(parse_drafts(real, exported))


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_a_workbook_saved_by_libreoffice_has_the_same_values(
    real: Catalogue, exported: Path, tmp_path: Path
) -> None:
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    order = ["--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path)]
    subprocess.run(
        ["soffice", profile, *order, str(exported)], check=True, timeout=120, capture_output=True
    )
    assert values_of(parse_drafts(real, tmp_path / exported.name)) == values_of(
        parse_drafts(real, exported)
    )


def test_a_filled_in_template_makes_an_entry(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    template = tmp_path / "neu.xlsx"
    assert run("template", "--lang", "de", "-o", template).exit_code == 0
    filled = {
        "Identifikator": "own-1",
        "Titel@de": "=Lesen",
        "Rubrik": "Bewährte Praktiken",
        "Zusammenfassung@de": "Gemeinsam lesen.",
        "Herkunftsland/Durchführungsort": "Ungarn",
        "Sprache": "Ungarisch | Greek",
        "Laufend": "ja",
        "Quelle": "https://example.org/own",
    }

    def fill(sheet: Any) -> None:
        columns = {cell.value: cell.column for cell in sheet[1]}
        for label, text in filled.items():
            sheet.cell(3, columns[label], text).data_type = "s"

    result = run("import", changed(template, fill))
    assert result.exit_code == 0, result.output
    text = (copied / "data/practices/own-1.ttl").read_text()
    for expected in (
        'dct:title "=Lesen"@de',
        "pg:category category:good-practice",
        "pg:country country:HUN",
        "language:ELL ,\n        language:HUN",
        "pg:ongoing true",
        "prov:used <ni:///sha-256;",
    ):
        assert expected in text


def test_a_dry_run_shows_the_change_and_writes_nothing(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    before = snapshot(copied)
    header = ["identifier", "Country of origin / implementation"]
    result = run("import", saved(tmp_path / "a.xlsx", header, [1788, "Italia"]), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "-    pg:country country:HUN" in result.output
    assert "+    pg:country country:ITA" in result.output
    assert snapshot(copied) == before


def test_an_invalid_cell_and_nothing_is_written(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    before = snapshot(copied)
    wrong = ["own-2", "Writing", "Gute Praktik", "https://example.org/own"]
    result = run("import", saved(tmp_path / "a.xlsx", HEADER, FILLED, wrong))
    assert result.exit_code == 1
    assert "a.xlsx: Entries!C3: Category: “Gute Praktik”" in result.output
    assert snapshot(copied) == before


def test_a_file_is_overwritten_only_with_force(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("mine")
    assert run("template", "-o", path).exit_code == 1
    assert path.read_text() == "mine"
    assert run("template", "-o", path, "--force").exit_code == 0
    assert path.read_text("utf-8-sig").startswith("identifier,title@en,")


@pytest.mark.parametrize("arguments", [("--lang", "xx"), ("-o", "new.ods")])
def test_a_template_of_another_form_or_language_is_refused(
    run: Callable[..., Result], arguments: tuple[str, str]
) -> None:
    result = run("template", *arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_labels_of_columns_are_read_back_without_their_keys(
    real: Catalogue, run: Callable[..., Result], tmp_path: Path, language: str
) -> None:
    result = run("template", "--format", "csv", "--lang", language)
    labels = next(csv.reader([result.stdout_bytes.decode("utf-8-sig")]))
    columns = TableColumns(real.value_parser)
    listed = WorkbookWriter(columns, real.preferred_languages(language)).written_columns
    assert tuple(columns.by_name[fold(label)] for label in labels) == listed
    assert labels[0] != "identifier"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_option_of_a_list_is_parsed_as_its_value(real: Catalogue, language: str) -> None:
    columns = TableColumns(real.value_parser)
    for field in real.shapes.entry_shape.fields:
        values = real.vocabularies.options(field)
        wordings = (
            columns.option_texts(field, real.preferred_languages(language))
            if field.has_options
            else {}
        )
        for code, wording in wordings.items():
            term = real.value_parser.parse(
                SourceLocation(Path(), 0), field, wording, real.languages
            )
            assert term == values[code], wording


def test_a_template_offers_lists_and_hints_and_marks_what_is_required(
    real: Catalogue, tmp_path: Path
) -> None:
    output = io.BytesIO()
    WorkbookWriter(TableColumns(real.value_parser), real.preferred_languages("nl")).write(
        real.reader, (), output
    )
    book = openpyxl.load_workbook(output)
    entries, explained, options = book.worksheets
    assert [s.sheet_state for s in book.worksheets] == ["visible", "visible", "hidden"]
    assert entries.row_dimensions[2].hidden
    assert entries.freeze_panes == "B3"
    columns = {cell.value: column_letters(n) for n, cell in enumerate(entries[2], 1)}
    required = {
        key for key in columns if entries[f"{columns[key]}1"].fill.fgColor.rgb == "00FFE699"
    }
    assert {"identifier", "category", "title@en"} <= required
    assert "country" not in required
    assert entries.column_dimensions[columns["start"]].number_format == "@"
    offered = {str(v.sqref).partition("3:")[0]: v for v in entries.data_validations.dataValidation}
    category, outcome = offered[columns["category"]], offered[columns["outcome"]]
    assert category.type == outcome.type == "list"
    assert category.showErrorMessage and not outcome.showErrorMessage
    assert category.formula1
    listed = options[category.formula1.partition("!")[2].replace("$", "")]
    assert "Goede praktijken" in [cell.value for (cell,) in listed]
    assert category.prompt == real.shapes.entry_shape.fields_by_key["category"].hints["nl"]
    assert {"Identificatie", "Titel@nl"} <= {row[0].value for row in explained.iter_rows()}


def test_columns_are_found_by_their_keys_whatever_the_labels(
    real: Catalogue, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.xlsx", ["Nr", "T", "C", "S"], HEADER, FILLED)
    assert entry_values(real, path)["title"] == ["Reading"]


def test_a_key_of_an_earlier_version_is_an_unknown_column(real: Catalogue, tmp_path: Path) -> None:
    labels, keys = ["Nr", "T", "C", "S", "X"], [*HEADER, "formerKey"]
    (problem,) = problems_of(real, saved(tmp_path / "a.xlsx", labels, keys, [*FILLED, "x"]))
    assert problem.startswith("a.xlsx: Entries!E1: “formerKey”: Unknown column")


def test_a_column_that_was_added_beside_the_keys_is_read_by_its_label(
    real: Catalogue, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.xlsx", [*HEADER, "Beginn"], [*HEADER, None], [*FILLED, "2019"])
    assert entry_values(real, path)["start"] == ["2019"]


@pytest.mark.parametrize(
    ("value", "form", "meant"),
    [
        (2019, "General", "2019"),
        (2019.0, "General", "2019"),
        (date(2019, 1, 31), "yyyy-mm-dd", "2019-01-31"),
        (date(2019, 1, 31), "[$-407]d. mmmm yyyy", "2019-01-31"),
        (datetime(2019, 1, 1), "mmm-yy", "2019-01"),
        (datetime(2019, 1, 1), "yyyy", "2019"),
    ],
)
def test_numbers_and_dates_are_parsed_as_displayed(
    real: Catalogue, tmp_path: Path, value: Any, form: str, meant: str
) -> None:
    path = saved(tmp_path / "a.xlsx", ["identifier", "start"], [7, value])

    def format_(sheet: Any) -> None:
        sheet["B2"].number_format = form
        sheet["A2"].number_format = "0000"

    assert entry_values(real, changed(path, format_)) == {"identifier": ["0007"], "start": [meant]}


@pytest.mark.parametrize("word", [True, "TRUE", "wahr", "Ja", "sí", "ναι", "oui", "true"])
def test_yes_is_parsed_in_every_language(real: Catalogue, tmp_path: Path, word: Any) -> None:
    path = saved(tmp_path / "a.xlsx", ["identifier", "ongoing"], ["own-1", word])
    assert entry_values(real, path)["ongoing"] == ["true"]


@pytest.mark.parametrize("word", [False, "ONWAAR", "Nein", "όχι", "non", "false"])
def test_no_is_parsed_in_every_language(real: Catalogue, tmp_path: Path, word: Any) -> None:
    path = saved(tmp_path / "a.xlsx", ["identifier", "ongoing"], ["own-1", word])
    assert entry_values(real, path)["ongoing"] == ["false"]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (HEADER, ["own-1", "=1+1"], "Entries!B2: Title: “=1+1”: The cell contains a formula"),
        (
            HEADER,
            ["own-1", "#REF!"],
            "Entries!B2: Title: “#REF!”: The cell contains a spreadsheet error",
        ),
        (HEADER, [None, "Reading"], "Entries!A2: Identifier"),
        (HEADER, [*FILLED, "stray"], "Entries!E2: “stray”: The column of this cell has no header"),
        ([*HEADER, "colour"], FILLED, "Entries!E1: “colour”: Unknown column"),
        (["title@en"], ["Reading"], "Entries!A1: The table has no column identifier"),
        ([*HEADER, None, "end"], [*FILLED, "x", "2019"], "Entries!E2: “x”: The column"),
    ],
)
def test_a_fault_names_sheet_and_cell(
    real: Catalogue, tmp_path: Path, header: list[Any], row: list[Any], expected: str
) -> None:
    (problem,) = problems_of(real, saved(tmp_path / "a.xlsx", header, row))
    assert problem.startswith(f"a.xlsx: {expected}")


@pytest.mark.parametrize(
    ("merged", "expected"),
    [
        ("B2:B3", ["Entries!B3: Title"]),
        ("B2:C3", ["Entries!C2: Category", "Entries!B3: Title", "Entries!C3: Category"]),
        ("A2:A3", ["Entries!A3: Identifier"]),
        ("A3:A4", []),
        ("A5:D9", []),
    ],
)
def test_a_merged_cell_is_a_fault_but_where_its_value_stands(
    real: Catalogue, tmp_path: Path, merged: str, expected: list[str]
) -> None:
    rows = [HEADER, FILLED, ["own-2", "Writing", *FILLED[2:]]]
    path = changed(saved(tmp_path / "a.xlsx", *rows), lambda sheet: sheet.merge_cells(merged))
    if not expected:
        assert len(parse_drafts(real, path)) == 2
        return
    problems = problems_of(real, path)
    assert len(problems) >= len(expected)
    assert all("merged with another" in problem for problem in problems[: len(expected)])
    for problem, place in zip(problems, expected, strict=False):
        assert problem.startswith(f"a.xlsx: {place}")


def with_sheet(path: Path, title: str, *table_rows: Sequence[Any], state: str = "visible") -> Path:
    """A workbook with one sheet more."""
    book = openpyxl.load_workbook(path)
    sheet = book.create_sheet(title)
    sheet.sheet_state = state
    for row in table_rows:
        sheet.append(list(row))
    book.save(path)
    return path


def test_every_visible_sheet_is_read(real: Catalogue, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, FILLED)
    with_sheet(path, "More", HEADER, ["own-2", *FILLED[1:]])
    with_sheet(path, "Lists", ["Good practice"], ["yes"], state="hidden")
    with_sheet(path, "Blank")
    assert [draft.identifier for draft in parse_drafts(real, path)] == ["own-1", "own-2"]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_entries_in_a_hidden_sheet_are_not_passed_over(
    real: Catalogue, tmp_path: Path, state: str
) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, FILLED)
    with_sheet(path, "Old", HEADER, ["own-3", *FILLED[1:]], state=state)
    (problem,) = problems_of(real, path)
    assert problem.startswith("a.xlsx: Old!A1: The sheet is hidden")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([HEADER, FILLED], "More!A2: “own-1”: Duplicate identifier; first found on line Entries!2"),
        ([["Call the school"]], "More!A1: “Call the school”: Unknown column"),
        ([["title@en"], ["Reading"]], "More!A1: The table has no column identifier"),
    ],
)
def test_a_fault_in_another_sheet_names_it(
    real: Catalogue, tmp_path: Path, rows: list[list[str]], expected: str
) -> None:
    path = with_sheet(saved(tmp_path / "a.xlsx", HEADER, FILLED), "More", *rows)
    (problem,) = problems_of(real, path)
    assert problem.startswith(f"a.xlsx: {expected}")


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("Code _x005F_x0041_ here", "Code _x0041_ here"),
        ("a_x000D_\nb", "a\nb"),
        ("_xD83D__xDE00_", "\U0001f600"),
        ("_x0041_", "A"),
    ],
)
def test_escapes_in_a_sheet_are_resolved(
    real: Catalogue, tmp_path: Path, escaped: str, text: str
) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, ["own-1", escaped, *FILLED[2:]])
    assert entry_values(real, path)["title"] == [text]


@pytest.mark.parametrize("character", ["_x000B_", "_x0000_", "_xFFFE_"])
def test_a_control_character_in_a_sheet_is_a_fault(
    real: Catalogue, tmp_path: Path, character: str
) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, ["own-1", f"Garden{character}club", *FILLED[2:]])
    (problem,) = problems_of(real, path)
    assert problem.startswith("a.xlsx: Entries!B2: Title: “Garden\ufffdclub”: The cell contains a")


def test_a_control_character_in_csv_is_a_fault(real: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("identifier,title@en\nown-1,Garden\x0bclub\n")
    assert problems_of(real, path)[0].startswith("a.csv:2:2: Title: “Garden\ufffdclub”")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_read_in_each_encoding_that_it_states(
    real: Catalogue, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("identifier\ttitle@el\nown-1\tΚήπος\n", encoding)
    assert entry_values(real, path)["title"] == ["Κήπος"]


@pytest.mark.parametrize(
    ("encoding", "title"),
    [("cp1252", "Übung"), ("cp1253", "Κήπος"), ("utf-16-le", "Κήπος"), ("utf-32", "Κήπος")],
)
def test_csv_in_another_encoding_is_refused_with_what_to_save(
    real: Catalogue, tmp_path: Path, encoding: str, title: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"identifier,title@de\nown-1,{title}\n", encoding)
    (problem,) = problems_of(real, path)
    assert problem.startswith("a.csv:1: " if encoding == "utf-32" else "a.csv:2: ")
    assert "CSV UTF-8 or XLSX" in problem


@pytest.mark.parametrize("name", ["Titre traduitt", "résumee@fr"])
def test_names_that_are_like_an_unknown_one_are_as_they_are_written(
    real: Catalogue, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"identifier,{name}\nown-1,a\n")
    assert {"Titre traduit", "Résumé@fr"} & set(re.split(": |, ", problems_of(real, path)[0]))


def test_a_fault_in_csv_names_the_line_of_its_cell(real: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('identifier,title@en,start\n\nown-1,"two\nlines",soon\n')
    assert problems_of(real, path)[0].startswith("a.csv:4:3: Start: “soon”")


@pytest.mark.parametrize("between", [";", "\t"])
def test_csv_is_read_as_excel_saves_it_elsewhere(
    real: Catalogue, tmp_path: Path, between: str
) -> None:
    path = tmp_path / "a.csv"
    text = between.join(HEADER) + "\n" + between.join(FILLED) + f"\n{between * 3}\n"
    path.write_text(text, "utf-8-sig")
    assert entry_values(real, path)["source"] == [FILLED[3]]


def test_an_unclosed_quotation_is_an_error_with_its_line(real: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('identifier,title@en\nown-1,a\nown-2,"b\n')
    assert problems_of(real, path)[0].startswith("a.csv:3: The table cannot be parsed")


@pytest.mark.parametrize("name", ["a.xlsm", "a.XLS", "a.ods"])
def test_other_tables_are_refused(run: Callable[..., Result], tmp_path: Path, name: str) -> None:
    result = run("import", saved(tmp_path / "a.xlsx", HEADER, FILLED).rename(tmp_path / name))
    assert result.exit_code == 1
    assert "XLSX without macros" in result.output


def repacked(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """A workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as packed:
        parts = {part: packed.read(part) for part in packed.namelist()}
    parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        (
            "[Content_Types].xml",
            lambda c: c.replace(b"sheet.main", b"sheet.macroEnabled.main"),
            "macros",
        ),
        ("xl/media/big", lambda _: bytes(table_reader.MAX_TABLE_BYTES + 1), "too large"),
        (SHEET, lambda c: b'<!DOCTYPE x [<!ENTITY a "b">]>' + c, "not a readable Excel workbook"),
        (SHEET, lambda c: c[:-30], "not a readable Excel workbook"),
        ("xl/workbook.xml", lambda _: b"", "not a readable Excel workbook"),
    ],
    ids=["macro", "bomb", "entity", "cut", "empty"],
)
def test_a_workbook_that_is_dangerous_or_broken_is_refused(
    real: Catalogue, tmp_path: Path, part: str, change: Callable[[bytes], bytes], expected: str
) -> None:
    path = repacked(saved(tmp_path / "a.xlsx", HEADER, FILLED), part, change)
    (problem,) = problems_of(real, path)
    assert expected in problem


def test_a_wrong_stated_size_of_a_sheet_is_ignored(real: Catalogue, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, FILLED)
    repacked(path, SHEET, lambda c: c.replace(b'ref="A1:D2"', b'ref="A1:XFD1048576"'))
    assert entry_values(real, path)["title"] == ["Reading"]


def test_more_rows_than_the_limit_are_refused(real: Catalogue, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", HEADER, FILLED, FILLED)
    (rows,) = table_reader.read_xlsx(real.value_parser, path, path.read_bytes(), 3)
    assert len(rows) == 3
    with pytest.raises(ImportFailedError, match="too large"):
        table_reader.read_xlsx(real.value_parser, path, path.read_bytes(), 2)


FORMULAS = ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "'=x", "''@x"]


def record_with_title(real: Catalogue, title: str) -> Record:
    values = {"identifier": (Literal("own-1"),), "title": (Literal(title, language="en"),)}
    return Record(f"{real.base}practice/own-1", real.shapes.entry_shape, values)


@pytest.mark.parametrize(
    "text",
    [*FORMULAS, "_x000A_ in a text", "_x005F_", "_x00Ag_", "a\n\n  b | c", "#N/A", "2019", "'tis"],
)
def test_a_text_is_never_a_formula_and_comes_back_from_a_sheet(
    real: Catalogue, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "a.xlsx"
    with path.open("wb") as output:
        WorkbookWriter(TableColumns(real.value_parser), real.languages).write(
            real.reader, [record_with_title(real, text)], output
        )
    (draft,) = parse_drafts(real, path)
    (title,) = [v for v in draft.values if v.field.key == "title" and v.language == "en"]
    assert title.terms == (Literal(text.strip(), language="en"),)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_looks_like_a_formula_is_escaped(text: str) -> None:
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+1.5", "a=b", "'tis", "", "https://example.org/"])
def test_a_text_that_is_no_formula_is_not_escaped(text: str) -> None:
    assert escape_formula(text) == text


@given(some.text(alphabet="'=+-@\t1.a\n"))
def test_every_escaped_text_is_unescaped(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


_VALUES = some.text(alphabet="\\| ab", min_size=1).map(str.strip).filter(bool)


@given(some.lists(_VALUES))
def test_joined_values_are_split_again_with_their_bars(values: list[str]) -> None:
    assert split_values(join_values(values)) == values


@pytest.mark.parametrize(
    ("address", "right"),
    [("https://example.org/a_(b)", True), ("https://exa{mple", False), ("https://[x", False)],
)
def test_an_address_in_a_cell_is_an_iri_or_refused(
    real: Catalogue, tmp_path: Path, address: str, right: bool
) -> None:
    path = saved(tmp_path / "a.xlsx", ["identifier", "source"], ["own-1", address])
    if right:
        assert entry_values(real, path)["source"] == [address]
    else:
        assert "Entries!B2" in problems_of(real, path)[0]


@pytest.mark.parametrize("text", ["x" * 32_768, "a\x01b"])
def test_a_text_that_no_cell_can_have_is_refused(real: Catalogue, text: str) -> None:
    sheets = WorkbookWriter(TableColumns(real.value_parser), real.languages)
    with pytest.raises(CellValueError, match="title@en"):
        sheets.write(real.reader, [record_with_title(real, text)], io.BytesIO())


def test_a_search_as_a_workbook_has_its_results(client: TestClient) -> None:
    answer = client.get("/practices.xlsx?country=HUN&lang=de")
    assert answer.status_code == 200
    by_header = client.get(
        "/practices?country=HUN&lang=de", headers={"Accept": answer.headers["content-type"]}
    )
    assert by_header.headers["content-type"] == answer.headers["content-type"]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    total = client.get("/practices.json?country=HUN").json()["total"]
    assert len(rows) == 2 + total
    country = rows[1].index("country")
    assert all("Ungarn" in str(row[country]) for row in rows[2:])


def test_the_same_search_gives_the_same_bytes(real: Catalogue) -> None:
    sheets = WorkbookWriter(TableColumns(real.value_parser), real.languages)
    first, second = io.BytesIO(), io.BytesIO()
    sheets.write(real.reader, [record_with_title(real, "Reading")], first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: 4e9)
        sheets.write(real.reader, [record_with_title(real, "Reading")], second)
    assert first.getvalue() == second.getvalue()
    assert b"1980-01-01T00:00:00Z" in zipfile.ZipFile(first).read("docProps/core.xml")


def test_no_column_has_a_property_that_an_import_sets(real: Catalogue) -> None:
    listed = WorkbookWriter(TableColumns(real.value_parser), real.languages).written_columns
    assert not [column.key for column in listed if is_generated(column.field)]
    fields = real.shapes.entry_shape.fields
    assert {f.key for f in fields if is_generated(f)} == {"issued", "modified", "import"}


@pytest.mark.parametrize("table", ["organisation.csv", "indicator.xlsx"])
def test_the_records_of_each_kind_are_exported_and_imported_as_tables(
    run: Callable[..., Result], copied: Path, table: str
) -> None:
    before = snapshot(copied / "data")
    kind, _ = table.split(".")
    assert run("export", "--kind", kind, "-o", table).exit_code == 0
    result = run("import", "--kind", kind, table)
    assert result.exit_code == 0, result.output
    assert "Written" not in result.output
    assert snapshot(copied / "data") == before


def test_a_record_of_another_kind_is_written_from_a_row_of_its_table(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text(
        "identifier,prefLabel@en,kind,source\nown,Our club,non-profit,https://example.org/a\n"
    )
    assert "Unknown column" in run("import", str(table)).output
    assert run("import", "--kind", "organisation", str(table)).exit_code == 0
    assert '"Our club"@en' in (copied / "data/organisations/own.ttl").read_text()
    assert run("check", "data/organisations/own.ttl").exit_code == 0
    header = run("template", "--kind", "organisation", "--format", "csv").output
    assert header.lstrip("\ufeff").startswith("identifier,prefLabel@en,")
    assert "organisation" in run("template", "--kind", "club", "--format", "csv").output
