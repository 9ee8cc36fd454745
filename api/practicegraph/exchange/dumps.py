"""The dumps of a catalogue: made once for each release and kept beside the store.

Each release has a folder with a list of its dumps, their sizes and their checksums. A dump is
whole on disk under another name before it is renamed, and only then entered in the list, and in
that of the newest dumps, which stay until newer ones are there. Of the last releases the N-Quads
are kept; of older ones, and for good, the list.
"""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyoxigraph
from pyoxigraph import Literal

from .. import __version__
from ..catalogue.catalogue import Catalogue
from ..storage.base import Store
from ..storage.files import GZIP_SUFFIX, write_both
from .export import FORMATS, QUAD_FORMATS, Exporter, canonicalize_store

MAX_ARCHIVES = 10
"""How many releases, the present one among them, have their N-Quads kept."""
ARCHIVE_NAME = "nq" + GZIP_SUFFIX
"""The dump that is kept of earlier releases."""
DUMP_NAMES = tuple(name for form in FORMATS for name in (form, form + GZIP_SUFFIX))

_LIST = "dumps.json"
_NEWEST_LIST = "newest.json"
_MAKER = f"{__version__}, pyoxigraph {pyoxigraph.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
_NEWEST = """
SELECT (MAX(STR(?day)) AS ?newest)
WHERE { ?thing <http://purl.org/dc/terms/modified> ?day }
"""


@dataclass(frozen=True)
class Dump:
    """A file: its name, such as `nq.gz`, its size in bytes, its SHA-256 in hexadecimal digits."""

    name: str
    size: int
    checksum: str

    @property
    def form(self) -> str:
        """Return the format, without what packs it."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class ReleaseDumps:
    """The dumps of a release that are made, by name; the day of the newest change in it."""

    release: str
    day: date
    dumps: Mapping[str, Dump]

    def canonical_hash(self, dump: Dump) -> str | None:
        """Return the hash of what a dump says (RDFC-1.0): of its graphs, or of their union."""
        form = "nq" if dump.form in QUAD_FORMATS else "nt"
        return self.dumps[form].checksum if dump.form != "csv" and form in self.dumps else None


@dataclass(frozen=True)
class Dumps:
    """The folder of the dumps of all releases."""

    folder: Path

    def path(self, release: str, name: str) -> Path:
        """Return where a dump is or would be."""
        return self.folder / release / f"dump.{name}"

    def made(self, release: str) -> ReleaseDumps | None:
        """Return what was made of a release, or None."""
        listed = self._listed(release)
        if listed is None:
            return None
        files = listed["files"].items()
        dumps = {n: Dump(n, *of) for n, of in files if self.path(release, n).is_file()}
        return ReleaseDumps(release, date.fromisoformat(listed["day"]), dumps)

    def newest(self) -> dict[str, ReleaseDumps]:
        """Return what was made of the release of which the newest dump is, by the dump's name."""
        releases = _read(self.folder / _NEWEST_LIST) or {}
        made = {release: self.made(release) for release in set(releases.values())}
        found = ((name, made[release]) for name, release in releases.items())
        return {name: of for name, of in found if of and name in of.dumps}

    def current(self, release: str) -> ReleaseDumps | None:
        """Return what was made of a release by this very program, whose bytes these are."""
        listed = self._listed(release)
        return self.made(release) if listed and listed["maker"] == _MAKER else None

    def make(self, catalogue: Catalogue) -> None:
        """Make the dumps that are not there yet, one after the other, and take old ones away."""
        release = catalogue.release
        made = self.current(release)
        found = dict(made.dumps) if made else {}
        missing = [form for form in FORMATS if not found.keys() >= {form, form + GZIP_SUFFIX}]
        if missing:
            with self._work() as work:
                export = Exporter(catalogue, canonicalize_store(catalogue.store, work))
                day = _last_day(catalogue.store)
                if catalogue.release != release:
                    return  # what was read is of two releases; the next one is another order
                for form in missing:
                    found |= self._make(export, release, form, work)
                    self._enter(ReleaseDumps(release, day, found), work)
        self.prune(release)

    def prune(self, release: str) -> None:
        """Take away what is not kept of other releases than the present one."""
        homes = [path for path in self.folder.iterdir() if path.is_dir() and path.name != release]
        listed = [home for home in homes if (home / _LIST).is_file()]
        for home in set(homes).difference(listed):
            shutil.rmtree(home)  # a process that was killed left it
        listed.sort(key=lambda home: -(home / _LIST).stat().st_mtime)
        for place, home in enumerate(listed):
            kept = {_LIST, f"dump.{ARCHIVE_NAME}"} if place < MAX_ARCHIVES - 1 else {_LIST}
            for path in home.iterdir():
                if path.name not in kept:
                    path.unlink()

    def _make(self, export: Exporter, release: str, form: str, work: Path) -> dict[str, Dump]:
        names = (form, form + GZIP_SUFFIX)
        plain, packed = (work / name for name in names)
        measures = write_both(plain, packed, lambda output: export.write(form, output))
        for name in names:
            place = self.path(release, name)
            place.parent.mkdir(exist_ok=True)
            (work / name).replace(place)
        return {n: Dump(n, one.size, one.checksum) for n, one in zip(names, measures, strict=True)}

    def _enter(self, made: ReleaseDumps, work: Path) -> None:
        dumps = [made.dumps[name] for name in DUMP_NAMES if name in made.dumps]
        files = {dump.name: [dump.size, dump.checksum] for dump in dumps}
        listed = {"maker": _MAKER, "day": made.day.isoformat(), "files": files}
        _write(self.folder / made.release / _LIST, listed, work)
        newest = _read(self.folder / _NEWEST_LIST) or {}
        _write(self.folder / _NEWEST_LIST, newest | dict.fromkeys(files, made.release), work)

    def _listed(self, release: str) -> Any:
        return _read(self.folder / release / _LIST)

    @contextmanager
    def _work(self) -> Iterator[Path]:
        """Return an empty folder for files that are not kept; what a killed process left goes."""
        work = self.folder / "part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work)


def _read(path: Path) -> Any:
    """Return what a file of JSON says, or None where it says nothing."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _write(path: Path, said: Mapping[str, Any], work: Path) -> None:
    """Write a file of JSON in the place of what is there, whole."""
    part = work / path.name
    part.write_text(json.dumps(said, indent=1))
    part.replace(path)


def _last_day(store: Store) -> date:
    """Return the day of the newest change that the catalogue tells of, else today."""
    today = datetime.now(tz=UTC).date()
    newest = next(iter(store.select(_NEWEST)), {}).get("newest")
    if not isinstance(newest, Literal):
        return today
    try:
        return min(today, date.fromisoformat(newest.value[:10]))
    except ValueError:
        return today
