"""Synthetic entries, as many as one likes, of a catalogue's own shapes, schemes and words.

They say so themselves: in the identifier, in every title and beside every link.
"""

import gzip
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import click
from pyoxigraph import NamedNode

from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import RDF, XSD, Term, as_text
from practicegraph.schema.fields import Field, NodeShape
from practicegraph.schema.shapes import constraints
from practicegraph.storage.base import Store

PLACE = "https://example.org/synthetic/"
_COMMENT = (
    "<http://www.w3.org/2000/01/rdf-schema#comment> "
    '"Synthetic: made for measurements, it describes nothing."@en'
)
_TEXTS = 'SELECT ?text WHERE {{ ?thing ?property ?text FILTER (LANG(?text) = "{}") }}'
_WORD = re.compile(r"[^\W\d_]{3,}")
_PHRASES, _NAMES = 5000, 2000
_DEPENDENT = ("contribution", "seenUpTo", "translatedTitle")
"""The keys of fields whose values depend on those of others."""
_LENGTHS = {"LabelRole": (1, 1, 2), "DescriptionRole": (2, 3, 4)}
_LENGTHS_OF_OTHERS = (4, 6, 8, 12, 20)
_DAYS = [date.fromordinal(day).isoformat() for day in range(730_120, 738_886)]
_DIGITS = {XSD + "gYear": 4, XSD + "gYearMonth": 7, XSD + "date": 10}


@dataclass(frozen=True)
class _Entry:
    """What the values of one entry are drawn from; its days ascend in the order of its fields."""

    number: str
    random: random.Random
    days: Iterator[str]


Values = Callable[[_Entry], Iterable[str]]


@dataclass(frozen=True)
class _Sources:
    """What the values of all entries come from."""

    opened: Catalogue
    random: random.Random

    @cached_property
    def phrases(self) -> dict[str, list[str]]:
        """Return phrases of the catalogue's own words by language, as frequent as they are there."""
        return {language: list(self._phrases(language)) for language in self.opened.languages}

    def _phrases(self, language: str) -> Iterator[str]:
        rows = self.opened.store.select(_TEXTS.format(language))
        found = Counter(word for row in rows for word in _WORD.findall(as_text(row["text"])))
        words, weights = list(found), list(accumulate(found.values()))
        for _ in range(_PHRASES):
            length = self.random.randint(3, 8)
            chosen = self.random.choices(words, cum_weights=weights, k=length)
            yield " ".join(chosen).capitalize()

    def choices(self, field: Field) -> list[str]:
        """Return the narrowest values of a list in an order of chance, the most frequent first."""
        store, vocabularies = self.opened.store, self.opened.vocabularies
        demanded = set(
            constraints.read_parameter_values(store, field.iri, "ClassConstraintComponent")
        )
        scheme = vocabularies.schemes.get(field.scheme or "")
        above = scheme.narrower if scheme else {}
        listed = [
            term
            for term in vocabularies.options(field).values()
            if as_text(term) not in above and demanded <= _classes(store, term)
        ]
        self.random.shuffle(listed)
        return [str(term) for term in listed]


def drawn_fields(kind: NodeShape) -> list[Field]:
    """Return the fields that get values: those whose values depend on no others."""
    return [f for f in kind.fields if f.value_predicate and f.key not in _DEPENDENT]


def entries(opened: Catalogue, count: int, seed: int = 1) -> Iterator[str]:
    """Yield entries as N-Quads, each a text of its own; the same ones for the same seed."""
    kind, drawn = opened.shapes.entry_shape, random.Random(seed)
    sources = _Sources(opened, drawn)
    fields = drawn_fields(kind)
    values = [(field, _values(sources, field)) for field in fields]
    classes = [f"<{RDF}type> <{name}>" for name in kind.classes]
    dated = sum(map(_is_dated, fields))
    for number in range(1, count + 1):
        days = iter(sorted(drawn.choices(_DAYS, k=dated)))
        entry = _Entry(f"{number:06}", drawn, days)
        name = NamedNode(opened.entry_iri(_identifier(entry)))
        said = [(field, value) for field, give in values for value in give(entry)]
        lines = [f"{name} {words} {name} .\n" for words in classes]
        lines += [f"{triple} {name} .\n" for triple in opened.records.complete(name, [])]
        for field, value in said:
            subject = opened.records.subject(name) if field.via else name
            lines.append(f"{subject} <{field.value_predicate}> {value} {name} .\n")
        links = [value for _, value in said if value.startswith(f"<{PLACE}")]
        lines += [f"{link} {_COMMENT} {name} .\n" for link in links]
        yield "".join(lines)


def write(opened: Catalogue, path: Path, count: int, seed: int = 1) -> None:
    """Write entries to a gzipped file of N-Quads, with a progress bar."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream,
        click.progressbar(entries(opened, count, seed), length=count, label=path.name) as bar,
    ):
        for text in bar:
            stream.write(text.encode())


def _values(sources: _Sources, field: Field) -> Values:
    counts = _counts(field)
    if field.role == "IDRole":
        return lambda entry: [f'"{_identifier(entry)}"']
    if field.has_options:
        return _skewed(sources.choices(field), counts)
    if field.is_text:
        return _texts(sources.phrases, field, counts)
    if _is_dated(field):
        return _dates(field, counts)
    if field.datatypes:
        names = sources.phrases[sources.opened.languages[0]][:_NAMES]
        return _skewed([f'"Synthetic {name}"' for name in names], counts)
    return _links(field, counts)


def _counts(field: Field) -> Sequence[int]:
    """Return how many values an entry has, in cases that are equally likely."""
    if field.is_required:
        return (1, 1, 2, 3) if field.is_text and field.is_repeatable else (1,)
    return (1, 1, 2, 2, 2, 3, 3, 4) if field.is_facet and field.is_repeatable else (0, 0, 1)


def _classes(store: Store, term: Term) -> set[Term]:
    return set(store.values(term, RDF + "type")) if isinstance(term, NamedNode) else set()


def _skewed(listed: Sequence[str], counts: Sequence[int]) -> Values:
    """Draw different values of a list; the second is half as frequent as the first, and so on."""
    weights = _weights(len(listed))

    def values(entry: _Entry) -> Iterable[str]:
        count = entry.random.choice(counts)
        return dict.fromkeys(entry.random.choices(listed, cum_weights=weights, k=count))

    return values


def _texts(phrases: Mapping[str, Sequence[str]], field: Field, counts: Sequence[int]) -> Values:
    lengths = _LENGTHS.get(field.role, _LENGTHS_OF_OTHERS)
    find_titles = field.role == "LabelRole"
    spoken = _skewed(list(phrases), counts)

    def values(entry: _Entry) -> Iterator[str]:
        opening = f"Synthetic {entry.number}: " if find_titles else ""
        for language in spoken(entry):
            chosen = entry.random.choices(phrases[language], k=entry.random.choice(lengths))
            yield f'"{opening}{". ".join(chosen)}"@{language}'

    return values


def _dates(field: Field, counts: Sequence[int]) -> Values:
    def values(entry: _Entry) -> Iterator[str]:
        day, datatype = next(entry.days), entry.random.choice(field.datatypes)
        if entry.random.choice(counts):
            yield f'"{day[: _DIGITS[datatype]]}"^^<{datatype}>'

    return values


def _links(field: Field, counts: Sequence[int]) -> Values:
    def values(entry: _Entry) -> Iterator[str]:
        for place in range(entry.random.choice(counts)):
            yield f"<{PLACE}{entry.number}/{field.key}-{place + 1}>"

    return values


def _weights(length: int) -> list[float]:
    """Return Zipf's weights, added up."""
    return list(accumulate(1 / rank for rank in range(1, length + 1)))


def _is_dated(field: Field) -> bool:
    return bool(_DIGITS.keys() & set(field.datatypes))


def _identifier(entry: _Entry) -> str:
    return f"synthetic-{entry.number}"


@click.command()
@click.argument("count", type=click.IntRange(1, 1_000_000))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--seed", default=1, show_default=True, help="Another seed gives other entries.")
def main(count: int, file: Path, folder: Path, seed: int) -> None:
    """Write COUNT synthetic entries of a catalogue to FILE, such as data/synthetic.nq.gz."""
    write(
        catalogue.open_in_memory(catalogue.read_folder(folder).documents, folder), file, count, seed
    )


if __name__ == "__main__":
    main()
