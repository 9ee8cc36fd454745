"""The words of texts and labels by language: their forms, prefixes and endings, and compounds.

A compound is split only into words that the catalogue has: two or more parts of four letters or
more, each with the token of such a word. So the stemmers take care of what stands between the
parts, and no list of linking elements is needed.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from .tokenizer import Alternative, Tokenizer, Word, normalize, prefix_range, stem_of

_MAX_STEMS = 200
_MAX_FORMS = 20
_MAX_COMPOUNDS = 200
_MIN_PART_LENGTH = 4
_LONG_PART_LENGTH = 6
_MAX_COMPOUND_LENGTH = 40
_MAX_INFLECTION_LENGTH = 4
_MIN_SHARED_LETTERS = 5
_SHARED_LETTERS = 0.6
_MAX_ENDING_LENGTH = 5
_TABLE = """
CREATE {temporary} TABLE IF NOT EXISTS {name} (
    language TEXT NOT NULL,
    form TEXT NOT NULL,
    token TEXT NOT NULL,
    word TEXT NOT NULL,
    reversed TEXT NOT NULL,
    PRIMARY KEY (language, form, token)
) WITHOUT ROWID
"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS {name}_by_token ON {name} (language, token)",
    "CREATE INDEX IF NOT EXISTS {name}_by_ending ON {name} (language, reversed)",
)
_VIEW = """
CREATE TEMP VIEW IF NOT EXISTS all_forms AS
SELECT * FROM text_forms UNION ALL SELECT * FROM label_forms
"""
_INSERT = """
INSERT INTO {table} (form, token, language, word, reversed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET word = max(word, excluded.word)
"""
_SELECT_WORDS = """
SELECT form, max(word) FROM all_forms
WHERE language = ? AND form >= ? AND form < ?
GROUP BY form
"""
_SELECT_SHORTER_STEMS = """
SELECT DISTINCT token FROM text_forms
WHERE language IN ({}) AND form >= ? AND form < ? AND NOT (token >= ? AND token < ?)
LIMIT ?
"""
_SELECT_WRITTEN = "SELECT 1 FROM all_forms WHERE language IN ({}) AND form = ? AND word = ? LIMIT 1"
_SELECT_FORMS = "SELECT form FROM all_forms WHERE language = ? AND token = ? LIMIT ?"
_SELECT_BEGINNING = """
SELECT form, token FROM all_forms WHERE language = ? AND form >= ? AND form < ? LIMIT ?
"""
_SELECT_ENDING = """
SELECT form, token FROM all_forms WHERE language = ? AND reversed >= ? AND reversed < ? LIMIT ?
"""


class WordIndex:
    """The words of texts, which are stored, and of labels, in the database of a text index."""

    def __init__(self, connection: sqlite3.Connection, languages: Sequence[str]) -> None:
        self._connection, self._languages = connection, languages
        self._label_words: Sequence[Word] = ()
        for temporary, name in (("", "text_forms"), ("TEMP", "label_forms")):
            for statement in (_TABLE, *_INDEXES):
                connection.execute(statement.format(temporary=temporary, name=name))
        connection.execute(_VIEW)

    def add(self, words: Iterable[Word], table: str = "text_forms") -> None:
        """Add the words of texts."""
        rows = ((*word, word[0][::-1]) for word in words)
        self._connection.executemany(_INSERT.format(table=table), rows)

    def use_labels(self, words: Sequence[Word]) -> None:
        """Use the words of labels instead of others, as long as the database is open."""
        if words is not self._label_words:
            self._connection.execute("DELETE FROM label_forms")
            self.add(words, "label_forms")
            self._label_words = words

    def words(self, language: str, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the words with a prefix: their normal forms, and as they are written."""
        yield from self._connection.execute(_SELECT_WORDS, (language, *prefix_range(prefix)))

    def shorter_stems(self, prefix: str) -> list[str]:
        """Return the tokens of words of texts with the prefix that do not have it themselves."""
        bounds = prefix_range(prefix)
        values = (*self._languages, *bounds, *bounds, _MAX_STEMS)
        rows = self._connection.execute(self._of_languages(_SELECT_SHORTER_STEMS), values)
        return [token for (token,) in rows]

    def forms(self, language: str, token: str) -> list[str]:
        """Return normal forms of the words that have a token."""
        rows = self._connection.execute(_SELECT_FORMS, (language, token, _MAX_FORMS))
        return [form for (form,) in rows]

    def beginning(self, language: str, prefix: str) -> list[tuple[str, str]]:
        """Return words that begin with a prefix: their normal forms and tokens."""
        values = (language, *prefix_range(prefix), _MAX_COMPOUNDS)
        return self._connection.execute(_SELECT_BEGINNING, values).fetchall()

    def ending(self, language: str, suffix: str) -> list[tuple[str, str]]:
        """Return words that end with a suffix: their normal forms and tokens."""
        values = (language, *prefix_range(suffix[::-1]), _MAX_COMPOUNDS)
        return self._connection.execute(_SELECT_ENDING, values).fetchall()

    def has(self, word: str) -> bool:
        """Return whether a text or label has a word as it is written."""
        values = (*self._languages, normalize(word), word)
        return bool(
            self._connection.execute(self._of_languages(_SELECT_WRITTEN), values).fetchone()
        )

    def known(self, language: str, tokens: Collection[str]) -> set[str]:
        """Return those of the tokens that a word has."""
        condition = f"language = ? AND token IN ({', '.join('?' * len(tokens))})"
        query = f"SELECT DISTINCT token FROM all_forms WHERE {condition}"  # noqa: S608
        return {token for (token,) in self._connection.execute(query, (language, *tokens))}

    def _of_languages(self, query: str) -> str:
        return query.format(", ".join("?" * len(self._languages)))


@dataclass(frozen=True)
class WordFamilies:
    """Words that begin alike, as those of one origin do: médiateur and médiation."""

    words: WordIndex
    tokenizer: Tokenizer

    def alternatives(self, word: str) -> Iterator[Alternative]:
        """Yield the words of each language that share five letters, or most, with the stem."""
        for language in self.tokenizer.languages:
            token = self.tokenizer.part_token(language, word)
            stem = stem_of(token)
            shared = max(_MIN_SHARED_LETTERS, round(_SHARED_LETTERS * len(stem)))
            if len(stem) >= shared:
                found = (other for _, other in self.words.beginning(language, stem[:shared]))
                longest = len(stem) + _MAX_ENDING_LENGTH
                if family := {other for other in found if len(stem_of(other)) <= longest} - {token}:
                    yield (frozenset(family),)


@dataclass(frozen=True)
class Compounds:
    """The compounds among the words of an index, in the languages whose words compound."""

    words: WordIndex
    tokenizer: Tokenizer
    languages: Collection[str]

    def containing(self, word: str) -> Iterator[Alternative]:
        """Yield the compounds that contain a word."""
        for language in self.languages:
            if containing := self._containing(language, word):
                yield (containing,)

    def parts(self, word: str) -> Iterator[Alternative]:
        """Yield the parts of a word that is a compound, each with other compounds that have it."""
        for language in self.languages:
            if parts := self._split(language, word):
                yield tuple(self._part(language, part) for part in parts)

    def _part(self, language: str, part: str) -> frozenset[str]:
        """Return the tokens of a part and of other compounds that contain it."""
        token = self.tokenizer.part_token(language, part)
        return self._containing(language, part) | {token}

    def _split(self, language: str, word: str) -> tuple[str, ...]:
        """Return the parts of a compound, as long as possible each, or nothing of other words."""
        if not 2 * _MIN_PART_LENGTH <= len(word) <= _MAX_COMPOUND_LENGTH:
            return ()
        places = range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
        token_of = partial(self.tokenizer.part_token, language)
        left = [token_of(word[:place]) for place in places]
        right = [token_of(word[place:]) for place in places]
        known = self.words.known(language, {*left, *right})
        splits = [
            (place, (word[place:],) if after in known else self._split(language, word[place:]))
            for place, before, after in zip(places, left, right, strict=True)
            if before in known
        ]
        found = [(word[:place], *rest) for place, rest in splits if rest]
        return max(found, key=lambda parts: (-len(parts), min(map(len, parts))), default=())

    def _containing(self, language: str, word: str) -> frozenset[str]:
        """Return the tokens of the compounds that begin or end with a form of a word."""
        token = self.tokenizer.part_token(language, word)
        forms = {normalize(word), *self.words.forms(language, token)}
        if min(map(len, forms)) < _MIN_PART_LENGTH:
            return frozenset()
        found = [*self._beginning(language, token, forms), *self._ending(language, forms)]
        if len(stem_of(token)) >= _LONG_PART_LENGTH:
            return frozenset(compound for compound, _ in found) - {token}
        known = self.words.known(language, {rest for _, rest in found})
        return frozenset(compound for compound, rest in found if rest in known) - {token}

    def _beginning(
        self, language: str, token: str, forms: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield words that begin with a form of a word: their tokens and those of the rest."""
        token_of = lru_cache(None)(partial(self.tokenizer.part_token, language))
        stem = stem_of(token)
        for form in {stem} if all(form.startswith(stem) for form in forms) else forms:
            for longer, compound in self.words.beginning(language, form):
                end = min(len(longer) - _MIN_PART_LENGTH, len(form) + _MAX_INFLECTION_LENGTH) + 1
                for place in range(max(_MIN_PART_LENGTH, len(form)), end):
                    if token_of(longer[:place]) == token:
                        yield compound, token_of(longer[place:])

    def _ending(self, language: str, forms: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield words that end with a form of a word: their tokens and those of the rest."""
        for form in forms:
            for longer, compound in self.words.ending(language, form):
                rest = longer[: -len(form)]
                if len(rest) >= _MIN_PART_LENGTH:
                    yield compound, self.tokenizer.part_token(language, rest)
