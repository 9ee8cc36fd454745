"""Results are cut off at a number of rows: JSON and XML state it, others end with an error."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from pyoxigraph import Literal, NamedNode, Quad, QueryResultsFormat, QuerySolutions
from pyoxigraph import Store as Oxigraph

from practicegraph.sparql.pool import QueryLimits, ResultTooLargeError, WorkerPool
from practicegraph.sparql.worker import ROW_LIMITERS
from practicegraph.storage.oxigraph import OxigraphStore

MOST = 50
HARD = [
    "}},{",
    "},{",
    "{},{},{}",
    '"}},{"',
    '\\"}},{\\',
    "</result><result>",
    '"\r\n""\n,',
    "\\",
    "",
]
QUERIES = {
    "every row bound": "SELECT * WHERE { ?s ?p ?o }",
    "the first variable unbound": "SELECT ?x ?o WHERE { ?s ?p ?o }",
    "now one, now the other": "SELECT * WHERE { { ?s ?p ?o } UNION { ?a ?b ?c } }",
    "nothing bound": "SELECT ?x WHERE { ?s ?p ?o }",
    "no variable": "SELECT * WHERE { <https://e/0> <https://e/q> <https://e/1> }",
    "rows with nothing between others": "SELECT ?o WHERE { { ?s ?p ?o } UNION { ?a ?b ?c } } ORDER BY ?a",
    "one variable": "SELECT ?o WHERE { ?s ?p ?o }",
    "a triple at the end": "SELECT ?t WHERE { ?s ?p ?o BIND (<<( ?s ?p ?o )>> AS ?t) }",
}


def hard(length: int) -> Iterator[Quad]:
    """Texts that look like what stands between rows, with rows longer and shorter than a part."""
    for number in range(length):
        text = HARD[number % len(HARD)] * (1 + number % 3) + "z" * (number % 7)
        thing = NamedNode(f"https://e/{number}")
        yield Quad(thing, NamedNode("https://e/p"), Literal(text))
    yield Quad(NamedNode("https://e/0"), NamedNode("https://e/q"), NamedNode("https://e/1"))


@pytest.fixture(scope="module")
def store() -> Oxigraph:
    found = Oxigraph()
    found.extend(hard(300))
    return found


@pytest.fixture(scope="module")
async def pool(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerPool]:
    folder = tmp_path_factory.mktemp("store")
    live = OxigraphStore(folder / "live")
    live.add(hard(300))
    live.snapshot(folder / "snapshot")
    async with WorkerPool(folder / "snapshot", QueryLimits(processes=1, max_rows=MOST)) as found:
        yield found


def cut(
    store: Oxigraph, query: str, result_format: QueryResultsFormat, maximum: int, size: int
) -> bytes | None:
    """A result cut off, in chunks of a size; None where it is too long and cannot state so."""
    solutions = store.query(query)
    assert isinstance(solutions, QuerySolutions)
    content = solutions.serialize(format=result_format)
    assert content
    extension = result_format.file_extension.replace("srj", "json").replace("srx", "xml")
    limiter = ROW_LIMITERS[extension](maximum)
    passed = b""
    for start in range(0, len(content), size):
        passed += limiter.feed(content[start : start + size])
        if limiter.exceeded:
            return passed if limiter.is_stated else None
    passed += limiter.finish()
    assert limiter.exceeded or passed == content
    return passed


def number(store: Oxigraph, query: str) -> int:
    solutions: Any = store.query(query)
    return sum(1 for _ in solutions)


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 16])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_result_is_cut_off_after_its_last_row(store: Oxigraph, query: str, size: int) -> None:
    whole = number(store, query)
    for most in {1, 2, 9, MOST, whole - 1, whole, whole + 1} - {0}:
        found = json.loads(cut(store, query, QueryResultsFormat.JSON, most, size) or b"")
        assert len(found["results"]["bindings"]) == min(most, whole)
        assert found.get("truncated") is (True if most < whole else None)
        xml = (cut(store, query, QueryResultsFormat.XML, most, size) or b"").decode()
        assert len(ElementTree.fromstring(xml)[1]) == min(most, whole)
        assert xml.endswith("?>") is (most < whole)
        for form in (QueryResultsFormat.CSV, QueryResultsFormat.TSV):
            assert (cut(store, query, form, most, size) is None) is (most < whole)


async def run(pool: WorkerPool, query: str, table: str) -> bytes:
    request = {"query": query, "table": table, "graph": "ttl", "prefixes": {}, "lines": 10}
    answer = await pool.run(request, 20)
    return b"".join([part async for part in answer.chunks])


@pytest.mark.anyio
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_json_and_xml_state_that_rows_are_missing(pool: WorkerPool, query: str) -> None:
    for _ in range(2):
        found = json.loads(await run(pool, query, "json"))
        length = len(found["results"]["bindings"])
        assert (length, found.get("truncated")) in [(MOST, True), (1, None)]
        xml = (await run(pool, query, "xml")).decode()
        assert xml.endswith(f'</sparql><?truncated rows="{MOST}"?>') is (length == MOST)
        assert len(ElementTree.fromstring(xml)[1]) == length


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *((text, text) for text in ("one\r\ntwo", "one\rtwo", "\r")),
        ("one\vtwo", "one\ufffdtwo"),
        ("\uffff\x00", "\ufffd\ufffd"),
    ],
)
async def test_xml_keeps_carriage_returns_and_is_well_formed(
    pool: WorkerPool, text: str, shown: str
) -> None:
    term = str(Literal(text))
    solutions = await run(pool, f"SELECT ?o {{ BIND ({term} AS ?o) }}", "xml")
    assert ElementTree.fromstring(solutions)[1][0][0][0].text == shown
    request = {"query": f"CONSTRUCT {{ <x:s> <x:p> {term} }} {{}}", "graph": "rdf", "prefixes": {}}
    answer = await pool.run(request | {"table": "json", "lines": 10}, 20)
    graph = b"".join([part async for part in answer.chunks])
    assert ElementTree.fromstring(graph)[0][0].text == shown


@pytest.mark.anyio
@pytest.mark.parametrize("form", ["csv", "tsv"])
async def test_csv_and_tsv_with_too_many_rows_end_with_an_error(
    pool: WorkerPool, form: str
) -> None:
    query = "SELECT * WHERE { ?s ?p ?o }"
    with pytest.raises(ResultTooLargeError, match="more than 50 rows"):
        await run(pool, query, form)
    assert await run(pool, f"{query} LIMIT {MOST}", form)


@pytest.mark.anyio
async def test_a_graph_with_too_many_triples_ends_with_an_error(pool: WorkerPool) -> None:
    query = "CONSTRUCT WHERE { ?s ?p ?o }"
    with pytest.raises(ResultTooLargeError, match="more than 50 rows"):
        await run(pool, query, "json")
    assert await run(pool, f"{query} LIMIT {MOST}", "json")


@pytest.mark.anyio
async def test_an_endless_query_is_stopped_after_its_last_row(pool: WorkerPool) -> None:
    endless = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
    process = next(iter(pool._processes))
    for form in ("json", "xml"):
        assert await run(pool, endless, form)
    with pytest.raises(ResultTooLargeError):
        await run(pool, endless, "csv")
    assert await run(pool, "ASK {}", "json")
    assert list(pool._processes) == [process], "the process has been replaced"


def test_a_text_longer_than_a_chunk_is_passed_on_whole(store: Oxigraph) -> None:
    query = f'SELECT * WHERE {{ ?s ?p ?o BIND ("{"},{ " * 50_000}" AS ?long) }} LIMIT 5'
    assert cut(store, query, QueryResultsFormat.JSON, 5, 1 << 16)
    found = cut(store, query, QueryResultsFormat.JSON, 4, 1 << 16)
    assert len(json.loads(found or b"")["results"]["bindings"]) == 4
