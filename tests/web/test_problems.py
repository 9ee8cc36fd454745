"""Every kind of error has its status and its phrases."""

import ast

import pytest

import practicegraph
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.web.problems import PROBLEMS
from support.catalogues import ROOT

SOURCES = [path.read_text() for path in (ROOT / "api" / practicegraph.__name__).rglob("*.py")]


def kinds() -> set[object]:
    """The kinds that errors are given where they are raised, and that their classes have."""
    found: set[object] = set()
    for node in (node for text in SOURCES for node in ast.walk(ast.parse(text))):
        match node:
            case ast.Call(func=ast.Name(id="RequestError"), args=[ast.Constant(value=kind), *_]):
                found.add(kind)
            case ast.Call(func=ast.Name(id="CatalogueError") | ast.Attribute(attr="__init__")):
                named = {word.arg: word.value for word in node.keywords}
                found |= {each.value for each in [named.get("kind")] if type(each) is ast.Constant}
            case ast.Assign(targets=[ast.Name(id="kind")], value=ast.Constant(value=kind)):
                found.add(kind)
    return found


def test_every_kind_that_is_raised_has_a_status() -> None:
    assert len(kinds()) > 30
    assert kinds() <= PROBLEMS.keys()


@pytest.mark.parametrize("kind", PROBLEMS)
def test_every_kind_has_a_phrase_in_every_language(kind: str, real: Catalogue) -> None:
    problem = PROBLEMS[kind]
    for phrase in filter(None, (problem.detail or kind, problem.hint)):
        is_text = phrase == "{reason}"
        assert is_text or real.phrases.translations(phrase).keys() == set(real.languages), phrase
