"""The text of a source page, parsed to a draft: headings are fields, lines below them values."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import PG, RDF
from ..schema.fields import Field
from ..schema.text import find_similar, fold
from ..schema.value_parser import (
    URL_PATTERN,
    Draft,
    FieldValues,
    ImportFailedError,
    ParseProblem,
    SourceLocation,
    ValueParser,
    compute_checksum,
)
from ..storage.base import Store

_BULLET = re.compile(r"^[•·*-]\s+")
_SENTENCE_END = re.compile(r"[.!?…;,)\]”»\"']$|://|:$")
_MAX_HEADING = 90  # characters


@dataclass(frozen=True)
class SourceSite:
    """The layout of the pages of a source database, by language."""

    page_templates: Mapping[str, str]
    page_titles: Mapping[str, str]
    page_ends: tuple[str, ...]
    not_available: tuple[str, ...]

    def page_url(self, identifier: str, language: str) -> str | None:
        """Return the URL of an entry's page in a language, or None without a template."""
        template = self.page_templates.get(language)
        return template.replace("{id}", identifier) if template else None


def read_source_site(store: Store) -> SourceSite:
    """Return how the catalogue's source prints its pages."""
    source = store.subjects(RDF + "type", NamedNode(PG + "Source"))[0]

    def words(name: str) -> tuple[str, ...]:
        terms = store.values(source, PG + name)
        return tuple(sorted(term.value for term in terms if isinstance(term, Literal)))

    return SourceSite(
        page_templates=store.labels(source, PG + "pageTemplate"),
        page_titles=store.labels(source, PG + "pageTitle"),
        page_ends=words("pageEnd"),
        not_available=words("notAvailable"),
    )


@dataclass(frozen=True)
class _Line:
    number: int
    text: str

    @property
    def plain(self) -> str:
        return _BULLET.sub("", self.text.strip())

    @property
    def heading(self) -> str:
        return fold(self.plain.removesuffix(":"))

    @property
    def is_bullet(self) -> bool:
        return bool(_BULLET.match(self.text.strip()))


@dataclass
class _Section:
    """A field of a page, its heading, and the lines below it."""

    field: Field
    heading: _Line
    body: list[_Line]


@dataclass(frozen=True)
class SourcePageParser:
    """Parses a page in a language."""

    parser: ValueParser
    site: SourceSite
    path: Path
    language: str

    def parse(self, identifier: str, address: str) -> Draft:
        """Return the draft of an entry; raise ImportFailedError with every problem."""
        content = self.path.read_bytes()
        lines = self._content_lines(self.parser.decode(self.path, content))
        title_line = self._title_line(lines)
        sections = self._sections(line for line in lines if line.number > title_line.number)
        parts = [self._section_values(section) for section in sections]
        if problems := [problem for _, problems in parts for problem in problems]:
            raise ImportFailedError(problems)
        title, *_ = self.parser.shape.fields_with_role("LabelRole")
        values = [
            self._identifier(identifier),
            FieldValues(title, self.language, (self._literal(title_line.plain),)),
            *(value for values, _ in parts for value in values),
        ]
        return Draft(
            identifier,
            tuple(values),
            source=address,
            is_page=True,
            checksum=compute_checksum(content),
            part=f"import-{self.language}",
        )

    def _content_lines(self, text: str) -> list[_Line]:
        """Return the lines between the words above the title and the site's own matter."""
        lines = [_Line(number, line) for number, line in enumerate(text.splitlines(), 1)]
        words = self.site.page_titles.get(self.language, "")
        starts = [n for n, line in enumerate(lines, 1) if line.heading.startswith(fold(words))]
        if not words or not starts:
            raise self.parser.file_error(self.path, "missingPageHeading", words=words or "?")
        ends = set(map(fold, self.site.page_ends))
        return list(takewhile(lambda line: line.heading not in ends, lines[starts[0] :]))

    def _title_line(self, lines: Sequence[_Line]) -> _Line:
        line = next((line for line in lines if line.plain), None)
        if line is None or line.heading in self._headings:
            raise self.parser.file_error(self.path, "missingTitle")
        return line

    def _identifier(self, identifier: str) -> FieldValues:
        field, *_ = self.parser.shape.fields_with_role("IDRole")
        location = SourceLocation(self.path, 1)
        term = self.parser.parse(location, field, identifier, [self.language])
        if isinstance(term, ParseProblem):
            raise ImportFailedError([term])
        return FieldValues(field, None, (term,))

    @cached_property
    def _headings(self) -> dict[str, Field]:
        return {fold(name): field for name, field in self._fields_by_name.items()}

    @cached_property
    def _fields_by_name(self) -> dict[str, Field]:
        return {
            name.removesuffix(":"): field
            for field in self.parser.shape.fields
            for tag, name in field.all_names
            if tag == self.language
        }

    def _sections(self, lines: Iterable[_Line]) -> list[_Section]:
        """Split lines at the headings; raise ImportFailedError for those that are unknown."""
        sections: dict[str, _Section] = {}
        problems: list[ParseProblem] = []
        for line in lines:
            field = self._headings.get(line.heading)
            if field is None and sections:
                list(sections.values())[-1].body.append(line)
            elif field is None and line.plain:
                similar = ", ".join(find_similar(line.plain, self._fields_by_name))
                problems.append(self._problem(line, None, "unknownColumn", nearest=similar))
            elif field and field.key in sections:
                first = sections[field.key].heading.number
                problems.append(self._problem(line, field, "duplicateField", first=first))
            elif field:
                sections[field.key] = _Section(field, line, [])
        if problems:
            raise ImportFailedError(problems)
        return list(sections.values())

    def _section_values(self, section: _Section) -> tuple[list[FieldValues], list[ParseProblem]]:
        field, lines = section.field, [line for line in section.body if line.plain]
        if field.is_text:
            return self._texts(field, section.body), self._unknown_headings(section.body)
        results = [
            self.parser.parse(self._location(line), field, line.plain, [self.language])
            for line in lines
        ]
        terms = tuple(term for term in results if not isinstance(term, ParseProblem))
        problems = [term for term in results if isinstance(term, ParseProblem)]
        if not results:
            problems.append(self._problem(section.heading, field, "valueRequired", value=""))
        if len(results) > 1 and not field.is_repeatable:
            problems.append(self._problem(section.heading, field, "singleValueField", value=""))
        return [FieldValues(field, None, terms)], problems

    def _unknown_headings(self, body: Sequence[_Line]) -> list[ParseProblem]:
        """Return a problem for each line of a text that looks like a heading.

        It is short and stands below a blank line and above others, and no punctuation ends it; or a
        colon does, and bullets follow.
        """
        problems = []
        for before, line, following in _neighbours(body):
            if before.plain or len(line.plain) > _MAX_HEADING or line.is_bullet:
                continue
            introduces_bullets = line.plain.endswith(":") and following.is_bullet
            if introduces_bullets or not _SENTENCE_END.search(line.plain):
                similar = ", ".join(find_similar(line.plain, self._fields_by_name))
                problems.append(self._problem(line, None, "unknownHeading", nearest=similar or "–"))
        return problems

    def _texts(self, field: Field, body: Sequence[_Line]) -> list[FieldValues]:
        text = "\n".join(line.text.strip() for line in body).strip()
        text = re.sub(r"\n{3,}", "\n\n", text)
        if not text or fold(text) in set(map(fold, self.site.not_available)):
            return []
        values = [FieldValues(field, self.language, (self._literal(text),))]
        addresses = dict.fromkeys(URL_PATTERN.findall(text))
        if field.links_to and addresses:
            target = self.parser.shapes.fields[field.links_to]
            values.append(FieldValues(target, None, tuple(map(NamedNode, addresses))))
        return values

    def _literal(self, text: str) -> Literal:
        return Literal(text, language=self.language)

    def _location(self, line: _Line) -> SourceLocation:
        return SourceLocation(self.path, line.number)

    def _problem(
        self,
        line: _Line,
        field: Field | None,
        phrase: str,
        /,
        *,
        value: str | None = None,
        **words: object,
    ) -> ParseProblem:
        text = line.plain if value is None else value
        return self.parser.make_problem(self._location(line), field, text, phrase, **words)


def _neighbours(body: Sequence[_Line]) -> Iterator[tuple[_Line, _Line, _Line]]:
    """Yield the lines between the first and the last that are not blank.

    Each comes with the line before it, and with the next one that is not blank.
    """
    filled = [number for number, line in enumerate(body) if line.plain]
    for number, following in pairwise(filled[1:]):
        yield body[number - 1], body[number], body[following]
