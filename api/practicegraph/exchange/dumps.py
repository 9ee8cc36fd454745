"""The dumps of a catalogue: all formats of a release, made once and kept beside the store.

A release has a folder with its dumps and a list of their sizes and checksums. The folder gets its
name when all of it is on disk. The last releases keep their N-Quads, and every release its list.
"""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyoxigraph
from pyoxigraph import Literal

from .. import __version__
from ..catalogue import documents
from ..catalogue.catalogue import Catalogue
from ..storage import files
from ..storage.base import Store
from ..storage.files import GZIP_SUFFIX
from .export import FORMATS, QUAD_FORMATS, Exporter, canonicalize_store

MAX_ARCHIVES = 10
"""The number of releases, the present one among them, that keep their N-Quads."""
ARCHIVE_NAME = "nq" + GZIP_SUFFIX
"""The dump that earlier releases keep."""
DUMP_NAMES = tuple(name for form in FORMATS for name in (form, form + GZIP_SUFFIX))

_LIST = "dumps.json"
_MAKER = f"{__version__}, pyoxigraph {pyoxigraph.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
_LAST_MODIFIED = """
PREFIX dct: <http://purl.org/dc/terms/>
SELECT (MAX(STR(?day)) AS ?last)
WHERE { ?record dct:modified ?day }
"""


@dataclass(frozen=True)
class Dump:
    """A file: its name, such as `nq.gz`, its size in bytes, its SHA-256 in hexadecimal digits."""

    name: str
    size: int
    checksum: str

    @property
    def form(self) -> str:
        """Return the format, without the suffix of gzip."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class ReleaseDumps:
    """The dumps of a release by name, the day of the last change in it, and what made them."""

    release: str
    day: date
    maker: str
    dumps: Mapping[str, Dump]

    @property
    def is_whole(self) -> bool:
        """Return whether every dump is there."""
        return len(self.dumps) == len(DUMP_NAMES)

    def canonical_hash(self, dump: Dump) -> str | None:
        """Return the canonical hash of a dump (RDFC-1.0): of its graphs, or of their union."""
        form = "nq" if dump.form in QUAD_FORMATS else "nt"
        return self.dumps[form].checksum if dump.form != "csv" and form in self.dumps else None


@dataclass(frozen=True)
class DumpFolder:
    """The folder of the dumps of all releases."""

    folder: Path

    def path(self, release: str, name: str) -> Path:
        """Return the path of a dump, made or not."""
        return self.folder / release / f"dump.{name}"

    def read(self, release: str) -> ReleaseDumps | None:
        """Return the dumps of a release that are still there, or None if none was ever made."""
        try:
            content: Any = json.loads((self.folder / release / _LIST).read_text())
        except (OSError, ValueError):
            return None
        files = content["files"].items()
        dumps = {n: Dump(n, *values) for n, values in files if self.path(release, n).is_file()}
        day = date.fromisoformat(content["day"])
        return ReleaseDumps(release, day, content["maker"], dumps)

    def current(self, release: str) -> ReleaseDumps | None:
        """Return all dumps of a release as this program makes them, or None."""
        dumps = self.read(release)
        return dumps if dumps and dumps.is_whole and dumps.maker == _MAKER else None

    def newest(self, release: str) -> ReleaseDumps | None:
        """Return all dumps of a release; while there are none, of the last one that has all."""
        candidates = (self.current(release), *map(self.read, self._releases()))
        return next((dumps for dumps in candidates if dumps and dumps.is_whole), None)

    def make(self, catalogue: Catalogue) -> None:
        """Make the dumps of the present release unless they are there, and prune the others."""
        release = catalogue.release
        if not self.current(release):
            with self._work_folder() as work:
                content = self._write_dumps(catalogue, work)
                if catalogue.release != release:
                    return  # what was read is of two releases
                home = work / release
                (home / _LIST).write_text(json.dumps(content, indent=1))
                shutil.rmtree(self.folder / release, ignore_errors=True)
                home.replace(self.folder / release)
        self.prune(release)

    def prune(self, release: str) -> None:
        """Remove what releases other than the present one do not keep."""
        others = [name for name in self._releases() if name != release]
        for home in self.folder.iterdir():
            if home.name not in (release, *others):
                shutil.rmtree(home, ignore_errors=True)  # a process that was killed left it
        for number, name in enumerate(others, 2):
            kept = {_LIST, f"dump.{ARCHIVE_NAME}"} if number <= MAX_ARCHIVES else {_LIST}
            for path in (self.folder / name).iterdir():
                if path.name not in kept:
                    path.unlink()

    def _releases(self) -> list[str]:
        """Return the releases of which dumps were made, the last ones made first."""
        lists = sorted(self.folder.glob(f"*/{_LIST}"), key=lambda path: -path.stat().st_mtime)
        return [path.parent.name for path in lists]

    def _write_dumps(self, catalogue: Catalogue, work: Path) -> dict[str, Any]:
        """Write every dump of a release below a folder and return the content of its list."""
        exporter = Exporter(catalogue, canonicalize_store(catalogue.store, work))
        home = work / catalogue.release
        home.mkdir()
        for form in FORMATS:
            plain = home / f"dump.{form}"
            files.write_stream(plain, partial(exporter.write, form))
            files.compress(plain, home / f"dump.{form}{GZIP_SUFFIX}")
        paths = {name: home / f"dump.{name}" for name in DUMP_NAMES}
        sizes = {n: (path.stat().st_size, documents.checksum(path)) for n, path in paths.items()}
        day = _last_modified(catalogue.store).isoformat()
        return {"maker": _MAKER, "day": day, "files": sizes}

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        """Yield an empty folder, which is removed in the end."""
        work = self.folder / "part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work)


def _last_modified(store: Store) -> date:
    """Return the day of the last change that the catalogue states, else today."""
    today = datetime.now(tz=UTC).date()
    last = next(iter(store.select(_LAST_MODIFIED)), {}).get("last")
    if not isinstance(last, Literal):
        return today
    try:
        return min(today, date.fromisoformat(last.value[:10]))
    except ValueError:
        return today
