"""Our service beside others that serve linked data or tables, each asked for what it can answer.

`make bench-peers` installs rdflib-endpoint, Datasette and Trifid into a folder of their own, loads
the same catalogue into each, into Oxigraph's server and into Virtuoso, and prints a table.
"""

import gzip
import json
import shutil
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import click
from pyoxigraph import Literal

from benchmarks import load, peers, sparql
from benchmarks.load import Run
from benchmarks.peers import Peer
from benchmarks.sparql import ROOT, TABLE
from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.catalogue import Catalogue
from support import virtuoso

ENTRY, CONCEPT, FACETS = "an entry as Turtle", "a concept's page", "20 entries, all facets counted"
TEXT, ROW, ROWS = "a word in all texts", "one SPARQL row", "10,000 SPARQL rows"
TASKS = (ENTRY, CONCEPT, FACETS, TEXT, ROW, ROWS)
_TURTLE, _PAGE, _JSON = "text/turtle", "text/html", "application/json"
_PACKAGES = {"rdflib-endpoint": "rdflib-endpoint[cli]", "datasette": "datasette"}
_MAX_ASKED = 500
Request = tuple[list[str], str]
"""The paths that are asked for in turn, and the media type that is accepted."""
Requests = dict[str, Request]
Runs = dict[tuple[str, int, str], list[Run]]


@dataclass(frozen=True)
class Subjects:
    """What is asked for: entries, concepts, the properties that are facets, and a word."""

    opened: Catalogue
    entries: list[str]
    concepts: list[str]
    facets: list[str]
    word: str

    def path(self, iri: str) -> str:
        """Return the path of an IRI of the catalogue."""
        return "/" + iri.removeprefix(self.opened.base)


def read_subjects(opened: Catalogue, files: Sequence[Path], word: str) -> Subjects:
    """Return what is asked for of a catalogue in files."""
    shape = opened.shapes.entry_shape
    store = peers.filled_store(files)

    def first(query: str) -> list[str]:
        return [row[0].value for row in peers.rows(store, query)]

    entries = first(f"SELECT ?s {{ ?s a <{shape.classes[0]}> }} ORDER BY ?s LIMIT {_MAX_ASKED}")
    predicates = [field.predicate for field in shape.facets if field.predicate]
    values = " ".join(f"<{predicate}>" for predicate in predicates)
    concepts = first(
        f"SELECT DISTINCT ?c {{ VALUES ?p {{ {values} }} ?e a <{shape.classes[0]}> ; ?p ?c"
        f" FILTER(STRSTARTS(STR(?c), '{opened.base}')) }} ORDER BY ?c LIMIT {_MAX_ASKED}"
    )
    return Subjects(opened, entries, concepts, predicates, word)


def by_sparql(peer: Peer, subjects: Subjects) -> Requests:
    """Return the requests to an endpoint; no query of SPARQL 1.1 is a search of texts."""
    label = subjects.opened.shapes.label_properties[0]
    kind = subjects.opened.shapes.entry_shape.classes[0]
    facets = " ".join(f"<{predicate}>" for predicate in subjects.facets)
    path = "/" + peer.endpoint.rpartition("/")[2]

    def request(form: str, *queries: str) -> Request:
        asked = ({"query": query, **peer.more} for query in queries)
        return [f"{path}?{urlencode(pairs)}" for pairs in asked], form

    graph = "CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{}> {{ ?s ?p ?o }} }}"
    one = "SELECT ?o WHERE {{ <{}> <{}> ?o }} LIMIT 1"
    return {
        ENTRY: request(_TURTLE, *(graph.format(iri) for iri in subjects.entries)),
        FACETS: request(
            TABLE,
            f"SELECT ?facet ?value (COUNT(DISTINCT ?entry) AS ?n) {{ VALUES ?facet {{ {facets} }}"
            f" ?entry a <{kind}> ; ?facet ?value }} GROUP BY ?facet ?value",
        ),
        ROW: request(TABLE, *(one.format(iri, label) for iri in subjects.entries)),
        ROWS: request(TABLE, "SELECT ?s ?p ?o WHERE { ?s ?p ?o } LIMIT 10000"),
    }


def by_ours(peer: Peer, subjects: Subjects) -> Requests:
    """Return the requests to our service."""
    search = "/" + subjects.opened.shapes.entry_shape.collection + ".json"
    return by_sparql(peer, subjects) | {
        ENTRY: ([subjects.path(iri) + ".ttl" for iri in subjects.entries], "*/*"),
        CONCEPT: ([subjects.path(iri) + ".html" for iri in subjects.concepts], "*/*"),
        FACETS: ([search], _JSON),
        TEXT: ([f"{search}?q={quote(subjects.word)}"], _JSON),
    }


def by_virtuoso(peer: Peer, subjects: Subjects) -> Requests:
    """Return the requests to Virtuoso, which searches its index of texts."""
    query = f"SELECT DISTINCT ?s {{ ?s ?p ?o . ?o bif:contains \"'{subjects.word}'\" }} LIMIT 20"
    return by_sparql(peer, subjects) | {TEXT: ([f"/sparql?{urlencode({'query': query})}"], TABLE)}


def by_trifid(peer: Peer, subjects: Subjects) -> Requests:
    """Return the requests to Trifid, which answers below the IRIs of the catalogue."""
    return by_sparql(peer, subjects) | {
        ENTRY: ([subjects.path(iri) for iri in subjects.entries], _TURTLE),
        CONCEPT: ([subjects.path(iri) for iri in subjects.concepts], _PAGE),
    }


def by_datasette(_: Peer, subjects: Subjects) -> Requests:
    """Return the requests to Datasette, which has tables in SQLite and no RDF."""
    facets = [f"_facet_array={quote(iri, safe='')}" for iri in subjects.facets]
    rows = "/catalogue/entries.json?_shape=objects&_size=20"
    count = len(subjects.concepts)
    return {
        CONCEPT: ([f"/catalogue/concepts/{n}" for n in range(1, count + 1)], _PAGE),
        FACETS: (["&".join([rows, *facets])], _JSON),
        TEXT: ([f"{rows}&_search={quote(subjects.word)}"], _JSON),
    }


ASKED: Mapping[str, Callable[[Peer, Subjects], Requests]] = {
    "PracticeGraph": by_ours,
    "Oxigraph": by_sparql,
    "Virtuoso": by_virtuoso,
    "rdflib-endpoint": by_sparql,
    "Trifid": by_trifid,
    "Datasette": by_datasette,
}


def install(place: Path) -> dict[str, str]:
    """Install the packages into a folder, once; return the version of each peer."""
    found = {"Oxigraph": version("oxigraph"), "PracticeGraph": version("practicegraph")}
    for name, required in _PACKAGES.items():
        python = place / name / "bin" / "python"
        if not python.exists():
            subprocess.run([peers.PROGRAMS / "python", "-m", "venv", place / name], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", required], check=True)
        code = f"from importlib.metadata import version; print(version('{name}'))"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        found[name.replace("datasette", "Datasette")] = done.stdout.strip()
    package = place / "trifid" / "node_modules" / "trifid" / "package.json"
    if not package.exists():
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        folder = place / "trifid"
        subprocess.run(["npm", "install", "--prefix", folder, *options, "trifid"], check=True)
    found["Trifid"] = json.loads(package.read_text())["version"]
    said = subprocess.run([virtuoso.PROGRAM or "", "-?"], capture_output=True, text=True).stderr
    found["Virtuoso"] = said.partition("Version ")[2].split("-")[0]
    return found


def prepare(place: Path, entries: int) -> list[Path]:
    """Make the catalogue, of its real entries or of so many synthetic ones; return its files."""
    if entries:
        return sparql.prepare(place, entries)
    for part in documents.FOLDERS:
        shutil.copytree(ROOT / part, place / "catalogue" / part, dirs_exist_ok=True)
    return [sparql.write_heads(place, list(documents.list_files(place / "catalogue")))]


def write_whole(place: Path, files: Sequence[Path]) -> Path:
    """Write one file of N-Quads, for those that read no others."""
    whole = place / "whole.nq"
    with whole.open("wb") as output:
        for path in files:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
                shutil.copyfileobj(source, output)
    return whole


def write_tables(place: Path, files: Sequence[Path], subjects: Subjects) -> Path:
    """Write the database of Datasette: entries with lists of values and all texts, and concepts."""
    path = place / "catalogue.db"
    path.unlink(missing_ok=True)
    store = peers.filled_store(files)
    columns = ", ".join(f'"{iri}" TEXT' for iri in subjects.facets)
    kind, label = subjects.opened.shapes.entry_shape.classes[0], "iri TEXT, label TEXT, texts TEXT"

    def row(iri: str) -> list[Any]:
        query = f"SELECT ?p ?o {{ GRAPH ?g {{ <{iri}> ?p ?o }} }}"
        rows = peers.rows(store, query)
        found = [(p.value, o.value, isinstance(o, Literal)) for p, o in rows]
        texts = [value for _, value, is_literal in found if is_literal]
        return [iri, texts[0] if texts else iri, "\n".join(texts), found]

    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE entries (id INTEGER PRIMARY KEY, {label}, {columns})")
        database.execute(f"CREATE TABLE concepts (id INTEGER PRIMARY KEY, {label})")
        everyone = f"SELECT DISTINCT ?s {{ GRAPH ?g {{ ?s a <{kind}> }} }} ORDER BY ?s"
        for (subject,) in peers.rows(store, everyone):
            *start, found = row(subject.value)
            lists = [json.dumps([v for p, v, _ in found if p == f]) for f in subjects.facets]
            marks = ", ".join("?" * (len(start) + len(lists) + 1))
            database.execute(f"INSERT INTO entries VALUES ({marks})", [None, *start, *lists])
        rows = [row(iri)[:3] for iri in subjects.concepts]
        database.executemany("INSERT INTO concepts VALUES (NULL, ?, ?, ?)", rows)
        database.execute(
            "CREATE VIRTUAL TABLE entries_fts USING fts5(label, texts, content='entries',"
            " content_rowid='id')"
        )
        database.execute("INSERT INTO entries_fts (entries_fts) VALUES ('rebuild')")
    database.close()
    return path


def serving(place: Path, files: list[Path], subjects: Subjects) -> Iterator[Any]:
    """Yield a context for each server, in which it runs."""
    programs = place.parent
    whole = write_whole(place, files)
    yield peers.ours(place / "catalogue")
    yield peers.oxigraph(place / "oxigraph", files)
    yield peers.virtuoso_server(place / "virtuoso", files, with_texts=True)
    yield peers.rdflib_endpoint(programs / "rdflib-endpoint", whole)
    yield peers.trifid(programs / "trifid", whole, subjects.opened.base)
    yield peers.datasette(programs / "datasette", write_tables(place, files, subjects))


def warm_up(peer: Peer, requests: Requests) -> None:
    """Ask for every path once, so that no first answer is measured; raise HTTPError for an error."""
    origin = peer.endpoint.rpartition("/")[0]
    for task, (paths, form) in requests.items():
        sizes = []
        for path in paths:
            asked = urllib.request.Request(origin + path, headers={"Accept": form})
            with urllib.request.urlopen(asked, timeout=600) as response:
                sizes.append(len(response.read()))
        click.echo(f"{peer.name}: {task}: {median(sizes):,.0f} bytes", err=True)


def table(runs: Runs, names: Sequence[str], connections: Sequence[int]) -> Iterator[str]:
    """Yield the answers a second, with the processor time of each, as a table in Markdown."""
    yield f"| answers a second | connections | {' | '.join(names)} | ours : the fastest other |"
    yield "|---|---|" + "---|" * (len(names) + 1)
    for task in TASKS:
        for count in connections:
            found = {name: runs.get((task, count, name), []) for name in names}
            rates = {n: median(run.rate for run in these) for n, these in found.items() if these}
            costs = {n: median(run.cost for run in these) for n, these in found.items() if these}
            cells = [
                f"{sparql.short(rates[n])} ({sparql.short(1000 * costs[n])} ms)"
                if n in rates
                else "–"
                for n in names
            ]
            fastest = max((rate, name) for name, rate in rates.items() if name != names[0])
            ratio = f"{rates[names[0]] / fastest[0]:.2g} × {fastest[1]}" if fastest[0] else ""
            yield f"| {task} | {count} | {' | '.join(cells)} | {ratio} |"


@click.command()
@click.option("--entries", default=0, help="Synthetic entries, instead of the real ones.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=3, show_default=True, help="The length of a run.")
@click.option("--connections", default=[1, 8], multiple=True, type=int, show_default=True)
@click.option("--without", multiple=True, type=click.Choice(list(ASKED)[1:]))
@click.option("--only", default="", help="The start of a task's name.")
@click.option("--word", default="school", show_default=True)
@click.option(
    "--place",
    default=".bench/peers",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for programs and data, to be used again.",
)
def main(
    entries: int,
    rounds: int,
    seconds: int,
    connections: Sequence[int],
    without: Sequence[str],
    only: str,
    word: str,
    place: Path,
) -> None:
    """Ask our service and its peers for the same, in turns, and print the table."""
    opened = catalogue.open_in_memory(catalogue.read_folder(ROOT).documents, ROOT)
    programs = place.resolve()
    versions, folder = install(programs), programs / str(entries or "real")
    folder.mkdir(parents=True, exist_ok=True)
    files = prepare(folder, entries)
    subjects = read_subjects(opened, files, word)
    runs: Runs = {}
    with ExitStack() as stack:
        contexts = dict(zip(ASKED, serving(folder, files, subjects), strict=True))
        servers = [stack.enter_context(c) for name, c in contexts.items() if name not in without]
        asked = {peer.name: ASKED[peer.name](peer, subjects) for peer in servers}
        for peer in servers:
            warm_up(peer, asked[peer.name])
        for number in range(rounds):
            for task in (task for task in TASKS if task.startswith(only)):
                for count in connections:
                    for peer in (peer for peer in servers if task in asked[peer.name]):
                        run = load.ask(peer, *asked[peer.name][task], count, seconds, folder)
                        runs.setdefault((task, count, peer.name), []).append(run)
                        click.echo(f"{number + 1}: {task}, {count}: {peer.name}: {run}", err=True)
    names = [peer.name for peer in servers]
    click.echo("\n".join(table(runs, names, connections)))
    click.echo("\n" + ", ".join(f"{name} {versions[name]}" for name in names))


if __name__ == "__main__":
    main()
