"""A service of one process beside one of two: answers a second, and for a second of processor time.

`PYTHONPATH=tests python -m benchmarks.workers` serves copies of the catalogue, and wrk asks them in
turns. Client and servers share the processors: the part of them that a service got goes with its
rate, and the answers for a second of processor time say what a second process costs.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import click

from benchmarks import load, peers
from benchmarks.load import Run, Task
from benchmarks.peers import Peer
from practicegraph.catalogue.catalogue import Catalogue
from support.catalogues import ROOT, loaded, opened
from support.server import wait_for_workers

_CONNECTIONS = 8
_WORDS = ("school", "music", "language", "mentor", "family", "teacher", "sport", "training")


@dataclass(frozen=True)
class Documents(Task):
    """What is asked by paths in place of queries."""

    def addresses(self, peer: Peer) -> list[str]:
        """Return the addresses."""
        return [peer.endpoint.rpartition("/")[0] + path for path in self.queries]


def tasks(catalogue: Catalogue) -> Iterator[Task]:
    """Yield what is asked: pages of searches, documents of entries, rows."""
    segment, label = catalogue.shapes.entry_shape.segment, catalogue.shapes.label_properties[0]
    names = sorted(p.stem for p in catalogue.entry_path("x").parent.glob("*.ttl"))
    path = f"/{catalogue.shapes.entry_shape.collection}.json"
    yield Documents("search", tuple(f"{path}?q={word}" for word in _WORDS), "application/json", 0)
    yield Documents("document", tuple(f"/{segment}/{n}.ttl" for n in names), "text/turtle", 0)
    entries = [f"<{catalogue.entry_iri(name)}>" for name in names]
    rows = tuple(f"SELECT ?o WHERE {{ {entry} <{label}> ?o }} LIMIT 1" for entry in entries)
    yield Task("SPARQL, one row", rows, "application/sparql-results+json", 1)


def row(task: Task, one: list[Run], several: list[Run]) -> str:
    """Return the medians of a task as a row in Markdown."""
    cells, processors = [], os.cpu_count() or 1
    rates, costs = [], []
    for runs in (one, several):
        rate, cost = median(run.rate for run in runs), median(run.cost for run in runs)
        part = median(run.rate * run.cost for run in runs) / processors
        cells.append(f"{rate:,.0f} ({1000 * cost:.2f} ms, {part:.0%})")
        rates.append(rate)
        costs.append(cost)
    ratios = [after.rate / before.rate for before, after in zip(one, several, strict=True)]
    worth = f"{median(ratios):.2f} | {costs[0] / costs[1]:.2f}"
    return f"| {task.name} | {' | '.join(cells)} | {worth} |"


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=5, show_default=True, help="The length of a run.")
@click.option(
    "--workers", default=2, show_default=True, help="The processes of the second service."
)
def main(rounds: int, seconds: int, workers: int) -> None:
    """Print the answers a second, with processor time of each and part of the processors."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for count in (1, workers):
            served = peers.ours(loaded(place / str(count)), "--workers", str(count))
            servers.append(stack.enter_context(served))
            wait_for_workers(urlsplit(servers[-1].endpoint).port or 0, count)
        click.echo(f"| task | 1 process | {workers} | rates | for a second of processor time |")
        click.echo("|---|---|---|---|---|")
        for task in tasks(opened(ROOT)):
            runs: dict[int, list[Run]] = {peer.process: [] for peer in servers}
            for number in range(rounds + 1):
                for peer in servers:
                    run = load.many(peer, task, _CONNECTIONS, seconds, place)
                    if number:  # the first round fills caches
                        runs[peer.process].append(run)
            click.echo(row(task, *runs.values()))


if __name__ == "__main__":
    main()
