"""What pages print in the language of their reader."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.web import context

TEMPLATES = sorted((Path(context.__file__).parent / "templates").iterdir())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_colon_behind_a_label_follows_the_language(template: Path) -> None:
    text = template.read_text().replace("PREFIX {{ prefix }}: ", "")
    assert not re.findall(r"[}%]\}(?:</\w+>)?:(?=[\s<\"])", text)


def test_french_has_a_no_break_space_before_a_colon_and_other_languages_have_none(
    client: TestClient,
) -> None:
    assert "IRI\N{NO-BREAK SPACE}: <code>" in client.get("/outcome/ACE.html?lang=fr").text
    assert "IRI: <code>" in client.get("/outcome/ACE.html?lang=de").text


def test_french_phrases_have_no_plain_space_beside_double_punctuation(real: Catalogue) -> None:
    phrases = {key: labels.get("fr", "") for key, labels in real.phrases.labels.items()}
    broken = [key for key, text in phrases.items() if re.search(r"« | [:;!?»](?=[\s\"]|$)", text)]
    assert not broken
