"""The OpenAPI document: it is valid, and every response is as it says."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.search import request as search_request
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from practicegraph.web.http import negotiation
from support.catalogues import ROOT, loaded

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
IMAGE = {"Accept": "image/png"}
ENTRY = (ROOT / "data" / "practices" / "1788.ttl").read_bytes()
TURTLE = {"Content-Type": "text/turtle"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EXTENSION = '{"ids": ["practice/1788"], "properties": [{"id": "country"}, {"id": "title"}]}'


@dataclass(frozen=True)
class Served:
    """A catalogue that is served, with a token, and its OpenAPI document."""

    client: TestClient
    token: str
    document: dict[str, Any]

    @property
    def operations(self) -> dict[str, dict[str, Any]]:
        """The operations by their ids."""
        return {
            o["operationId"]: o for path in self.document["paths"].values() for o in path.values()
        }

    def errors(self, content: Any, schema: dict[str, Any]) -> list[str]:
        """The differences between JSON and a schema, further keys among them."""
        components = {"components": closed(self.document["components"])}
        return [
            str(error) for error in OAS31Validator({**components, **schema}).iter_errors(content)
        ]


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no keys but those that it lists."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {**more, **{key: closed(value) for key, value in schema.items()}}


@dataclass(frozen=True)
class Case:
    """A request of an operation, and the status of its response."""

    operation: str
    path: str
    status: int = 200
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    body: bytes = b""
    is_writer: bool = False

    def __str__(self) -> str:
        return f"{self.operation}: {self.method} {self.path} {self.status} {self.headers}"


CASES = [
    Case("health", "/health"),
    Case("live", "/health/live"),
    Case("ready", "/health/ready"),
    Case("describe", "/.well-known/void", 303),
    Case("services", "/.well-known/api-catalog"),
    Case("search", "/practices?size=100&explain=true&funding.not=not-stated"),
    Case("search", "/practices?q=school&size=3&period.from=2015&period.to=2020&zeros=true"),
    Case("search", "/practices?country.not=IRL&size=5&sort=-start"),
    Case("search", "/practices?q=mentorring"),
    *(
        Case("search", f"/practices.{extension}?size=2", headers={})
        for extension in ("html", "csv", "xlsx", "ttl", "jsonld", "rdf", "nt", "trig", "nq")
    ),
    Case("search", "/practices?outcome=no-such-value", 400),
    Case("search", "/practices", 406, headers=IMAGE),
    Case("crossTabulate", "/coverage?rows=outcome&columns=period&explain=true"),
    Case("crossTabulate", "/coverage.csv?rows=outcome&columns=country", headers={}),
    Case("crossTabulate", "/coverage", 303, headers=HTML),
    Case("crossTabulate", "/coverage", 400),
    Case("evidence", "/evidence?rows=action&outcome=ACE&colours=&explain=true", headers=HTML),
    Case("evidence", "/evidence.svg", headers={}),
    Case("evidence", "/evidence.csv?rows=period", headers={}),
    Case("evidence", "/evidence.csv?rows=none", 400, headers={}),
    Case("evidence", "/evidence", 406),
    Case("map", "/map?outcome=ACE", headers=HTML),
    Case("map", "/map?by=outcome", 400, headers={}),
    Case("charts", "/chart?by=outcome&country=GRC", headers=HTML),
    Case("charts", "/chart?by=title", 400, headers={}),
    Case("findSimilar", "/practice/1788/similar?explain=true"),
    Case("findSimilar", "/practice/1788/similar", headers=HTML),
    Case("findSimilar", "/practice/none/similar", 404),
    Case("reconciliationService", "/reconcile?lang=nl"),
    Case("reconciliationService", '/reconcile?queries={"q0":{"query":"Hungary"}}'),
    Case("reconciliationService", "/reconcile?queries=[]", 400),
    Case(
        "reconcile", "/reconcile", method="POST", headers=FORM, body=f"extend={EXTENSION}".encode()
    ),
    Case("reconcile", "/reconcile", 415, "POST", {"Content-Type": "text/plain"}, b"x"),
    *(Case("suggest", f"/reconcile/suggest/{n}?prefix=c") for n in ("entity", "type", "property")),
    Case("suggest", "/reconcile/suggest/none", 404),
    Case("proposeProperties", "/reconcile/properties?type=practice&limit=2"),
    Case("proposeProperties", "/reconcile/properties?type=none", 400),
    Case("flyout", "/reconcile/flyout/entity?id=outcome/ACE"),
    Case("flyout", "/reconcile/flyout/entity?id=none", 404),
    Case("preview", "/reconcile/preview?id=outcome/ACE", headers=HTML),
    Case("validate", "/validate", 200, "POST", TURTLE | JSON, ENTRY.replace(b'"1788"', b'"a b"')),
    Case("validate", "/validate", 200, "POST", TURTLE | {"Accept": "text/turtle"}, ENTRY),
    Case("validate", "/validate", 400, "POST", TURTLE | JSON, b"<"),
    Case("validate", "/validate", 415, "POST", {"Content-Type": "image/png"}, b"x"),
    Case("query", "/sparql?query=SELECT * WHERE { ?s ?p ?o } LIMIT 2"),
    Case("query", "/sparql?query=ASK { }"),
    Case("query", "/sparql?query=SELECT", 400),
    Case(
        "query",
        "/sparql?query=DESCRIBE <https://w3id.org/practicegraph/outcome/ACE>",
        headers={"Accept": "text/turtle"},
    ),
    Case("postQuery", "/sparql", 200, "POST", FORM | JSON, b"query=ASK { }"),
    Case("postQuery", "/sparql", 415, "POST", {"Content-Type": "image/png"}, b"x"),
    Case("listVocabularies", "/vocabularies"),
    Case("listVocabularies", "/vocabularies?page=2", 400),
    Case("completions", "/sparql/completions.json"),
    Case("listQueries", "/queries"),
    Case("listQueries", "/queries", headers=HTML),
    Case("query-entries-by-outcome", "/queries/entries-by-outcome?outcome=LAN"),
    Case("query-entries-by-outcome", "/queries/entries-by-outcome?outcome=none", 400),
    Case("gaps", "/gaps"),
    Case(
        "status",
        "/status",
        200,
        "POST",
        body=b'{"iris": ["x:y", "http://testserver/practice/1788"]}',
    ),
    Case("status", "/status", 400, "POST", body=b"{}"),
    *(
        Case("changes", "/changes", headers={"Accept": t})
        for t in ("application/atom+xml", "text/html", "application/trig")
    ),
    Case("changes", "/changes", 406, headers=IMAGE),
    Case("getEntry", "/practice/1788", 303),
    Case("getEntry", "/practice/none", 404),
    Case("getEntry", "/practice/1788", 406, headers=IMAGE),
    *(
        Case("getEntryDocument", f"/practice/1788.{extension}", headers={})
        for extension in ("html", "ttl", "jsonld", "rdf", "nt", "trig", "nq", "json", "linkset")
    ),
    *(
        Case("getEntryDocument", f"/practice/1788.{extension}?texts=nl", headers={})
        for extension in ("csl.json", "bib", "ris")
    ),
    Case("history", "/practice/1788/history", headers=HTML),
    Case("history", "/practice/none/history", 404, headers={}),
    Case("showNewForm", "/practice/new", headers=HTML),
    Case("sendNewForm", "/practice/new", 200, "POST", FORM | HTML, b""),
    Case("sendNewForm", "/practice/new", 415, "POST", TURTLE, b""),
    Case("showEditForm", "/practice/1788/edit", headers=HTML),
    Case("showEditForm", "/practice/none/edit", 404, headers={}),
    Case("sendEditForm", "/practice/1788/edit", 200, "POST", FORM | HTML, b""),
    Case("getEntryDocument", "/practice/none.ttl", 404),
    Case("putEntry", "/practice/1788", 200, "PUT", TURTLE | {"If-Match": "*"}, ENTRY, True),
    Case("putEntry", "/practice/1788", 428, "PUT", TURTLE, ENTRY, True),
    Case("putEntry", "/practice/1788", 401, "PUT", TURTLE, ENTRY),
    Case(
        "putEntry", "/practice/1788", 422, "PUT", TURTLE | {"If-Match": "*"}, b"<> a <x:y> .", True
    ),
    Case("postEntry", "/practice", 400, "POST", TURTLE, b"<", True),
    Case("removeEntry", "/practice/1788", 412, "DELETE", {"If-Match": '"other"'}, is_writer=True),
    Case("removeEntry", "/practice/1764", 204, "DELETE", {"If-Match": "*"}, is_writer=True),
    Case("getEntry", "/practice/1764", 410),
    Case("getEntryDocument", "/practice/1764.ttl", 410, headers={}),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = loaded(tmp_path_factory.mktemp("described"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    services = startup.open_for_serving(root)
    assert services.source
    workers = WorkerPool(services.source, QueryLimits(seconds=20, processes=1))
    app = application(services, workers, editor=startup.entry_editor(services))
    with TestClient(app, follow_redirects=False) as client:
        yield Served(client, token, client.get("/openapi.json").json())


def send(served: Served, case: Case) -> Response:
    headers = dict(case.headers)
    if case.is_writer:
        headers["Authorization"] = f"Bearer {served.token}"
    if case.operation == "status":
        headers["Content-Type"] = "application/json"
    return served.client.request(case.method, case.path, headers=headers, content=case.body)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_response_is_as_the_document_says(served: Served, case: Case) -> None:
    response = send(served, case)
    assert response.status_code == case.status, response.text
    declared = served.operations[case.operation]["responses"][str(case.status)]
    if not response.content:
        assert "content" not in declared
        return
    media_type = response.headers["content-type"].partition(";")[0]
    if case.status >= 400 and case.status != 410:  # a tombstone is a document
        assert media_type == "application/problem+json"
    assert media_type in declared["content"]
    if schema := declared["content"][media_type].get("schema"):
        assert schema.keys() & {"$ref", "anyOf"}
        assert not served.errors(response.json(), schema)


def test_every_operation_is_asked(served: Served) -> None:
    names = set(served.operations)
    further = {name for name in names if name.rpartition("-")[0] in names}  # of other kinds
    stored = {name for name in names if name.startswith("query-")}
    tested = {case.operation for case in CASES}
    assert names - stored - further == tested - stored
    assert all(
        operation_object["summary"] and operation_object["tags"]
        for operation_object in served.operations.values()
    )


PROTOCOLS = ("/sparql", "/reconcile")
"""The paths of protocols whose clients send parameters of their own, which are ignored."""
IGNORED = {"sort", "size", "after", "before", "zeros", "explain", "format"}
"""The parameters of lists that other views of a search keep in their links, and ignore."""
ROUTES_OF_PAGES = {
    *("/", "/about", "/data", "/docs", "/docs/api", "/docs/{name}", "/reconcile/view", "/sparql/"),
    *("/openapi.json", "/context.jsonld", "/context/{name}.jsonld", "/robots.txt"),
    *("/sitemap.xml", "/sitemap-{number}.xml", "/.well-known/ni/sha-256/{digest}"),
    *("/changes/{number}", "/changes/{number}.{extension}", "/reconcile/properties/{language}"),
    *("/status", "/validate", "/{path:path}"),
}
"""The routes to get that are not in the document: pages for people, and files of fixed names."""


def routes_to_get(routes: Any) -> Iterator[str]:
    for route in routes:
        if "GET" in (getattr(route, "methods", None) or ()):
            yield route.path
        yield from routes_to_get(getattr(getattr(route, "original_router", route), "routes", ()))


def test_the_document_has_every_route(served: Served) -> None:
    described = {path for path, item in served.document["paths"].items() if "get" in item}
    dumps = {path for path in described if path.startswith("/dump")}
    routes = set(routes_to_get(cast(FastAPI, served.client.app).routes))
    assert described <= routes
    others = {path.removesuffix(".{extension}").removesuffix("/embed") for path in routes}
    assert others - described - dumps == ROUTES_OF_PAGES - {"/changes/{number}.{extension}"}


def test_the_document_has_the_parameters_that_routes_take_and_no_others(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[set[str]] = []
    check_names = search_request.check_names

    def check(names: Iterable[str], valid: Sequence[str]) -> None:
        taken.append(set(valid))
        check_names(names, valid)

    monkeypatch.setattr(negotiation, "check_names", check)
    monkeypatch.setattr(search_request, "check_names", check)
    compared = 0
    for path, item in served.document["paths"].items():
        taken.clear()
        if "get" in item and not path.startswith(PROTOCOLS):
            served.client.get(f"{path.format(identifier='1788', format='html')}?nonsense=1")
        if taken:
            compared += 1
            parameters = item["get"].get("parameters", ())
            declared = {each["name"] for each in parameters if each["in"] == "query"}
            assert declared <= taken[0] <= declared | IGNORED, path
    assert compared > 30


def test_every_route_refuses_a_parameter_that_it_does_not_have(served: Served) -> None:
    names = {
        "identifier": "1788",
        "name": "api",
        "number": "1",
        "digest": "x",
        "format": "ttl",
        "language": "de",
    }
    names |= {"extension": "html", "path:path": "outcome/ACE"}
    for route in set(routes_to_get(cast(FastAPI, served.client.app).routes)):
        path = re.sub(r"\{([^}]*)\}", lambda match: names[match[1]], route)
        if not path.startswith(PROTOCOLS) or path.startswith("/sparql/c"):
            status = served.client.get(f"{path}?nonsense=1").status_code
            others = {"/status": 405, "/indicator/1788": 404, "/organisation/1788": 404}
            assert status == others.get(path.removesuffix(".ttl"), 400), path


def test_the_document_is_valid(client: TestClient) -> None:
    validate(client.get("/openapi.json").json())


def test_a_response_that_has_a_key_more_is_not_as_the_document_says(served: Served) -> None:
    changed = served.client.get("/practices?size=1").json()
    changed["items"][0]["unheard-of"] = 1
    schema = served.operations["search"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    (error,) = served.errors(changed, schema)
    assert "unheard-of" in error


def test_the_search_lists_every_parameter(client: TestClient, services: Services) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    search = {p["name"] for p in paths["/practices"]["get"]["parameters"]}
    assert search == {*services.request_parser.parameters, "lang", "format"}
    table = {p["name"] for p in paths["/coverage"]["get"]["parameters"]}
    assert {"rows", "columns", "outcome.not", "period.from", "explain", "q"} <= table
