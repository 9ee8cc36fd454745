"""A folder opened as a catalogue: served, loaded into a store elsewhere, gathered, checked."""

from collections.abc import Iterable
from pathlib import Path

from ..catalogue.catalogue import Catalogue, gather
from ..catalogue.documents import Contents
from ..validation.checks import Checker
from ..validation.findings import Checked
from ..validation.stored_checks import Fetch


def check(
    root: Path,
    contents: Contents,
    wanted: Iterable[Path],
    language: str | None = None,
    fetch: Fetch | None = None,
) -> Checked:
    """Check the wanted ones of the files, with messages in the language or the fallback.

    Addresses elsewhere are asked with `fetch`, or not at all. Raises UnknownLanguageError.
    """
    checker = checker_of(gather(contents.documents, root), language, fetch)
    return checker.check(contents.documents, contents.unreadable, wanted)


def checker_of(
    opened: Catalogue, language: str | None = None, fetch: Fetch | None = None
) -> Checker:
    """Give what checks a catalogue, with messages in the language; raises UnknownLanguageError."""
    return Checker(
        opened.store,
        opened.store,
        opened.rules,
        opened.shapes,
        opened.phrases,
        opened.reader,
        opened.permanence,
        opened.base,
        opened.preferring(language),
        opened.store,
        fetch,
    )
