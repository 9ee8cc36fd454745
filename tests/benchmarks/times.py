"""How long answers take: in this process, and over HTTP."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.cases import Case, StoredQuery, ask, sized
from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.search.engine import SearchResult
from practicegraph.web.search.contingency import TABLE_AXES

Figures = dict[str, float]
"""Measurements, in seconds and bytes."""

_SCRIPT = Path(__file__).with_name("requests.lua")
_PATIENCE = 60


def times(seconds: Sequence[float]) -> Figures:
    """Return the median, the 95th percentile and the number of durations."""
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"p50": float(p50), "p95": float(p95), "answers": len(seconds)}


def of_folder(root: Path, cases: Sequence[Case], rounds: int) -> dict[str, Figures]:
    """Measure the answers of the index of the catalogue in a folder."""
    return in_process(startup.open_for_serving(root), cases, rounds)


def in_process(services: Services, cases: Sequence[Case], rounds: int) -> dict[str, Figures]:
    """Measure the answers of the index, without those of the first round."""
    durations: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        for case in cases:
            for question in case.questions:
                parameters = sized(question.parameters, number)
                choices = services.request_parser.parse(parameters, TABLE_AXES)
                start = perf_counter()
                ask(
                    services.search,
                    services.request_parser,
                    choices,
                    parameters,
                    services.catalogue.languages,
                )
                if number >= 0:
                    durations.setdefault(case.name, []).append(perf_counter() - start)
    return {name: times(seconds) for name, seconds in durations.items()}


def check(address: str, case: Case) -> None:
    """Assert that a server gives the right entries, or numbers."""
    for question in case.questions:
        with urllib.request.urlopen(address + question.path(9), timeout=_PATIENCE) as answer:
            _compare(question, json.load(answer))


def over_http(
    address: str, case: Case, connections: int, rounds: int, seconds: int, place: Path
) -> Figures:
    """Measure the answers of a server during some seconds, with wrk."""
    paths = place / "paths.txt"
    paths.write_text("\n".join(case.paths(rounds)) + "\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{_PATIENCE}s"]
    command += ["-s", str(_SCRIPT), address, "--", str(paths)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in output and "Socket errors" not in output, (case.name, output)
    counted = re.search(r"(\d+) requests in", output)
    percentiles = re.search(r"percentiles: (\d+) (\d+)", output)
    assert counted and percentiles, output
    p50, p95 = (int(number) / 1e6 for number in percentiles.groups())
    return {"p50": p50, "p95": p95, "answers": int(counted[1])}


def _compare(question: StoredQuery, answer: dict[str, object]) -> None:
    right = question.right
    assert answer["total"] == right.total, question.parameters
    if isinstance(right, SearchResult):
        items = answer["items"]
        assert isinstance(items, list)
        entries = [item["id"] for item in items]
        assert entries == list(right.entries)[: len(entries)], question.parameters
