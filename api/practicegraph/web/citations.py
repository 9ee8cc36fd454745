"""Citations over HTTP: of one entry, and of all entries of a search."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fastapi import Response
from markupsafe import Markup, escape

from ..exchange.citations import (
    Citation,
    CitationBuilder,
    parts,
    write_bibtex,
    write_csl,
    write_ris,
)
from ..schema.records import Record
from .context import View
from .http.negotiation import BIBTEX, CSL_JSON, RIS, MediaType

_WRITERS: Mapping[MediaType, Callable[[Iterable[Citation]], bytes]] = {
    CSL_JSON: write_csl,
    BIBTEX: write_bibtex,
    RIS: write_ris,
}
_WITH_CHARSET = (BIBTEX, RIS)
"""The media types whose text could be in another character set."""


def citation_builder(view: View) -> CitationBuilder:
    """Return the builder of citations in the language of a view."""
    return CitationBuilder(view.catalogue, view.services.dataset.creators, view.languages)


def citation_response(view: View, records: Sequence[Record], media_type: MediaType) -> Response:
    """Return the citations of records as a file that a citation manager opens.

    Its name is that of the first record, or of the records' kind.
    """
    builder = citation_builder(view)
    citations = [builder.build(record, view.text_languages) for record in records]
    content = _WRITERS[media_type](citations)
    name = citations[0].key if len(citations) == 1 else view.catalogue.shapes.entry_shape.collection
    disposition = f'inline; filename="{name}.{media_type.extension}"'
    charset = "; charset=utf-8" if media_type in _WITH_CHARSET else ""
    headers = {"Content-Disposition": disposition, "Content-Language": view.language}
    return Response(content, headers=headers, media_type=media_type.name + charset)


def citation_html(builder: CitationBuilder, citation: Citation) -> Markup:
    """Return a citation as HTML: the catalogue in italics, the IRI as a link."""
    words = {name: escape(word) for name, word in parts(citation).items()}
    words["catalogue"] = Markup("<cite>{}</cite>").format(words["catalogue"])
    words["url"] = Markup('<a href="{0}">{0}</a>').format(words["url"])
    return Markup(builder.apa(citation, words))  # noqa: S704
