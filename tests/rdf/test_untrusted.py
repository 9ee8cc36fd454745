"""What a stranger sends, at every door: nothing ends or blocks the server, all of it is located."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import RdfFormat, Store, parse

from practicegraph.application import startup
from practicegraph.catalogue import documents
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.rdf import untrusted
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import loaded

N = 20_000
SAID = "<https://example.org/s> <https://example.org/p> "
RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="https://a.b/">'
TYPES = {
    "ttl": "text/turtle",
    "trig": "application/trig",
    "nt": "application/n-triples",
    "nq": "application/n-quads",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
}
LINES = {
    "triple terms": SAID + f"<<( {SAID}" * N + "1" + " )>>" * N + " .",
    "triple terms, not closed": SAID + f"<<( {SAID}" * N,
    "triple terms behind escapes": f"# <<( \"\n{SAID} '\\'\"' , " + f"<<({SAID}" * N,
}
TURTLE = {
    **LINES,
    "reifiers": f"<< {SAID}" * N + "1" + " >>" * N + " .",
    "annotations": SAID + "1 " + "{| <https://a.b/p> 1 " * N + "|}" * N + " .",
    "collections": SAID + "(" * N + ")" * N + " .",
    "blank nodes": SAID + "[ <https://a.b/p> " * N + "1" + "]" * N + " .",
}
JSON_LD = {
    "objects": '{"@id": "https://a.b/c", "https://a.b/p": ' * N + "1" + "}" * N,
    "lists": '{"@id": "https://a.b/c", "https://a.b/p": ' + "[" * N + "]" * N + "}",
    "contexts": '{"@context": {"a": ' * N + "1" + "}}" * N,
    "literals": '{"https://a.b/p": {"@type": "@json", "@value": ' + "[" * N + "]" * N + "}}",
}
XML = {
    "elements": RDF + "<d><p>" * N + "</p></d>" * N + "</rdf:RDF>",
    "literals": RDF
    + '<d><p rdf:parseType="Literal">'
    + "<d>" * N
    + "</d>" * N
    + "</p></d></rdf:RDF>",
}
DEEP = [
    (form, kind, text)
    for form, texts in {
        "ttl": TURTLE,
        "trig": TURTLE,
        "nt": LINES,
        "nq": LINES,
        "jsonld": JSON_LD,
        "rdf": XML,
    }.items()
    for kind, text in texts.items()
]
Send = Callable[[str, str], Response]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = loaded(tmp_path_factory.mktemp("doors"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    served = startup.open_for_serving(root)
    assert served.source
    workers = WorkerPool(served.source, QueryLimits(processes=1))
    app = application(served, workers, editor=startup.entry_editor(served))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.fixture(params=["validate", "put", "post"])
def send(request: pytest.FixtureRequest, doors: TestClient) -> Send:
    def sent(text: str, media_type: str) -> Response:
        headers = {"Content-Type": media_type, "If-Match": "*", "Accept": "application/json"}
        if request.param == "put":
            return doors.put("/practice/1703", content=text, headers=headers)
        path = "/practice" if request.param == "post" else "/validate"
        return doors.post(path, content=text, headers=headers)

    return sent


def refused(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(("form", "text"), [pytest.param(f, t, id=f"{f} {k}") for f, k, t in DEEP])
def test_a_text_that_is_nested_too_deep_is_refused_with_its_place(
    send: Send, form: str, text: str
) -> None:
    text = text if len(text) < 1 << 20 else text[: 1 << 20]
    found = refused(send(text, TYPES[form]))
    assert "100" in found["detail"] + found.get("hint", "")
    assert found["line"] == (2 if text.startswith("#") else 1)
    assert 1 < found["column"] < 20_000


FLAT = '"' + "([{<<(" * 200 + '"'
IRIS = "<https://a.b/((((((((((((((((((((((((((((((((((((((((((((((((((((((((((#((((((((((((((((((((((((((((((((((((((((((((((((((((((((>"


@pytest.mark.parametrize(
    "text",
    [
        SAID + FLAT + " .",
        SAID + "'''" + "\n'((\\''(\"" * 200 + "''' .",
        SAID + '"""' + "\n((\\\"\"(''" * 200 + '""" .',
        SAID + IRIS + " .",
        "# " + "(" * 500 + f"\n{SAID} 1 . # '\n{SAID} ( 1 ) .",
        "@prefix a: <https://a.b/> .\na:" + "\\(" * 200 + " a:p 1 .",
        SAID + " , ".join(["(1 [ <https://a.b/p> <<( <a:b> <c:d> 1 )>> ] )"] * 200) + " .",
    ],
)
def test_brackets_in_texts_iris_names_and_comments_are_not_counted(text: str) -> None:
    untrusted.check_depth(text)
    assert list(parse(text, RdfFormat.TURTLE))


QUERIES = {
    "parentheses": "SELECT * { ?s ?p ?o FILTER(" + "(" * 8000 + "1" + ")" * 8000 + ") }",
    "negations": "SELECT * { ?s ?p ?o FILTER(" + "!" * N + "1) }",
    "groups": "SELECT * " + "{" * 8000 + "}" * 8000,
    "subqueries": "SELECT * { " + "{ SELECT * { " * 4000 + "}}" * 4000 + "}",
    "exists": "SELECT * { " + "FILTER EXISTS { " * 4000 + "}" * 4000 + "}",
    "triple terms": "SELECT * { ?s ?p " + "<<( ?s ?p " * N + "?o" + " )>>" * N + "}",
    "reifiers": "SELECT * { ?s ?p " + "<< ?s ?p " * N + "?o" + " >>" * N + "}",
    "collections": "SELECT * { ?s ?p " + "(" * N + "1" + ")" * N + "}",
    "blank nodes": "SELECT * { ?s ?p " + "[ ?p " * N + "1" + "]" * N + "}",
    "paths": "SELECT * { ?s " + "(" * N + "<a:b>" + ")*" * N + " ?o }",
    "functions": "SELECT * { ?s ?p ?o FILTER(" + "IF(1, 1, " * N + "1" + ")" * N + ") }",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_that_is_nested_too_deep_is_refused_with_its_place(
    doors: TestClient, query: str
) -> None:
    headers = {"Content-Type": "application/sparql-query"}
    found = refused(doors.post("/sparql", content=query, headers=headers))
    assert "100 deep" in found["hint"]
    assert found["line"] == 1


def test_shapes_with_a_query_that_is_nested_too_deep_are_refused(doors: TestClient) -> None:
    shapes = f"""
        @prefix sh: <http://www.w3.org/ns/shacl#> .
        [] a sh:NodeShape ; sh:targetNode <a:b> ; sh:sparql [ sh:select '{QUERIES["groups"]}' ] .
    """
    sent = {"text": f"{SAID} 1 .", "shapes": shapes}
    assert "100 deep" in refused(doors.post("/validate", data=sent))["hint"]


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * {{ ?s ?p {FLAT} }}",
        f"SELECT * {{ ?s ?p {IRIS} }}",
        f"SELECT * {{ # {FLAT}\n ?s ?p ?o }}",
        "SELECT * { ?s ?p ?o FILTER(?o != 1 " + "&& (!(!!true) || ?o < 1 || ?o > 1)" * 150 + ") }",
    ],
)
def test_a_query_that_is_only_long_is_read(query: str) -> None:
    untrusted.check_depth(query)
    Store().query(query)


LONG = {
    "negations apart": "! " * 20_000 + "1",
    "or": "?o" + " || ?o" * 20_000,
    "sums": "?o" + " + ?o" * 20_000,
}


@pytest.mark.parametrize("expression", LONG.values(), ids=LONG)
def test_a_query_with_a_long_chain_ends_no_process(doors: TestClient, expression: str) -> None:
    query = f"ASK {{ BIND(1 AS ?o) FILTER({expression}) }}"
    headers = {"Content-Type": "application/sparql-query", "Accept": "application/json"}
    answer = doors.post("/sparql?timeout=1", content=query, headers=headers)
    assert answer.status_code in (200, 504), answer.text


NESTED = "BIND(1 AS ?t0)" + "".join(
    f"BIND({'<<( <a:b> <a:c> ' * 50} ?t{n} {' )>>' * 50} AS ?t{n + 1})" for n in range(3)
)


@pytest.mark.parametrize(
    ("form", "query", "depth"),
    [
        ("text/html", "SELECT ?t{depth} {{ {nested} }}", 1),
        ("text/html", "SELECT ?t{depth} {{ {nested} }}", 3),
        ("application/ld+json", "CONSTRUCT {{ <a:b> <a:c> ?t{depth} }} {{ {nested} }}", 3),
    ],
)
def test_a_result_that_is_nested_too_deep_is_not_parsed_in_the_server(
    doors: TestClient, form: str, query: str, depth: int
) -> None:
    content = query.format(depth=depth, nested=NESTED)
    headers = {"Content-Type": "application/sparql-query", "Accept": form}
    answer = doors.post("/sparql", content=content, headers=headers)
    deep = "100 deep" in answer.text
    assert (answer.status_code == 400, deep) == (depth > 1, depth > 1), answer.text


RELATIVE = [
    ("ttl", "\n<https://a.b/c> a <d> .", "d"),
    ("ttl", "<#c> a <https://a.b/d> .", "data.ttl#c"),
    ("ttl", "<> a <https://a.b/d> .", "data.ttl"),
    ("ttl", "@base <c/> .\n<d> a <https://a.b/d> .", "c/d"),
    ("ttl", "@prefix e: <e/> .\ne:d a <https://a.b/d> .", "e/d"),
    ("trig", "<c> { <d> a <https://a.b/d> }", "d"),
    ("jsonld", '{"@id": "c",\n "@type": "https://a.b/d"}', "c"),
    ("jsonld", '{"@id": "https://a.b/c",\n "https://a.b/p": {"@id": "d"}}', "d"),
    ("jsonld", '{"@context": {"@base": "e/"}, "@id": "c", "@type": "https://a.b/d"}', "e/c"),
    ("rdf", f'{RDF}\n<d rdf:about="c"/></rdf:RDF>', "c"),
    ("rdf", f'{RDF}\n<d rdf:about="https://a.b/c"><p rdf:resource="d"/></d></rdf:RDF>', "d"),
]


@pytest.mark.parametrize(("form", "text", "iri"), RELATIVE)
def test_a_relative_iri_begins_at_the_file_below_the_base_of_the_catalogue(
    doors: TestClient, form: str, text: str, iri: str
) -> None:
    answer = doors.post(
        "/validate?format=json", content=text, headers={"Content-Type": TYPES[form]}
    )
    assert answer.status_code == 200, answer.text
    findings = answer.json()["findings"]
    terms = {finding.get(key) for finding in findings for key in ("focusNode", "value")}
    assert f"https://w3id.org/practicegraph/{iri}" in terms


def test_a_relative_iri_of_a_finding_has_its_place(doors: TestClient) -> None:
    text = "<https://a.b/c>\n <https://a.b/p> <d> ."
    answer = doors.post(
        "/validate?format=json", content=text, headers={"Content-Type": TYPES["ttl"]}
    )
    places = [
        (finding["location"]["line"], finding["location"]["column"])
        for finding in answer.json()["findings"]
        if finding.get("value", "").endswith("/d")
    ]
    assert places == [(2, 18)]


@pytest.mark.parametrize(
    ("form", "text", "line", "column"),
    [
        ("nt", f"\n{SAID} <a> .", 2, 50),
        ("nq", f"\n{SAID} <a:b> <c> .", 2, 56),
        ("rdf", f'{RDF}\n<d xml:base="e" rdf:about="c"/></rdf:RDF>', 2, 14),
    ],
)
def test_a_relative_iri_where_none_may_stand_is_told_with_its_place(
    doors: TestClient, form: str, text: str, line: int, column: int
) -> None:
    headers = {"Content-Type": TYPES[form]}
    found = refused(doors.post("/validate", content=text, headers=headers))
    assert (found["line"], found["column"]) == (line, column), found
    assert "IRI" in found["hint"]


@pytest.mark.parametrize(
    ("form", "text", "line", "column"),
    [
        ("nt", "<> <https://a.b/c> 1 .", 1, 1),
        ("nq", f"\n{SAID} 'a' <b> .", 2, 50),
        ("rdf", f'{RDF}\n<d xml:base="e" rdf:about="c"/></rdf:RDF>', 2, 14),
        ("jsonld", '{"@id": "",\n "https://a.b/c": "\\ud800"}', 2, 20),
        ("jsonld", '{"@id": "",\n "@context": "https://a.b/c"}', 2, 14),
        ("ttl", '<> <https://a.b/c>\n "\\uD800" .', 2, 3),
    ],
)
def test_what_a_writer_s_text_says_wrong_is_told_with_its_place(
    doors: TestClient, form: str, text: str, line: int, column: int
) -> None:
    headers = {"Content-Type": TYPES[form], "If-Match": "*"}
    found = refused(doors.put("/practice/1703", content=text, headers=headers))
    assert (found["line"], found["column"]) == (line, column), found


def test_json_that_is_nested_too_deep_is_refused_with_its_place(doors: TestClient) -> None:
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    text = '{"title":\n' + "[" * N + "]" * N + "}"
    found = refused(doors.put("/practice/1703", content=text, headers=headers))
    assert (found["line"], found["column"]) == (2, 100)


HALF = '"\\ud800"'


@pytest.mark.parametrize(
    ("method", "path", "media_type", "content"),
    [
        ("PUT", "/practice/1703", "application/json", f'{{"title": {HALF}}}'),
        ("PUT", "/practice/1703", "application/json", f"{{{HALF}: 1}}"),
        ("POST", "/practice", "application/json", f'{{"title": {{"en": {HALF}}}}}'),
        ("PUT", "/practice/1703", "application/json", '{"title": NaN}'),
        ("PUT", "/practice/1703", "application/ld+json", f'{{"@id": {HALF}}}'),
        ("POST", "/validate", "application/ld+json", f'{{"@id": {HALF}}}'),
        ("POST", "/validate", "application/ld+json", f'{{"@id": "a:b", {HALF}: 1}}'),
        ("POST", "/validate", "application/ld+json", f'{{"@context": {HALF}, "@id": "a:b"}}'),
        ("POST", "/status", "application/json", f'{{"iris": [{HALF}]}}'),
        ("POST", "/status", "application/json", f'{{"iris": [], {HALF}: 1}}'),
        ("POST", "/status", "application/json", b'{"iris": ["\xed\xa0\x80"]}'),
        ("POST", "/status", "application/json", "[" * N),
        *(
            ("POST", "/reconcile", "application/x-www-form-urlencoded", urlencode({name: text}))
            for name in ("queries", "extend")
            for text in (f'{{"q": {{"query": {HALF}}}}}', f'{{"ids": [{HALF}]}}', f"{{{HALF}: 1}}")
        ),
    ],
)
def test_json_with_half_a_surrogate_pair_or_what_is_no_json_is_refused(
    doors: TestClient, method: str, path: str, media_type: str, content: str
) -> None:
    headers = {"Content-Type": media_type, "If-Match": "*"}
    refused(doors.request(method, path, content=content, headers=headers))


@pytest.mark.parametrize("name", ["a.ttl", "a.trig", "a.nq"])
def test_a_file_that_is_nested_too_deep_is_unreadable(name: str) -> None:
    with pytest.raises(UnreadableError, match="100 deep"):
        documents.parse_document(Path(name), LINES["triple terms"].encode())


def test_a_check_of_which_the_process_dies_twice_has_a_number_in_every_language(
    doors: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(untrusted, "check_depth", lambda _: None)
    query = "ASK " + "{" * 300_000
    headers = {"Content-Type": "application/sparql-query"}
    answer = doors.post("/sparql?lang=de", content=query, headers=headers)
    assert answer.status_code == 500
    number = answer.json()["incident"]
    assert number in answer.json()["detail"]
    assert f"incident {number}: its process ended: signal 11" in caplog.text
    assert doors.get("/sparql", params={"query": "ASK {}"}).status_code == 200


ENTRY = "https://w3id.org/practicegraph/practice/1788"
DEPTH = 40
ENTITY = '<!DOCTYPE rdf:RDF [<!ENTITY terms "http://purl.org/dc/terms/">]>'
ACCEPTED = {
    "rdf: an entity": lambda text: text.replace("?>", f"?>{ENTITY}", 1).replace(
        '="http://purl.org/dc/terms/"', '="&terms;"'
    ),
    "jsonld: a path as its context": lambda text: text.replace(
        "http://testserver/context.jsonld", "/context.jsonld"
    ),
    "jsonld: an old version of its context": lambda text: text.replace(
        "/context.jsonld", "/context/0123456789ab.jsonld"
    ),
    "ttl: a byte order mark": lambda text: "\ufeff" + text,
    "jsonld: a byte order mark": lambda text: "\ufeff" + text,
    "rdf: a byte order mark": lambda text: "\ufeff" + text,
    "nq: a byte order mark": lambda text: "\ufeff" + text,
}


def sent_to_both(doors: TestClient, form: str, text: str) -> tuple[Response, Response]:
    """What a check and a write answer to a text."""
    headers = {"Content-Type": TYPES[form], "If-Match": "*", "Accept": "application/json"}
    checked = doors.post("/validate", content=text.encode(), headers=headers)
    return checked, doors.put("/practice/1788", content=text.encode(), headers=headers)


@pytest.mark.parametrize(("name", "change"), ACCEPTED.items(), ids=ACCEPTED)
def test_a_document_that_a_check_accepts_is_accepted_by_a_write(
    doors: TestClient, name: str, change: Callable[[str], str]
) -> None:
    form = name.partition(":")[0]
    text = doors.get(f"/practice/1788.{form}").text
    changed = change(text)
    assert changed != text
    checked, written = sent_to_both(doors, form, changed)
    assert (checked.status_code, written.status_code) == (200, 200), (checked.text, written.text)
    assert checked.json()["conforms"] is True


def test_a_document_that_is_nested_less_than_the_limit_is_judged_by_the_shapes(
    doors: TestClient,
) -> None:
    text = f'{{"@id": "{ENTRY}", "https://a.b/p": ' + '{"https://a.b/p": ' * DEPTH + "1" + "}" * 41
    checked, written = sent_to_both(doors, "jsonld", text)
    assert (checked.status_code, written.status_code) == (200, 422), (checked.text, written.text)
    assert checked.json()["conforms"] is False


SAID_OF_ENTRY = f"<{ENTRY}> <https://example.org/p> "
REFUSED = {
    "ttl: a triple term": (f"{SAID_OF_ENTRY} <<( {SAID} 1 )>> .", "triple term"),
    "ttl: another encoding": (f"\n{SAID_OF_ENTRY} 'é' .".encode("latin-1"), "UTF-8"),
    "jsonld: a context elsewhere": ('{"@context":\n "https://a.b/c"}', "https://a.b/c"),
    "jsonld: an imported context": (
        f'{{"@context": {{"@import": "https://a.b/c"}}, "@id": "{ENTRY}"}}',
        "",
    ),
    "rdf: an entity of others": (
        f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;">]>{RDF}</rdf:RDF>',
        "XML entity",
    ),
    "jsonld: nested": ("[" * 101, "100"),
}


@pytest.mark.parametrize(("name", "refusal"), REFUSED.items(), ids=REFUSED)
def test_a_document_that_a_check_refuses_is_refused_by_a_write_for_the_same_reason(
    doors: TestClient, name: str, refusal: tuple[str | bytes, str]
) -> None:
    content, reason = refusal
    headers = {"Content-Type": TYPES[name.partition(":")[0]], "If-Match": "*"}
    checked = refused(doors.post("/validate", content=content, headers=headers))
    written = refused(doors.put("/practice/1788", content=content, headers=headers))
    assert (checked["line"], checked["column"]) == (written["line"], written["column"])
    assert reason in checked["hint"]
    assert reason in written.get("hint", written["detail"])


@pytest.mark.parametrize("name", ["a.ttl", "a.trig", "a.nq", "a.rq"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, name: str) -> None:
    graph = " <https://a.b/g>" if name == "a.nq" else ""
    start = "#: " if name == "a.rq" else ""
    path = tmp_path / name
    path.write_text(f'\ufeff{start}{SAID} "a"{graph} .\n', encoding="utf-8")
    assert len(documents.read_document(path).quads) == 1
    assert len([quad for _, quads in documents.read_graphs(path) for quad in quads]) == 1


@pytest.mark.parametrize("opening", ["[ <https://a.b/p> ", "( "])
def test_a_file_with_brackets_that_are_nested_too_deep_is_unreadable(opening: str) -> None:
    with pytest.raises(UnreadableError, match="100 deep"):
        documents.parse_document(Path("a.ttl"), (SAID + opening * 101).encode())
