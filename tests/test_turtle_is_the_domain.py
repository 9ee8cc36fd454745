"""The domain is Turtle: one edit there, none in Python, and search, page and import follow."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient
from pyoxigraph import Literal, NamedNode, Triple

from practicegraph.application.services import Services
from practicegraph.catalogue import documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.cli.main import main
from practicegraph.exchange.source_pages import read_source_site
from practicegraph.web.app import application
from support.catalogues import SOURCES, copy, opened

PAGE = SOURCES / "1788.nl.txt"
RATING = """
shape:Practice-stars
    a sh:PropertyShape ;
    sh:path pg:stars ;
    sh:name
        "Stars"@en ,
        "Sterren"@nl ,
        "Estrellas"@es ,
        "Sterne"@de ,
        "Stelle"@it ,
        "Étoiles"@fr ,
        "Αστέρια"@el ;
    sh:description
        "How many stars."@en ,
        "Hoeveel sterren."@nl ,
        "Cuántas estrellas."@es ,
        "Wie viele Sterne."@de ,
        "Quante stelle."@it ,
        "Combien d’étoiles."@fr ,
        "Πόσα αστέρια."@el ;
    sh:group shape:group-aims ;
    sh:order 90 ;
    sh:maxCount 1 ;
    sh:in ( "one" "two" ) ;
    pg:facet true .
"""


VOCABULARY = """
<https://w3id.org/practicegraph/#words>
    a pg:Vocabulary , void:Dataset ;
    dct:title "Words"@en ;
    dct:publisher <https://w3id.org/practicegraph/#authors> ;
    void:uriSpace "https://example.org/words/" ;
    skos:editorialNote "Concepts as in the first edition."@en .
"""


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text, f"{before} does not stand in {path}"
    path.write_text(text.replace(before, after, 1))


def served(root: Path) -> TestClient:
    return TestClient(application(Services(opened(root))), follow_redirects=False)


def parameters(client: TestClient) -> dict[str, dict[str, object]]:
    document = client.get("/openapi.json").json()
    return {found["name"]: found for found in document["paths"]["/practices"]["get"]["parameters"]}


def facets(client: TestClient, query: str = "") -> dict[str, dict[str, int]]:
    found = client.get(f"/practices.json?{query}").json()["facets"]
    return {
        key: {value["value"]: value["count"] for value in facet["values"]}
        for key, facet in found.items()
    }


def run_in(root: Path, *arguments: str) -> Result:
    """Run a command in a folder that a module's tests share."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(root)
        return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A catalogue with the edits of all tests that add to it, imported into, checked and served."""
    root = copy(tmp_path_factory.mktemp("edited"))
    make_a_field_a_facet(root)
    split_no_words_of_german(root)
    leave_a_path_out(root)
    add_a_vocabulary(root)
    add_a_concept(root)
    result = run_in(root, "check")
    assert result.exit_code == 0, result.output
    add_a_field(root)
    for file in files_with_stars(root.parent):
        result = run_in(root, "import", str(file))
        assert result.exit_code == 0, result.output
    return served(root)


def make_a_field_a_facet(root: Path) -> None:
    place = "    sh:class dct:Location ;"
    edit(root / "shapes/practice.ttl", place, f"{place}\n    pg:facet true ;")


def test_one_triple_makes_a_field_a_facet(client: TestClient, edited: TestClient) -> None:
    assert "implementedIn" not in facets(client)
    assert facets(edited)["implementedIn"] == {"CZE": 1, "POL": 1, "ROU": 1, "SVN": 1}
    assert edited.get("/practices?implementedIn=POL").json()["total"] == 1
    assert edited.get("/practices?implementedIn=POX").status_code == 400
    assert "POL" in str(parameters(edited)["implementedIn"])
    assert "implementedIn=POL" in edited.get("/practices", headers={"Accept": "text/html"}).text


def split_no_words_of_german(root: Path) -> None:
    edit(root / "shapes/meta.ttl", '"nl" ,\n        "de" .', '"nl" .')


def test_one_triple_has_the_words_of_a_language_split(
    client: TestClient, edited: TestClient
) -> None:
    query = "/practices.json?q=Kunsthausaufgaben+"  # two words of a summary
    assert client.get(query).json()["total"] > 0
    assert edited.get(query).json()["total"] == 0


def leave_a_path_out(root: Path) -> None:
    path = "[ sh:alternativePath ( pg:country pg:implementedIn ) ]"
    edit(root / "shapes/practice.ttl", path, "[ sh:alternativePath ( pg:country pg:country ) ]")


def test_an_alternative_path_makes_a_facet_over_two_fields(
    client: TestClient, edited: TestClient
) -> None:
    assert facets(client)["country"]["CZE"] == 1
    assert "CZE" not in facets(edited)["country"]


def add_a_field(root: Path) -> None:
    shapes = root / "shapes/practice.ttl"
    edit(shapes, "shape:Practice-title ,", "shape:Practice-title ,\n        shape:Practice-stars ,")
    shapes.write_text(shapes.read_text() + RATING)


def files_with_stars(folder: Path) -> list[Path]:
    """Write a page and a table that state stars."""
    page, table = folder / "1788.nl.txt", folder / "rows.csv"
    page.write_text(PAGE.read_text())
    edit(page, "  Fondsen:", "  Sterren:\n • two\n  Fondsen:")
    table.write_text("identifier,Stelle\n1798,one\n")
    return [page, table]


def test_one_property_shape_with_names_makes_a_field(edited: TestClient) -> None:
    assert facets(edited)["stars"] == {"one": 1, "two": 1}
    assert parameters(edited)["stars"]["schema"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["one", "two", "not-stated"]},
    }
    found = edited.get("/practices?stars=two&lang=de").json()
    assert (found["total"], found["items"][0]["stars"]) == (1, "two")
    assert found["facets"]["stars"]["label"] == "Sterne"
    assert "Étoiles" in edited.get("/practice/1788.html?lang=fr").text
    assert "stars" in edited.get("/practices.csv").text.partition("\n")[0]


def add_a_vocabulary(root: Path) -> None:
    outcomes, catalogue = root / "ontology/outcome.ttl", root / "ontology/catalogue.ttl"
    mapping = "outcome:ACE skos:closeMatch <https://example.org/words/1> ."
    outcomes.write_text(f"{outcomes.read_text()}\n{mapping}\n")
    catalogue.write_text(catalogue.read_text() + VOCABULARY)


def test_a_mapping_to_a_new_vocabulary_finds_entries_and_has_a_link_set(
    edited: TestClient,
) -> None:
    found = edited.get("/practices?outcome=https://example.org/words/1").json()
    assert found["items"] == edited.get("/practices?outcome=ACE").json()["items"] != []
    assert "<span>Words</span>" in edited.get("/outcome/ACE.html").text
    assert "closeMatch-words>" in edited.get("/catalog.ttl").text


def add_a_concept(root: Path) -> None:
    path = root / "ontology/funding.ttl"
    document = documents.read_document(path)
    triples = [quad.triple for quad in document.quads]
    iri = "https://w3id.org/practicegraph/funding/"
    added = [
        Triple(NamedNode(iri + "lottery"), triple.predicate, replaced(triple))
        for triple in triples
        if triple.subject == NamedNode(iri + "eu-funds")
    ]
    top = NamedNode("http://www.w3.org/2004/02/skos/core#hasTopConcept")
    scheme = NamedNode(document.topics[0])
    added.append(Triple(scheme, top, NamedNode(iri + "lottery")))
    path.write_text(opened(root).writer.write([*triples, *added], document.topics[0]))
    edit(root / "data/practices/1789.ttl", "funding:eu-funds", "funding:lottery")


def replaced(triple: Triple) -> NamedNode | Literal:
    if isinstance(triple.object, Literal):
        text = triple.object.value.replace("eu-funds", "lottery")
        tag = triple.object.language
        return Literal(f"Lottery {text}" if tag else text, language=tag)
    assert isinstance(triple.object, NamedNode)
    return triple.object


def test_a_new_concept_reaches_check_facets_and_pages(edited: TestClient) -> None:
    assert facets(edited)["funding"]["lottery"] == 1
    assert edited.get("/funding/lottery.html").status_code == 200


def test_check_reports_a_facet_without_a_list_of_values(
    copied: Path, run: Callable[..., Result]
) -> None:
    edit(
        copied / "shapes/practice.ttl",
        "    sh:path pg:motivation ;",
        "    sh:path pg:motivation ;\n    pg:facet true ;",
    )
    result = run("check", "shapes")
    assert result.exit_code == 1
    assert "Facet" in result.output


def with_portuguese(root: Path) -> None:
    """Add a language as a steward would: to the list, and a wording to every label."""
    edit(root / "shapes/meta.ttl", '"fr" "el" )', '"fr" "el" "pt" )')
    writer = opened(root).writer
    for question in (root / "queries").glob("*.rq"):
        wordings = re.compile(r'^(#: +)"(.+)"@el', re.M)
        question.write_text(wordings.sub(r'\1"\2"@el ,\n\1"\2 (pt)"@pt', question.read_text()))
    for path in documents.list_files(root, ("ontology", "shapes")):
        document = documents.read_document(path)
        triples = [quad.triple for quad in document.quads]
        complete = {(t.subject, t.predicate) for t in triples if language(t) == "el"}
        added = [
            Triple(t.subject, t.predicate, Literal(f"{t.object.value} (pt)", language="pt"))
            for t in triples
            if isinstance(t.object, Literal)
            and language(t) == "en"
            and (t.subject, t.predicate) in complete
        ]
        path.write_text(writer.write([*triples, *added], document.topics[0]))


def language(triple: Triple) -> str | None:
    return triple.object.language if isinstance(triple.object, Literal) else None


@pytest.fixture
def portuguese(copied: Path) -> Path:
    with_portuguese(copied)
    return copied


def test_a_new_language_in_the_list_is_required_of_every_label(
    copied: Path, run: Callable[..., Result]
) -> None:
    edit(copied / "shapes/meta.ttl", '"fr" "el" )', '"fr" "el" "pt" )')
    result = run("check")
    assert result.exit_code == 1
    assert "“pt”" in result.output


def test_a_new_language_reaches_search_counts_openapi_page_and_import(
    portuguese: Path, run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    client = served(portuguese)
    assert parameters(client)["lang"]["schema"] == {
        "type": "string",
        "enum": ["en", "nl", "es", "de", "it", "fr", "el", "pt"],
    }
    found = client.get("/practices?outcome=ACE&lang=pt").json()
    assert found["facets"]["outcome"]["label"].endswith("(pt)")
    values = {value["value"]: value for value in found["facets"]["outcome"]["values"]}
    assert values["ACE"]["label"] == "Access to compulsory education (pt)"
    assert values["ACE"]["count"] == found["total"] > 0
    page = client.get("/practice/1788.html", headers={"Accept-Language": "pt"}).text
    assert '<html lang="pt">' in page
    assert "Good practices (pt)" in page
    source = tmp_path / "1788.pt.txt"
    source.write_text(in_portuguese(opened(portuguese)))
    result = run("import", source, "--source", "https://example.org/pt")
    assert result.exit_code == 0, result.output
    entry = (portuguese / "data/practices/1788.ttl").read_text()
    assert '"Um texto."@pt' in entry
    assert re.search(r"pg:outcome outcome:LAN ;", entry)


def in_portuguese(opened_catalogue: Catalogue) -> str:
    record = opened_catalogue.shapes.entry_shape
    concept = opened_catalogue.vocabularies.schemes_by_key["outcome"].concepts["LAN"]
    title = read_source_site(opened_catalogue.store).page_titles["pt"]
    lines = [
        title,
        "MINT em português",
        record.fields_by_key["evaluation"].names["pt"],
        "Um texto.",
        record.fields_by_key["outcome"].names["pt"] + ":",
        " • " + concept.labels["pt"],
    ]
    assert opened_catalogue.store.is_subject(NamedNode(concept.iri).value)
    return "\n".join(lines)
