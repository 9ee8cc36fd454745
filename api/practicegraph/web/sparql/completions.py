"""Completions for query editors: prefixes, classes and properties, as one JSON document.

The terms are those of the VoID statistics (https://www.w3.org/TR/void/#statistics), with the counts
of the entities of each class and the triples of each property.
"""

from dataclasses import dataclass

from fastapi import Request, Response

from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..models import Count, JsonObject


class CompletionTerm(JsonObject):
    """A class or a property, with its label and the number of its entities or triples."""

    iri: str
    label: str
    count: Count


class CompletionsObject(JsonObject):
    """The prefixes of the catalogue, and the terms of its data, the most frequent first."""

    prefixes: dict[str, str]
    classes: list[CompletionTerm]
    properties: list[CompletionTerm]


@dataclass(frozen=True)
class CompletionEndpoint:
    """Answers with the completions in the language of a request."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Return the completions; a client keeps them as long as the release stays."""
        view = self.site.view(request)
        negotiation.check_parameters(request, ("lang",))
        release = self.site.catalogue.release
        validators = conditional.validators(request, release, [view.language])

        def make() -> Response:
            return responses.json(_completions(view))

        return conditional.answer(request, validators, VARY, make)


def _completions(view: View) -> CompletionsObject:
    partitions = view.services.dataset.statistics.partitions
    classes = {class_: size for (class_, property_), size in partitions.items() if not property_}
    properties = {property_: size for (class_, property_), size in partitions.items() if not class_}
    return CompletionsObject(
        dict(view.catalogue.prefixes), _terms(view, classes), _terms(view, properties)
    )


def _terms(view: View, counts: dict[str, int]) -> list[CompletionTerm]:
    order = sorted(counts, key=lambda iri: (-counts[iri], iri))
    labels = ((iri, view.catalogue.reader.label(iri, view.languages)) for iri in order)
    return [CompletionTerm(iri, label, counts[iri]) for iri, label in labels]
