"""The 34 tests of the W3C's SPARQL 1.1 Protocol suite, a row each, with the real catalogue.

The suite is at https://w3c.github.io/rdf-tests/sparql/sparql11/protocol/ and names the rows. Where
it loads graphs of its own, graphs of the catalogue stand in their place. A service of queries
takes no updates: whatever the suite wants of an update, ours is refused with 4xx and changes
nothing. So are, as the suite wants, the requests that break a rule of the protocol. One row more,
query_dataset_default_graph, is of the working group's first list.
"""

from dataclasses import dataclass, replace
from urllib.parse import quote_plus, urlencode

import pytest
from fastapi.testclient import TestClient

BASE = "https://w3id.org/practicegraph/"
FIRST, SECOND, THIRD = BASE + "outcome", BASE + "category", BASE + "practice/1788"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
BOOLEANS = ("application/sparql-results+json", "application/sparql-results+xml")
TABLES = (*BOOLEANS, "text/csv", "text/tab-separated-values")
GRAPHS = ("text/turtle", "application/rdf+xml", "application/n-triples")

BOTH = f"ASK {{ <{FIRST}> a ?a . <{SECOND}> a ?b }}"
BOTH_NAMED = f"GRAPH ?g {{ <{FIRST}> a ?a }} GRAPH ?h {{ <{SECOND}> a ?b }}"
CHANGE = f"CLEAR ALL ; INSERT {{ GRAPH <{BASE}x> {{ ?s a <{BASE}X> }} }} WHERE {{ ?s a ?type }}"
CONFLICT = f"WITH <{FIRST}> DELETE {{ ?s ?p 1 }} INSERT {{ ?s ?p 2 }} WHERE {{ ?s ?p 1 }}"


@dataclass(frozen=True)
class Row:
    """A test: its name in the suite, the request, and what the answer must be."""

    name: str
    method: str
    parameters: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    media_type: str = ""
    types: tuple[str, ...] = ()
    true: bool = False

    def __str__(self) -> str:
        return self.name


def graphs(**names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Parameters that name graphs: `default=(…)` gives `default-graph-uri`."""
    return tuple(
        (f"{kind.replace('_', '-')}-graph-uri", name)
        for kind, all_ in names.items()
        for name in all_
    )


def get(name: str, query: str, rest: tuple[tuple[str, str], ...] = ()) -> Row:
    return Row(name, "GET", (("query", query), *rest), types=BOOLEANS, true=True)


def post(
    name: str,
    query: str,
    rest: tuple[tuple[str, str], ...] = (),
    types: tuple[str, ...] = BOOLEANS,
) -> Row:
    return Row(name, "POST", rest, query.encode(), QUERY, types, types == BOOLEANS)


def update(name: str, text: str, **names: tuple[str, ...]) -> Row:
    return Row(name, "POST", graphs(**names), text.encode(), UPDATE)


def form(name: str, content: str, media_type: str = FORM) -> Row:
    return Row(name, "POST", (), content.encode(), media_type)


ANSWERED = [
    Row(
        "query_post_form",
        "POST",
        graphs(default=(FIRST,)),
        b"query=ASK+%7B%7D",
        FORM,
        BOOLEANS,
        True,
    ),
    post("query_dataset_default_graph", f"ASK {{ <{FIRST}> ?p ?o }}", graphs(default=(FIRST,))),
    get("query_dataset_default_graphs_get", BOTH, graphs(default=(FIRST, SECOND))),
    post("query_dataset_default_graphs_post", BOTH, graphs(default=(FIRST, SECOND))),
    get("query_dataset_named_graphs_get", f"ASK {{ {BOTH_NAMED} }}", graphs(named=(FIRST, SECOND))),
    post(
        "query_dataset_named_graphs_post", f"ASK {{ {BOTH_NAMED} }}", graphs(named=(FIRST, SECOND))
    ),
    post(
        "query_dataset_full",
        f"ASK {{ <{THIRD}> a ?type . {BOTH_NAMED} }}",
        graphs(default=(THIRD,), named=(FIRST, SECOND)),
    ),
    post(
        "query_multiple_dataset",
        f"ASK FROM <{THIRD}> {{ {BOTH_NAMED} FILTER NOT EXISTS {{ ?s ?p ?o }} }}",
        graphs(named=(FIRST, SECOND)),
    ),
    get("query_get", "ASK {}", graphs(default=(FIRST,))),
    post("query_post_direct", "ASK {}", graphs(default=(FIRST,))),
    post("query_content_type_select", "SELECT (1 AS ?value) {}", types=TABLES),
    post("query_content_type_ask", "ASK {}"),
    post("query_content_type_describe", f"DESCRIBE <{THIRD}>", types=GRAPHS),
    post("query_content_type_construct", "CONSTRUCT { <s> <p> 1 } WHERE {}", types=GRAPHS),
]
REFUSED = [
    Row("bad_query_method", "PUT", (("query", "ASK {}"),)),
    Row("bad_multiple_queries", "GET", (("query", "ASK {}"), ("query", "SELECT * {}"))),
    form("bad_query_wrong_media_type", "ASK {}", "text/plain"),
    form("bad_query_missing_form_type", "query=ASK+%7B%7D", ""),
    form("bad_query_missing_direct_type", "ASK {}", ""),
    Row("bad_query_non_utf8", "POST", (), "ASK {}".encode("utf-16"), QUERY + "; charset=UTF-16"),
    Row("bad_query_syntax", "GET", (("query", "ASK {"),)),
]
UPDATES = [
    update("update_dataset_default_graph", CHANGE, using=(FIRST,)),
    update("update_dataset_default_graphs", CHANGE, using=(FIRST, SECOND)),
    update("update_dataset_named_graphs", CHANGE, using_named=(FIRST, SECOND)),
    update("update_dataset_full", CHANGE, using=(FIRST,), using_named=(SECOND,)),
    form("update_post_form", "update=CLEAR+ALL"),
    update("update_post_direct", "CLEAR ALL"),
    update(
        "update_base_uri", f"INSERT DATA {{ GRAPH <{BASE}x> {{ <{BASE}s> <{BASE}p> <test> }} }}"
    ),
    Row("bad_update_get", "GET", (("update", "CLEAR ALL"),)),
    form("bad_multiple_updates", "update=CLEAR+NAMED&update=CLEAR+DEFAULT"),
    form("bad_update_wrong_media_type", "CLEAR NAMED", "text/plain"),
    form("bad_update_missing_form_type", "update=CLEAR+NAMED", ""),
    Row(
        "bad_update_non_utf8",
        "POST",
        (),
        "CLEAR NAMED".encode("utf-16"),
        UPDATE + "; charset=UTF-16",
    ),
    form("bad_update_syntax", "update=CLEAR+XYZ"),
    form(
        "bad_update_dataset_conflict",
        f"using-named-graph-uri={quote_plus(SECOND)}&update={quote_plus(CONFLICT)}",
    ),
]


def ask(client: TestClient, row: Row) -> tuple[int, str, str]:
    headers = {"Content-Type": row.media_type} if row.media_type else {}
    answer = client.request(
        row.method, f"/sparql?{urlencode(row.parameters)}", content=row.content, headers=headers
    )
    return answer.status_code, answer.headers["content-type"].partition(";")[0], answer.text


@pytest.mark.parametrize("row", ANSWERED, ids=str)
def test_a_query_of_the_suite_is_answered(client: TestClient, row: Row) -> None:
    status, media_type, text = ask(client, row)
    assert status == 200, text
    assert media_type in row.types
    assert not row.true or '"boolean":true' in text


@pytest.mark.parametrize("row", [row for row in ANSWERED if "_dataset" in row.name], ids=str)
def test_the_datasets_of_the_suite_change_the_result(client: TestClient, row: Row) -> None:
    parameters = ((n, v if n == "query" else BASE + "nothing") for n, v in row.parameters)
    assert '"boolean":false' in ask(client, replace(row, parameters=tuple(parameters)))[2]


@pytest.mark.parametrize("row", [*REFUSED, *UPDATES], ids=str)
def test_a_bad_request_and_every_update_of_the_suite_is_refused_and_changes_nothing(
    client: TestClient, row: Row
) -> None:
    before = client.get("/health").json()
    status, media_type, _ = ask(client, row)
    assert 400 <= status < 500
    assert media_type == "application/problem+json"
    assert client.get("/health").json() == before


def test_every_test_of_the_suite_has_a_row() -> None:
    names = [row.name for row in (*ANSWERED, *REFUSED, *UPDATES)]
    assert len(names) == len(set(names)) == 34 + 1
