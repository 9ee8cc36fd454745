"""The text of a source page, parsed to a draft: headings are fields, lines below them values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from ..rdf.namespaces import PG, RDF
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


@dataclass(frozen=True)
class SourcePageParser:
    """Parses pages of one source."""

    parser: ValueParser
    site: SourceSite

    def parse_file(self, path: Path, identifier: str, language: str, address: str) -> Draft:
        """Parse the text of a page; raises RefusedError with every problem."""
        content = path.read_bytes()
        lines = self._lines(path, content)
        first, last = self._bounds(path, lines, language)
        title_line = self._title(path, lines[first + 1 : last], language)
        body = [line for line in lines[first + 1 : last] if line.number > title_line.number]
        sections = self._sections(path, body, language)
        problems: list[ParseProblem] = []
        named = self.parser.shape.fields_with_role("IDRole")[0]
        number = self.parser.parse(SourceLocation(path, 1), named, identifier, [language])
        if isinstance(number, ParseProblem):
            raise ImportFailedError([number])
        title, *_ = self.parser.shape.fields_with_role("LabelRole")
        values = [FieldValues(named, None, (number,))]
        values.append(FieldValues(title, language, (Literal(title_line.plain, language=language),)))
        for field, heading, body in sections:
            read, wrong = self._of_section(path, field, heading, body, language)
            values += read
            problems += wrong
        if problems:
            raise ImportFailedError(problems)
        return Draft(
            identifier,
            tuple(values),
            source=address,
            is_page=True,
            checksum=compute_checksum(content),
            part=f"import-{language}",
        )

    def _lines(self, path: Path, content: bytes) -> list[_Line]:
        text = self.parser.decode(path, content)
        return [_Line(number, line) for number, line in enumerate(text.splitlines(), 1)]

    def _bounds(self, path: Path, lines: Sequence[_Line], language: str) -> tuple[int, int]:
        words = self.site.page_titles.get(language, "")
        starts = [place for place, line in enumerate(lines) if line.heading.startswith(fold(words))]
        if not words or not starts:
            raise self.parser.file_error(path, "missingPageHeading", words=words or "?")
        ends = {fold(words) for words in self.site.page_ends}
        after = (place for place, line in enumerate(lines) if line.heading in ends)
        return starts[0], next((place for place in after if place > starts[0]), len(lines))

    def _title(self, path: Path, lines: Sequence[_Line], language: str) -> _Line:
        line = next((line for line in lines if line.plain), None)
        if line is None or line.heading in self._headings(language):
            raise self.parser.file_error(path, "missingTitle")
        return line

    def _headings(self, language: str) -> dict[str, Field]:
        return {
            fold(wording.removesuffix(":")): field
            for field in self.parser.shape.fields
            for tag, wording in field.all_names
            if tag == language
        }

    def _sections(
        self, path: Path, lines: Sequence[_Line], language: str
    ) -> list[tuple[Field, _Line, list[_Line]]]:
        headings = self._headings(language)
        sections: dict[str, tuple[Field, _Line, list[_Line]]] = {}
        problems: list[ParseProblem] = []
        for line in lines:
            field = headings.get(line.heading)
            if field is None and sections:
                list(sections.values())[-1][2].append(line)
            elif field is None and line.plain:
                near = ", ".join(find_similar(line.plain, headings))
                problems.append(
                    self.parser.make_problem(
                        SourceLocation(path, line.number),
                        None,
                        line.plain,
                        "unknownColumn",
                        nearest=near,
                    )
                )
            elif field and field.key in sections:
                first = sections[field.key][1].number
                problems.append(
                    self.parser.make_problem(
                        SourceLocation(path, line.number),
                        field,
                        line.plain,
                        "duplicateField",
                        first=first,
                    )
                )
            elif field:
                sections[field.key] = (field, line, [])
        if problems:
            raise ImportFailedError(problems)
        return list(sections.values())

    def _of_section(
        self, path: Path, field: Field, heading: _Line, body: Sequence[_Line], language: str
    ) -> tuple[list[FieldValues], list[ParseProblem]]:
        if field.is_text:
            return self._text(field, body, language), []
        results = [
            self.parser.parse(SourceLocation(path, line.number), field, line.plain, [language])
            for line in body
            if line.plain
        ]
        terms = tuple(term for term in results if not isinstance(term, ParseProblem))
        problems = [term for term in results if isinstance(term, ParseProblem)]
        if not results:
            problems.append(
                self.parser.make_problem(
                    SourceLocation(path, heading.number), field, "", "valueRequired"
                )
            )
        if len(results) > 1 and not field.is_repeatable:
            problems.append(
                self.parser.make_problem(
                    SourceLocation(path, heading.number), field, "", "singleValueField"
                )
            )
        return [FieldValues(field, None, terms)], problems

    def _text(self, field: Field, body: Sequence[_Line], language: str) -> list[FieldValues]:
        text = "\n".join(line.text.strip() for line in body).strip()
        text = re.sub(r"\n{3,}", "\n\n", text)
        if not text or fold(text) in {fold(words) for words in self.site.not_available}:
            return []
        values = [FieldValues(field, language, (Literal(text, language=language),))]
        addresses = dict.fromkeys(URL_PATTERN.findall(text))
        if field.links_to and addresses:
            target = self.parser.shapes.fields[field.links_to]
            values.append(
                FieldValues(target, None, tuple(NamedNode(address) for address in addresses))
            )
        return values
