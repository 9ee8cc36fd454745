"""The SPARQL 1.1 Protocol: queries, datasets, media types, deadlines and the description."""

import html
from urllib.parse import quote, quote_plus

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import QueryResultsFormat, RdfFormat, parse, parse_query_results
from rdflib import Graph, Namespace

BASE = "https://w3id.org/practicegraph/"
TITLE = "http://purl.org/dc/terms/title"
MINT = BASE + "practice/1788"
COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"
LITERAL = "100%25 a+b é"
ECHO = f'SELECT ("{LITERAL}" AS ?x) WHERE {{}}'
CONSTRUCT = f"CONSTRUCT WHERE {{ <{MINT}> ?p ?o }}"
FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"


def ask(client: TestClient, query: str, accept: str = "*/*", **parameters: str) -> Response:
    return client.get("/sparql", params={"query": query, **parameters}, headers={"Accept": accept})


def post(client: TestClient, content: str | bytes, media_type: str, query: str = "") -> Response:
    return client.post(f"/sparql{query}", content=content, headers={"Content-Type": media_type})


def value(answer: Response) -> str:
    assert answer.status_code == 200, answer.text
    (binding,) = answer.json()["results"]["bindings"]
    return str(next(iter(binding.values()))["value"])


def parameters(path: str, timeout: str) -> dict[str, str]:
    return {"timeout": timeout} | ({"query": COUNT} if path == "/sparql" else {})


def requests(client: TestClient, query: str, rest: str = "") -> list[Response]:
    """The same query in all three ways of the protocol, each with its variants."""
    return [
        client.get(f"/sparql?query={quote(query)}{rest}"),
        client.get(f"/sparql/?query={quote_plus(query)}{rest}"),
        post(client, f"query={quote_plus(query)}{rest}", FORM),
        post(client, f"query={quote(query)}{rest}", FORM + "; charset=UTF-8"),
        post(client, query.encode(), DIRECT, "?" + rest.lstrip("&")),
        post(client, query.encode(), DIRECT + '; charset="utf-8"', "?" + rest.lstrip("&")),
        post(client, query.encode(), DIRECT.upper(), "?" + rest.lstrip("&")),
    ]


def test_a_query_is_parsed_alike_by_get_form_and_direct_post(client: TestClient) -> None:
    assert [value(answer) for answer in requests(client, ECHO)] == [LITERAL] * 7


def test_the_dataset_can_be_named_by_get_form_and_direct_post(client: TestClient) -> None:
    whole = int(value(ask(client, COUNT)))
    one = "&default-graph-uri=" + quote_plus(MINT)
    sizes = {int(value(answer)) for answer in requests(client, COUNT, one)}
    assert len(sizes) == 1
    assert 30 < sizes.pop() < whole / 10
    named = "SELECT (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } }"
    rest = "&named-graph-uri=" + quote_plus(MINT)
    assert {value(a) for a in requests(client, named, rest)} == {
        value(ask(client, COUNT, **{"default-graph-uri": MINT}))
    }


def test_the_dataset_of_the_protocol_takes_precedence_over_that_of_the_query(
    client: TestClient,
) -> None:
    query = f"SELECT (COUNT(*) AS ?n) FROM <{BASE}outcome> WHERE {{ ?s ?p ?o }}"
    own, protocol = ask(client, query), ask(client, query, **{"default-graph-uri": MINT})
    assert value(protocol) == value(ask(client, COUNT, **{"default-graph-uri": MINT}))
    assert value(own) == value(ask(client, COUNT, **{"default-graph-uri": BASE + "outcome"}))


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        ("query=ASK%20%7B%7D&query=ASK%20%7B%7D", FORM, 400),
        ("nothing=ASK", FORM, 400),
        ("", FORM, 400),
        ("update=DROP%20ALL", FORM, 400),
        ("query=ASK%20%7B%7D&update=DROP%20ALL", FORM, 400),
        ("query=DROP%20ALL", FORM, 400),
        ("query=%FF", FORM, 400),
        (b"ASK { ?s ?p \xff }", DIRECT, 400),
        ("", DIRECT, 400),
        ("DROP ALL", DIRECT, 400),
        ("DROP ALL", "application/sparql-update", 415),
        ("ASK {}", "text/plain", 415),
        ("ASK {}", "", 415),
        ("ASK {}", DIRECT + "; charset=iso-8859-1", 415),
        ("#" * (1 << 20) + "\nASK {}", DIRECT, 413),
    ],
)
def test_requests_that_the_protocol_forbids_are_refused(
    client: TestClient, content: str | bytes, media_type: str, status: int
) -> None:
    before = client.get("/health").json()
    answer = post(client, content, media_type)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/health").json() == before


def test_two_queries_in_a_url_are_refused(client: TestClient) -> None:
    assert client.get("/sparql?query=ASK%7B%7D&query=ASK%7B%7D").status_code == 400
    assert client.get("/sparql?update=DROP%20ALL").status_code == 400
    assert client.get("/sparql?query=%FF").status_code == 400
    answer = post(client, "query=" + quote("ASK {}"), FORM, "?query=" + quote("ASK {}"))
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_answer_405_with_the_allowed_methods(client: TestClient, method: str) -> None:
    answer = client.request(method, "/sparql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "the prefix skos: is not declared; add"),
        ("nl", "het prefix skos: is niet gedeclareerd"),
        ("es", "el prefijo skos: no está declarado"),
        ("de", "das Präfix skos: ist nicht deklariert"),
        ("it", "il prefisso skos: non è dichiarato"),
        ("fr", "le préfixe skos: n’est pas déclaré"),
        ("el", "το πρόθεμα skos: δεν έχει δηλωθεί"),
    ],
)
def test_a_query_with_an_unknown_prefix_is_answered_with_the_line_to_add(
    client: TestClient, language: str, words: str
) -> None:
    answer = ask(client, "SELECT ?l { ?c skos:prefLabel ?l }", lang=language)
    problem = client.get(str(answer.url), headers={"Accept-Language": language}).json()
    assert (answer.status_code, problem["line"], problem["column"]) == (400, 1, 16)
    assert words in problem["hint"]
    assert "PREFIX skos: <http://www.w3.org/2004/02/skos/core#>" in problem["hint"]


def test_a_query_that_begins_with_a_byte_order_mark_is_told_so(client: TestClient) -> None:
    answer = post(client, "\ufeffASK {}".encode(), DIRECT)
    assert answer.status_code == 400
    assert answer.json()["hint"] == "Line 1, column 1: U+FEFF is a byte order mark; delete it"


def test_the_position_in_a_query_with_crlf_is_that_of_its_line(client: TestClient) -> None:
    answer = post(client, b"SELECT *\r\n{ ?s ?p ?o }\r\nLIMIT ten", DIRECT)
    assert (answer.json()["line"], answer.json()["column"]) == (3, 7)
    assert post(client, b"ASK\r\n{ }\r\n", DIRECT).status_code == 200


@pytest.mark.parametrize(
    ("name", "words"),
    [("not an iri", "<not an iri> is not a valid IRI"), ("graph", "the IRI <graph> is relative")],
)
def test_a_dataset_whose_name_is_no_iri_is_told(client: TestClient, name: str, words: str) -> None:
    answer = ask(client, "ASK {}", **{"default-graph-uri": name})
    assert answer.status_code == 400
    assert words in answer.json()["hint"]


def test_a_function_that_is_unknown_at_evaluation_is_named(client: TestClient) -> None:
    answer = ask(client, "PREFIX a: <http://a.b/>\nSELECT (a:f(1) AS ?x) {}")
    assert (answer.status_code, answer.json()["line"]) == (400, 2)
    assert "there is no function `<http://a.b/f>`" in answer.json()["hint"]


def test_a_malformed_query_answers_400_with_line_and_column(client: TestClient) -> None:
    problem = ask(client, "SELECT *\nWHERE { ?s ?p }")
    assert problem.status_code == 400
    assert problem.json()["line"] == 2
    assert problem.json()["column"] > 1


@pytest.mark.parametrize(
    ("accept", "media_type", "form"),
    [
        ("*/*", "application/sparql-results+json", QueryResultsFormat.JSON),
        ("application/json", "application/sparql-results+json", QueryResultsFormat.JSON),
        (
            "application/sparql-results+xml",
            "application/sparql-results+xml",
            QueryResultsFormat.XML,
        ),
        (
            "text/csv;q=0.3, application/xml;q=0.5",
            "application/sparql-results+xml",
            QueryResultsFormat.XML,
        ),
        (
            "text/tab-separated-values",
            "text/tab-separated-values; charset=utf-8",
            QueryResultsFormat.TSV,
        ),
        ("image/png, */*;q=0.1", "application/sparql-results+json", QueryResultsFormat.JSON),
    ],
)
def test_solutions_have_the_accepted_media_type(
    client: TestClient, accept: str, media_type: str, form: QueryResultsFormat
) -> None:
    answer = ask(client, f"SELECT ?o WHERE {{ <{MINT}> ?p ?o }}", accept)
    assert answer.headers["content-type"] == media_type
    assert len(list(parse_query_results(answer.content, form))) > 20  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "accept", ["application/sparql-results+json", "application/sparql-results+xml"]
)
def test_ask_returns_a_boolean(client: TestClient, accept: str) -> None:
    assert "true" in ask(client, "ASK {}", accept).text


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", RdfFormat.TURTLE),
        ("text/turtle", RdfFormat.TURTLE),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("text/plain", RdfFormat.N_TRIPLES),
        ("application/rdf+xml", RdfFormat.RDF_XML),
        ("application/trig", RdfFormat.TRIG),
        ("application/n-quads", RdfFormat.N_QUADS),
    ],
)
def test_graphs_have_the_accepted_media_type(
    client: TestClient, accept: str, form: RdfFormat
) -> None:
    expected = {quad.triple for quad in parse(ask(client, CONSTRUCT).content, RdfFormat.TURTLE)}
    assert len(expected) > 20
    assert {quad.triple for quad in parse(ask(client, CONSTRUCT, accept).content, form)} == expected


def test_turtle_has_prefixes_and_json_ld_readable_keys(client: TestClient) -> None:
    assert "@prefix dct:" in ask(client, CONSTRUCT, "text/turtle").text
    document = ask(client, CONSTRUCT, "application/ld+json").json()
    assert "@context" in document
    assert document["title"]["nl"].startswith("MINT")


def test_a_media_type_that_the_result_cannot_have_answers_406(client: TestClient) -> None:
    assert ask(client, COUNT, "image/png").status_code == 406
    assert ask(client, COUNT, "text/turtle").status_code == 406
    assert ask(client, CONSTRUCT, "text/csv").status_code == 406


@pytest.mark.parametrize(
    "rest", [{"format": "json"}, {"output": "json"}, {"results": "json"}, {"format": "turtle"}]
)
def test_parameters_that_clients_add_are_accepted(client: TestClient, rest: dict[str, str]) -> None:
    assert ask(client, COUNT, "application/sparql-results+json", **rest).status_code == 200


def test_the_format_can_be_named_by_get_form_and_direct_post(client: TestClient) -> None:
    for answer in requests(client, COUNT, "&format=csv"):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_result_has_a_strong_entity_tag_and_answers_304(client: TestClient) -> None:
    answer = ask(client, COUNT)
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    again = client.get("/sparql", params={"query": COUNT}, headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert "Accept" in again.headers["vary"]
    assert ask(client, COUNT, "text/csv").headers["etag"] != tag
    assert ask(client, COUNT + " ").headers["etag"] != tag
    assert "etag" not in ask(client, "SELECT (NOW() AS ?now) WHERE {}").headers


def test_a_coded_result_has_an_entity_tag_of_its_own(client: TestClient) -> None:
    query = {"query": "SELECT * WHERE { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 300"}
    plain = client.get("/sparql", params=query, headers={"Accept-Encoding": "identity"})
    coded = client.get("/sparql", params=query, headers={"Accept-Encoding": "gzip"})
    assert coded.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in coded.headers["vary"]
    assert coded.content == plain.content
    assert coded.headers["etag"] != plain.headers["etag"]
    for answer in (plain, coded):
        headers = {"If-None-Match": answer.headers["etag"], "Accept-Encoding": "gzip"}
        again = client.get("/sparql", params=query, headers=headers)
        assert (again.status_code, again.headers["etag"]) == (304, answer.headers["etag"])
    for header in ("*", f"W/{plain.headers['etag']}", f'"a", {coded.headers["etag"]}'):
        again = client.get("/sparql", params=query, headers={"If-None-Match": header})
        assert again.status_code == 304


def test_head_and_other_origins_are_served(client: TestClient) -> None:
    head = client.head("/sparql", params={"query": COUNT})
    assert (head.status_code, head.content) == (200, b"")
    wrong = client.get("/sparql?query=x", headers={"Origin": "https://example.org"})
    assert wrong.headers["access-control-allow-origin"] == "*"


def test_a_result_states_its_maximum_size(client: TestClient) -> None:
    assert ask(client, COUNT).headers["x-most-bytes"] == str(1 << 30)


def test_a_request_can_shorten_the_deadline(client: TestClient) -> None:
    slow = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    answer = ask(client, slow, timeout="0.3")
    assert answer.status_code == 504
    assert "0.3 s" in answer.json()["detail"]
    assert ask(client, COUNT).status_code == 200


@pytest.mark.parametrize("path", ["/sparql", "/queries/imports"])
@pytest.mark.parametrize("value", ["never", "-1", "0", "-0", "nan", "-inf", "", "1,5", "1e-400"])
def test_an_invalid_deadline_is_refused_with_a_hint(
    client: TestClient, path: str, value: str
) -> None:
    answer = client.get(path, params=parameters(path, value))
    assert answer.status_code == 400
    hint = f"timeout is a number of seconds above 0, such as `timeout=5`, not “{value}”."
    assert answer.json()["hint"] == hint


@pytest.mark.parametrize("path", ["/sparql", "/queries/imports"])
@pytest.mark.parametrize("value", ["inf", "1e400", "1e9", " 5 "])
def test_a_deadline_is_at_most_that_of_the_server(
    client: TestClient, path: str, value: str
) -> None:
    assert client.get(path, params=parameters(path, value)).status_code == 200


@pytest.mark.parametrize("value", ["5e-324", "0.01"])
def test_a_deadline_below_the_minimum_is_the_minimum(client: TestClient, value: str) -> None:
    slow = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    answer = client.get("/sparql", params={"query": slow, "timeout": ["60", value]})
    assert answer.status_code == 504
    assert "of 0.1 s" in answer.json()["detail"]


TRIPLE = '<<( <http://e/s> <http://e/p> <<( <http://e/s> <http://e/p> "o"@en--ltr )>> )>>'


@pytest.mark.parametrize("form", ["json", "xml", "csv", "tsv", "html"])
def test_a_triple_term_is_in_every_media_type_of_a_table(client: TestClient, form: str) -> None:
    answer = ask(client, f"SELECT ?t WHERE {{ BIND ({TRIPLE} AS ?t) }}", format=form)
    assert answer.status_code == 200
    known = {"json": QueryResultsFormat.JSON, "xml": QueryResultsFormat.XML}
    if form in known:
        (solution,) = list(parse_query_results(answer.content, known[form]))  # type: ignore[arg-type]
        assert f"<<( {solution['t']} )>>" == TRIPLE
    elif form == "html":
        assert html.escape(TRIPLE, quote=False).replace('"', "&#34;") in answer.text
    else:
        assert TRIPLE in answer.text or "http://e/s http://e/p" in answer.text


@pytest.mark.parametrize("form", ["ttl", "rdf", "nt", "trig", "nq", "jsonld"])
def test_a_triple_term_is_in_every_syntax_that_has_triple_terms(
    client: TestClient, form: str
) -> None:
    answer = ask(
        client, f"CONSTRUCT {{ <http://e/x> <http://e/y> {TRIPLE} }} WHERE {{}}", format=form
    )
    if form == "jsonld":
        assert answer.status_code == 406
        assert "text/turtle" in answer.json()["available"]
        return
    (quad,) = parse(answer.content, RdfFormat.from_extension(form))
    assert f"<<( {quad.object} )>>" == TRIPLE


def test_a_base_direction_is_in_json_ld(client: TestClient) -> None:
    made = f'CONSTRUCT {{ <http://e/x> ?p "a"@en--rtl }} WHERE {{ VALUES ?p {{ <{TITLE}> <http://e/y> }} }}'
    answer = ask(client, made, format="jsonld")
    found = {str(quad.object) for quad in parse(answer.content, RdfFormat.JSON_LD)}
    assert found == {'"a"@en--rtl'}


def test_get_without_a_query_returns_a_correct_service_description(client: TestClient) -> None:
    answer = client.get("/sparql")
    graph = Graph().parse(data=answer.text, format="turtle")
    sd, void = (
        Namespace("http://www.w3.org/ns/sparql-service-description#"),
        Namespace("http://rdfs.org/ns/void#"),
    )
    assert (None, sd.supportedLanguage, sd.SPARQL11Query) in graph
    assert (None, sd.feature, sd.UnionDefaultGraph) in graph
    union = next(graph.objects(None, sd.defaultGraph))
    distinct = "SELECT (COUNT(*) AS ?n) WHERE { SELECT DISTINCT * WHERE { ?s ?p ?o } }"
    assert str(graph.value(union, void.triples)) == value(ask(client, distinct))
    names = list(graph.subject_objects(sd.name))
    assert len(names) > 60
    for node, name in names[:5]:
        size = graph.value(graph.value(node, sd.graph), void.triples)
        assert str(size) == value(ask(client, COUNT, **{"default-graph-uri": str(name)}))
    for form in ("application/ld+json", "application/rdf+xml", "application/n-triples"):
        assert client.get("/sparql", headers={"Accept": form}).status_code == 200


def test_every_result_format_of_the_description_is_available(client: TestClient) -> None:
    text = client.get("/sparql").text
    for name in (
        "SPARQL_Results_JSON",
        "SPARQL_Results_XML",
        "SPARQL_Results_CSV",
        "SPARQL_Results_TSV",
        "Turtle",
        "N-Triples",
        "RDF_XML",
        "JSON-LD",
        "TriG",
        "N-Quads",
    ):
        assert name in text
