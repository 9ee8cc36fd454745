"""Searches by the index and by the SPARQL that defines them: `make bench-search`.

For each number of entries: what the index costs, how long answers take in process and over HTTP,
and how long they take from Oxigraph and Virtuoso. Each part is saved as soon as it is measured, so
that an interrupted run continues where it was.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from benchmarks import building, cases, chart, definitions, load, peers, sparql, times
from benchmarks.cases import Case
from benchmarks.definitions import Asked, WrongError
from benchmarks.figures import CONNECTIONS, Results, tables
from benchmarks.peers import Peer
from support import virtuoso

PARTS = ("build", "update", "process", "http", "oxigraph", "virtuoso")
_LOADING = 900
"""Seconds within which Virtuoso has to load."""
_STOPPED = 2 * definitions.DEADLINE
"""Seconds after which Virtuoso stops an abandoned query."""


@dataclass(frozen=True)
class Bench:
    """Measures a catalogue of so many synthetic entries."""

    place: Path
    count: int
    results: Results
    rounds: int
    seconds: int

    def measure(self, parts: Sequence[str]) -> None:
        """Measure the parts that are not in the results yet."""
        parts_by_name: dict[str, Callable[[], None]] = {
            "build": self._build,
            "update": self._update,
            "process": self._by_index,
            "http": self._over_http,
            "oxigraph": self._by_oxigraph,
            "virtuoso": self._by_virtuoso,
        }
        for part in PARTS:
            if part in parts and not self.results.is_whole(self.count, part):
                click.echo(f"{self.count:,} entries: {part}", err=True)
                parts_by_name[part]()
                self.results.end(self.count, part)

    @cached_property
    def _files(self) -> list[Path]:
        return sparql.prepare(self.place, self.count)

    @cached_property
    def _root(self) -> Path:
        assert self._files
        return sparql.root_of(self.place)

    @cached_property
    def _cases(self) -> list[Case]:
        result: list[Case] = _in_process(cases.of_folder, self._root)
        return result

    def _build(self) -> None:
        self._save("build", "", building.build(self._root))

    def _update(self) -> None:
        changing = self.place / "changing"
        try:
            for name, found in _in_process(building.update, self._root, changing).items():
                self._save("update", name, found)
        finally:
            shutil.rmtree(changing, ignore_errors=True)

    def _by_index(self) -> None:
        for name, found in _in_process(
            times.of_folder, self._root, self._cases, self.rounds
        ).items():
            self._save("process", name, found)

    def _over_http(self) -> None:
        measured_cases = self._cases  # made before the server opens the store
        with peers.ours(self._root) as peer:
            address = peer.endpoint.rpartition("/")[0]
            for case in measured_cases:
                times.check(address, case)
                for connections in CONNECTIONS:
                    measured = times.over_http(
                        address, case, connections, self.rounds, self.seconds, self.place
                    )
                    self._save("http", f"{case.name}, {connections}", measured)
            self._save("http", "memory", {"memory": load.most_resident(peer)})

    def _by_oxigraph(self) -> None:
        found = self._cases
        with definitions.asked(self._root) as asked:
            self._by_sparql("oxigraph", asked, found)

    def _by_virtuoso(self) -> None:
        if not virtuoso.PROGRAM:
            click.echo("Virtuoso is not installed", err=True)
            return
        found, folder = self._cases, self.place / "virtuoso"
        if not (folder / "loaded").exists():
            shutil.rmtree(folder, ignore_errors=True)
        try:
            with (
                peers.virtuoso_server(folder, self._files, _LOADING, _STOPPED) as peer,
                definitions.asked(self._root, peer.endpoint) as asked,
            ):
                self._by_sparql("virtuoso", asked, found, peer)
        except subprocess.TimeoutExpired:
            click.echo(f"Virtuoso does not load the entries in {_LOADING} s: skipped", err=True)

    def _by_sparql(
        self, part: str, asked: Asked, found: Sequence[Case], server: Peer | None = None
    ) -> None:
        for case in found:
            if case.is_comparable and not self.results.of(self.count, part, case.name):
                try:
                    measured = asked.measure(case)
                except WrongError as error:
                    click.echo(f"{part}: {error}"[:2000], err=True)
                    measured = {"wrong": 1}
                self._save(part, case.name, measured or {"over": definitions.DEADLINE})
                if server and not measured:
                    load.settle(server, _STOPPED)

    def _save(self, part: str, name: str, figures: times.Figures) -> None:
        text = ", ".join(f"{key} {value:,.4g}" for key, value in figures.items())
        click.echo(": ".join(filter(None, (f"{self.count:,} entries", part, name, text))), err=True)
        self.results.keep(self.count, part, name, figures)


def _in_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in another process, so that no store stays open."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _counts(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    try:
        return [int(part.replace("_", "")) for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"numbers with commas between them, not {text!r}") from error


@click.command()
@click.option("--entries", default="1000,10000", show_default=True, callback=_counts)
@click.option("--rounds", default=20, show_default=True, help="How often each request is made.")
@click.option("--seconds", default=5, show_default=True, help="The length of a run over HTTP.")
@click.option(
    "--only", "parts", multiple=True, type=click.Choice(PARTS), help="Measure these parts only."
)
@click.option("--again", is_flag=True, help="Measure again what is in the results.")
@click.option(
    "--place",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the data, one folder a number of entries, for further runs.",
)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of all results, by default in the folder of the data.",
)
@click.option(
    "--chart",
    "drawing",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SVG file of the chart.",
)
def main(
    entries: list[int],
    rounds: int,
    seconds: int,
    parts: tuple[str, ...],
    again: bool,
    place: Path | None,
    results: Path | None,
    drawing: Path | None,
) -> None:
    """Measure searches and print the tables of all results."""
    with ExitStack() as stack:
        given = (place or Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        given.mkdir(parents=True, exist_ok=True)
        kept = Results(results or given / "results.json")
        wanted = parts or PARTS
        for count in entries:
            if again:
                kept.forget(count, wanted)
            folder = given / str(count)
            folder.mkdir(exist_ok=True)
            Bench(folder, count, kept, rounds, seconds).measure(wanted)
        click.echo("\n".join(tables(kept)))
        if drawing:
            chart.draw(kept, drawing)


if __name__ == "__main__":
    main()
