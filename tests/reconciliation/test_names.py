"""The candidates of names as people write them."""

import tomllib

import pytest

from practicegraph.application.services import Services
from practicegraph.reconciliation.candidates import Candidate, Query
from support.catalogues import ROOT

JUDGED = tomllib.loads((ROOT / "tests" / "names.toml").read_text())
NAMES = [(key, *item) for key, names in JUDGED["names"].items() for item in names.items()]


def find(services: Services, key: str, name: str) -> list[Candidate]:
    return services.reconciler.find_candidates(Query(name, (services.entities.types.all[key],)))


def notation(candidate: Candidate) -> str:
    return candidate.iri.rpartition("/")[2]


def test_the_first_candidate_is_right_for_the_recorded_share_of_names(services: Services) -> None:
    meant = [(key, name, right) for key, name, right in NAMES if right]
    firsts = {name: [notation(c) for c in find(services, key, name)[:1]] for key, name, _ in meant}
    wrong = {name: firsts[name] for _, name, right in meant if not set(firsts[name]) & set(right)}
    assert len(meant) >= 50
    assert 1 - len(wrong) / len(meant) >= JUDGED["figures"]["first"], wrong


def test_no_name_matches_a_wrong_concept_by_itself(services: Services) -> None:
    matches = {
        (name, notation(candidate))
        for key, name, right in NAMES
        for candidate in find(services, key, name)
        if candidate.match and notation(candidate) not in right
    }
    assert not matches


@pytest.mark.parametrize(
    ("key", "name", "expected"),
    [
        ("country", "U.K.", "GBR"),
        ("action", "leisure activities for children", "extra-curricular-activity"),
        ("target", "Unaccompanied minor", "unaccompanied-or-separated"),
    ],
)
def test_initials_and_forms_of_words_make_no_difference(
    services: Services, key: str, name: str, expected: str
) -> None:
    assert [notation(candidate) for candidate in find(services, key, name)][:1] == [expected]


@pytest.mark.parametrize("name", ["UNICEF", "UNHCR", "IOM", "Europese Unie"])
def test_beside_a_concept_what_it_is_a_concept_of_is_the_match(
    services: Services, name: str
) -> None:
    first, second = services.reconciler.find_candidates(Query(name))
    assert (first.match, second.match) == (True, False)
    assert first.type.shape.segment == "organisation"
    (alone,) = find(services, "country", name)
    assert (alone.iri, alone.match) == (second.iri, True)
