"""Our text index beside tantivy and plain FTS5: `make bench-text`.

The recall of judged queries over the real entries and the costs for synthetic ones, as tables in
Markdown.
"""

import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import click
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from benchmarks import synthetic
from benchmarks.cases import record_texts
from benchmarks.engines import ENGINES, Engine, Entry
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.search.text.tokenizer import Tier, field_tier, split_words

ROOT = Path(__file__).parents[2]
_TIMES, _UPDATES = 20, 100

Judged = tuple[str, str, set[str]]
"""A query: its language, its text, and the identifiers of its right results."""


@dataclass(frozen=True)
class Measured:
    """The costs of an engine, in seconds and bytes.

    A query has the number of its results, the times of all of them cold and warm, and of the first
    twenty.
    """

    built: float
    size: int
    times: dict[str, tuple[int, float, float, float]]
    update: float


def real_entries(services: Services) -> tuple[list[str], list[Entry]]:
    """Return the identifiers of the entries, and their texts with all labels of their concepts."""
    opened = services.catalogue
    request = services.request_parser.parse([("size", "1000")])
    iris = services.search.search(request, opened.languages).entries
    records = opened.reader.read_records(opened.shapes.entry_shape, iris)
    concepts = opened.vocabularies.concepts
    entries: list[Entry] = []
    for number, record in enumerate(records):
        named = [
            str(getattr(term, "value", "")) for terms in record.values.values() for term in terms
        ]
        carried = [concepts[iri] for iri in named if iri in concepts]
        above = [concepts[iri] for concept in carried for iri in concept.broader if iri in concepts]
        labels = [
            (Tier.OTHER, wording, language)
            for concept in (*carried, *above)
            for language, wording in concept.all_labels
        ]
        entries.append((number, [*record_texts(record), *labels]))
    return [iri.rpartition("/")[2] for iri in iris], entries


def synthetic_entries(opened: Catalogue, count: int) -> Iterator[Entry]:
    """Yield the texts of synthetic entries, parsed from their N-Quads."""
    fields = {
        f.predicate: f for f in opened.shapes.entry_shape.fields if f.is_searched and not f.scheme
    }
    for number, text in enumerate(synthetic.entries(opened, count)):
        found = []
        for quad in parse(text, format=RdfFormat.N_QUADS):
            predicate, term = quad.predicate, quad.object
            assert isinstance(predicate, NamedNode)
            if (field := fields.get(predicate.value)) and isinstance(term, Literal):
                found.append((field_tier(field), term.value, term.language))
        yield number, found


def recall(right: Sequence[Judged], find: Callable[[str], set[str]]) -> dict[str, float]:
    """Return the mean recall of the queries of each language."""
    parts: dict[str, list[float]] = {}
    for language, query, expected in right:
        parts.setdefault(language, []).append(len(expected & find(query)) / len(expected))
    return {language: mean(found) for language, found in parts.items()}


def recalls(opened: Catalogue, place: Path) -> dict[str, dict[str, float]]:
    """Return the recall of each engine on the judged queries."""
    queries = tomllib.loads((ROOT / "tests" / "queries.toml").read_text())["query"]
    judged = [(query["language"], query["text"], set(query["right"])) for query in queries]
    names, entries = real_entries(Services(opened))
    found = {}
    for kind in ENGINES:
        engine = kind(place / kind.__name__, opened.languages)
        engine.build(entries)

        def find(query: str, engine: Engine = engine) -> set[str]:
            return {names[number] for number in engine.find(query)}

        found[kind.name] = recall(judged, find)
    return found


def queries(entries: Sequence[Entry]) -> dict[str, str]:
    """Return queries by kind: words by frequency, a prefix, a phrase."""
    said = [{w.lower() for _, text, _ in texts for w in split_words(text)} for _, texts in entries]
    counts = Counter(word for words in said for word in words if word.isalpha() and len(word) > 4)
    ordered = [word for word, _ in counts.most_common()]
    common, middle = ordered[1], ordered[len(ordered) // 50]  # all entries have the first one
    rare = min(ordered, key=lambda word: abs(counts[word] - len(entries) // 1000))
    pairs = Counter(
        pair
        for _, texts in entries[:10_000]
        for _, text, _ in texts
        for pair in zip(split_words(text), split_words(text)[1:], strict=False)
        if min(map(len, pair)) > 2
    )
    (phrase, _), *_ = pairs.most_common(1)
    return {
        "rare word": f"{rare} ",
        "middling word": f"{middle} ",
        "common word": f"{common} ",
        "common and middling": f"{common} {middle} ",
        "prefix of 3 letters": middle[:3],
        "phrase": f'"{" ".join(phrase)}"',
    }


def measure(engine: Engine, entries: Sequence[Entry]) -> Measured:
    """Measure an engine: building, size, queries and updates."""
    start = perf_counter()
    engine.build(entries)
    built, size = perf_counter() - start, engine.size()
    times = {}
    for name, query in queries(entries).items():
        engine.open()
        cold = _time(engine.find, query)
        times[name] = (len(engine.find(query)), cold, *_warm(engine, query))
    engine.open()
    step = max(1, len(entries) // _UPDATES)
    updates = []
    for number, texts in list(entries)[::step]:
        start = perf_counter()
        engine.update(number, [*texts[1:], *texts[:1], (Tier.OTHER, "one new word", "en")])
        updates.append(perf_counter() - start)
    return Measured(built, size, times, median(updates))


def _warm(engine: Engine, query: str) -> tuple[float, float]:
    every = median(_time(engine.find, query) for _ in range(_TIMES))
    return every, median(_time(engine.first, query) for _ in range(_TIMES))


def _time(find: Callable[[str], object], query: str) -> float:
    start = perf_counter()
    find(query)
    return perf_counter() - start


def recall_table(found: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield the recalls as a table in Markdown."""
    languages = list(next(iter(found.values())))
    yield f"| recall | {' | '.join(languages)} | all |"
    yield "|---|" + "---|" * (len(languages) + 1)
    for name, by_language in found.items():
        cells = [f"{by_language[language]:.0%}" for language in languages]
        yield f"| {name} | {' | '.join(cells)} | {mean(by_language.values()):.0%} |"


def cost_table(measured: dict[str, Measured], count: int) -> Iterator[str]:
    """Yield the costs as a table in Markdown: all results cold and warm, and the first twenty."""
    yield f"| {count:,} entries | {' | '.join(measured)} |"
    yield "|---|" + "---|" * len(measured)
    yield _row("build, µs an entry", [f"{m.built / count * 1e6:,.0f}" for m in measured.values()])
    yield _row("size, bytes an entry", [f"{m.size / count:,.0f}" for m in measured.values()])
    yield _row("update, ms", [f"{m.update * 1e3:.1f}" for m in measured.values()])
    for name in next(iter(measured.values())).times:
        cells = []
        for found in measured.values():
            number, *seconds = found.times[name]
            cells.append(" / ".join(f"{1e3 * s:.2f}" for s in seconds) + f" ({number:,})")
        yield _row(name, cells)


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


@click.command()
@click.option("--entries", "counts", multiple=True, default=(10_000, 100_000), show_default=True)
@click.option("--only", "names", multiple=True, help="Engines by name, such as “ours”.")
def main(counts: Sequence[int], names: Sequence[str]) -> None:
    """Measure our text index beside its peers and print the tables."""
    opened = catalogue.open_in_memory(catalogue.read_folder(ROOT).documents, ROOT)
    kinds = [kind for kind in ENGINES if not names or kind.name in names]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        click.echo("\n".join(recall_table(recalls(opened, place / "real"))))
        for count in counts:
            entries = list(synthetic_entries(opened, count))
            measured = {}
            for kind in kinds:
                engine = kind(place / str(count) / kind.__name__, opened.languages)
                measured[kind.name] = measure(engine, entries)
                click.echo(f"{count}: {kind.name}: {measured[kind.name]}", err=True)
            click.echo("\n" + "\n".join(cost_table(measured, count)))


if __name__ == "__main__":
    main()
