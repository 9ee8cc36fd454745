"""The index of all vocabularies: their definitions, and the numbers of concepts and entries."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from ...schema.fields import NodeShape
from ...schema.text import collation_key
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import HTML, JSON
from ..models import Count, JsonObject
from ..openapi import Operation
from ..urls import VOCABULARIES, search_path
from .uses import entry_counts

_MEDIA_TYPES = (JSON, HTML)


class VocabularyObject(JsonObject):
    """A list of concepts, or of records to which fields refer."""

    id: str
    key: str
    title: str
    description: str
    concepts: Count
    entries: Count


class VocabulariesObject(JsonObject):
    """All vocabularies of the catalogue."""

    release: str
    vocabularies: list[VocabularyObject]


@dataclass(frozen=True)
class VocabularyCard:
    """A vocabulary on the index: its page, the count of entries, and whether it has concepts."""

    vocabulary: VocabularyObject
    href: str
    entry_count: tuple[NodeShape, int] | None
    is_scheme: bool


@dataclass(frozen=True)
class VocabularyIndexEndpoint:
    """Answers with the index of the vocabularies."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Return the index as a page or as JSON; raise InvalidParameterError."""
        media_type, view = negotiation.negotiate(request, _MEDIA_TYPES), self.site.view(request)
        negotiation.check_parameters(request, ("lang", "format"))

        def make() -> Response:
            cards = self._cards(view)
            if media_type == HTML:
                return self.site.html(request, "vocabularies.html", cards=cards)
            release = self.site.catalogue.release
            vocabularies = [card.vocabulary for card in cards]
            return responses.json(VocabulariesObject(release, vocabularies))

        choices = (media_type.extension, view.language)
        validators = conditional.validators(request, self.site.catalogue.release, choices)
        return conditional.answer(request, validators, VARY, make)

    def _cards(self, view: View) -> list[VocabularyCard]:
        """Return the vocabularies by the number of entries that use each."""
        kinds = {kind.classes[0]: kind for kind in view.catalogue.shapes.listed_kinds}
        counts, cards = entry_counts(self.site), []
        for scheme in view.catalogue.vocabularies.lists.values():
            kind = kinds.get(scheme.iri)
            href = view.link(search_path(kind)) if kind else view.href(scheme.iri)
            vocabulary = VocabularyObject(
                id=scheme.iri,
                key=scheme.key,
                title=view.text(kind.plural if kind else scheme.titles),
                description=_description(view, scheme.iri),
                concepts=len(scheme.concepts),
                entries=counts[scheme.iri][1] if scheme.iri in counts else 0,
            )
            cards.append(VocabularyCard(vocabulary, href, counts.get(scheme.iri), kind is None))
        return sorted(cards, key=lambda card: _order(view, card))


def _description(view: View, iri: str) -> str:
    reader = view.catalogue.reader
    shape = view.catalogue.shapes.find_node_shape(reader.read_classes(iri))
    (record,) = reader.read_records(shape, [iri]) if shape else [None]
    return record.text_with_role("DescriptionRole", view.languages)[0] if record else ""


def _order(view: View, card: VocabularyCard) -> tuple[bool, int, bytes]:
    """Return the sort key: vocabularies of entries by their count, then those of other records."""
    kind = card.entry_count[0] if card.entry_count else None
    is_other = kind != view.catalogue.shapes.entry_shape
    title = collation_key(card.vocabulary.title, view.language)
    return is_other, -card.vocabulary.entries, title


def routes(site: Site) -> APIRouter:
    """Return the route of the index."""
    router, endpoint = APIRouter(), VocabularyIndexEndpoint(site)
    operation = Operation(
        "listVocabularies",
        "dataset",
        site.catalogue.phrase("vocabularies"),
        VocabulariesObject,
        media_types=_MEDIA_TYPES,
        errors=(400, 406),
        parameters=[
            openapi.language_parameter(site.catalogue),
            openapi.format_parameter(site.catalogue, _MEDIA_TYPES),
        ],
    )
    router.get(VOCABULARIES, **operation.arguments())(endpoint.respond)
    router.get(VOCABULARIES + ".{extension}", include_in_schema=False)(endpoint.respond)
    return router
