"""What readers give to be checked: every form, every kind of fault, and what is refused."""

import asyncio
import dataclasses
import html
import io
import json
import re
import zipfile
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import Workbook
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.errors import RequestError
from practicegraph.rdf.untrusted import MAX_BYTES
from practicegraph.sparql.pool import LazyWorkerPool, QueryLimits, WorkerPool
from practicegraph.validation import reports
from practicegraph.validation.submissions import MODULE
from practicegraph.web import check_page, validation
from practicegraph.web.app import application
from practicegraph.web.context import Site
from practicegraph.web.http.negotiation import (
    CSV,
    JSON_LD,
    N_TRIPLES,
    RDF_XML,
    TRIG,
    TURTLE,
    XLSX,
    MediaType,
)
from practicegraph.web.urls import Addresses
from practicegraph.web.validation import ValidationEndpoint
from support.catalogues import ROOT

ENTRY = (ROOT / "data/practices/1788.ttl").read_text()
MINT = "https://w3id.org/practicegraph/practice/1788"
HUNGARY = "http://publications.europa.eu/resource/authority/country/HUN"
SHAPES = """
@prefix dct: <http://purl.org/dc/terms/> .
@prefix pg: <https://w3id.org/practicegraph/ontology#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .

[] a sh:NodeShape ;
    sh:targetClass pg:Practice ;
    sh:property [ sh:path dct:title ; sh:maxCount 1 ; sh:message "one only"@en , "maar een"@nl ] .
"""


def check(
    client: TestClient, content: str | bytes, media_type: MediaType = TURTLE, query: str = ""
) -> Response:
    headers = {"Content-Type": media_type.name, "Accept": "application/json"}
    return client.post(f"/validate{query}", content=content, headers=headers)


def findings(answer: Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["findings"]
    return found


def component(finding: dict[str, Any]) -> str:
    """The local name of a finding's component; of a rule beside SHACL, its phrase's."""
    component = str(finding["sourceConstraintComponent"]).rpartition("#")[2]
    is_ours = component == "programRule"
    return str(finding["sourceShape"]).rpartition("phrase-")[2] if is_ours else component


def places(answer: Response) -> list[tuple[str, int, int]]:
    """The components of an answer's findings, with line and column."""
    located = [(each, each["location"]) for each in findings(answer)]
    return [(component(each), place["line"], place["column"]) for each, place in located]


def place_of(text: str, words: str) -> tuple[int, int]:
    """The line and column at which words stand first."""
    offset = text.index(words)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@pytest.mark.parametrize("media_type", [TURTLE, TRIG, JSON_LD, RDF_XML, N_TRIPLES], ids=str)
def test_a_document_of_ours_is_admitted_as_it_is_given(
    client: TestClient, media_type: MediaType
) -> None:
    document = client.get(f"/practice/1788.{media_type.extension}")
    answer = check(client, document.content, media_type)
    assert findings(answer) == []
    assert answer.json()["conforms"] is True


@pytest.mark.parametrize("media_type", [TURTLE, TRIG, JSON_LD, RDF_XML, N_TRIPLES], ids=str)
def test_a_fault_is_found_in_every_syntax(client: TestClient, media_type: MediaType) -> None:
    text = client.get(f"/practice/1788.{media_type.extension}").text
    wrong = text.replace(HUNGARY, HUNGARY + "X").replace("country:HUN", "country:HUNX")
    found = findings(check(client, wrong, media_type, "?lang=nl"))
    assert [component(each) for each in found] == ["NodeConstraintComponent"]
    if media_type in (TURTLE, TRIG, N_TRIPLES):
        place = found[0]["location"]
        assert "HUNX" in wrong.splitlines()[place["line"] - 1][place["column"] - 1 :]
        assert "HUN" in found[0]["fix"]["description"]
    assert found[0]["location"]["file"] == f"data.{media_type.extension}"
    assert found[0]["focusNode"] == MINT
    assert found[0]["value"] == HUNGARY + "X"
    assert found[0]["message"].startswith("MINT - Mentorschap")
    assert "Land van herkomst / uitvoering" in found[0]["message"]
    assert "voldoet niet aan" in found[0]["message"]


def test_a_table_is_checked_cell_by_cell(client: TestClient) -> None:
    table = "identifier,title@en,country,category\n1788,New,HUN,\n9999,Other,FRA,good-practice\n"
    answer = check(client, table, CSV)
    assert places(answer)[0] == ("MinCountConstraintComponent", 2, 4)
    assert {each["location"]["line"] for each in findings(answer)} == {2, 3}


def test_a_cell_that_is_not_understood_is_a_finding_in_the_language(client: TestClient) -> None:
    table = "identifier,title@en,country\n1788,New,Narnia\n"
    answer = check(client, table, CSV, "?lang=de")
    assert places(answer) == [("Cell", 2, 3)]
    (finding,) = findings(answer)
    assert finding["value"] == "Narnia"
    assert "Unbekannter Wert" in finding["message"]


def test_a_sheet_of_ours_is_admitted(client: TestClient) -> None:
    sheet = client.get("/practices.xlsx?outcome=ACE&size=3").content
    assert findings(check(client, sheet, XLSX)) == []


def test_what_a_table_does_not_say_stays_as_the_catalogue_has_it(client: TestClient) -> None:
    assert findings(check(client, "identifier,title@en\n1788,New\n", CSV)) == []


def test_several_entries_may_stand_in_one_text(client: TestClient) -> None:
    text = "".join(client.get(f"/practice/{name}.nt").text for name in ("1788", "1701"))
    assert findings(check(client, text, N_TRIPLES)) == []


def test_a_link_to_an_entry_counts_as_right_only_where_the_entry_is(client: TestClient) -> None:
    other = client.get("/practices?size=2").json()["items"][1]["id"]
    linked = ENTRY + f"\n<{MINT}> <http://purl.org/dc/terms/relation> <{other}> .\n"
    rules = [component(each) for each in findings(check(client, linked))]
    assert "Dangling" not in rules
    lost = [*map(component, findings(check(client, linked.replace(other, other + "x"))))]
    assert "Dangling" in lost


def test_a_vocabulary_stands_in_the_place_of_the_one_that_is_there(client: TestClient) -> None:
    scheme = (ROOT / "ontology/outcome.ttl").read_text()
    assert findings(check(client, scheme)) == []
    wrong = scheme.replace('skos:notation "ACE"', 'skos:notation "ACX"')
    line, column = place_of(wrong, '"ACX"')
    assert places(check(client, wrong))[1:] == [("SPARQLConstraintComponent", line, column)]
    assert component(findings(check(client, wrong))[0]) == "Version"


def test_shapes_are_checked_by_the_shapes_for_shapes(client: TestClient) -> None:
    groups = (ROOT / "shapes/groups.ttl").read_text()
    wrong = groups.replace("sh:order 1", 'sh:order "first"', 1)
    assert wrong != groups
    assert "DatatypeConstraintComponent" in {
        component(each) for each in findings(check(client, wrong))
    }


@pytest.mark.parametrize("name", reports.FORMATS)
def test_a_report_comes_in_every_form_by_name_and_by_accept(client: TestClient, name: str) -> None:
    wrong = ENTRY.replace("country:HUN", "country:HUNX")
    headers = {"Content-Type": TURTLE.name}
    media_type = reports.FORMATS[name].media_type
    named = client.post(f"/validate?format={name}", content=wrong, headers=headers)
    wished = client.post("/validate", content=wrong, headers=headers | {"Accept": media_type})
    for answer in (named, wished):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "no-store"
        assert "HUNX" in answer.text


def test_the_report_in_turtle_is_one_of_shacl(client: TestClient) -> None:
    answer = check(client, ENTRY.replace("country:HUN", "country:HUNX"), query="?format=ttl")
    triples = list(parse(answer.content, RdfFormat.TURTLE))
    focus = NamedNode("http://www.w3.org/ns/shacl#focusNode")
    assert [t.object.value for t in triples if t.predicate == focus] == [MINT]


def test_shapes_that_come_along_are_applied_instead_of_ours(client: TestClient) -> None:
    wrong = ENTRY.replace("country:HUN", "country:HUNX")
    files = {"file": ("mine.ttl", wrong), "shapes": ("s.ttl", SHAPES)}
    found = findings(client.post("/validate?lang=nl&format=json", files=files))
    assert [component(each) for each in found] == ["MaxCountConstraintComponent"]
    assert found[0]["message"].endswith(": maar een")
    assert found[0]["location"]["file"] == "mine.ttl"
    assert found[0]["location"]["line"] == place_of(wrong, "dct:title")[0]


EXAMPLE = "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix ex: <http://ex/> . "
TARGET = EXAMPLE + "ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:property [ sh:path ex:p ; "


@pytest.mark.parametrize(
    ("data", "shapes"),
    [
        ("<http://ex/a> a <http://ex/C> .", TARGET + "sh:minCount 1 ] . ex:a ex:p 1 ."),
        (
            "[] <http://ex/p> 1 .",
            EXAMPLE + "ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:nodeKind sh:IRI .",
        ),
        (
            TARGET + "sh:nodeKind sh:IRI ] . ex:a ex:p [ ex:q 1 ] .",
            TARGET + "sh:nodeKind sh:IRI ] . ex:a ex:p [ ex:q 1 ] .",
        ),
    ],
)
def test_the_triples_of_shapes_files_are_not_data(
    client: TestClient, data: str, shapes: str
) -> None:
    files = {"file": ("data.ttl", data), "shapes": ("shapes.ttl", shapes)}
    assert len(findings(client.post("/validate?format=json", files=files))) == 1


def test_a_context_in_a_json_literal_is_data(client: TestClient) -> None:
    context = {"@version": 1.1, "foo": {"@id": "http://ex/foo", "@type": "@json"}}
    literal = {"@context": "ex:not:a:context", "test": 1}
    text = json.dumps({"@context": context, "@id": "http://ex/a", "foo": literal})
    assert check(client, text, JSON_LD).status_code == 200


def test_literals_are_validated_as_they_are_written(client: TestClient) -> None:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    data = f'<http://ex/a> <http://ex/p> "5"^^<{xsd}byte> ; <http://ex/q> "007"^^<{xsd}integer> .'
    shapes = (
        f"{TARGET} sh:datatype <{xsd}byte> ] ; "
        "sh:property [ sh:path ex:q ; sh:pattern '^[0-9]{3}$' ] ."
    )
    files = {"file": ("data.ttl", data), "shapes": ("shapes.ttl", shapes)}
    assert findings(client.post("/validate?format=json", files=files)) == []


@pytest.mark.parametrize("form", ["json", "ttl", "sarif", "junit", "html", "text"])
def test_a_focus_node_that_is_a_literal_is_in_the_report(client: TestClient, form: str) -> None:
    shapes = EXAMPLE + "ex:S a sh:NodeShape ; sh:targetObjectsOf ex:p ; sh:minLength 5 ."
    files = {
        "file": ("data.ttl", '<http://ex/a> <http://ex/p> "abc"@en .'),
        "shapes": ("shapes.ttl", shapes),
    }
    response = client.post(f"/validate?format={form}", files=files)
    assert response.status_code == 200
    assert '"abc"@en' in response.text.replace("&#34;", '"').replace('\\"', '"')


REPORTED = [
    (
        "sh:path ( ex:p [ sh:inversePath ex:q ] ) ; sh:minCount 1",
        "?r sh:resultPath ( ex:p [ sh:inversePath ex:q ] )",
    ),
    (
        "sh:path [ sh:alternativePath ( ex:q [ sh:zeroOrMorePath ex:r ] ) ] ; sh:maxCount 0",
        "?r sh:resultPath [ sh:alternativePath ( ex:q [ sh:zeroOrMorePath ex:r ] ) ]",
    ),
    ("sh:path ex:b ; sh:nodeKind sh:IRI", "?r sh:value ?v FILTER (isBlank(?v))"),
    (
        "sh:path ex:p ; sh:nodeKind sh:Literal ; sh:severity ex:Mine",
        "?r sh:resultSeverity ex:Mine ; sh:value ex:x",
    ),
    (
        'sh:path ex:p ; sh:nodeKind sh:Literal ; sh:message "Nur Text"@de , "Text,\\n only"@en',
        '?r sh:resultMessage "Nur Text"@de , "Text,\\n only"@en',
    ),
    (
        "sh:path ex:p ; ex:mine true",
        "?r sh:sourceConstraintComponent ex:MinCountConstraintComponent",
    ),
    ("sh:path ex:p ; sh:maxCount 0", "?r sh:sourceShape ?s FILTER (isBlank(?s))"),
]
COMPONENT = """
ex:MinCountConstraintComponent a sh:ConstraintComponent ;
    sh:parameter [ sh:path ex:mine ] ;
    sh:validator [ a sh:SPARQLAskValidator ; sh:ask "ASK { FILTER ($mine = false) }" ] .
"""


@pytest.mark.parametrize(("shape", "result"), REPORTED)
def test_a_report_in_turtle_has_the_terms_of_the_shape(
    client: TestClient, shape: str, result: str
) -> None:
    shapes = f"{EXAMPLE} ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:property [ {shape} ] ."
    data = "<http://ex/a> <http://ex/p> <http://ex/x> ; <http://ex/b> [] ."
    files = {"file": ("data.ttl", data), "shapes": ("shapes.ttl", shapes + COMPONENT)}
    store = Store()
    store.load(client.post("/validate?format=turtle", files=files).content, RdfFormat.TURTLE)
    prefixes = EXAMPLE.replace("@prefix", "PREFIX").replace(" .", "")
    query = f"{prefixes} ASK {{ ?report sh:conforms false ; sh:result ?r . {result} }}"
    assert store.query(query), [*store]
    for form in ("json", "text", "html", "sarif", "junit"):
        assert client.post(f"/validate?format={form}", files=files).status_code == 200


def test_a_path_of_several_steps_is_as_sparql_writes_it_in_json(client: TestClient) -> None:
    shapes = f"{TARGET.removesuffix('ex:p ; ')} ( ex:p ex:q ) ; sh:minCount 1 ] ."
    files = {"file": ("data.ttl", "<http://ex/a> a <http://ex/C> ."), "shapes": ("s.ttl", shapes)}
    (finding,) = findings(client.post("/validate?format=json", files=files))
    assert finding["resultPath"] == "(<http://ex/p>/<http://ex/q>)"


def test_with_shapes_sent_along_only_what_is_sent_is_data(client: TestClient) -> None:
    skos = "http://www.w3.org/2004/02/skos/core#"
    entry = f"<{MINT}> <http://purl.org/dc/terms/relation> <{HUNGARY}> ."
    shapes = EXAMPLE + (
        f"[] sh:targetObjectsOf <http://purl.org/dc/terms/relation> ; sh:class <{skos}Concept> ."
        f"[] sh:targetClass <{skos}Concept> ; sh:nodeKind sh:Literal ."
    )
    concept = ("file", ("b.ttl", f"<{HUNGARY}> a <{skos}Concept> ."))
    files = [("file", ("a.ttl", entry)), ("shapes", ("s.ttl", shapes))]
    alone = findings(client.post("/validate?format=json", files=files))
    together = findings(client.post("/validate?format=json", files=[*files, concept]))
    assert [*map(component, alone)] == ["ClassConstraintComponent"]
    assert [*map(component, together)] == ["NodeKindConstraintComponent"]


CLASS = (
    EXAMPLE + "ex:S a sh:NodeShape ; sh:targetClass ex:C ; sh:property ex:P . ex:P sh:path ex:p "
)
UNUSED = [
    (f"{CLASS} ; sh:minCount 0 .", "ex:a a ex:D .", "NoFocusNode"),
    (
        f"{EXAMPLE} [] sh:targetSubjectsOf ex:q ; sh:nodeKind sh:IRI .",
        "ex:a a ex:C .",
        "NoFocusNode",
    ),
    (
        f"{EXAMPLE} [] sh:targetObjectsOf ex:q ; sh:nodeKind sh:IRI .",
        "ex:a a ex:C .",
        "NoFocusNode",
    ),
    (f"{EXAMPLE} [] a sh:NodeShape ; sh:nodeKind sh:IRI .", "ex:a a ex:C .", "NoTarget"),
    (f"{CLASS} ; sh:mincount 1 .", "ex:a a ex:C .", "UnknownTerm"),
    (
        f"{CLASS} . ex:S sh:property [ sh:path ex:p ; sh:mincount 1 ] .",
        "ex:a a ex:C .",
        "UnknownTerm",
    ),
    (f"{CLASS} ; sh:or ( [ sh:datatyp ex:t ] ) .", "ex:a a ex:C .", "UnknownTerm"),
    (f"{CLASS} ; sh:minCount 0 .", "ex:a a ex:C .", ""),
    (
        f"{CLASS} ; sh:minCount 0 .",
        "ex:a a ex:D . ex:D rdfs:subClassOf ex:E . ex:E rdfs:subClassOf ex:C .",
        "",
    ),
    (f"{EXAMPLE} [] sh:targetNode ex:b ; sh:nodeKind sh:IRI .", "ex:a a ex:C .", ""),
    (f"{EXAMPLE} [] sh:targetObjectsOf ex:q ; sh:nodeKind sh:Literal .", "ex:a ex:q 1 .", ""),
]


@pytest.mark.parametrize(("shapes", "data", "warning"), UNUSED)
def test_shapes_that_have_no_effect_are_warnings_and_no_results(
    client: TestClient, shapes: str, data: str, warning: str
) -> None:
    prefix = "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . "
    files = {"file": ("data.ttl", EXAMPLE + prefix + data), "shapes": ("shapes.ttl", shapes)}
    report = client.post("/validate?format=json", files=files).json()
    assert report["conforms"] is True
    warnings = report.get("shapeWarnings", [])
    assert [component(each) for each in warnings] == ([warning] if warning else [])
    assert {each["location"]["file"] for each in warnings} <= {"shapes.ttl"}
    for form in ("text", "html", "turtle", "sarif", "junit"):
        answer = client.post(f"/validate?format={form}&lang=en", files=files)
        assert answer.status_code == 200
        assert bool(warning) == any(words in answer.text for words in WARNINGS)


WARNINGS = ("targets no node", "no shape with a target", "does not define")


def test_shapes_without_iris_in_two_files_are_two(client: TestClient) -> None:
    shapes = EXAMPLE + "[] sh:targetNode ex:a ; sh:property [ sh:path ex:{} ; sh:minCount 1 ] ."
    own = [("shapes", (f"{name}.ttl", shapes.replace("{}", name))) for name in ("p", "q")]
    files = [("file", ("data.ttl", "<http://ex/a> a <http://ex/C> .")), *own]
    reported = findings(client.post("/validate?format=json", files=files))
    assert {each["resultPath"] for each in reported} == {"http://ex/p", "http://ex/q"}
    assert len({each["sourceShape"] for each in reported}) == len(reported) == 2


def test_constraints_in_sparql_that_come_along_are_asked(client: TestClient) -> None:
    rule = (
        'sh:sparql [ sh:message "has {?value}" ; sh:select "SELECT $this ?value WHERE '
        '{ $this <http://purl.org/dc/terms/identifier> ?value }" ] .'
    )
    shapes = f"{SHAPES[: SHAPES.index('sh:property')]} {rule}"
    data = {"text": ENTRY, "type": "ttl", "shapes": shapes}
    found = findings(client.post("/validate?format=json", data=data))
    assert [each["message"].rpartition(": ")[2] for each in found] == ["has 1788"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            'sh:sparql [ sh:select "SELECT $this { SERVICE <http://x/> { $this ?p ?o } }" ]',
            "SERVICE",
        ),
        ('sh:sparql [ sh:select "SELECT $this FROM <http://x/> { $this ?p ?o }" ]', "FROM"),
        ('sh:js [ sh:jsFunctionName "f" ]', "JavaScript"),
        ('sh:sparql [ sh:select "SELECT $this {" ]', "no SPARQL"),
    ],
)
def test_shapes_that_fetch_run_scripts_or_are_none_are_refused(
    client: TestClient, rule: str, reason: str
) -> None:
    shapes = f"{SHAPES[: SHAPES.index('sh:property')]} {rule} ."
    files = {"file": ("mine.ttl", ENTRY), "shapes": ("s.ttl", shapes)}
    answer = client.post("/validate", files=files)
    assert answer.status_code == 400
    assert answer.json()["file"] == "s.ttl"
    assert reason in answer.json()["hint"]


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ("sh:property [ sh:path ex:p ; sh:pattern '(' ] .", "`(` is not a regular"),
        ("sh:property [ sh:path _:r ; sh:minCount 1 ] . _:r sh:inversePath _:r .", "path"),
        ("sh:in _:r . _:r rdf:first 1 ; rdf:rest _:r .", "list"),
        ("sh:sparql [ sh:select 'SELECT $this {' ] .", "no SPARQL"),
        ("sh:or ex:T .", "`sh:or` has no whole list"),
        ("sh:nodeKind ex:T .", "`sh:nodeKind` has a value"),
        ("sh:sparql [ sh:select 'SELECT $this { $this ?p 1 MINUS { ?p ?p 1 } }' ] .", "`MINUS`"),
    ],
)
def test_a_shape_that_cannot_be_applied_is_told_with_its_place(
    client: TestClient, shape: str, reason: str
) -> None:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    fine = "ex:T a sh:NodeShape ; sh:targetNode ex:a ; sh:nodeKind sh:IRI ."
    shapes = f"{EXAMPLE} @prefix rdf: <{rdf}> .\n{fine}\nex:S sh:targetNode ex:a ; {shape}"
    files = {"file": ("data.ttl", "<http://ex/a> a <http://ex/C> ."), "shapes": ("s.ttl", shapes)}
    answer = client.post("/validate", files=files)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert (problem["file"], problem["line"], problem["column"]) == ("s.ttl", 3, 1)
    assert reason in problem["hint"]


@pytest.mark.parametrize(
    ("media_type", "content", "line", "column", "reason"),
    [
        (TURTLE, ENTRY.replace(" .\n", " \n"), 2, 1, "`;` or `.` expected after"),
        (TURTLE, b'<http://a> <http://b>\n "\xff" .', 2, 3, "UTF-8"),
        (TURTLE, "<http://a> <http://b> " + "[" * 500, 1, 123, "deep"),
        (TURTLE, "<http://a> <http://b> " + "(" * 500, 1, 123, "deep"),
        (JSON_LD, '{"a": ' * 500, 1, 601, "deep"),
        (JSON_LD, '{"@context":\n "http://elsewhere/c", "@id": "http://a"}', 2, 2, "not loaded"),
        (JSON_LD, '{"@id": "http://a",\n}', 2, 1, "`}` cannot stand here"),
        (RDF_XML, "<a>\n<b></a>", 2, 6, "`b` expected, not `a`"),
        (RDF_XML, "<!DOCTYPE r [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><r/>", 1, 29, "XML entity"),
        (RDF_XML, "<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///x'>]><r/>", 1, 14, "XML entity"),
        (RDF_XML, "<a>" * 500, 1, 301, "deep"),
        (CSV, b"identifier\n\xff", 2, 1, "UTF-8"),
        (XLSX, "PK nonsense", 1, 1, "workbook"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(
    client: TestClient,
    media_type: MediaType,
    content: str | bytes,
    line: int,
    column: int,
    reason: str,
) -> None:
    answer = check(client, content, media_type)
    assert answer.status_code == 400, answer.text
    said = answer.json()
    assert reason in said["hint"]
    if line:
        assert (said["line"], said["column"]) == (line, column)
    assert said["file"] == f"data.{media_type.extension}"


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (TURTLE, "[] a <http://x/C> ."),
        (JSON_LD, '{"http://x/p": {"@type": "@json", "@value": {"@context": "a"}}}'),
    ],
)
def test_data_without_an_iri_is_a_finding(
    client: TestClient, media_type: MediaType, content: str
) -> None:
    (finding,) = findings(check(client, content, media_type))
    assert component(finding) == "NoTopic"


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        ("<http://a> <http://b> 1 .", "geen term van SHACL"),
        ("<http://a> <http://www.w3.org/ns/shacl#js> [] .", "JavaScript worden hier niet"),
    ],
)
def test_shapes_that_are_refused_are_so_in_the_language_of_the_reader(
    client: TestClient, content: str, phrase: str
) -> None:
    files = {"file": ("data.ttl", ENTRY), "shapes": ("s.ttl", content)}
    assert phrase in client.post("/validate?lang=nl", files=files).json()["hint"]


@pytest.mark.parametrize(("category", "cell"), [("good", "C2"), ("", "C2")])
def test_a_finding_in_a_workbook_names_its_sheet(
    client: TestClient, category: str, cell: str
) -> None:
    book, content = Workbook(), io.BytesIO()
    for name, value in (("First", "good-practice"), ("Second", category)):
        sheet = book.create_sheet(name)
        sheet.append(["identifier", "title@en", "category", "source"])
        sheet.append([f"own-{name.lower()}", name, value, "https://example.org/"])
    del book["Sheet"]
    book.save(content)
    found = findings(check(client, content.getvalue(), XLSX))
    places = {(f["location"]["sheet"], f["location"]["line"]) for f in found if "Categ" in str(f)}
    assert places == {("Second", 2)}
    text = client.post("/validate?format=text", files={"file": ("a.xlsx", content.getvalue())}).text
    assert f"a.xlsx: Second!{cell}: violation" in text


def test_a_sheet_that_unpacks_to_too_much_is_refused(client: TestClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<x/>")
        book.writestr("xl/worksheets/sheet1.xml", b"0" * (101 << 20))
    answer = check(client, packed.getvalue(), XLSX)
    assert answer.status_code == 400
    assert "100 MiB" in answer.json()["hint"]


def test_our_context_is_known_by_its_addresses(client: TestClient) -> None:
    entry = {"id": MINT, "type": "pg:Practice", "country": HUNGARY}
    for address in (
        "http://testserver/context.jsonld",
        "https://w3id.org/practicegraph/context.jsonld",
    ):
        text = json.dumps({"@context": address, **entry})
        assert {each["focusNode"] for each in findings(check(client, text, JSON_LD))} == {MINT}


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "text/turtle", 400),
        (b" \n", "text/turtle", 400),
        (b"x", "text/turtle; charset=latin-1", 415),
        (b"x", "application/pdf", 415),
        (b"x", "multipart/form-data", 415),
        (b"#" * (MAX_BYTES + 1), "text/turtle", 413),
    ],
)
def test_a_request_that_gives_nothing_too_much_or_something_else_is_told_so(
    client: TestClient, content: bytes, media_type: str, status: int
) -> None:
    answer = client.post("/validate", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_name_of_a_file_leads_anywhere(client: TestClient) -> None:
    for name in ("../../etc/passwd.ttl", "C:\\x\\y.ttl", ".ttl", "a\nb.ttl"):
        text = ENTRY.replace("country:HUN", "country:HUNX")
        answer = client.post("/validate?format=turtle", files={"file": (name, text)})
        assert answer.status_code == 200, answer.text
        assert "etc" not in answer.text
        assert str(ROOT) not in answer.text


def test_the_page_has_a_form_in_every_language_without_scripts(
    client: TestClient, real: Catalogue
) -> None:
    for language in real.languages:
        page = client.get(f"/validate?lang={language}", headers={"Accept": "text/html"}).text
        assert real.phrases.format("ownShapes", (language,)) in page
        assert f'action="/validate?lang={language}" method="post"' in page
        assert "<script>" not in page
    assert 'href="/validate"' in client.get("/data", headers={"Accept": "text/html"}).text


def test_a_browser_gets_a_page_for_what_it_sends(client: TestClient) -> None:
    files = [
        ("text", (None, ENTRY)),
        ("type", (None, "ttl")),
        ("file", ("", "")),
        ("shapes", ("", "")),
    ]
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.post("/validate?lang=it", files=files, headers=headers)
    assert answer.status_code == 200, answer.text
    assert '<html lang="it">' in answer.text
    assert "Rapporto di validazione" in answer.text


def test_a_check_keeps_nothing(client: TestClient) -> None:
    before = client.get("/health").json()
    check(client, ENTRY.replace("country:HUN", "country:FRA"))
    assert client.get("/health").json() == before
    assert "country/HUN" in client.get("/practice/1788.nt").text


def test_a_check_that_takes_too_long_is_stopped(real: Catalogue, services: Services) -> None:
    limits = QueryLimits(seconds=0.001, processes=1)

    async def refused() -> RequestError:
        async with LazyWorkerPool(ROOT, limits, MODULE) as pool:
            served = ValidationEndpoint(Site(services, Addresses(real)), pool)
            with pytest.raises(RequestError) as error:
                await served.run({"given": " " * (8 << 20)})
            await asyncio.gather(*pool._starting)
            return error.value

    error = asyncio.run(refused())
    assert error.kind == "checkTimeout"


def test_where_no_check_has_room_it_is_checks_that_are_said_to_be_too_many(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = LazyWorkerPool(ROOT, QueryLimits(processes=0, max_waiting=0), MODULE)
    monkeypatch.setattr(validation, "checkers", lambda _: full)
    served = dataclasses.replace(services, source=ROOT)
    client = TestClient(application(served, WorkerPool(ROOT, QueryLimits(processes=0))))
    answer = check(client, ENTRY, query="?lang=de")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"].startswith("Zu viele gleichzeitige Validierungen.")


def test_the_openapi_document_says_what_is_read_and_written(client: TestClient) -> None:
    said = client.get("/openapi.json").json()["paths"]["/validate"]["post"]
    assert {each.name for each in validation.MEDIA_TYPES} < set(said["requestBody"]["content"])
    assert set(said["responses"]["200"]["content"]) == {
        f.media_type for f in reports.FORMATS.values()
    }


def sent_in_a_form(
    client: TestClient, text: str, status: int = 200, fix: str = "", digest: str = ""
) -> str:
    """The page that a browser gets for a text, which it sends with its own ends of lines."""
    fields = {"text": text.replace("\n", "\r\n"), "type": "ttl", ".fix": fix, ".digest": digest}
    files = [(name, (None, value)) for name, value in fields.items()]
    headers = {"Accept": "text/html"}
    answer = client.post("/validate?lang=en", files=files, headers=headers)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def test_a_report_has_the_text_with_its_lines_beside_the_findings(client: TestClient) -> None:
    page = sent_in_a_form(client, ENTRY.replace("country:HUN", "country:HUNX"))
    line = (
        ENTRY.replace("country:HUN", "country:HUNX")
        .split("\n")
        .index("    pg:country country:HUNX ;")
    )
    assert re.search(rf'<li id="L{line + 1}" value="{line + 1}" class="found">', page)
    assert f'<a href="#L{line + 1}">' in page
    assert '<a href="#finding-1"' in page
    assert '<nav class="menu"' in page or "<header" in page, "it is a page of the site"


def test_a_fix_is_applied_to_the_text_as_it_was_validated(client: TestClient) -> None:
    wrong = ENTRY.replace("country:HUN", "country:HUNX")
    page = sent_in_a_form(client, wrong)
    (fix,) = re.findall(r'name="\.fix" value="([^"]*)"', page)
    (digest,) = re.findall(r'name="\.digest" value="(\w+)"', page)
    fixed = sent_in_a_form(client, wrong, fix=fix, digest=digest)
    assert "The catalogue admits the data." in fixed
    assert "    pg:country country:HUN ;\n" in fixed
    edited = sent_in_a_form(client, f"# new\n{wrong}", fix=fix, digest=digest)
    assert "pg:country country:HUNX ;" in edited, "the region is another one now"


def test_a_text_that_cannot_be_read_is_kept_with_its_line(client: TestClient) -> None:
    page = sent_in_a_form(client, f"{ENTRY}\n# kept\n<a> <b", status=400)
    assert "# kept" in page.partition("<textarea")[2]
    assert 'href="#L' in page


@pytest.mark.parametrize("value", ["", "1:2", "0:0:0:0:x", "9:1:2:1:x", "1:1:999:1:x", "a:b:c:d:e"])
def test_a_fix_that_makes_no_sense_changes_nothing(client: TestClient, value: str) -> None:
    page = sent_in_a_form(client, ENTRY, fix=value, digest=check_page.digest(ENTRY))
    assert "The catalogue admits the data." in page


def test_a_report_on_files_names_them(client: TestClient) -> None:
    files = [("file", ("a.ttl", ENTRY)), ("file", ("b.ttl", "<http://ex/a> a <http://ex/B> ."))]
    page = client.post("/validate?format=html&lang=en", files=files).text
    assert "b.ttl" in page
    assert 'class="numbered"' not in page


def test_the_page_refuses_unknown_parameters(client: TestClient) -> None:
    assert client.get("/validate?text=x").status_code == 400
    assert client.post("/validate?text=x", content=ENTRY).status_code == 400
