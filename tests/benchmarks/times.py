"""How long answers take: in this process, and over HTTP."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.cases import Case, Question, ask, sized
from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.search.engine import Answer
from practicegraph.web.search.coverage import AXES

Figures = dict[str, float]
"""What was measured, in seconds and bytes."""

_SCRIPT = Path(__file__).with_name("requests.lua")
_PATIENCE = 60


def times(seconds: Sequence[float]) -> Figures:
    """Give what half and 95 % of them take at the most, and how many they are."""
    half, most = np.percentile(seconds, [50, 95])
    return {"p50": float(half), "p95": float(most), "answers": len(seconds)}


def of_folder(root: Path, cases: Sequence[Case], rounds: int) -> dict[str, Figures]:
    """Measure the answers of the index of the catalogue in a folder."""
    return in_process(startup.serve(root), cases, rounds)


def in_process(services: Services, cases: Sequence[Case], rounds: int) -> dict[str, Figures]:
    """Measure the answers of the index; those of the first round are not counted."""
    found: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        for case in cases:
            for question in case.questions:
                parameters = sized(question.parameters, number)
                choices = services.choosing.read(parameters, AXES)
                start = perf_counter()
                ask(
                    services.search,
                    services.choosing,
                    choices,
                    parameters,
                    services.catalogue.languages,
                )
                if number >= 0:
                    found.setdefault(case.name, []).append(perf_counter() - start)
    return {name: times(seconds) for name, seconds in found.items()}


def check(address: str, case: Case) -> None:
    """See that a server gives the right entries, or numbers."""
    for question in case.questions:
        with urllib.request.urlopen(address + question.path(9), timeout=_PATIENCE) as answer:
            _compare(question, json.load(answer))


def over_http(
    address: str, case: Case, connections: int, rounds: int, seconds: int, place: Path
) -> Figures:
    """Measure the answers of a server for some seconds, with wrk."""
    paths = place / "paths.txt"
    paths.write_text("\n".join(case.paths(rounds)) + "\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{_PATIENCE}s"]
    command += ["-s", str(_SCRIPT), address, "--", str(paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, (case.name, said)
    counted = re.search(r"(\d+) requests in", said)
    percentiles = re.search(r"percentiles: (\d+) (\d+)", said)
    assert counted and percentiles, said
    half, most = (int(number) / 1e6 for number in percentiles.groups())
    return {"p50": half, "p95": most, "answers": int(counted[1])}


def _compare(question: Question, given: dict[str, object]) -> None:
    right = question.right
    assert given["total"] == right.total, question.parameters
    if isinstance(right, Answer):
        items = given["items"]
        assert isinstance(items, list)
        entries = [item["id"] for item in items]
        assert entries == list(right.entries)[: len(entries)], question.parameters
