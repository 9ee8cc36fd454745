import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from practicegraph.sparql.pool import (
    LazyWorkerPool,
    PoolBusyError,
    QueryLimits,
    QueryResult,
    ResultTooLargeError,
    WorkerPool,
)
from practicegraph.sparql.process import (
    CrashError,
    DeadlineExceededError,
    IncidentError,
    WorkerProcess,
)
from practicegraph.storage.base import QueryRefusedError
from practicegraph.storage.oxigraph import OxigraphStore, Snapshots

pytestmark = pytest.mark.anyio

CROSS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
ONE = "SELECT ?o WHERE { ?s ?p ?o } ORDER BY ?o LIMIT 1"
ROWS = 3000


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    store = OxigraphStore(folder / "live")
    names = [NamedNode(f"https://example.org/{number:05}") for number in range(ROWS)]
    store.add(
        Quad(name, NamedNode("https://example.org/p"), Literal(name.value), name) for name in names
    )
    store.snapshot(folder / "snapshot")
    return folder / "snapshot"


@pytest.fixture
async def pool(snapshot: Path) -> AsyncIterator[WorkerPool]:
    limits = QueryLimits(seconds=1, processes=1, max_waiting=1, wait_seconds=1, memory=2 << 30)
    async with WorkerPool(snapshot, limits) as found:
        yield found


async def run(
    pool: WorkerPool, query: str, table: str = "csv", seconds: float = 5, **more: Any
) -> bytes:
    request = {"query": query, "table": table, "graph": "nt", "prefixes": {}, "lines": 10} | more
    return b"".join(await chunks(await pool.run(request, seconds)))


async def chunks(result: QueryResult) -> list[bytes]:
    return [chunk async for chunk in result.chunks]


async def test_a_query_returns_its_result(pool: WorkerPool) -> None:
    assert (await run(pool, ONE)).split() == [b"o", b"https://example.org/00000"]
    assert (await run(pool, "ASK {}", table="json")).strip().endswith(b'"boolean":true}')
    assert (await run(pool, "CONSTRUCT WHERE { ?s ?p ?o }")).count(b"\n") == ROWS


async def test_a_lookup_needs_no_process_and_has_the_result_of_one(
    pool: WorkerPool, tmp_path: Path
) -> None:
    name, predicate = NamedNode("https://example.org/00007"), NamedNode("https://example.org/p")
    store = OxigraphStore(tmp_path / "live")
    store.update(
        f"PREFIX dcat: <http://www.w3.org/ns/dcat#> INSERT DATA {{ GRAPH {name} "
        f"{{ {name} a dcat:Catalog ; dcat:version 'release' ; {predicate} '{name.value}' }}"
        f" {name} {predicate} '{name.value}' }}"
    )
    snapshots = Snapshots(store, tmp_path / "snapshots")
    without = WorkerPool(snapshots, QueryLimits(processes=0, max_waiting=0))
    more: dict[str, Any] = {"source": str(snapshots.latest()), "base": "https://example.org/"}
    lookup = f"SELECT ?o WHERE {{ {name} {predicate} ?o }} LIMIT 1"
    for table in ("json", "xml", "csv", "tsv"):
        assert await run(without, lookup, table, **more) == await run(pool, lookup, table)
    for query, changed in (
        (lookup.replace("LIMIT 1", ""), more),
        (lookup.replace(str(predicate), "undeclared:p"), more),
        (lookup, more | {"table": "rows"}),
        (lookup, more | {"default": [name.value]}),
        (lookup, more | {"source": "another release"}),
    ):
        with pytest.raises(PoolBusyError):
            await run(without, query, **changed)


async def test_a_result_of_many_rows_comes_in_chunks(pool: WorkerPool) -> None:
    request = {"query": "SELECT * WHERE { ?s ?p ?o . ?t ?q ?o }", "table": "csv"}
    found = await chunks(await pool.run(request, 20))
    assert len(found) > 1
    assert b"".join(found).count(b"\n") == ROWS + 1


async def test_a_query_is_stopped_at_its_deadline_and_the_next_one_runs(
    pool: WorkerPool,
) -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await run(pool, CROSS, seconds=0.5)
    assert time.monotonic() - start < 1.5
    assert await run(pool, ONE)


async def test_a_result_that_streams_beyond_the_deadline_breaks_off_with_an_error(
    pool: WorkerPool,
) -> None:
    with pytest.raises(DeadlineExceededError):
        await run(pool, "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", seconds=0.5)
    assert await run(pool, ONE)


async def test_a_slow_reader_does_not_use_up_the_deadline(pool: WorkerPool) -> None:
    request = {"query": "SELECT * WHERE { ?s ?p ?o . ?t ?q ?o }", "table": "csv"}
    result = await pool.run(request, 1)
    first = await anext(result.chunks)
    await asyncio.sleep(1.5)
    assert (first + b"".join(await chunks(result))).count(b"\n") == ROWS + 1


async def test_a_reader_who_leaves_frees_the_process(pool: WorkerPool) -> None:
    request = {"query": "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }", "table": "csv"}
    result = await pool.run(request, 20)
    await anext(result.chunks)
    await result.chunks.aclose()
    assert await run(pool, ONE)


async def test_a_result_that_is_too_large_ends_with_an_error(snapshot: Path) -> None:
    async with WorkerPool(snapshot, QueryLimits(processes=1, max_bytes=100_000)) as small:
        with pytest.raises(ResultTooLargeError):
            await run(small, "SELECT * WHERE { ?s ?p ?o . ?t ?q ?u }")
        assert await run(small, ONE)


async def test_a_cancelled_query_frees_its_process(pool: WorkerPool) -> None:
    running = asyncio.create_task(run(pool, CROSS, seconds=20))
    await asyncio.sleep(0.2)
    queued = asyncio.create_task(run(pool, CROSS, seconds=20))
    await asyncio.sleep(0.1)
    queued.cancel()
    running.cancel()
    await asyncio.gather(running, queued, return_exceptions=True)
    start = time.monotonic()
    assert await run(pool, ONE)
    assert time.monotonic() - start < 5
    assert pool._waiting == 0


async def test_one_client_leaves_half_of_the_processes_to_others(snapshot: Path) -> None:
    limits = QueryLimits(processes=2, max_waiting=2, wait_seconds=3)
    async with WorkerPool(snapshot, limits) as found:
        request = {"query": CROSS, "table": "csv"}
        greedy = [asyncio.create_task(found.run(request, 20, "192.0.2.1")) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert [task.done() for task in greedy].count(True) == 1, "one runs, one waits"
        for client in ("192.0.2.2", ""):
            result = await found.run({"query": ONE, "table": "csv"}, 5, client)
            assert b"".join(await chunks(result)).count(b"\n") == 2
        for task in greedy:
            task.cancel()
        ended = await asyncio.gather(*greedy, return_exceptions=True)
        assert [type(error) for error in ended].count(PoolBusyError) == 1


async def test_a_lazy_pool_starts_no_more_processes_than_its_limit(snapshot: Path) -> None:
    async with LazyWorkerPool(snapshot, QueryLimits(processes=1)) as found:
        given_up, *others = [asyncio.create_task(run(found, ONE)) for _ in range(3)]
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(*others)
        assert len(found._processes) == 1


async def test_a_result_that_nobody_reads_frees_its_process(pool: WorkerPool) -> None:
    for _ in range(2):
        result = await pool.run({"query": ONE, "table": "csv"}, 5)
        del result
    assert await run(pool, ONE)


async def test_a_process_whose_start_is_cancelled_is_waited_for(snapshot: Path) -> None:
    async with LazyWorkerPool(snapshot, QueryLimits(processes=2)) as pool:
        for seconds in (0.0, 0.02, 0.1):
            query = asyncio.create_task(run(pool, ONE))
            await asyncio.sleep(seconds)
            started = list(pool._starting)
            for task in started:
                task.cancel()
            query.cancel()
            await asyncio.gather(query, *started, return_exceptions=True)
            await asyncio.gather(*pool._ending)
    assert not pool._processes


async def test_a_process_replaced_while_the_pool_closes_is_waited_for(snapshot: Path) -> None:
    async with WorkerPool(snapshot, QueryLimits(processes=1)) as pool:
        (process,) = pool._processes
        query = asyncio.create_task(run(pool, CROSS, seconds=20))
        await asyncio.sleep(0.1)
        query.cancel()
        await asyncio.gather(query, return_exceptions=True)
    assert process._popen.returncode is not None


async def test_a_malformed_query_is_refused_with_its_position(pool: WorkerPool) -> None:
    with pytest.raises(QueryRefusedError, match=r"2:\d+"):
        await run(pool, "SELECT *\nWHERE { ?s ?p }")
    assert await run(pool, ONE)


@pytest.mark.parametrize(
    "update", ["DROP ALL", "INSERT DATA { <http://a/> <http://b/> <http://c/> }"]
)
async def test_an_update_is_refused(pool: WorkerPool, update: str) -> None:
    with pytest.raises(QueryRefusedError):
        await run(pool, update)


async def test_a_query_beyond_the_queue_is_refused_as_busy(pool: WorkerPool) -> None:
    running = asyncio.create_task(run(pool, CROSS, seconds=3))
    await asyncio.sleep(0.3)
    start = time.monotonic()
    with pytest.raises(PoolBusyError):
        await run(pool, ONE)
    assert time.monotonic() - start < 2
    with pytest.raises(DeadlineExceededError):
        await running
    assert await run(pool, ONE)


async def test_a_query_refused_memory_costs_only_its_process(snapshot: Path) -> None:
    async with WorkerPool(snapshot, QueryLimits(processes=1, memory=1 << 30)) as small:
        with pytest.raises((QueryRefusedError, DeadlineExceededError)):
            await run(
                small,
                "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?f ?c ?i",
                seconds=60,
            )
        assert await run(small, ONE)


async def test_a_process_that_has_died_is_replaced(pool: WorkerPool) -> None:
    (process,) = pool._processes
    process._popen.kill()
    await asyncio.sleep(0.3)
    assert await run(pool, ONE)
    assert process not in pool._processes


class Fragile(WorkerPool):
    """A pool whose processes die as soon as they have something to do."""

    async def _take(self, client: str) -> WorkerProcess:
        process = await super()._take(client)
        process._popen.send_signal(signal.SIGSEGV)
        return process


async def test_a_query_that_kills_two_processes_is_an_incident(
    snapshot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Fragile(snapshot, QueryLimits(processes=1)) as pool:
        with pytest.raises(IncidentError) as error:
            await run(pool, CROSS)
        await asyncio.gather(*pool._starting)
    assert f"incident {error.value.number}: its process ended: signal 11" in caplog.text


@pytest.mark.parametrize(
    ("words", "is_of_memory"),
    [
        (b"memory allocation of 60010 bytes failed\nstack backtrace:\n", True),
        (b"terminate called after throwing an instance of 'std::bad_alloc'", True),
        (b"thread 'main' has overflowed its stack", False),
        (b"", False),
    ],
)
def test_a_crash_is_of_memory_only_if_its_stderr_says_so(words: bytes, is_of_memory: bool) -> None:
    assert CrashError(-signal.SIGABRT, words).is_of_memory == is_of_memory


async def test_an_unforeseen_error_is_logged_and_costs_no_process(
    pool: WorkerPool, caplog: pytest.LogCaptureFixture
) -> None:
    (process,) = pool._processes
    with pytest.raises(IncidentError) as error:
        await run(pool, "SELECT * WHERE { ?s ?p ?o }", table="no such form")
    assert f"{error.value}: Traceback" in caplog.text
    assert "KeyError: 'no such form'" in caplog.text
    assert await run(pool, ONE)
    assert pool._processes == {process}


async def test_a_pool_whose_processes_do_not_start_is_busy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with LazyWorkerPool(
        tmp_path, QueryLimits(processes=1), "practicegraph.no_such_module"
    ) as pool:
        for _ in range(2):
            with pytest.raises(PoolBusyError):
                await run(pool, ONE)
    assert "No module named practicegraph.no_such_module" in caplog.text


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, ROWS),
        ({"default": ["https://example.org/00001"]}, 1),
        ({"default": ["https://example.org/00001", "https://example.org/00002"]}, 2),
        ({"named": ["https://example.org/00001"]}, 0),
    ],
)
async def test_the_dataset_of_the_protocol_is_queried(
    pool: WorkerPool, more: dict[str, Any], count: int
) -> None:
    assert (await run(pool, "SELECT * WHERE { ?s ?p ?o }", **more)).count(b"\n") == count + 1


async def test_the_dataset_of_a_query_holds_unless_the_protocol_names_one(
    pool: WorkerPool,
) -> None:
    query = "SELECT * FROM <https://example.org/00001> WHERE { ?s ?p ?o }"
    assert (await run(pool, query, **dict[str, Any]({"from": True}))).count(b"\n") == 2
    graph = "SELECT * WHERE { GRAPH ?g { ?s ?p ?o } }"
    assert (await run(pool, graph, named=["https://example.org/00001"])).count(b"\n") == 2
    assert (await run(pool, graph, default=["https://example.org/00001"])).count(b"\n") == 1
