"""Odd URLs, headers and bodies never answer 500."""

import base64
import json
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, cast
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st

from practicegraph.application.services import Services
from practicegraph.reconciliation.names import normalize_label
from practicegraph.schema.text import MAX_TEXT_LENGTH
from practicegraph.search.text import tokenizer
from support.catalogues import wait_for_dumps

ENTRY = "1788"
LONG, DIGITS = "é" * 5000, "9" * 5000


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


VALUES = [
    "", "0", "-1", "²", "١٢", "1e999", "nan", "-inf", DIGITS, "0000-00-00", "9999999-01-01",
    "-0044-03-15", "٢٠١٩", "2019-02-31", "not-stated", "true", "None", "\x00", "\r\nX: y", "�",
    "<a b>", "http://[", "urn:x", "_:b", "..", "%", "%zz", "%FF", "\\", '"', '"a', "*", "-", "--title",
    "-relevance", LONG, "a " * 2000, "\U0001f600", "ﷺ", "\u202e", "html", "text/html", "SELECT * {",
    cursor("[1]"), cursor('{"a": 1}'), cursor('[null, null, null]'), cursor('[1e400, [], {}]'),
    cursor(f"[{'9' * 400}, 1, true]"), cursor(f"[{DIGITS}, 1, 1]"), cursor("[" * 3000),
    cursor(r'[1, "\ud800", "\ud800"]'), cursor(r'[-1, "\u0000", "http://["]'), cursor("[NaN, 0, 0]"),
    "[]", '{"q": {"query": NaN}}', r'{"q": {"query": "\ud800"}}', '{"q": 1, "q": {"query": "x"}}',
    '{"q": {"query": "x", "limit": 1e999}}', f'{{"q": {{"query": "x", "limit": {"9" * 400}}}}}',
    f'{{"q": {{"query": {DIGITS}}}}}', '{"q": {"query": "x", "type": [[]]}}', "[" * 3000,
    '{"ids": ["\\u0000", "_:b"], "properties": [{"id": "title", "settings": {"limit": NaN}}]}',
]  # fmt: skip
"""Values of parameters."""

HEADERS = [
    *(("If-Modified-Since", day) for day in (
        "Sat, 01 Jan 99999999999 00:00:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", "0", "²", DIGITS,
        "99999999999999999999 Jan 2020 00:00:00 GMT", "Sat, 01 Jan 9999 23:59:59 -2359",
        "Sat, 01 Jan 0001 00:00:00 +2359", "Sat, 01 Jan 2020 00:00:00 +99999999999999999999",
    )),
    ("If-Unmodified-Since", "Sat, 01 Jan 99999999999 00:00:00 GMT"),
    *(("If-None-Match", tag) for tag in ("", '"', 'W/"', '"a","b', "*,*", '"é"', '"a", *')),
    *(("If-Match", tag) for tag in ("", '"', '"."', "*")),
    *(("Range", range_value) for range_value in (
        "", "bytes", "bytes=", "bytes=-", "bytes=5-1", "bytes=a-b", "bytes=²-³", "items=0-1",
        "bytes=0-0,", "bytes=-0", f"bytes=0-{DIGITS}", f"bytes=-{DIGITS}", "bytes=" + "0-0," * 999,
        "bytes=99999999999999-", "bytes=0-0,99999999999999-",
    )),
    *(("Accept", accept) for accept in (
        "", "*", "/", "*/*;q=nan", "*/*;q=٣", "text/html;q=inf", "a/b;q=-1", "text/html;q=1e400", ",,",
        'text/html;a="\\', "a" * 9000, "text/turtle;q=", "text/html",
    )),
    *(("Accept-Language", tag) for tag in ("", "-", "_,_", "en;q=nan", "x-" * 3000, "en-;q=1", "*;q=0")),
    ("Accept-Encoding", "gzip;q=nan"),
    *(("Host", host) for host in ("", "[", "[::1", "a:b:c", "a:99999", "a b", "a/b?c#d", "é.example", ":")),
    *(("Forwarded", expected_text) for expected_text in ('host="', "host=[::1", "proto=\"a b\"", "host*=utf-8''%ff", "host*0=a")),
    ("X-Forwarded-Host", "a:99999"),
    ("X-Forwarded-Prefix", "/../.."),
    ("Content-Length", "²"),
    ("Authorization", "Bearer \x80"),
    ("Content-Type", "multipart/form-data; boundary=\x80"),
]  # fmt: skip

BODIES = [
    b"", b"{}", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b"\xef\xbb\xbf{}", b"a=\x00&b=%",
    b'{"iris": null}', b'{"iris": [1]}', rb'{"iris": ["\ud800"]}', rb'{"iris": ["\u0000", "http://["]}',
    b'{"iris": [], "iris": [NaN]}', b'{"iris": [' + DIGITS.encode() + b"]}", '{"iris": []}'.encode("utf-16"),
    b"queries=%FF", b"queries=%00&queries=[]", b"extend={}", b"--a--",
    b'--a\r\nContent-Disposition: form-data; name="queries"\r\n\r\n{}\r\n--a--\r\n',
    *(f"{name}={quote(value)}".encode() for name in ("queries", "extend") for value in VALUES[-8:]),
]  # fmt: skip
TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=a",
    "",
]

SEGMENTS = [
    "%00",
    "%ff",
    "%ED%A0%80",
    "%2e%2e",
    "..",
    "%2f",
    "%",
    "%zz",
    "%0d%0a",
    "%3Cx%3E",
    "²",
    "a" * 9000,
]


SERVICES = ["/reconcile", "/status", "/sparql"]


def check(response: Response) -> None:
    """Raise for what is a fault of ours, and for a refusal that is no problem details."""
    assert response.status_code < 500 or response.status_code == 503, response.text
    if response.status_code >= 400 and not response.text.startswith("<!doctype html>"):
        assert response.headers["content-type"] == "application/problem+json", response.text
        assert response.json()["status"] == response.status_code


def paths(routes: Any) -> Iterator[str]:
    for route in routes:
        yield from [route.path] if hasattr(route, "path") else ()
        yield from paths(getattr(getattr(route, "original_router", route), "routes", ()))


@pytest.fixture(scope="module")
def routes(client: TestClient) -> dict[str, list[str]]:
    """The paths of all routes with the names of their parameters."""
    app = cast(FastAPI, client.app)
    described = {
        path: [
            parameter["name"] for parameter in expected_text.get("get", {}).get("parameters", ())
        ]
        for path, expected_text in app.openapi()["paths"].items()
    }
    result = {path: ["lang", "format", "id", "type", "explain"] for path in paths(app.routes)}
    result |= {path: names for path, names in described.items() if names}
    # One stored query stands for all: they are answered in the same way, and take their time.
    queries = [path for path in result if path.startswith("/queries/")]
    slow = {*queries[1:], "/gaps", "/sparql/"}
    assert len(result) > len(slow) + 20
    return {path: names for path, names in result.items() if path not in slow}


def raw(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in dict(headers).items()]


def filled(path: str, segment: str = ENTRY) -> str:
    return re.sub(r"\{[^}]*\}", lambda _: segment, path)


def test_odd_headers_never_answer_500(client: TestClient, routes: dict[str, list[str]]) -> None:
    places = [*routes, "/static/style.css", "/dump.nq.gz", "/practices.ttl"]
    for number, (name, value) in enumerate(HEADERS):
        for path in places[number % 12 :: 12]:
            check(client.get(filled(path), headers=raw([(name, value)])))


def test_odd_parameters_never_answer_500(client: TestClient, routes: dict[str, list[str]]) -> None:
    for path, names in routes.items():
        for number, value in enumerate(VALUES[len(path) % 6 :: 6]):
            check(client.get(filled(path), params={names[number % len(names)]: value}))


def test_every_parameter_of_a_search_may_have_any_value(
    client: TestClient, services: Services
) -> None:
    for number, value in enumerate(VALUES):
        for name in [*services.request_parser.parameters][number % 12 :: 12]:
            for ending in ("json", "ttl"):
                check(client.get(f"/practices.{ending}", params={name: value, "explain": "true"}))


def test_odd_paths_never_answer_500(client: TestClient, routes: dict[str, list[str]]) -> None:
    for path in {*routes, "/{name}", "/{name}/", "//{name}", "/static/{name}"}:
        for segment in SEGMENTS if "{" in path else ():
            check(client.get("http://testserver" + filled(path, segment)))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("media_type", TYPES)
def test_odd_bodies_never_answer_500(client: TestClient, service: str, media_type: str) -> None:
    for body in BODIES:
        check(client.post(service, content=body, headers={"Content-Type": media_type}))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(["json", "html", "ttl", "csv"]),
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(VALUES) | st.text(max_size=20)), max_size=4
    ),
    st.lists(st.sampled_from(HEADERS), max_size=3),
)
def test_random_requests_never_answer_500(
    client: TestClient,
    services: Services,
    form: str,
    parameters: list[tuple[int, str]],
    headers: list[tuple[str, str]],
) -> None:
    names = [*services.request_parser.parameters, "rows", "columns", "lang", "format"]
    params = [(names[number % len(names)], value) for number, value in parameters]
    for place in (f"/practices.{form}", f"/coverage.{form}"):
        check(client.get(place, params=urlencode(params), headers=raw(headers)))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"q=\xff\xfe", 200),
        (b"q=\xc3\xa9", 200),
        (b'x={"<>\\^`|', 400),
        (b"q=%zz[]", 200),
        (b"q=\x00", 200),
    ],
)
@pytest.mark.parametrize("path", ["/practices.ttl", "/practices.html", "/practices.json"])
def test_octets_that_a_url_cannot_have_are_percent_encoded(
    client: TestClient, path: str, query: bytes, status: int
) -> None:
    """Clients encode these, so they are sent below one."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", b"testserver")],
    }
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    assert client.portal
    client.portal.call(client.app, scope, receive, send)
    assert sent[0]["status"] == status


@pytest.mark.parametrize(
    "range_value", ["items=0-1", "bytes=5-1", "bytes=a-b", "bytes=²-³", "bytes="]
)
@pytest.mark.parametrize("path", ["/static/style.css", "/dump.nq"])
def test_an_invalid_range_is_ignored(client: TestClient, path: str, range_value: str) -> None:
    wait_for_dumps(client)
    assert client.get(path, headers=raw([("Range", range_value)])).status_code == 200


@pytest.mark.parametrize("path", ["/static/style.css", "/dump.nq"])
def test_a_range_beyond_a_file_answers_416_with_its_size(client: TestClient, path: str) -> None:
    wait_for_dumps(client)
    size = client.get(path, headers={"Accept-Encoding": "identity"}).headers["content-length"]
    range_value = {"Range": f"bytes={size}-"}
    response = client.get(path, headers=range_value)
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{size}"
    assert size in response.json()["detail"]
    assert client.get(path, headers=range_value | {"If-Range": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("sort", "-"), ("size", "²"), ("size", "١٢"), ("size", DIGITS), ("period", "٢٠١٩")],
)
def test_a_value_with_other_digits_or_signs_is_refused(
    client: TestClient, name: str, value: str
) -> None:
    assert client.get("/practices.json", params={name: value}).status_code == 400


def test_the_size_of_a_page_is_linear_in_that_of_its_url(client: TestClient) -> None:
    bare = len(client.get("/practices.html", params={"q": "school*"}).content)
    for name, value in (("q", "school*" + " " * 9000), ("lang", "x" * 20_000)):
        address = "&".join([f"{name}={quote(value)}"] * 2)
        assert len(client.get(f"/practices.html?{address}").content) < 30 * bare
    days = "&".join(f"period={year}" for year in range(1000, 1051))
    assert client.get(f"/practices.html?{days}").status_code == 400


def test_only_the_beginning_of_a_long_name_is_compared(client: TestClient) -> None:
    def result(name: str) -> Any:
        response = client.post("/reconcile", data={"queries": json.dumps({"q": {"query": name}})})
        suggested = client.get("/reconcile/suggest/property", params={"prefix": name})
        return response.json(), suggested.json()

    name = "Psychological wellbeing ".ljust(MAX_TEXT_LENGTH, "x")
    assert result(name) == result(name + "y" * 10_000)


def test_words_of_queries_are_not_cached() -> None:
    tokens = tokenizer.Tokenizer(["en", "de"])
    cached = tokenizer._cached_normalize.cache_info().currsize
    for number in range(300):
        assert tokenizer.normalize(f"{number}{'x' * 1000}")
    assert tokenizer._cached_normalize.cache_info().currsize == cached
    for number in range(300):
        tokens.variants([f"word{number}"])
    assert not any(tokens._tokens.values())
    assert len(normalize_label("x" * 1000)) < MAX_TEXT_LENGTH
