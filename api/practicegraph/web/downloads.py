"""The dumps on a page: where each is, its size in words, and its checksum."""

from collections.abc import Mapping, Sequence
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
    """The files of a release; the canonical hash of its graphs, and the property that it is.

    Others are to come where it is not the present release.
    """

    release: str
    files: Sequence[File]
    property: str
    canonical_hash: str
    is_present: bool


def downloads(view: View, given: Mapping[str, Made]) -> list[Downloads]:
    """Give the dumps that are given by name as a page shows them, by release, the present first."""
    present = view.catalogue.release
    found = {made.release: made for made in given.values()}
    releases = sorted(found, key=lambda release: release != present)
    return [_of_release(view, found[release], given) for release in releases]


def _of_release(view: View, made: Made, given: Mapping[str, Made]) -> Downloads:
    names = [name for name in NAMES if name in given and given[name].release == made.release]
    files = [_file(made.dumps[name], view) for name in names]
    whole = made.dumps["nq"].checksum if "nq" in names else ""
    return Downloads(made.release, files, HASH, whole, made.release == view.catalogue.release)


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
