"""Writing one entry: seconds of a PUT and of its parts, in catalogues of several sizes, in one run.

Besides the time on the clock it gives that of the processor, which other work does not lengthen.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from fastapi.testclient import TestClient

from benchmarks import synthetic
from practicegraph.application import startup
from practicegraph.catalogue import catalogue, change_log, loading
from practicegraph.editing import editor
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.storage import files
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.validation.incremental import IncrementalValidator
from practicegraph.web.app import application
from support.catalogues import copy

_PARTS: tuple[tuple[str, Any, str], ...] = (
    ("check", IncrementalValidator, "check"),
    ("file", files, "write_text"),
    ("state", change_log, "record_change"),
    ("state", loading, "record_write"),
    ("store", OxigraphStore, "replace_graphs"),
    ("index", editor, "synchronise"),
)
Clocked = dict[str, list[tuple[float, float]]]
"""Seconds on the clock and of the processor, by what took them."""


@contextmanager
def clocked(taken: Clocked, name: str) -> Iterator[None]:
    """Add what is done inside to what took time."""
    start, work = time.perf_counter(), time.process_time()
    yield
    taken.setdefault(name, []).append((time.perf_counter() - start, time.process_time() - work))


def measured(taken: Clocked, name: str, done: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same and adds to what took time."""

    def doing(*arguments: Any, **named: Any) -> Any:
        with clocked(taken, name):
            return done(*arguments, **named)

    return doing


def measure(entries: int, rounds: int, taken: Clocked) -> None:
    """Write an entry of a catalogue with so many more; the first write is not counted."""
    with tempfile.TemporaryDirectory() as place:
        root = copy(Path(place) / "catalogue")
        token = TokenFile(root).add("bench", PERMISSIONS)
        opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
        if entries:
            synthetic.write(opened, root / "data" / "synthetic.nq.gz", entries)
        served = startup.open_for_serving(root)
        app = application(served, editor=startup.entry_editor(served))
        with TestClient(app) as client:
            headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
            headers["Content-Type"] = "text/turtle"
            text = served.catalogue.entry_path("1788").read_text()
            for number in range(rounds + 1):
                body = text.replace("MINT - ", f"MINT {number} - ").encode()
                with clocked(taken, "PUT"):
                    answer = client.put("/practice/1788", content=body, headers=headers)
                assert answer.status_code == 200, answer.text
                if not number:
                    taken.clear()


@click.command()
@click.option("--entries", default="0,10000", show_default=True, help="How many more, by commas.")
@click.option("--rounds", default=30, show_default=True)
def main(entries: str, rounds: int) -> None:
    """Print the medians in milliseconds: on the clock, and of the processor."""
    columns: list[Clocked] = [{} for _ in entries.split(",")]
    originals = [getattr(home, name) for _, home, name in _PARTS]
    for taken, count in zip(columns, entries.split(","), strict=True):
        for (part, home, name), done in zip(_PARTS, originals, strict=True):
            setattr(home, name, measured(taken, part, done))
        measure(int(count), rounds, taken)
    click.echo(f"{'':8}" + "".join(f"{f'+{count}':>20}" for count in entries.split(",")))
    for part in dict.fromkeys(["PUT", *(part for part, _, _ in _PARTS)]):
        cells = []
        for taken in columns:
            of_one = np.array(taken[part]).reshape(rounds, -1, 2).sum(axis=1) * 1000
            clock, work = np.median(of_one, axis=0)
            cells.append(f"{clock:12.1f} {work:7.1f}")
        click.echo(f"{part:8}" + "".join(cells))


if __name__ == "__main__":
    main()
