"""Checks of synthetic entries by every SHACL engine that is installed, and by our own command.

Each engine is given the same Turtle, in processes of their own: a whole catalogue, and one entry
with what the shapes look at from it. Those that find something else than pySHACL are marked.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, parse
from rdflib import SH

from benchmarks import synthetic
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import Document
from practicegraph.schema.shapes import constraints
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.validation import pyshacl_engine, shacl
from practicegraph.validation.incremental import IncrementalValidator
from support.catalogues import copy

Prepared = Callable[[str], int]
"""Validates data in Turtle and counts what it finds."""
_SLOW = 10_000
"""More entries than these only the fast ones are given."""
_ROUNDS, _SAMPLE = 20, 200


@dataclass(frozen=True)
class Figure:
    """Seconds of a check, once the shapes are read, and what it found."""

    seconds: float
    found: int


def _pyshacl(rules: str) -> Prepared:
    validate = pyshacl_engine.build_validator(rules)
    return lambda data: len(shacl.parse_report(validate(data)))


def _shacl(rules: str) -> Prepared:
    engine = shacl.build_engine(rules)
    return lambda data: len(engine(data))


def _turbo(rules: str) -> Prepared:
    """Return pyshacl-turbo, which refuses a term of SHACL 1.2 that has no meaning for validation."""
    triples = (quad.triple for quad in parse(rules, RdfFormat.TURTLE))
    left = (one for one in triples if one.predicate.value != f"{SH}codeIdentifier")
    module: Any = import_module("pyshacl_turbo")
    compiled = module.compile_shapes(shacl.to_turtle(left), shacl_graph_format="turtle")

    def validated(data: str) -> int:
        _, report, _ = compiled.validate(data, data_graph_format="turtle")
        return len(list(report.subject_objects(SH.result)))

    return validated


def _shifty(rules: str) -> Prepared:
    prepared: Any = import_module("shifty").PreparedValidator(rules)

    def validated(data: str) -> int:
        _, report, _ = prepared.validate(data)
        return len(list(report.subject_objects(SH.result)))

    return validated


ENGINES = {
    "pyshacl": ("pyshacl", _pyshacl),
    "pyshacl-turbo": ("pyshacl_turbo", _turbo),
    "pyshifty": ("shifty", _shifty),
    "shacl": ("shacl", _shacl),
}
"""The engines by the names of their packages, with their modules."""


def measure(name: str, rules: str, data: str, rounds: int) -> Figure:
    """Validate in a process of its own and give the median of the rounds."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (name, rules, data, rounds))


def _measured(name: str, rules: str, data: str, rounds: int) -> Figure:
    prepared, seconds, found = ENGINES[name][1](rules), [], 0
    for _ in range(rounds):
        start = perf_counter()
        found = prepared(data)
        seconds.append(perf_counter() - start)
    return Figure(median(seconds), found)


def measure_validation(opened: Catalogue, lines: Sequence[str]) -> list[float]:
    """Return how many seconds our own check of a changed entry takes, one after another."""
    seconds, validator = [], IncrementalValidator.build(opened)
    for text in lines[:: max(1, len(lines) // _SAMPLE)]:
        quads = tuple(parse(text, RdfFormat.N_QUADS))
        topic = _topic(quads)
        document = Document(opened.path_of_iri(topic), quads, (topic,), {}, "", text.encode())
        start = perf_counter()
        found = validator.check(document, opened.languages)
        seconds.append(perf_counter() - start)
        assert not found.violations, found.findings[0]
    return sorted(seconds)


def checked(root: Path) -> float:
    """Return the seconds that `practicegraph check` takes."""
    start = perf_counter()
    program = Path(sys.executable).parent / "practicegraph"
    subprocess.run([program, "check"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


@dataclass(frozen=True)
class Bench:
    """The catalogue in a folder with synthetic entries."""

    root: Path
    opened: Catalogue
    without: Sequence[str]

    def rows(self, count: int) -> Iterator[str]:
        """Yield the rows of a table, each when it is measured."""
        lines = list(synthetic.entries(self.opened, count))
        rules = shacl.to_turtle(constraints.read_shape_graphs(self.opened.store))
        ours = [quad.triple for quad in self.opened.store.quads()]
        whole = shacl.to_turtle([*ours, *_triples("".join(lines))])
        one = shacl.to_turtle(self._one(lines[0]))
        names = [n for n in ENGINES if n not in self.without and find_spec(ENGINES[n][0])]
        names = [name for name in names if count <= _SLOW or not name.startswith("pyshacl")]
        slowest: tuple[Figure, Figure] | None = None
        for name in names:
            few, many = (1, 3) if name == "pyshacl" else (3, _ROUNDS)
            found = measure(name, rules, whole, few), measure(name, rules, one, many)
            slowest = slowest or (found if name == "pyshacl" else None)
            yield f"| {name} | {_cells(found, slowest)} |"
        yield from self._ours(count, lines)

    def _one(self, line: str) -> list[Triple]:
        quads = tuple(parse(line, RdfFormat.N_QUADS))
        document = Document(Path(), quads, (_topic(quads),), {})
        return [
            quad.triple
            for quad in (*quads, *IncrementalValidator.build(self.opened).in_scope([document]))
        ]

    def _ours(self, count: int, lines: Sequence[str]) -> Iterator[str]:
        path = self.root / "data/synthetic.nq"
        path.write_text("".join(lines))
        store = OxigraphStore(self.root.parent / f"store-{count}")
        store.add(self.opened.store.quads())
        store.add(parse(path.read_bytes(), RdfFormat.N_QUADS))
        seconds = measure_validation(replace(self.opened, store=store), lines)
        most = seconds[int(len(seconds) * 0.95)]
        yield f"| one changed entry, ours | | | {_ms(median(seconds))}, p95 {_ms(most)} | |"
        for label in ("`practicegraph check`", "the same, nothing changed"):
            took = checked(self.root)
            rate = f"{count / took:,.0f} entries/s"
            yield f"| {label} | {took:.1f} s | {rate} | | |"


def _topic(quads: Sequence[Quad]) -> str:
    assert isinstance(quads[0].subject, NamedNode)
    return quads[0].subject.value


def _triples(text: str) -> Iterator[Triple]:
    return (quad.triple for quad in parse(text, RdfFormat.N_QUADS))


def _cells(found: tuple[Figure, Figure], slowest: tuple[Figure, Figure] | None) -> str:
    cells = []
    for figure, other, write in zip(found, slowest or (None, None), (_s, _ms), strict=True):
        mark = " (finds other things)" if other and other.found != figure.found else ""
        ratio = f"{other.seconds / figure.seconds:,.0f}" if other else ""
        cells += [write(figure.seconds) + mark, ratio]
    return " | ".join(cells)


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


@click.command()
@click.option("--entries", default="1000,10000,100000", show_default=True)
@click.option("--without", default="", help="Engines that are left out.")
def main(entries: str, without: str) -> None:
    """Print tables in Markdown; the ratios are pySHACL's time by that of the engine."""
    for count in map(int, entries.split(",")):
        with tempfile.TemporaryDirectory() as place:
            root = copy(Path(place) / "catalogue")
            opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
            click.echo(
                f"\n| {count:,} entries | whole | times as fast | one entry | times as fast |"
            )
            click.echo("|---|---|---|---|---|")
            for row in Bench(root, opened, without.split(",")).rows(count):
                click.echo(row)


if __name__ == "__main__":
    main()
