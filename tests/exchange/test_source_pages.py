import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from pyoxigraph import Literal, NamedNode

from practicegraph.catalogue import documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.exchange.source_pages import SourcePageParser, read_source_site
from practicegraph.rdf.terms import PG
from practicegraph.schema.records import Record
from practicegraph.schema.text import pick_text
from practicegraph.schema.value_parser import Draft, ImportFailedError
from support.catalogues import SOURCES, opened, snapshot

PAGE = SOURCES / "1788.nl.txt"
MINT = "https://w3id.org/practicegraph/practice/1788"
COUNTS = {
    "category": 1,
    "country": 1,
    "language": 5,
    "outcome": 7,
    "funding": 1,
    "action": 3,
    "target": 3,
    "profession": 2,
    "actor": 4,
    "deliverableLink": 1,
}
TEXTS = ("title", "description", "evaluation", "deliverables", "reproducibility", "motivation")
NEWS = ("Together we make", "Ukraine", "Guiding principles", "mei 24th", "Lastest", "Awareness")


def drafted(catalogue: Catalogue, path: Path, language: str) -> Draft:
    site = read_source_site(catalogue.store)
    page = SourcePageParser(catalogue.value_parser, site, path, language)
    return page.parse("1788", f"https://example.org/{language}")


def values(draft: Draft) -> dict[str, list[str]]:
    return {
        found.field.key: [getattr(term, "value", "") for term in found.terms]
        for found in draft.values
    }


def as_page(catalogue: Catalogue, record: Record, language: str, title: str) -> str:
    """Print a record's choices as the source would print them in a language."""
    lines = [
        f"{read_source_site(catalogue.store).page_titles[language]}2022-04-07T13:59:41+02:00",
        "MINT",
        "",
    ]
    for field, terms in record.items():
        if field.scheme and field.is_facet:
            lines.append(f" • {pick_text(field.names, (language,))}:")
            iris = [term.value for term in terms if isinstance(term, NamedNode)]
            labels = [
                pick_text(catalogue.vocabularies.concepts[iri].labels, (language,)) for iri in iris
            ]
            lines += [f"  • {label}" for label in labels]
    return "\n".join(
        [
            *lines,
            "",
            title,
            " • " + read_source_site(catalogue.store).page_ends[0],
            "News of the site",
        ]
    )


def test_the_real_page_has_every_field(real: Catalogue) -> None:
    found = values(drafted(real, PAGE, "nl"))
    assert {key: len(found[key]) for key in COUNTS} == COUNTS
    assert set(TEXTS) <= set(found)


def test_the_texts_of_the_real_page_are_in_its_language(real: Catalogue) -> None:
    for found in drafted(real, PAGE, "nl").values:
        if found.field.is_text:
            assert [getattr(term, "language", "") for term in found.terms] == ["nl"]


def test_the_news_of_the_site_are_left_out(real: Catalogue) -> None:
    said = " ".join(text for texts in values(drafted(real, PAGE, "nl")).values() for text in texts)
    assert not [words for words in NEWS if words in said]
    assert all(words in PAGE.read_text() for words in NEWS)


def test_the_navigation_above_an_entry_is_left_out(real: Catalogue, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text("Home\nTaal:\n • NL | FR\nCategorie:\n\n" + PAGE.read_text())
    assert values(drafted(real, page, "nl")) == values(drafted(real, PAGE, "nl"))


def test_every_line_above_the_news_is_read(real: Catalogue) -> None:
    said = " ".join(text for texts in values(drafted(real, PAGE, "nl")).values() for text in texts)
    text = PAGE.read_text().partition("Lastest news")[0]
    long_lines = [line.strip() for line in text.splitlines()[1:] if len(line) > 80]
    labels = real.vocabularies.schemes_by_key["outcome"].by_label
    unread = [line for line in long_lines if line not in said and "•" not in line]
    assert long_lines
    assert not unread, labels


def test_the_real_entry_has_the_values_of_the_page(real: Catalogue) -> None:
    record = real.reader.read_records(real.shapes.entry_shape, [MINT])[0]
    for found in drafted(real, PAGE, "nl").values:
        held = record.values[found.field.key]
        assert set(found.terms) <= set(held), found.field.key


@pytest.mark.parametrize("language", ["en", "nl", "es", "de", "it", "fr", "el"])
def test_a_page_is_read_in_every_language(real: Catalogue, language: str, tmp_path: Path) -> None:
    record = real.reader.read_records(real.shapes.entry_shape, [MINT])[0]
    page = tmp_path / f"1788.{language}.txt"
    page.write_text(as_page(real, record, language, ""))
    found = {value.field.key: set(value.terms) for value in drafted(real, page, language).values}
    for field, terms in record.items():
        if field.scheme and field.is_facet:
            assert found[field.key] == set(terms), f"{field.key} in {language}"


def test_paragraphs_bullets_and_links_of_a_text_are_kept(real: Catalogue, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    text = "First paragraph.\n\n • one\n • two\n\nSee https://example.org/a(b), or not."
    page.write_text(
        f"Online Digital Database – Resource\nA practice\n\nProjects’ deliverables\n{text}\n"
    )
    found = values(drafted(real, page, "en"))
    assert found["deliverables"] == [
        "First paragraph.\n\n• one\n• two\n\nSee https://example.org/a(b), or not."
    ]
    assert found["deliverableLink"] == ["https://example.org/a(b"] or found["deliverableLink"] == [
        "https://example.org/a(b)"
    ]


@pytest.mark.parametrize("language", ["en", "nl", "es", "de", "it", "fr", "el"])
def test_words_for_what_is_not_available_are_no_value(
    real: Catalogue, tmp_path: Path, language: str
) -> None:
    page, site = tmp_path / "page.txt", read_source_site(real.store)
    words = real.store.labels(NamedNode(f"{real.base}source"), PG + "notAvailable")[language]
    heading = pick_text(real.shapes.entry_shape.fields_by_key["evaluation"].names, (language,))
    page.write_text(f"{site.page_titles[language]}\nA practice\n\n{heading}\n{words}\n")
    assert "evaluation" not in values(drafted(real, page, language))


@pytest.mark.parametrize(
    "text",
    [
        "One.\n\nTwo without a full stop",
        "One.\n\nhttps://example.org/\nTwo.",
        "One.\n\n • Two\n • Three",
        "One.\nTwo without a full stop\nThree.",
        "One.\n\nThe steps are these:\nfirst, then second.",
    ],
)
def test_lines_of_a_text_are_no_headings(real: Catalogue, tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.txt"
    page.write_text(f"Online Digital Database – Resource\nA practice\n\nDescription\n{text}\n")
    assert values(drafted(real, page, "en"))["description"] == [text.replace(" •", "•")]


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("• Hongarije", "• Hongarye", 11, ["Hongarye", "Hongarije"]),
        (" • Taal:", " • Taal:\n • Taal:", 13, ["Taal", "12"]),
        (
            "• Goede praktijken",
            "• Goede praktijken\n • Beleidsnota's",
            8,
            ["Category", "one value"],
        ),
        (" • Hongarije\n", "", 10, ["no value"]),
        ("\nBeschrijving", "\nBeschryving", 4, ["Beschryving", "Beschrijving"]),
        (" Reproduceerbaarheid", " Herhaalbaarheid", 34, ["Herhaalbaarheid", "heading"]),
        (" Fondsen:", " Fondssen:", 40, ["Fondssen:", "heading", "Similar names: Fondsen"]),
        (" Evaluatie ex post", " Evaluaties", 27, ["Evaluaties", "Unknown value"]),
        ("Online digitale databank – Hulpbron", "Another site", 1, ["Hulpbron"]),
        (
            "MINT - Mentorschap voor de integratie van door migratie getroffen kinderen uit derde landen\n",
            "",
            1,
            ["title"],
        ),
    ],
)
def test_a_page_with_a_fault_is_refused_with_line_field_value_and_the_nearest(
    real: Catalogue, tmp_path: Path, before: str, after: str, line: int, said: list[str]
) -> None:
    text = PAGE.read_text()
    assert before in text
    page = tmp_path / "page.txt"
    page.write_text(text.replace(before, after, 1))
    with pytest.raises(ImportFailedError) as caught:
        drafted(real, page, "nl")
    problem = caught.value.problems[0]
    assert problem.location.line == line
    assert not [words for words in said if words not in str(problem)], str(problem)


def test_an_ambiguous_label_is_refused(copied: Path) -> None:
    scheme = copied / "ontology/actor.ttl"
    text = scheme.read_text()
    assert '"Lokale overheden"@nl' in text
    scheme.write_text(text.replace('"Overheid"@nl', '"Lokale overheden"@nl', 1))
    with pytest.raises(ImportFailedError) as caught:
        drafted(opened(copied), PAGE, "nl")
    assert "government" in str(caught.value)
    assert "local-authority" in str(caught.value)


def test_a_page_that_is_no_text_is_refused(real: Catalogue, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_bytes(b"Online digitale databank\n\xff\xfe")
    with pytest.raises(ImportFailedError) as caught:
        drafted(real, page, "nl")
    assert caught.value.problems[0].location.line == 2


def test_an_import_of_the_same_page_changes_nothing(
    run: Callable[..., Result], copied: Path
) -> None:
    before = snapshot(copied)
    result = run("import", PAGE)
    assert result.exit_code == 0, result.output
    assert "Unchanged" in result.output
    assert snapshot(copied) == before


def test_an_import_makes_a_new_entry_with_its_provenance(
    run: Callable[..., Result], copied: Path
) -> None:
    entry = copied / "data/practices/1788.ttl"
    entry.unlink()
    result = run("import", PAGE, "--retrieved", "2026-10-01")
    assert result.exit_code == 0, result.output
    assert "Summary" in result.output, "that no summary stands there is a warning"
    document = documents.read_document(entry)
    catalogue = opened(copied)
    record = catalogue.reader.read_records(catalogue.shapes.entry_shape, [MINT])[0]
    assert {key: len(record.values[key]) for key in COUNTS} == COUNTS
    text = entry.read_text()
    assert 'pg:retrieved "2026-10-01"^^xsd:date' in text
    assert (
        "prov:used <https://www.immerse-h2020.eu/nl/online-digitale-databank-hulpbron/?data_id=1788>"
        in text
    )
    assert (
        "dct:source <https://www.immerse-h2020.eu/nl/online-digitale-databank-hulpbron/?data_id=1788>"
        in text
    )
    assert f'dct:issued "{date.today().isoformat()}"^^xsd:date' in text
    assert "practice/1788#record>\n    a dcat:CatalogRecord ;" in text
    assert document.topics == (MINT,)


def test_an_import_keeps_properties_that_the_page_lacks(
    run: Callable[..., Result], copied: Path
) -> None:
    entry = copied / "data/practices/1788.ttl"
    text = entry.read_text()
    altered = re.sub(r'([^"])"@nl', r'\1 anders"@nl', text.replace("outcome:ACE ,\n        ", ""))
    entry.write_text(altered)
    assert run("import", PAGE).exit_code == 0
    changed = entry.read_text()
    assert "outcome:ACE" in changed
    assert changed.count(" anders") == 4  # the summary and what links lead to, which the page lacks
    assert [line for line in text.splitlines() if "@en" in line] == [
        line for line in changed.splitlines() if "@en" in line
    ]


def test_a_dry_run_shows_the_change_and_writes_nothing(
    run: Callable[..., Result], copied: Path
) -> None:
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text().replace("        outcome:ACE ,\n", ""))
    before = snapshot(copied)
    result = run("import", PAGE, "--dry-run")
    assert result.exit_code == 0
    assert "+        outcome:ACE ," in result.output
    assert snapshot(copied) == before


def test_an_invalid_page_among_several_and_nothing_is_written(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    (copied / "data/practices/1788.ttl").unlink()
    bad = tmp_path / "1789.nl.txt"
    bad.write_text(PAGE.read_text().replace("Hongarije", "Nergensland"))
    before = snapshot(copied)
    result = run("import", PAGE, bad)
    assert result.exit_code == 1
    assert "Nergensland" in result.output
    assert "Traceback" not in result.output
    assert snapshot(copied) == before


def test_an_import_that_violates_the_shapes_is_not_written(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    page = tmp_path / "1900.nl.txt"
    page.write_text("Online digitale databank – Hulpbron\nEen praktijk\n\nBeschrijving\nTekst\n")
    before = snapshot(copied)
    result = run("import", page)
    assert result.exit_code == 1
    assert "Category" in result.output
    assert snapshot(copied) == before


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("page.txt", (), "--id"),
        ("1788.txt", ("--id", "1788"), "en, nl, es"),
        ("1788.pt.txt", (), "en, nl, es"),
        ("1788.el.txt", (), "--source"),
        ("../1788", ("--id", "../../etc", "--lang", "nl"), "../../etc"),
    ],
)
def test_a_page_without_identifier_or_language_is_refused(
    run: Callable[..., Result],
    copied: Path,
    tmp_path: Path,
    name: str,
    options: tuple[str, ...],
    said: str,
) -> None:
    page = tmp_path / Path(name).name
    page.write_text(PAGE.read_text())
    before = snapshot(copied)
    result = run("import", page, *options)
    assert result.exit_code == 1
    assert said in result.output
    assert snapshot(copied) == before


def test_options_state_identifier_language_and_source(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    page = tmp_path / "any.txt"
    page.write_text(PAGE.read_text())
    result = run(
        "import", page, "--id", "1999", "--lang", "nl", "--source", "https://example.org/1999"
    )
    assert result.exit_code == 0, result.output
    assert (
        "dct:source <https://example.org/1999>" in (copied / "data/practices/1999.ttl").read_text()
    )
    catalogue = opened(copied)
    names = [MINT.replace("1788", "1999")]
    (record,) = catalogue.reader.read_records(catalogue.shapes.entry_shape, names)
    assert Literal("1999") in record.values["identifier"]
