import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from practicegraph.sparql.pool import (
    Answer,
    BusyError,
    CrashError,
    DeadlineError,
    IncidentError,
    Limits,
    OnDemand,
    Process,
    TooMuchError,
    Workers,
)
from practicegraph.storage.base import QueryRefusedError
from practicegraph.storage.oxigraph import OxigraphStore

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
async def workers(snapshot: Path) -> AsyncIterator[Workers]:
    limits = Limits(seconds=1, processes=1, waiting=1, patience=1, memory=2 << 30)
    async with Workers(snapshot, limits) as found:
        yield found


async def run(
    workers: Workers, query: str, table: str = "csv", seconds: float = 5, **more: Any
) -> bytes:
    request = {"query": query, "table": table, "graph": "nt", "prefixes": {}, "most": 10} | more
    return b"".join(await parts(await workers.run(request, seconds)))


async def parts(answer: Answer) -> list[bytes]:
    return [part async for part in answer.parts]


async def test_a_query_is_answered(workers: Workers) -> None:
    assert (await run(workers, ONE)).split() == [b"o", b"https://example.org/00000"]
    assert (await run(workers, "ASK {}", table="json")).strip().endswith(b'"boolean":true}')
    assert (await run(workers, "CONSTRUCT WHERE { ?s ?p ?o }")).count(b"\n") == ROWS


async def test_a_result_of_many_rows_comes_whole_and_in_parts(workers: Workers) -> None:
    request = {"query": "SELECT * WHERE { ?s ?p ?o . ?t ?q ?o }", "table": "csv"}
    found = await parts(await workers.run(request, 20))
    assert len(found) > 1
    assert b"".join(found).count(b"\n") == ROWS + 1


async def test_a_query_is_stopped_at_its_deadline_and_the_next_one_runs(workers: Workers) -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineError):
        await run(workers, CROSS, seconds=0.5)
    assert time.monotonic() - start < 1.5
    assert await run(workers, ONE)


async def test_a_result_that_streams_beyond_the_deadline_breaks_off_with_an_error(
    workers: Workers,
) -> None:
    with pytest.raises(DeadlineError):
        await run(workers, "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", seconds=0.5)
    assert await run(workers, ONE)


async def test_a_slow_reader_does_not_use_up_the_deadline(workers: Workers) -> None:
    request = {"query": "SELECT * WHERE { ?s ?p ?o . ?t ?q ?o }", "table": "csv"}
    answer = await workers.run(request, 1)
    first = await anext(answer.parts)
    await asyncio.sleep(1.5)
    assert (first + b"".join(await parts(answer))).count(b"\n") == ROWS + 1


async def test_a_reader_who_leaves_frees_the_process(workers: Workers) -> None:
    request = {"query": "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }", "table": "csv"}
    answer = await workers.run(request, 20)
    await anext(answer.parts)
    await answer.parts.aclose()
    assert await run(workers, ONE)


async def test_an_answer_that_is_too_large_breaks_off_with_an_error(snapshot: Path) -> None:
    async with Workers(snapshot, Limits(processes=1, most_bytes=100_000)) as small:
        with pytest.raises(TooMuchError):
            await run(small, "SELECT * WHERE { ?s ?p ?o . ?t ?q ?u }")
        assert await run(small, ONE)


async def test_a_query_that_is_given_up_frees_the_process(workers: Workers) -> None:
    running = asyncio.create_task(run(workers, CROSS, seconds=20))
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(run(workers, CROSS, seconds=20))
    await asyncio.sleep(0.1)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    start = time.monotonic()
    assert await run(workers, ONE)
    assert time.monotonic() - start < 5
    assert workers._waiting == 0


async def test_one_client_leaves_half_of_the_processes_to_others(snapshot: Path) -> None:
    limits = Limits(processes=2, waiting=2, patience=3)
    async with Workers(snapshot, limits) as found:
        request = {"query": CROSS, "table": "csv"}
        greedy = [asyncio.create_task(found.run(request, 20, "192.0.2.1")) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert [task.done() for task in greedy].count(True) == 1, "one runs, one waits"
        for client in ("192.0.2.2", ""):
            answer = await found.run({"query": ONE, "table": "csv"}, 5, client)
            assert b"".join(await parts(answer)).count(b"\n") == 2
        for task in greedy:
            task.cancel()
        ended = await asyncio.gather(*greedy, return_exceptions=True)
        assert [type(error) for error in ended].count(BusyError) == 1


async def test_a_pool_on_demand_starts_no_more_processes_than_it_may(snapshot: Path) -> None:
    async with OnDemand(snapshot, Limits(processes=1)) as found:
        given_up, *others = [asyncio.create_task(run(found, ONE)) for _ in range(3)]
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(*others)
        assert len(found._processes) == 1


async def test_an_answer_that_nobody_reads_frees_the_process(workers: Workers) -> None:
    for _ in range(2):
        answer = await workers.run({"query": ONE, "table": "csv"}, 5)
        del answer
    assert await run(workers, ONE)


async def test_a_malformed_query_is_refused_with_its_place(workers: Workers) -> None:
    with pytest.raises(QueryRefusedError, match=r"2:\d+"):
        await run(workers, "SELECT *\nWHERE { ?s ?p }")
    assert await run(workers, ONE)


@pytest.mark.parametrize(
    "update", ["DROP ALL", "INSERT DATA { <http://a/> <http://b/> <http://c/> }"]
)
async def test_an_update_is_refused(workers: Workers, update: str) -> None:
    with pytest.raises(QueryRefusedError):
        await run(workers, update)


async def test_a_query_too_many_is_turned_away(workers: Workers) -> None:
    running = asyncio.create_task(run(workers, CROSS, seconds=3))
    await asyncio.sleep(0.3)
    start = time.monotonic()
    with pytest.raises(BusyError):
        await run(workers, ONE)
    assert time.monotonic() - start < 2
    with pytest.raises(DeadlineError):
        await running
    assert await run(workers, ONE)


async def test_a_query_that_takes_too_much_memory_costs_its_process_alone(snapshot: Path) -> None:
    async with Workers(snapshot, Limits(processes=1, memory=1 << 30)) as small:
        with pytest.raises((QueryRefusedError, DeadlineError)):
            await run(
                small,
                "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?f ?c ?i",
                seconds=60,
            )
        assert await run(small, ONE)


async def test_a_process_that_has_died_is_replaced(workers: Workers) -> None:
    (process,) = workers._processes
    process._running.kill()
    await asyncio.sleep(0.3)
    assert await run(workers, ONE)
    assert process not in workers._processes


class Fragile(Workers):
    """A pool whose processes die as soon as they have something to do."""

    async def _take(self, client: str) -> Process:
        process = await super()._take(client)
        process._running.send_signal(signal.SIGSEGV)
        return process


async def test_a_query_of_which_two_processes_die_is_an_incident_and_not_the_reader_s(
    snapshot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Fragile(snapshot, Limits(processes=1)) as pool:
        with pytest.raises(IncidentError) as error:
            await run(pool, CROSS)
        await asyncio.gather(*pool._replacing)
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
def test_only_a_process_that_was_refused_memory_is_said_to_need_more(
    words: bytes, is_of_memory: bool
) -> None:
    assert CrashError(-signal.SIGABRT, words).is_of_memory == is_of_memory


async def test_an_error_of_our_own_is_logged_and_costs_no_process(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    (process,) = workers._processes
    with pytest.raises(IncidentError) as error:
        await run(workers, "SELECT * WHERE { ?s ?p ?o }", table="no such form")
    assert f"{error.value}: Traceback" in caplog.text
    assert "KeyError: 'no such form'" in caplog.text
    assert await run(workers, ONE)
    assert workers._processes == {process}


async def test_a_pool_whose_processes_do_not_start_is_busy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with OnDemand(tmp_path, Limits(processes=1), "practicegraph.no_such_module") as pool:
        for _ in range(2):
            with pytest.raises(BusyError):
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
async def test_the_dataset_is_the_one_that_is_asked_for(
    workers: Workers, more: dict[str, Any], count: int
) -> None:
    assert (await run(workers, "SELECT * WHERE { ?s ?p ?o }", **more)).count(b"\n") == count + 1


async def test_a_query_s_own_dataset_counts_unless_the_protocol_names_one(workers: Workers) -> None:
    query = "SELECT * FROM <https://example.org/00001> WHERE { ?s ?p ?o }"
    assert (await run(workers, query, **dict[str, Any]({"from": True}))).count(b"\n") == 2
    graph = "SELECT * WHERE { GRAPH ?g { ?s ?p ?o } }"
    assert (await run(workers, graph, named=["https://example.org/00001"])).count(b"\n") == 2
    assert (await run(workers, graph, default=["https://example.org/00001"])).count(b"\n") == 1
