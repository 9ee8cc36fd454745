"""How long the names of other data take to be reconciled, beside a search for one word."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np

from benchmarks import synthetic
from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.reconciliation.candidates import Query
from practicegraph.search.request import SearchRequest
from support.catalogues import ROOT, copy

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def misspelt(name: str, chance: random.Random) -> str:
    """Return a name with one letter left out, another one, or two that have changed places."""
    place = chance.randrange(len(name))
    before, letters, after = name[:place], name[place : place + 2], name[place + 1 :]
    swapped = before + letters[::-1] + name[place + 2 :]
    return chance.choice([before + after, before + chance.choice(_LETTERS) + after, swapped])


def measure(services: Services, count: int) -> Iterator[tuple[str, list[float]]]:
    """Yield the seconds of each query by what is asked, as many queries as are wished."""
    chance = random.Random(1)
    concepts = [
        wording
        for concept in services.catalogue.vocabularies.concepts.values()
        for _, wording in concept.all_labels
    ]
    some = chance.choices(concepts, k=count)
    titles = chance.choices(list(_titles(services)), k=count)
    reconciler, types = services.reconciler, services.types
    yield "a word searched for", _times(_searched(services), some)
    for name, words in (("label", some), ("title", titles)):
        wrong = [misspelt(text, chance) for text in words]
        typed = (types.entries,) if name == "title" else ()
        for said, texts in (("", words), (", misspelt", wrong)):
            queries = [Query(text, typed) for text in texts]
            yield f"{name}{said}", _times(reconciler.find_candidates, queries)


def _titles(services: Services) -> Iterator[str]:
    kind = services.catalogue.shapes.entry_shape
    iris = services.search.search(SearchRequest(size=1000), services.catalogue.languages).entries
    for record in services.catalogue.reader.read_records(kind, iris):
        yield record.text_with_role("LabelRole", services.catalogue.languages)[0]


def _searched(services: Services) -> Callable[[str], object]:
    return lambda text: services.search.search(
        SearchRequest(query=text.split()[0]), services.catalogue.languages
    )


def _times(answer: Callable[[Any], object], asked: Sequence[object]) -> list[float]:
    found = []
    for one in asked:
        start = perf_counter()
        answer(one)
        found.append(perf_counter() - start)
    return found


@click.command()
@click.option("--entries", default=10_000, show_default=True, type=click.IntRange(0, 1_000_000))
@click.option("--queries", default=1000, show_default=True, type=click.IntRange(1))
def main(entries: int, queries: int) -> None:
    """Measure queries on the catalogue, with so many synthetic entries beside the real ones."""
    with tempfile.TemporaryDirectory() as temporary:
        root = copy(Path(temporary) / "catalogue")
        if entries:
            opened = catalogue.open_in_memory(catalogue.read_folder(ROOT).documents, ROOT)
            synthetic.write(opened, root / "data" / "synthetic.nq.gz", entries, 1)
        click.echo("| | median, ms | 95 %, ms | all, s |\n|---|---|---|---|")
        for name, seconds in measure(startup.open_for_serving(root), queries):
            half, most = np.percentile(seconds, [50, 95]) * 1000
            click.echo(f"| {name} | {half:.2f} | {most:.2f} | {sum(seconds):.2f} |")


if __name__ == "__main__":
    main()
