"""The page of an entry: key facts, the languages of its texts, its citation, what is about it.

Which fields stand where follows from their roles (`dash:propertyRole`): title, summary, key facts
(`dash:KeyInfoRole`), identifier. The fields under the heading of the identifier are about the
record, not about what it describes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from fastapi import Request, Response
from markupsafe import Markup
from pyoxigraph import Literal, NamedNode

from ...exchange.citations import Citation, CitationBuilder
from ...rdf.terms import OWL, PG, SCHEMA
from ...schema.fields import Field
from ...schema.records import Record
from ...schema.value_parser import InvalidParameterError
from ...search.engine import SimilarEntry
from ..changes.history import HISTORY
from ..citations import citation_builder, citation_html, citation_response
from ..context import TEXTS, DisplayValue, Line, Section, View, language_name, urls_by_value
from ..http import negotiation
from ..http.negotiation import CITATIONS, MediaType
from ..search.links import REPRESENTATION_PARAMETERS
from ..urls import EDIT

_ALIASES = (SCHEMA + "sameAs", OWL + "sameAs")
_OWN_TEXT = PG + "ownText"
_TITLE, _SUMMARY, _FACT, _IDENTIFIER = "LabelRole", "DescriptionRole", "KeyInfoRole", "IDRole"
_MAILTO = "mailto:"
_MAX_SIMILAR = 5
_PARAMETERS = (*REPRESENTATION_PARAMETERS, TEXTS)


def check_parameters(
    request: Request, languages: Sequence[str], further: Sequence[str] = ()
) -> None:
    """Raise InvalidParameterError for a parameter that neither all documents nor this one have."""
    negotiation.check_parameters(request, (*_PARAMETERS, *further))
    texts = request.query_params.get(TEXTS)
    if texts is not None and texts not in languages:
        raise InvalidParameterError(TEXTS, texts, languages)


def cite(view: View, record: Record, media_type: MediaType) -> Response:
    """Return the citation of an entry."""
    return citation_response(view, [record], media_type)


@dataclass(frozen=True)
class TextLanguage:
    """A language in which an entry has texts: how many fields of all, and the page with them."""

    tag: str
    name: str
    count: int
    href: str
    is_shown: bool


@dataclass(frozen=True)
class EntryPage:
    """The parts of the page of a record, each with its fields."""

    view: View
    request: Request
    record: Record

    @cached_property
    def title(self) -> tuple[str, str]:
        """Return the title and its language."""
        return self.record.text_with_role(_TITLE, self.view.text_languages)

    @property
    def summary(self) -> tuple[str, str]:
        """Return the summary and its language."""
        return self.record.text_with_role(_SUMMARY, self.view.text_languages)

    @property
    def summary_note(self) -> str:
        """Return what is to be said of the summary, such as who wrote it."""
        return " ".join(line.note for line in self._with_role(_SUMMARY))

    @cached_property
    def other_titles(self) -> list[DisplayValue]:
        """Return the titles but for the one that is shown."""
        values = [
            value for line in self._with_role(_TITLE) for value in (*line.values, *line.others)
        ]
        return [value for value in values if value.text != self.title[0]]

    @cached_property
    def facts(self) -> list[Line]:
        """Return the key facts."""
        return self._with_role(_FACT)

    @property
    def sections(self) -> list[Section]:
        """Return what stands neither elsewhere on the page nor below its headings."""
        roles = (_TITLE, _SUMMARY, _FACT)
        return self.view.by_heading(
            (field, line)
            for field, line in self._lines
            if field.role not in roles
            and not _is_alias(field)
            and field.group.iri not in self._about_record
        )

    @cached_property
    def provenance(self) -> list[Section]:
        """Return what is about the record: its identifier, sources, dates, history."""
        return self.view.by_heading(
            (field, line) for field, line in self._lines if field.group.iri in self._about_record
        )

    @cached_property
    def aliases(self) -> list[Line]:
        """Return the IRIs of the same resource elsewhere."""
        return [line for field, line in self._lines if _is_alias(field)]

    @cached_property
    def text_languages(self) -> list[TextLanguage]:
        """Return the languages in which there are texts, in the order of the catalogue."""
        counts = Counter(tag for _, tags in self._texts for tag in tags)
        shown = self.view.text_languages[0]
        tags = [tag for tag in self.view.catalogue.languages if counts[tag]]
        urls = urls_by_value(self.request.url, TEXTS, tags).items()
        return [
            TextLanguage(tag, language_name(tag, tag), counts[tag], href, tag == shown)
            for tag, href in urls
        ]

    @property
    def text_count(self) -> int:
        """Return the number of texts, each in any language."""
        return len(self._texts)

    @cached_property
    def foreign_texts(self) -> list[str]:
        """Return which texts are in another language than the one to be shown, and why."""
        wanted = self.view.text_languages[0]
        names: dict[tuple[str, str], list[str]] = {}
        for field, tags in self._texts:
            if wanted not in tags:
                shown = next((tag for tag in self.view.text_languages if tag in tags), min(tags))
                phrase = "foreignOwn" if self._is_ours(field) else "foreignSource"
                names.setdefault((phrase, shown), []).append(self.view.text(field.names))
        return [
            self.view.phrase(
                phrase,
                fields=", ".join(fields),
                language=language_name(tag, self.view.language),
            )
            for (phrase, tag), fields in names.items()
        ]

    @cached_property
    def citation(self) -> Citation:
        """Return the citation of the record."""
        return self._citations.build(self.record, self.view.text_languages)

    @property
    def apa(self) -> Markup:
        """Return the citation as HTML, in APA's style."""
        return citation_html(self._citations, self.citation)

    @property
    def citation_types(self) -> list[tuple[str, str, str]]:
        """Return the extension, the URL and the media type of each representation."""
        return [(t.extension, f"{self.path}.{t.extension}", t.name) for t in CITATIONS]

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Return the metadata that citation managers read in the head of a page, by name."""
        citation = self.citation
        pairs = [
            ("citation_title", citation.title),
            *(("citation_author", name) for name in citation.authors),
            ("citation_publication_date", citation.day.replace("-", "/")),
            ("citation_publisher", citation.publisher or citation.catalogue),
            ("citation_language", citation.language),
            ("citation_public_url", citation.url),
            ("DC.type", "Dataset"),
        ]
        return [(name, content) for name, content in pairs if content]

    @cached_property
    def similar(self) -> list[SimilarEntry]:
        """Return the entries that are most similar."""
        return self.view.services.similarity.find(self.record, _MAX_SIMILAR)

    @property
    def actions(self) -> list[tuple[str, str]]:
        """Return the addresses of what one does with an entry, with their labels."""
        path = f"/{self.view.addresses.path_of(self.record.iri)}"
        form = self.view.link(f"{path}/{EDIT}")
        pages = [(self.correction or f"{form}#file", "suggestCorrection"), (form, "edit")]
        if self.view.services.log and self.view.services.log.release:
            pages.append((self.view.link(f"{path}/{HISTORY}"), "history"))
        return [(href, self.view.phrase(name)) for href, name in pages]

    @property
    def path(self) -> str:
        """Return the path of the entry, with the prefix of a proxy."""
        return f"{self.view.root}/{self.view.addresses.path_of(self.record.iri)}"

    @property
    def correction(self) -> str:
        """Return the address to which a correction is sent, or ""."""
        address = self.view.services.dataset.contact
        if not address.startswith(_MAILTO):
            return address
        subject = urlencode({"subject": self.record.iri}).replace("+", "%20")
        return f"{address}{'&' if '?' in address else '?'}{subject}"

    @cached_property
    def _citations(self) -> CitationBuilder:
        return citation_builder(self.view)

    @cached_property
    def _about_record(self) -> set[str]:
        return {f.group.iri for f in self.record.shape.fields_with_role(_IDENTIFIER)}

    @cached_property
    def _texts(self) -> list[tuple[Field, set[str]]]:
        """Return the languages of each text; fields in one role are one text."""
        texts: dict[str, tuple[Field, set[str]]] = {}
        for field, terms in self.record.items():
            tags = {t.language for t in terms if isinstance(t, Literal) and t.language}
            if tags and not field.via:
                texts.setdefault(field.role or field.iri, (field, set()))[1].update(tags)
        return list(texts.values())

    def _is_ours(self, field: Field) -> bool:
        """Return whether the catalogue translates a text; others are quoted from the source.

        It translates what it says that it has written, and titles where there is a field for that.
        """
        shape = self.record.shape
        markers = shape.fields_by_value_predicate.get(_OWN_TEXT, ())
        own = {term for f in markers for term in self.record.values.get(f.key, ())}
        is_translated = field.role == _TITLE and len(shape.fields_with_role(_TITLE)) > 1
        return is_translated or NamedNode(field.predicate or field.iri) in own

    @cached_property
    def _lines(self) -> list[tuple[Field, Line]]:
        """Return the fields of the record with their lines, each of which is made once."""
        return [(field, self.view.line(self.record, field)) for field, _ in self.record.items()]

    def _with_role(self, role: str) -> list[Line]:
        return [line for field, line in self._lines if field.role == role]


def _is_alias(field: Field) -> bool:
    return field.value_predicate in _ALIASES
