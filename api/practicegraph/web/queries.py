"""SPARQL over HTTP: a query in, its result in the form that the reader asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from fastapi import Request, Response
from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, QueryTriples

from ..store import QueryRefusedError, Result
from . import documents, negotiation
from .negotiation import CSV, DOCUMENTS, HTML, JSON, Form
from .service import VARY, Service
from .views import Shown

_XML = Form("xml", ("application/sparql-results+xml", "application/xml"))
_RESULTS = Form("json", ("application/sparql-results+json", "application/json"))
_TSV = Form("tsv", ("text/tab-separated-values",))
_TABLES = (_RESULTS, HTML, _XML, CSV, _TSV)
_GRAPHS = tuple(form for form in DOCUMENTS if form not in (HTML, JSON))
_FORMATS = {
    _RESULTS: QueryResultsFormat.JSON,
    _XML: QueryResultsFormat.XML,
    CSV: QueryResultsFormat.CSV,
    _TSV: QueryResultsFormat.TSV,
}
_SHOWN = 1000
_SAMPLE = """PREFIX dct: <http://purl.org/dc/terms/>

SELECT ?entry ?title
WHERE {{
    ?entry a <{kind}> ;
        dct:title ?title .
}}
ORDER BY ?title
LIMIT 100
"""


@dataclass(frozen=True)
class Queries:
    """Answers queries."""

    service: Service

    def answer(self, request: Request, query: str | None) -> Response:
        """Answer a query, or a browser without one with the form to write one."""
        if query is None:
            return self._without_query(request)
        result = self.service.catalogue.store.query(query)
        if isinstance(result, QueryTriples):
            return self._graph(request, result)
        form = negotiation.wished(request, _TABLES)
        if form == HTML:
            return self._page(request, query, result)
        content = result.serialize(format=_FORMATS[form])
        return Response(content, headers=VARY, media_type=form.content_type)

    def _without_query(self, request: Request) -> Response:
        if negotiation.wished(request, _TABLES) == HTML:
            return self._shown(request)
        raise QueryRefusedError("There is no parameter `query` (SPARQL 1.1 Protocol, section 2.1).")

    def _graph(self, request: Request, result: QueryTriples) -> Response:
        form = negotiation.wished(request, _GRAPHS)
        content = documents.serialised(self.service.catalogue, list(result), form)
        return Response(content, headers=VARY, media_type=form.content_type)

    def _page(self, request: Request, query: str, result: Result) -> Response:
        if isinstance(result, QueryBoolean):
            said = self.service.view(request).say("yes" if result else "no")
            return self._shown(request, query, said=said)
        assert isinstance(result, QuerySolutions)
        names = [variable.value for variable in result.variables]
        view = self.service.view(request)
        rows = [[view.cell(term) for term in row] for row in islice(result, _SHOWN)]
        return self._shown(request, query, names, rows)

    def _shown(
        self,
        request: Request,
        query: str = "",
        names: Sequence[str] = (),
        rows: Sequence[Sequence[Shown]] = (),
        said: str = "",
    ) -> Response:
        catalogue = self.service.catalogue
        sample = _SAMPLE.format(kind=catalogue.shapes.record.classes[0])
        return self.service.html(
            request, "query.html", query=query or sample, names=names, rows=rows, said=said
        )
