"""Our SPARQL endpoint beside Oxigraph's server and Virtuoso: `make bench-sparql`.

The peers take turns, each with the same queries on the same data, and the medians of several rounds
are printed as tables in Markdown.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click
from pyoxigraph import Quad, RdfFormat, serialize

from benchmarks import load, peers, synthetic
from benchmarks.load import Memory, Run, Task
from benchmarks.peers import Peer
from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.catalogue import Catalogue

ROOT = Path(__file__).parents[2]
TABLE, GRAPH = "application/sparql-results+json", "application/n-triples"
CONNECTIONS = (1, 8)
_ASKED = 1000
_MANY, _MOST = 10_000, 1_000_000
Runs = dict[tuple[str, int, str], list[Run]]


def tasks(opened: Catalogue, entries: int) -> Iterator[Task]:
    """Yield what is asked of a catalogue with so many synthetic entries."""
    label = f"<{opened.shapes.label_properties[0]}>"
    step = max(1, entries // _ASKED)
    names = [f"<{opened.entry_iri(f'synthetic-{n:06}')}>" for n in range(1, entries + 1, step)]
    one = tuple(f"SELECT ?o WHERE {{ {name} {label} ?o }} LIMIT 1" for name in names)
    graphs = [f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH {name} {{ ?s ?p ?o }} }}" for name in names]
    many = f"SELECT ?s ?o WHERE {{ ?s {label} ?o }} LIMIT {min(_MANY, entries)}"
    most = min(_MOST, entries * 20)
    yield Task("one row", one, TABLE, 1)
    yield Task("one entry", tuple(graphs), GRAPH, 0)
    yield Task(f"{min(_MANY, entries):,} rows", (many,), TABLE, min(_MANY, entries))
    rows = f"SELECT ?s ?p ?o WHERE {{ GRAPH ?s {{ ?s ?p ?o }} }} LIMIT {most}"
    yield Task(f"{most:,} rows, whole", (rows,), TABLE, most)


def table(asked: Sequence[Task], runs: Runs, names: Sequence[str]) -> Iterator[str]:
    """Yield the answers a second, with the processor time of each, as a table in Markdown."""
    yield f"| answers a second | connections | {' | '.join(names)} | ours : Oxigraph |"
    yield "|---|---|" + "---|" * (len(names) + 1)
    for task in asked:
        for connections in CONNECTIONS:
            found = {name: runs[task.name, connections, name] for name in names}
            rates = {name: median(run.rate for run in these) for name, these in found.items()}
            costs = {name: median(run.cost for run in these) for name, these in found.items()}
            cells = [f"{short(rates[name])} ({short(1000 * costs[name])} ms)" for name in names]
            ratio = f"{rates[names[0]] / rates[names[1]]:.0%}" if len(names) > 1 else ""
            yield f"| {task.name} | {connections} | {' | '.join(cells)} | {ratio} |"


def short(number: float) -> str:
    """Return a number with two digits or more."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


def memory_table(memories: Sequence[Memory]) -> Iterator[str]:
    """Yield the memory of each server and its workers as a table in Markdown."""
    yield "| memory, MiB | before | at most |"
    yield "|---|---|---|"
    for memory in memories:
        yield f"| {memory.peer.name} | {memory.first >> 20:,} | {memory.most >> 20:,} |"


def measure(
    servers: Sequence[Peer], asked: Sequence[Task], rounds: int, seconds: int, place: Path
) -> tuple[Runs, list[Memory]]:
    """Measure every task on every server, in turns."""
    runs: Runs = {}
    for task in asked:
        counted = {peer.name: load.rows(peer, task) for peer in servers}
        assert len(set(counted.values())) == 1, (task.name, counted)
        assert task.rows in (0, *counted.values()), (task.name, counted)
    memories = [Memory(peer) for peer in servers]
    for number in range(rounds):
        for task in asked:
            for connections in CONNECTIONS:
                for memory in memories:
                    with memory.watched():
                        run = _run(memory.peer, task, connections, seconds, place)
                    key = (task.name, connections, memory.peer.name)
                    runs.setdefault(key, []).append(run)
                    click.echo(f"{number + 1}: {key}: {run}", err=True)
    return runs, memories


def _run(peer: Peer, task: Task, connections: int, seconds: int, place: Path) -> Run:
    if task.rows > _MANY:
        return load.whole(peer, task, connections)
    return load.many(peer, task, connections, seconds, place)


def prepare(place: Path, entries: int) -> list[Path]:
    """Make a catalogue of synthetic entries, once, and give all of it as files of N-Quads."""
    root = root_of(place)
    made = root / "data" / "synthetic.nq.gz"
    if not made.exists():
        for part in documents.FOLDERS[:-1]:
            shutil.copytree(ROOT / part, root / part, dirs_exist_ok=True)
        opened = catalogue.open_in_memory(catalogue.read_folder(ROOT).documents, ROOT)
        made.parent.mkdir(exist_ok=True)
        synthetic.write(opened, place / made.name, entries)
        (place / made.name).rename(made)
    return [write_heads(place, [path for path in documents.list_files(root) if path != made]), made]


def write_heads(place: Path, files: Iterable[Path]) -> Path:
    """Write the documents of files as one file of N-Quads, once."""
    heads = place / "heads.nq"
    if not heads.exists():
        serialize(_quads(files), str(heads), RdfFormat.N_QUADS)
    return heads


def root_of(place: Path) -> Path:
    """Return the catalogue in a folder, or the folder where it is one itself."""
    return place if documents.is_catalogue(place) else place / "catalogue"


def _quads(files: Iterable[Path]) -> list[Quad]:
    return [quad for path in files for quad in documents.read_document(path).quads]


@click.command()
@click.option("--entries", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=10, show_default=True, help="The length of a run.")
@click.option("--without", multiple=True, type=click.Choice(["oxigraph", "virtuoso"]))
@click.option("--only", help="The start of a task's name, such as “one row”.", default="")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the data, to be used again.",
)
def main(
    entries: int, rounds: int, seconds: int, without: tuple[str, ...], only: str, keep: Path | None
) -> None:
    """Measure our endpoint beside its peers and print the tables."""
    opened = catalogue.open_in_memory(catalogue.read_folder(ROOT).documents, ROOT)
    with ExitStack() as stack:
        given = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = given.resolve() / str(entries)
        place.mkdir(parents=True, exist_ok=True)
        files = prepare(place, entries)
        servers = [stack.enter_context(peers.ours(place / "catalogue"))]
        if "oxigraph" not in without:
            servers.append(stack.enter_context(peers.oxigraph(place / "oxigraph", files)))
        if "virtuoso" not in without:
            servers.append(stack.enter_context(peers.virtuoso_server(place / "virtuoso", files)))
        asked = [task for task in tasks(opened, entries) if task.name.startswith(only)]
        runs, memories = measure(servers, asked, rounds, seconds, place)
    click.echo(
        "\n".join(
            [*table(asked, runs, [peer.name for peer in servers]), "", *memory_table(memories)]
        )
    )


if __name__ == "__main__":
    main()
