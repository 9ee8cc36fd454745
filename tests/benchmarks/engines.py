"""Three text indexes with one interface, to be measured beside each other."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tantivy
from babel import Locale
from pyroaring import BitMap

from practicegraph.search.text.index import TextIndex, match_all, rank
from practicegraph.search.text.tokenizer import Analyser, FieldText, Tokenizer, parse_query

Entry = tuple[int, list[FieldText]]
NO_LANGUAGE = "none"
SHOWN = 20
_AT_ONCE = 1000


class Engine(ABC):
    """A text index of entries in a folder."""

    name: str

    def __init__(self, folder: Path, languages: Sequence[str]) -> None:
        self.folder, self.languages = folder, languages
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def build(self, entries: Iterable[Entry]) -> None:
        """Build the index."""

    @abstractmethod
    def open(self) -> None:
        """Open the index again."""

    @abstractmethod
    def find(self, query: str) -> BitMap:
        """Return the numbers of all matching entries."""

    @abstractmethod
    def first(self, query: str) -> None:
        """Find the first twenty by relevance."""

    @abstractmethod
    def update(self, number: int, texts: list[FieldText]) -> None:
        """Replace an entry durably."""

    def size(self) -> int:
        """Return the bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


class Ours(Engine):
    """Bitmaps of tokens, and FTS5 over the same tokens for phrases."""

    name = "ours"

    def build(self, entries: Iterable[Entry]) -> None:
        self.open()
        analyser = Analyser(self._tokenizer)
        all_texts = [texts for _, texts in entries]
        batches = range(0, len(all_texts), _AT_ONCE)
        self._texts.add((n, analyser.analyse(all_texts[n : n + _AT_ONCE])) for n in batches)
        self._connection.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def open(self) -> None:
        self._connection = _database(self.folder)
        self._tokenizer = Tokenizer(self.languages)
        self._texts = TextIndex(self._connection, self._tokenizer)

    def find(self, query: str) -> BitMap:
        matches = self._texts.match(parse_query(query, ()))
        return match_all(matches[1:], matches[0].entries) if matches else BitMap()

    def first(self, query: str) -> None:
        matches = self._texts.match(parse_query(query, ()))
        _, entries = rank(matches, matches[0].entries)[0]
        next(iter(entries))

    def update(self, number: int, texts: list[FieldText]) -> None:
        self._texts.replace(number, texts)
        self._connection.commit()


class Plain(Engine):
    """FTS5 as it comes: the tokenizer unicode61 folds case and accents."""

    name = "FTS5 unicode61"

    def build(self, entries: Iterable[Entry]) -> None:
        self.open()
        self._connection.execute(
            "CREATE VIRTUAL TABLE texts"
            " USING fts5(title, text, tokenize = 'unicode61 remove_diacritics 2')"
        )
        rows = ((number, *_title_and_text(texts)) for number, texts in entries)
        self._connection.executemany(_INSERT, rows)
        self._connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        self._connection.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def open(self) -> None:
        self._connection = _database(self.folder)

    def find(self, query: str) -> BitMap:
        statement = "SELECT group_concat(rowid, ' ') FROM texts WHERE texts MATCH ?"
        (numbers,) = self._connection.execute(statement, (_expression(query),)).fetchone()
        return BitMap(np.fromstring(numbers or "", np.uint32, sep=" "))

    def first(self, query: str) -> None:
        statement = f"SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT {SHOWN}"
        self._connection.execute(statement, (_expression(query),)).fetchall()

    def update(self, number: int, texts: list[FieldText]) -> None:
        self._connection.execute("DELETE FROM texts WHERE rowid = ?", (number,))
        self._connection.execute(_INSERT, (number, *_title_and_text(texts)))
        self._connection.commit()


class Tantivy(Engine):
    """Tantivy with a field for each language and its own analysers."""

    name = "tantivy"
    _writer: tantivy.IndexWriter | None = None

    def build(self, entries: Iterable[Entry]) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("number", indexed=True, fast=True)
        for language in (*self.languages, NO_LANGUAGE):
            builder.add_text_field(language, tokenizer_name=language)
        self._use(tantivy.Index(builder.build(), str(self.folder)))
        writer = self._index.writer(num_threads=2)
        for number, texts in entries:
            writer.add_document(self._document(number, texts))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def open(self) -> None:
        self._use(tantivy.Index.open(str(self.folder)))

    def find(self, query: str) -> BitMap:
        searcher = self._index.searcher()
        hits = searcher.search(self._query(query), max(1, searcher.num_docs)).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return BitMap(int(number) for number in numbers if number is not None)

    def first(self, query: str) -> None:
        self._index.searcher().search(self._query(query), SHOWN)

    def update(self, number: int, texts: list[FieldText]) -> None:
        self._writer = self._writer or self._index.writer(num_threads=2)
        self._writer.delete_documents_by_term("number", number)
        self._writer.add_document(self._document(number, texts))
        self._writer.commit()
        self._index.reload()

    def _use(self, index: tantivy.Index) -> None:
        self._index = index
        self._writer = None
        for language in (*self.languages, NO_LANGUAGE):
            index.register_tokenizer(language, _analyser(language))
        index.reload()

    def _document(self, number: int, texts: list[FieldText]) -> tantivy.Document:
        document = tantivy.Document()
        document.add_unsigned("number", number)
        for _, text, language in texts:
            field = language if language and language in self.languages else NO_LANGUAGE
            document.add_text(field, text)
        return document

    def _query(self, query: str) -> tantivy.Query:
        fields = [*self.languages, NO_LANGUAGE]
        parsed, _ = self._index.parse_query_lenient(query, fields, conjunction_by_default=True)
        return parsed


_INSERT = "INSERT INTO texts (rowid, title, text) VALUES (?, ?, ?)"


def _analyser(language: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.lowercase())
    if language != NO_LANGUAGE:
        name = Locale("en").languages[language].lower()
        builder = builder.filter(tantivy.Filter.stemmer(name))
    return builder.filter(tantivy.Filter.ascii_fold()).build()


def _expression(query: str) -> str:
    """Write a query for FTS5: words and phrases in quotes, the last word as a beginning."""
    parts = [
        " + ".join(f'"{word}"' for word in term.words) + (" *" if term.is_prefix else "")
        for term in parse_query(query, ())
    ]
    return " AND ".join(parts) or '""'


def _title_and_text(texts: list[FieldText]) -> tuple[str, str]:
    top = max((tier for tier, _, _ in texts), default=0)
    titles = [text for tier, text, _ in texts if tier == top]
    return "\n".join(titles), "\n".join(text for tier, text, _ in texts if tier != top)


def _database(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "texts.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


ENGINES: tuple[type[Engine], ...] = (Ours, Tantivy, Plain)
