"""PUT, POST and DELETE of entries: bodies, preconditions, tokens, provenance."""

import json
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from httpx2 import Response

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue import loading
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.change_log import page_of
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.rdf.untrusted import MAX_BYTES
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import loaded

BASE = "https://w3id.org/practicegraph/"
TYPES = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
    "nt": "application/n-triples",
    "trig": "application/trig",
    "nq": "application/n-quads",
    "json": "application/json",
}
NEW = f"""
@prefix dct: <http://purl.org/dc/terms/> .
@prefix pg: <{BASE}ontology#> .
<> a pg:Practice ;
    dct:title "Peer tutors in Pécs"@en ;
    dct:abstract "Older pupils help younger ones."@en ;
    dct:source <https://example.org/tutors> ;
    pg:category <{BASE}category/good-practice> .
"""


@dataclass
class Desk:
    """A steward's place: a catalogue that is served, with a token of all rights."""

    services: Services
    client: TestClient
    token: str

    @property
    def catalogue(self) -> Catalogue:
        return self.services.catalogue

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | headers

    def read(self, path: str, **headers: str) -> tuple[str, str]:
        answer = self.client.get(path, headers=headers)
        return answer.text, answer.headers["etag"]

    def put(self, name: str, body: str, form: str = "ttl", **headers: str) -> Response:
        said = {k.replace("_", "-"): v for k, v in headers.items()}
        given = self.headers({"Content-Type": TYPES[form], "If-Match": "*"} | said)
        if "If-None-Match" in given:
            del given["If-Match"]
        return self.client.put(f"/practice/{name}", content=body.encode(), headers=given)

    def new(self, name: str) -> Response:
        return self.put(name, NEW, If_None_Match="*")

    def delete(self, name: str, **headers: str) -> Response:
        given = self.headers({"If-Match": "*"} | headers)
        return self.client.delete(f"/practice/{name}", headers=given)

    def file(self, name: str) -> Path:
        return self.catalogue.folder / "data" / "practices" / f"{name}.ttl"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = loaded(tmp_path_factory.mktemp("written"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    commented = root / "data/practices/1806.ttl"
    commented.write_text(f"# ask before a change\n{commented.read_text()}")
    served = startup.open_for_serving(root)
    assert served.source
    app = application(
        served,
        WorkerPool(served.source, QueryLimits(processes=1)),
        editor=startup.entry_editor(served),
    )
    with TestClient(app, follow_redirects=False) as client:
        yield Desk(served, client, token)


def problem(answer: Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("form", TYPES)
def test_a_document_that_is_sent_back_unchanged_changes_nothing(desk: Desk, form: str) -> None:
    before, release = desk.file("1788").read_bytes(), desk.catalogue.release
    text, tag = desk.read(f"/practice/1788.{form}")
    assert desk.put("1788", text, form, If_Match=tag).status_code == 200
    assert (desk.file("1788").read_bytes(), desk.catalogue.release) == (before, release)


@pytest.mark.parametrize("form", ["ttl", "json"])
def test_comments_of_a_file_stay_in_it(desk: Desk, form: str) -> None:
    text, tag = desk.read(f"/practice/1806.{form}")
    title = desk.client.get("/practice/1806.json").json()["title"]
    changed = text.replace(title, f"{title} ({form})")
    assert desk.put("1806", changed, form, If_Match=tag).status_code == 200
    written = desk.file("1806").read_text()
    assert written.startswith("# ask before a change\n@prefix")
    assert f"{title} ({form})" in written


@pytest.mark.parametrize("form", TYPES)
def test_a_title_that_is_changed_in_any_media_type_changes_nothing_else(
    desk: Desk, form: str
) -> None:
    text, tag = desk.read(f"/practice/1699.{form}")
    title = desk.client.get("/practice/1699.json").json()["title"]
    assert json.dumps(title).strip('"') in text or title in text
    other = f"{title} ({form})"
    sent = (
        text.replace(json.dumps(title)[1:-1], other)
        if "json" in form
        else text.replace(title, other)
    )
    answer = desk.put("1699", sent, form, If_Match=tag)
    assert answer.status_code == 200, answer.text
    assert other in desk.file("1699").read_text()
    assert desk.client.get("/practice/1699.json").json()["title"] == other


def test_after_a_write_all_responses_are_of_the_new_release(desk: Desk) -> None:
    before = desk.catalogue.release
    assert desk.new("seen-everywhere").status_code == 201
    release = desk.catalogue.release
    assert release != before
    assert release == loading.folder_release(desk.catalogue.folder)
    found = desk.client.get("/practices", params={"q": "tutors", "format": "json"}).json()
    assert found["release"] == release
    assert "seen-everywhere" in {item["identifier"] for item in found["items"]}
    query = f"SELECT ?t {{ <{BASE}practice/seen-everywhere> <http://purl.org/dc/terms/title> ?t }}"
    assert "Pécs" in desk.client.get("/sparql", params={"query": query}).text
    log = desk.services.log
    assert log
    assert "seen-everywhere" in desk.client.get(f"/changes/{page_of(log.count)}.trig").text
    assert desk.client.get("/health").json()["release"] == release


def test_the_next_start_after_a_write_loads_nothing(desk: Desk) -> None:
    desk.new("kept")
    log = desk.services.log
    assert log
    store = desk.catalogue.store
    before = (log.count, len(store), desk.catalogue.release)
    read: list[str] = []

    def progress(label: str, items: list[Any], /) -> list[Any]:
        read.extend(label for _ in items)
        return items

    loading.synchronise(desk.catalogue.folder, store, log.state, progress)
    assert read == []
    assert (log.count, len(store), desk.catalogue.release) == before


def test_the_record_states_who_changed_the_entry_when_and_why(desk: Desk) -> None:
    desk.new("told")
    path = "/practice/told?reason=Not+told+before"
    given = desk.headers({"If-Match": "*", "Content-Type": "text/turtle"})
    text = NEW.replace("Older pupils", "Pupils")
    assert desk.client.put(path, content=text.encode(), headers=given).status_code == 200
    said = desk.file("told").read_text()
    assert said.count("a pg:Revision") == 2
    assert 'foaf:name "anna"' in said
    assert 'skos:changeNote "Not told before"@en' in said
    assert "prov:endedAtTime" in said


OF_RECORD = "dct:source <https://example.org/tutors> ;"
WITHOUT_RECORD = {
    "ttl": NEW,
    "json": json.dumps(
        {"title": "Tutors", "category": "good-practice", "source": ["https://example.org/tutors"]}
    ),
    "nameless": NEW.replace(OF_RECORD, "")
    + f"""[] a <http://www.w3.org/ns/dcat#CatalogRecord> ;
    <http://xmlns.com/foaf/0.1/primaryTopic> <> ; {OF_RECORD[:-1]} .""",
}


@pytest.mark.parametrize("form", WITHOUT_RECORD)
def test_an_entry_whose_body_names_no_record_gets_one(desk: Desk, form: str) -> None:
    name = f"without-{form}"
    answer = desk.put(
        name, WITHOUT_RECORD[form], form if form in TYPES else "ttl", If_None_Match="*"
    )
    assert answer.status_code == 201, answer.text
    quads = desk.catalogue.store.graph_quads(f"{BASE}practice/{name}")
    subjects: dict[str, set[str]] = {}
    for quad in quads:
        subject = str(quad.subject).strip("<>").rpartition("/")[2]
        subjects.setdefault(subject, set()).add(quad.predicate.value.rpartition("/")[2])
    ours = {"source", "issued", "modified", "license", "conformsTo"}
    assert subjects[f"{name}#record"] >= {*ours, "primaryTopic"}
    assert not ours & subjects[name]
    assert desk.client.get(f"/practice/{name}.json").json()["source"] == [
        "https://example.org/tutors"
    ]


def test_a_licence_of_the_work_does_not_become_that_of_its_record(desk: Desk) -> None:
    licensed = NEW.replace(OF_RECORD, f"{OF_RECORD} dct:license <https://example.org/own> ;")
    (found,) = problem(desk.put("licensed", licensed, If_None_Match="*"), 422)["findings"]
    assert (found["value"], found["sourceShape"]) == (
        "https://example.org/own",
        "https://w3id.org/practicegraph/shapes#Practice",
    )


def test_provenance_in_a_body_is_ignored(desk: Desk) -> None:
    desk.new("own-history")
    before, tag = desk.read("/practice/own-history.ttl")
    forged = before.replace('foaf:name "anna"', 'foaf:name "bob"').replace("tutors in", "tutor in")
    assert desk.put("own-history", forged, If_Match=tag).status_code == 200
    said = desk.file("own-history").read_text()
    assert "bob" not in said
    assert said.count("a pg:Revision") == 2


def test_an_entity_tag_stays_valid_when_other_entries_change(desk: Desk) -> None:
    text, _ = desk.read("/practice/1700.ttl")
    _, tag = desk.read("/practice/1700.html", Accept_Language="nl")
    assert desk.new("elsewhere").status_code == 201
    assert desk.put("1700", text, If_Match=tag).status_code == 200


def test_of_two_writes_with_the_same_tag_the_second_answers_412(desk: Desk) -> None:
    desk.new("wanted-by-two")
    tag = desk.read("/practice/wanted-by-two.ttl")[1]
    texts = [NEW.replace("Older", word) for word in ("Big", "Good", "Kind", "Wise")]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda text: desk.put("wanted-by-two", text, If_Match=tag), texts))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": ""}, 428),
        ({"If-Match": "", "If-None-Match": '"abc.def"'}, 428),
        ({"If-Match": '"0000000000000000.00"'}, 412),
        ({"If-Match": "W/TAG"}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-Match": '"x.y", TAG'}, 200),
        ({"If-Match": "GZIP"}, 200),
        ({"If-Match": "*"}, 200),
    ],
)
def test_a_write_succeeds_only_if_its_precondition_is_true(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    text, tag = desk.read("/practice/1701.ttl")
    meant = {"TAG": tag, "GZIP": f'{tag[:-1]}-gzip"'}
    text_of = dict(headers)
    for word, found in meant.items():
        text_of = {name: value.replace(word, found) for name, value in text_of.items()}
    given = {k: v for k, v in desk.headers({"Content-Type": "text/turtle"} | text_of).items() if v}
    answer = desk.client.put("/practice/1701", content=text.encode(), headers=given)
    assert answer.status_code == status, answer.text


def test_a_new_entry_needs_if_none_match(desk: Desk) -> None:
    assert problem(desk.put("nowhere", NEW), 412)["hint"]
    assert desk.new("somewhere").status_code == 201
    problem(desk.new("somewhere"), 412)


def test_the_response_to_a_write_is_the_stored_entry_with_its_location(desk: Desk) -> None:
    answer = desk.put("placed", NEW, If_None_Match="*", Accept="application/json")
    assert answer.headers["location"] == "http://testserver/practice/placed"
    assert answer.headers["content-location"] == "/practice/placed.json"
    assert answer.json()["identifier"] == "placed"
    assert answer.headers["etag"] == desk.read("/practice/placed.json")[1]


def test_a_write_without_a_recommended_field_answers_with_a_finding_in_json(desk: Desk) -> None:
    body = NEW.replace("dct:abstract", "dct:description")
    answer = desk.put("brief", body, If_None_Match="*", Accept="application/json")
    assert answer.status_code == 201
    (finding,) = answer.json()["findings"]
    assert finding["sourceShape"] == f"{BASE}shapes#Practice-abstract"
    assert finding["severity"] == "http://www.w3.org/ns/shacl#Warning"
    assert "content-location" not in answer.headers
    sent = json.dumps(answer.json() | {"abstract": "Older pupils help."})
    again = desk.put("brief", sent, "json", If_Match=answer.headers["etag"], Accept=TYPES["json"])
    assert again.status_code == 200
    assert "findings" not in again.json()


@pytest.mark.parametrize(("language", "words"), [("en", "Summary"), ("el", "Περίληψη")])
def test_a_write_without_a_recommended_field_answers_with_a_link_in_rdf(
    desk: Desk, language: str, words: str
) -> None:
    name, body = f"brief-{language}", NEW.replace("dct:abstract", "dct:description")
    answer = desk.put(name, body, If_None_Match="*", Accept_Language=language)
    assert answer.status_code == 201
    assert answer.headers["content-location"] == f"/practice/{name}.ttl"
    relation = 'rel="http://www.w3.org/ns/shacl#Warning"'
    link = f"<{BASE}shapes#Practice-abstract>; {relation}; title*=UTF-8''"
    _, _, title = answer.headers["link"].partition(link)
    assert words in unquote(title)


def test_post_creates_an_entry_with_an_unused_identifier(desk: Desk) -> None:
    given = desk.headers({"Content-Type": "text/turtle"})
    text = NEW.replace("Peer tutors", "Posted tutors").encode()
    places = [desk.client.post("/practice", content=text, headers=given) for _ in range(2)]
    names = [answer.headers["location"].rpartition("/")[2] for answer in places]
    assert names == ["posted-tutors-in-pecs", "posted-tutors-in-pecs-2"]
    wanted = text.replace(b"<> a", b'<> dct:identifier "1788" ; a')
    problem(desk.client.post("/practice", content=wanted, headers=given), 409)


def test_post_does_not_reuse_an_identifier_whose_file_was_deleted(desk: Desk) -> None:
    log = desk.services.log
    assert log
    assert log.has_topic(f"{BASE}practice/1788")
    assert not log.has_topic(f"{BASE}practice/178")


def test_delete_leaves_a_tombstone_that_put_can_replace(desk: Desk) -> None:
    desk.new("gone")
    answer = desk.client.delete(
        "/practice/gone?reason=A+mistake", headers=desk.headers({"If-Match": "*"})
    )
    assert answer.status_code == 204
    gone = desk.client.get("/practice/gone", headers={"Accept": "text/turtle"})
    assert gone.status_code == 410
    assert '"A mistake"@en' in gone.text
    problem(desk.delete("gone"), 410)
    tag = gone.headers["etag"]
    assert desk.put("gone", NEW, If_Match=tag).status_code == 200
    assert desk.client.get("/practice/gone.ttl").status_code == 200
    assert desk.file("gone").read_text().count("a pg:Revision") == 3


def test_delete_without_a_reason_states_so_in_every_language(desk: Desk) -> None:
    desk.new("unexplained")
    assert desk.delete("unexplained").status_code == 204
    assert "Er is geen reden opgegeven." in desk.file("unexplained").read_text()
    assert desk.client.get("/practice/unexplained.json").status_code == 410


def test_a_body_that_the_shapes_refuse_answers_with_a_validation_report(desk: Desk) -> None:
    before = desk.file("1703").read_bytes()
    wrong = NEW.replace("category/good-practice", "category/good-practise")
    found = problem(desk.put("1703", wrong, Accept_Language="de"), 422)
    assert found["conforms"] is False
    assert any(
        "good-practice" in finding["fix"]["description"]
        for finding in found["findings"]
        if "fix" in finding
    )
    (finding,) = [
        finding
        for finding in found["findings"]
        if finding["sourceConstraintComponent"].endswith("#NodeConstraintComponent")
    ]
    place = finding["location"]
    line = wrong.splitlines()[place["line"] - 1]
    assert line[place["column"] - 1 :].startswith(f"<{BASE}category/good-practise>")
    report = desk.put("1703", wrong, Accept="text/turtle")
    assert report.headers["content-type"].startswith("text/turtle")
    assert "sh:ValidationReport" in report.text
    assert str(desk.catalogue.folder) not in report.text
    assert desk.file("1703").read_bytes() == before


BOMB = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
RING = NEW + "<> pg:actor _:a . _:a pg:actor _:b . _:b pg:actor _:a ."
TREE = NEW + "<> pg:actor " + "[ pg:actor " * 40 + "1" + "]" * 40 + " ."


@pytest.mark.parametrize(
    ("form", "body", "status"),
    [
        ("ttl", "<> a <b", 400),
        ("ttl", "\xff".encode("latin-1").decode("latin-1"), 400),
        ("ttl", "", 422),
        ("ttl", "<https://example.org/a> a <https://example.org/b> .", 422),
        ("ttl", NEW + f"<{BASE}practice/1788> dct:title 'Mine'@en .", 422),
        ("ttl", NEW + f"<{BASE}outcome/ACE> dct:title 'Mine'@en .", 422),
        ("ttl", RING, 422),
        ("ttl", TREE, 422),
        ("ttl", NEW + "<> pg:actor <<( <https://a.b/c> <https://a.b/d> 1 )>> .", 400),
        ("ttl", NEW + "<> dct:title 'x'@en--ltr .", 422),
        ("nq", f'<{BASE}practice/1703> <https://a.b/c> "d" <https://a.b/e> .\n', 422),
        ("rdf", BOMB, 400),
        ("rdf", "<a>", 400),
        ("jsonld", '{"@context": "https://example.org/context.jsonld", "id": "x"}', 400),
        ("jsonld", '{"@id": "", "https://a.b/c": ' * 140 + "1" + "}" * 140, 400),
        ("jsonld", "{", 400),
        ("json", "[]", 400),
        ("json", "[" * 100_000, 400),
        ("json", '{"titel": "A title"}', 422),
        ("json", '{"title": 5}', 422),
        ("json", '{"title": {"xx": "A title"}}', 422),
        ("json", '{"identifier": ["1703", "1704"]}', 422),
        ("json", '{"category": {"label": "Good Practices"}}', 422),
        ("json", '{"id": "https://example.org/1703"}', 422),
    ],
)
def test_a_refused_body_answers_with_the_reason_and_changes_nothing(
    desk: Desk, form: str, body: str, status: int
) -> None:
    before = desk.file("1703").read_bytes()
    assert problem(desk.put("1703", body, form), status)["detail"]
    assert desk.file("1703").read_bytes() == before


def test_other_media_types_and_large_bodies_are_refused(desk: Desk) -> None:
    given = desk.headers({"If-Match": "*", "Content-Type": "text/csv"})
    assert "text/turtle" in problem(desk.client.put("/practice/1703", headers=given), 415)["detail"]
    problem(desk.put("1703", "#" * MAX_BYTES + "\n"), 413)


def test_json_accepts_codes_and_objects_as_values(desk: Desk) -> None:
    shown, tag = desk.read("/practice/1709.json?lang=nl")
    given = json.loads(shown)
    given |= {"country": ["HUN", {"value": "CZE"}], "title": {"en": "One", "nl": "Een"}}
    given["start"] = "2020-01"
    assert desk.put("1709", json.dumps(given), "json", If_Match=tag).status_code == 200
    said = desk.file("1709").read_text()
    assert "country:CZE ,\n        country:HUN" in said
    assert '"One"@en ,\n        "Een"@nl' in said
    assert '"2020-01"^^xsd:gYearMonth' in said


def test_a_text_in_json_has_the_language_of_the_content(desk: Desk) -> None:
    desk.new("in-words")
    given = json.loads(desk.read("/practice/in-words.json")[0])
    given["title"] = "Helpers in Pécs"
    answer = desk.put("in-words", json.dumps(given), "json", Content_Language="nl")
    assert answer.status_code == 200
    said = desk.file("in-words").read_text()
    assert '"Peer tutors in Pécs"@en ,\n        "Helpers in Pécs"@nl' in said


def test_a_file_that_was_edited_meanwhile_is_not_overwritten(desk: Desk) -> None:
    desk.new("edited")
    desk.file("edited").write_text(desk.file("edited").read_text() + "# a note\n")
    before = desk.file("edited").read_bytes()
    assert problem(desk.put("edited", NEW.replace("Older", "Big")), 409)["hint"]
    problem(desk.delete("edited"), 409)
    desk.file("by-hand").write_text("# not read yet\n")
    problem(desk.new("by-hand"), 409)
    assert desk.file("edited").read_bytes() == before
    desk.file("by-hand").unlink()
    desk.file("edited").write_bytes(before.removesuffix(b"# a note\n"))


@pytest.mark.parametrize("token", ["", "Basic YTpi", "Bearer", "Bearer wrong", "Bearer \xe9"])
def test_a_write_without_a_valid_token_answers_401_with_a_challenge(desk: Desk, token: str) -> None:
    said = [(b"If-Match", b"*"), (b"Content-Type", b"text/turtle")]
    headers = [*said, (b"Authorization", token.encode("latin-1"))]
    answer = desk.client.put("/practice/1703", content=b"", headers=headers)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="practicegraph"')


def test_a_token_without_the_permission_answers_403(desk: Desk) -> None:
    tokens = TokenFile(desk.catalogue.folder)
    desk.new("theirs")
    other = Desk(desk.services, desk.client, tokens.add("bob", ["create"]))
    assert other.new("mine").status_code == 201
    answer = other.put("theirs", NEW)
    assert problem(answer, 403)
    assert 'error="insufficient_scope", scope="change"' in answer.headers["www-authenticate"]
    problem(other.delete("mine"), 403)
    changing = Desk(desk.services, desk.client, tokens.add("bob", ["change"]))
    retired = (
        NEW
        + f"""<> <http://www.w3.org/2002/07/owl#deprecated> true ;
        dct:isReplacedBy <{BASE}practice/1788> ; pg:retired "2026-11-24"^^<http://www.w3.org/2001/XMLSchema#date> ;
        <http://www.w3.org/2004/02/skos/core#changeNote> "The same."@en ."""
    )
    problem(changing.put("mine", retired), 403)
    assert desk.put("mine", retired).status_code == 200
    assert desk.client.get("/practice/mine").status_code == 301
    tokens.revoke("bob")
    problem(changing.put("mine", NEW), 401)


def test_options_states_that_entries_can_be_written(desk: Desk) -> None:
    def allowed(path: str) -> str:
        return desk.client.options(path).headers["allow"]

    assert allowed("/practice/1788") == "GET, HEAD, PUT, DELETE, OPTIONS"
    assert allowed("/practice") == "GET, HEAD, POST, OPTIONS"
    assert allowed("/practice/1788.ttl") == allowed("/outcome/ACE") == "GET, HEAD, OPTIONS"
    answer = desk.client.put("/practice/1788.ttl", headers=desk.headers({}))
    assert problem(answer, 405)
    assert "PUT" not in answer.headers["allow"]
    preflight = {"Origin": "https://a.b", "Access-Control-Request-Method": "PUT"}
    preflight["Access-Control-Request-Headers"] = "authorization, if-match"
    answer = desk.client.options("/practice/1788", headers=preflight)
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_openapi_describes_writes(desk: Desk) -> None:
    found = desk.client.get("/openapi.json").json()
    put = found["paths"]["/practice/{identifier}"]["put"]
    assert set(put["requestBody"]["content"]) == set(TYPES.values())
    assert "Link" in put["responses"]["201"]["headers"]
    assert put["security"] == [{"bearer": []}]
    assert found["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_without_tokens_the_server_is_read_only(client: TestClient) -> None:
    answer = client.put("/practice/1788", content=b"", headers={"If-Match": "*"})
    assert "read-only" in problem(answer, 405)["detail"]
    assert answer.headers["allow"] == client.options("/practice/1788").headers["allow"]
    assert "PUT" not in answer.headers["allow"]


def test_a_token_is_shown_once_and_stored_as_a_hash(
    copied: Path, run: Callable[..., Result]
) -> None:
    token = run("token", "anna", "--right", "change").output.strip()
    path = copied / "tokens.json"
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TokenFile(copied).find_holder(token)
    assert run("token").output == "anna: change\n"
    assert run("token", "anna", "--revoke").exit_code == 0
    assert TokenFile(copied).find_holder(token) is None
    assert run("token", "anna", "--revoke").exit_code == 1
    assert run("token", "Anna!").exit_code == 1


def test_with_an_unreadable_token_file_writes_are_refused(copied: Path) -> None:
    (copied / "tokens.json").write_text("[1]")
    app = application(
        served := startup.open_for_serving(copied), editor=startup.entry_editor(served)
    )
    answer = TestClient(app).put("/practice/1788", content=b"")
    problem(answer, 500)
