"""The dumps on a page: where each is, its size in words, and its checksum."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.units import format_unit

from ..dumps import NAMES, Dump, Made
from .distributions import HASH
from .views import View

_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")


@dataclass(frozen=True)
class File:
    """A file to be downloaded; the size in the reader's language."""

    name: str
    href: str
    size: str
    checksum: str


@dataclass(frozen=True)
class Downloads:
    """The files of a release; the canonical hash of the dataset, and the property that it is."""

    release: str
    files: Sequence[File]
    property: str
    canonical_hash: str


def downloads(view: View, made: Made) -> Downloads:
    """Give the dumps that are made as a page shows them."""
    files = [_file(made.dumps[name], view) for name in NAMES if name in made.dumps]
    return Downloads(made.release, files, HASH, made.canonical_hash(made.dumps["nq"]) or "")


def _file(dump: Dump, view: View) -> File:
    href = f"{view.root}/dump.{dump.name}"
    return File(dump.name, href, _spoken(dump.size, view.language), dump.checksum)


def _spoken(size: int, language: str) -> str:
    amount, place = float(size), 0
    while amount >= 1000 and place < len(_UNITS) - 1:
        amount, place = amount / 1000, place + 1
    return format_unit(
        amount, f"digital-{_UNITS[place]}", "short", format="#,##0.#", locale=language
    )
