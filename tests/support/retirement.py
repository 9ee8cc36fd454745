"""Copies of the catalogue in which something is merged or withdrawn; the real one has no such thing."""

import re
from pathlib import Path

BASE = "https://w3id.org/practicegraph/"
OLD, NEXT, LAST, GONE = (f"{BASE}practice/{number}" for number in (1764, 1699, 1788, 1701))
REPLACED, SUCCESSOR, WITHDRAWN = (
    f"{BASE}{name}" for name in ("outcome/HAP", "outcome/BEL", "actor/school")
)
REASON = "An example for a test."


def move(path: Path, iri: str, successor: str) -> None:
    """Merge a thing into another one, in the file that describes it."""
    _append(path, iri, f"<http://purl.org/dc/terms/isReplacedBy> <{successor}> ;")


def withdraw(path: Path, iri: str) -> None:
    """Withdraw a concept, in the file that describes it."""
    _append(path, iri, "")


def write_tombstone(path: Path, iri: str, more: str = "") -> None:
    """Leave a tombstone in the place of an entry."""
    path.write_text(
        f"""<{iri}> a <https://www.w3.org/ns/activitystreams#Tombstone> ;
            <http://purl.org/dc/terms/title> "Example entry"@en ; {more}
            <https://www.w3.org/ns/activitystreams#formerType> <{BASE}ontology#Practice> .
        """
    )
    _append(path, iri, "")


def remove_paragraph(path: Path, iri: str) -> None:
    """Take a thing out of its file, a paragraph of Turtle."""
    text = path.read_text()
    name = iri.rpartition("/")[2]
    shorter = re.sub(rf"\n\w+:{name}\n(?:    .*\n)+", "", text)
    assert shorter != text
    path.write_text(shorter)


def _append(path: Path, iri: str, more: str) -> None:
    text = path.read_text()
    assert iri.rpartition("/")[2] in text
    path.write_text(
        f"""{text}
        <{iri}> <http://www.w3.org/2002/07/owl#deprecated> true ; {more}
            <{BASE}ontology#retired> "2026-11-24"^^<http://www.w3.org/2001/XMLSchema#date> ;
            <http://www.w3.org/2004/02/skos/core#changeNote> "{REASON}"@en .
        """
    )
