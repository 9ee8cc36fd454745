"""Every triple has its place, in every file and in texts as odd as the grammar lets them be."""

from collections.abc import Iterable

from pyoxigraph import CanonicalizationAlgorithm, Dataset, Quad, RdfFormat, Triple, parse

from conftest import ROOT
from practicegraph import folder
from practicegraph.places import Placed

FILES = sorted(
    {
        path
        for part in ("ontology", "shapes", "data", "queries", "tests")
        for path in folder.below(ROOT / part)
        if "node_modules" not in path.parts
    }
)


def canonical(triples: Iterable[Triple]) -> list[str]:
    """The triples with the same names for blank nodes, whoever named them; equal ones count."""
    listed = list(triples)
    dataset = Dataset(Quad(t.subject, t.predicate, t.object) for t in listed)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return [*sorted(map(str, dataset)), str(len(listed))]


def triples(found: Iterable[Placed]) -> list[Triple]:
    return [Triple(one.subject, one.predicate, one.object) for one in found]


def parsed(text: str, form: RdfFormat) -> list[Triple]:
    return [quad.triple for quad in parse(text.encode(), form)]
