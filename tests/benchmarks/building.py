"""The costs of an index: building, size, the start of a catalogue, the update of an entry."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import click
from pyoxigraph import Literal, Quad

from benchmarks.load import Memory
from benchmarks.peers import Peer
from benchmarks.times import Figures, times
from practicegraph.application import startup
from practicegraph.application.services import Services, index_of
from practicegraph.catalogue.catalogue import WORK_FOLDER
from practicegraph.rdf.terms import Term
from practicegraph.schema.fields import Field
from practicegraph.search.index_data import IndexFile
from practicegraph.search.request import SearchRequest
from practicegraph.storage.oxigraph import OxigraphStore

Change = Callable[[Services, list[Quad]], Iterator[Quad]]

_OPEN = "import pathlib, sys; from practicegraph.application import startup; "
_OPEN += "startup.open_for_serving(pathlib.Path(sys.argv[1]))"
_UPDATES = 100
_INDEX = "index-practice.db"


def build(root: Path) -> Figures:
    """Measure a start without the index and one with it; the difference is the building."""
    if not _files(root):
        click.echo(f"{root}: loading, for a million entries half an hour", err=True)
        _start(root)
    for file in _files(root):
        file.unlink()
    anew, again = _start(root), _start(root)
    return {
        "seconds": anew["seconds"] - again["seconds"],
        "processor": anew["processor"] - again["processor"],
        "memory": anew["memory"],
        "size": sum(file.stat().st_size for file in _files(root)),
        "start": again["seconds"],
        "start memory": again["memory"],
    }


def update(root: Path, place: Path) -> dict[str, Figures]:
    """Measure the update of an entry whose values have changed, or its titles, on a copy."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file in _files(root):
        shutil.copy(file, place)
    opened = startup.open_for_serving(root).catalogue
    assert isinstance(opened.store, OxigraphStore)
    opened.store.snapshot(place / "store")
    copied = replace(opened, store=OxigraphStore(place / "store"))
    segment = next(iter(copied.shapes.kinds))
    services = Services(copied, indexes={segment: index_of(copied, IndexFile.open(place / _INDEX))})
    changes = {"values": _with_other_values, "titles": _with_other_titles}
    return {name: times(list(_updates(services, change))) for name, change in changes.items()}


def _updates(services: Services, change: Change) -> Iterator[float]:
    """Yield the seconds of updates, without the first one."""
    opened, index = services.catalogue, services.index
    assert index
    total = index.search(SearchRequest(size=0), opened.languages).total
    step = max(1, total // (_UPDATES + 1))
    for number, entry in enumerate(index.file.iris(range(0, total, step))):
        quads = list(change(services, opened.store.graph_quads(entry)))
        opened.store.remove_graphs([entry])
        opened.store.add(quads)
        start = perf_counter()
        index.update([entry])
        if number:
            yield perf_counter() - start


def _with_other_values(services: Services, quads: list[Quad]) -> Iterator[Quad]:
    """Yield the quads with the next option for each value of the largest facet."""
    facet = max(
        services.request_parser.kind.facets_by_key.values(),
        key=lambda f: len(_options(services, f)),
    )
    options = _options(services, facet)
    for quad in quads:
        value = quad.object
        if quad.predicate.value == facet.predicate and value in options:
            value = options[(options.index(value) + 1) % len(options)]
        yield Quad(quad.subject, quad.predicate, value, quad.graph_name)


def _with_other_titles(services: Services, quads: list[Quad]) -> Iterator[Quad]:
    for quad in quads:
        value = quad.object
        if quad.predicate.value in services.catalogue.shapes.label_properties and isinstance(
            value, Literal
        ):
            value = Literal(f"Changed: {value.value}", language=value.language)
        yield Quad(quad.subject, quad.predicate, value, quad.graph_name)


def _options(services: Services, facet: Field) -> list[Term]:
    return list(services.request_parser.options[facet.key].values())


def _start(root: Path) -> Figures:
    """Open a catalogue in a process of its own: its seconds, all processor time, memory at most."""
    start = perf_counter()
    with subprocess.Popen([sys.executable, "-c", _OPEN, root]) as process:
        memory = Memory(Peer("start", "", process.pid))
        with memory.watched():
            _, status, used = os.wait4(process.pid, 0)
            seconds = perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
    assert not process.returncode, root
    return {
        "seconds": seconds,
        "processor": used.ru_utime + used.ru_stime,
        "memory": max(memory.most, used.ru_maxrss << 10),
    }


def _files(root: Path) -> list[Path]:
    return sorted((root / WORK_FOLDER).glob(f"{_INDEX}*"))
