"""Kinds of records: a node shape with a segment is all that a further kind needs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.search.request import RequestParser
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import copy, sparql_engine

BASE = "https://w3id.org/practicegraph/"
LANGUAGES = ("en", "nl", "es", "de", "it", "fr", "el")
TURTLE = {"Content-Type": "text/turtle"}


def in_every_language(text: str) -> str:
    return " , ".join(f'"{text}"@{language}' for language in LANGUAGES)


def field(iri: str, path: str, name: str, *more: str) -> str:
    return f"""
shape:{iri}
    a sh:PropertyShape ;
    sh:path {path} ;
    sh:name {in_every_language(name)} ;
    sh:description {in_every_language(f"{name}.")} ;
    sh:group shape:group-setting ;
    sh:order 30 ;
    {" ; ".join(more)} .
"""


PLACE = f"""
shape:Place
    a sh:NodeShape ;
    rdfs:label {in_every_language("Place")} ;
    sh:targetClass pg:Place ;
    sh:codeIdentifier "place" ;
    pg:collection "places" ;
    pg:topic true ;
    sh:nodeKind sh:IRI ;
    sh:property
        shape:Place-name ,
        shape:Place-code ,
        shape:Place-country .
""" + "".join(
    [
        field("Place-name", "foaf:name", "Name", "sh:node shape:Text", "pg:searched true")
        .rstrip()
        .removesuffix(".")
        + "; dash:propertyRole dash:LabelRole .\n",
        field(
            "Place-code",
            "dct:identifier",
            "Identifier",
            "sh:maxCount 1",
            "sh:datatype xsd:string",
            'sh:pattern "^[a-z]+[0-9]$"',
            "dash:propertyRole dash:IDRole",
        ),
        field(
            "Place-country", "pg:country", "Country", "sh:node shape:In-country", "pg:facet true"
        ),
        field("Practice-place", "pg:place", "Place", "sh:class pg:Place", "pg:facet true"),
    ]
)
HALL = f"""
@prefix country: <http://publications.europa.eu/resource/authority/country/> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix pg: <{BASE}ontology#> .
<{BASE}place/{{code}}> a pg:Place ;
    foaf:name "{{name}}"@de ;
    dct:identifier "{{code}}" ;
    pg:country country:AUT .
"""


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text, f"{before} does not stand in {path}"
    path.write_text(text.replace(before, after, 1))


def with_places(root: Path) -> Path:
    """Return a catalogue with a third kind of records, and an entry that refers to one."""
    shapes = root / "shapes/practice.ttl"
    edit(shapes, "shape:Practice-title ,", "shape:Practice-title ,\n        shape:Practice-place ,")
    shapes.write_text(shapes.read_text() + PLACE + "shape:Practice-place pg:searched true .\n")
    ontology = root / "ontology/practice.ttl"
    terms = [("Place", "owl:Class"), ("place", "rdf:Property , owl:ObjectProperty")]
    ontology.write_text(
        ontology.read_text()
        + "".join(
            f"\npg:{name} a {kind} ; rdfs:label {in_every_language('place')} ;"
            f" rdfs:comment {in_every_language('A place.')} ; rdfs:isDefinedBy <{BASE}ontology> .\n"
            for name, kind in terms
        )
    )
    (root / "data/places").mkdir()
    (root / "data/places/hall1.ttl").write_text(HALL.format(code="hall1", name="Alte Turnhalle"))
    edit(
        root / "data/practices/1788.ttl",
        "a pg:Practice ;",
        f"a pg:Practice ;\n    pg:place <{BASE}place/hall1> ;",
    )
    return root


class Server:
    """A catalogue with three kinds of records, served with a token of all rights."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = TokenFile(root).add("anna", PERMISSIONS)
        self.services = startup.open_for_serving(root)
        assert self.services.source
        workers = WorkerPool(self.services.source, QueryLimits(processes=1))
        editor = startup.entry_editor(self.services)
        self.app = application(self.services, workers, editor=editor)
        self.client = TestClient(self.app, follow_redirects=False)

    def put(self, path: str, text: str, **headers: str) -> int:
        sent = TURTLE | {"Authorization": f"Bearer {self.token}"} | headers
        return self.client.put(path, content=text.encode(), headers=sent).status_code

    def counts(self, key: str, search: str = "/practices") -> dict[str, tuple[str, int]]:
        facets = self.client.get(f"{search}?size=0&lang=en").json()["facets"]
        return {v["value"]: (v["label"], v["count"]) for v in facets[key]["values"]}

    def total(self, query: str) -> int:
        total: int = self.client.get(query).json()["total"]
        return total


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(with_places(copy(tmp_path_factory.mktemp("kinds"))))
    with server.client:
        yield server


def test_a_third_kind_is_checked(copied: Path, run: Callable[..., Result]) -> None:
    with_places(copied)
    result = run("check")
    assert result.exit_code == 0, result.output
    edit(copied / "data/practices/1788.ttl", "place/hall1", "place/hall2")
    assert "place/hall2" in run("check").output


def test_a_third_kind_is_searched(server: Server) -> None:
    assert server.total("/places?q=turnhalle") == 1
    assert server.counts("country", "/places")["AUT"][1] >= 1
    assert server.client.get("/places.csv").text.startswith("identifier")
    assert "Alte Turnhalle" in server.client.get("/places.html").text
    assert (
        server.client.get("/places/coverage.json?rows=country&columns=country").status_code == 200
    )


def test_a_field_whose_values_are_records_is_a_facet(server: Server) -> None:
    assert server.counts("place")["hall1"] == ("Alte Turnhalle", 1)
    assert server.total(f"/practices?place={BASE}place/hall1") == 1
    assert server.client.get("/practices?place=nowhere9").status_code == 400


def test_a_text_search_of_entries_finds_names_of_records(server: Server) -> None:
    found = server.client.get("/practices?q=turnhalle&lang=de").json()
    assert [item["identifier"] for item in found["items"]] == ["1788"]
    assert "Turnhalle" in str(found["items"][0]["snippets"])


def test_a_record_of_a_third_kind_has_documents_and_a_page(server: Server) -> None:
    answer = server.client.get("/place/hall1", headers={"Accept": "text/turtle"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/place/hall1.ttl")
    assert "Alte Turnhalle" in server.client.get("/place/hall1.ttl").text
    page = server.client.get("/place/hall1.html").text
    assert "place=hall1" in page and "MINT" in page
    item = server.client.get("/practice/1788.json").json()
    assert item["place"] == [
        {"value": "hall1", "id": f"{BASE}place/hall1", "label": "Alte Turnhalle"}
    ]


def test_other_endpoints_know_a_third_kind(server: Server) -> None:
    iri = f"{BASE}place/hall1"
    status = server.client.post("/status", json={"iris": [iri]}).json()["results"][0]
    assert status["status"] == "current"
    assert "/place/hall1.html" in server.client.get("/sitemap.xml").text
    query = '{"q0": {"query": "alte turnhalle", "type": "place"}}'
    found = server.client.post("/reconcile", data={"queries": query}).json()["q0"]["result"]
    assert [(each["id"], each["match"]) for each in found] == [("place/hall1", True)]
    paths = server.client.get("/openapi.json").json()["paths"]
    assert {"/places", "/place/{identifier}"} <= paths.keys()


def test_a_written_record_is_an_option_at_once(server: Server) -> None:
    hall = HALL.format(code="gym2", name="Zirbelsaal")
    assert server.put("/place/gym2", hall, **{"If-None-Match": "*"}) == 201
    assert (server.root / "data/places/gym2.ttl").exists()
    assert server.total("/places?q=zirbelsaal") == 1
    entry = (server.root / "data/practices/1788.ttl").read_text().replace("hall1", "gym2")
    assert server.put("/practice/1788", entry, **{"If-Match": "*"}) == 200
    assert server.counts("place") == {"gym2": ("Zirbelsaal", 1)}
    assert server.total("/practices?q=zirbelsaal&lang=de") == 1
    assert server.put("/place/Gym", hall, **{"If-None-Match": "*"}) == 404


def test_what_refers_to_a_merged_record_counts_for_its_successor(server: Server) -> None:
    merged = HALL.format(code="old3", name="Alter Saal")
    assert server.put("/place/old3", merged, **{"If-None-Match": "*"}) == 201
    entry = server.client.get("/practice/1789.ttl").text
    entry = entry.replace("a pg:Practice ;", f"a pg:Practice ; pg:place <{BASE}place/old3> ;")
    assert server.put("/practice/1789", entry, **{"If-Match": "*"}) == 200
    assert server.counts("place")["old3"][1] == 1
    merged += f"""
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <{BASE}place/old3> owl:deprecated true ; dct:isReplacedBy <{BASE}place/hall1> ;
            pg:retired "2026-11-30"^^xsd:date ; skos:changeNote {in_every_language("The same.")} .
    """
    assert server.put("/place/old3", merged, **{"If-Match": "*"}) == 200
    assert server.counts("place")["hall1"][1] == 1
    catalogue, engine = server.services.catalogue, sparql_engine(server.services.catalogue)
    parser = RequestParser(catalogue.shapes.entry_shape, catalogue.vocabularies)
    request = parser.parse([("place", "old3")])
    assert engine.search(request, catalogue.languages).entries == (f"{BASE}practice/1789",)
    assert server.services.search.search(request, catalogue.languages).total == 1


def test_a_table_names_records_in_any_language_by_any_of_their_names(
    copied: Path, run: Callable[..., Result], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("identifier,funder\n1788,FAMI | unhcr | Universität von Nirgendwo\n")
    result = run("import", rows)
    assert result.exit_code == 1
    assert "Universität von Nirgendwo" in result.output
    rows.write_text("identifier,funder\n1788,fami | unhcr\n")
    assert run("import", rows).exit_code == 0
    text = (copied / "data/practices/1788.ttl").read_text()
    assert "organisation:amif ,\n        organisation:unhcr ;" in text
    assert run("check").exit_code == 0
