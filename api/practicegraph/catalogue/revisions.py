"""A catalogue as it stood: a folder, an archive, or a revision of its repository, as documents."""

import io
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from . import documents as catalogue_documents
from .documents import FOLDERS, Document, UnreadableError

_PATIENCE = 120  # seconds that git gets
_BROKEN = (
    OSError,
    EOFError,
    RuntimeError,  # a zip archive with a password
    NotImplementedError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    subprocess.TimeoutExpired,
)


class UnknownRevisionError(ValueError):
    """A reference that leads to no catalogue that can be read; the message says why."""


def read_revision(reference: str, repository: Path) -> tuple[Document, ...]:
    """Read a folder, else an archive, else a git revision of the folder `repository`.

    The paths of the documents start below the catalogue's folder, wherever that is. Raises
    UnknownRevisionError.
    """
    place = Path(reference)
    try:
        if place.is_dir():
            found = _of_folder(place)
        elif place.is_file():
            found = _of_archive(place)
        else:
            found = _of_tar(io.BytesIO(_archived(reference, repository)))
        contents = _below_root(dict(found))
    except _BROKEN as error:
        raise UnknownRevisionError(f"{reference}: cannot be read: {error}") from error
    if not contents:
        raise UnknownRevisionError(f"{reference}: no catalogue; it has no folder {FOLDERS[0]}/")
    try:
        return tuple(
            catalogue_documents.parse_file(Path(name), content)
            for name, content in contents.items()
        )
    except UnreadableError as error:
        raise UnknownRevisionError(f"{reference}: {error}") from error


def _of_folder(place: Path) -> Iterator[tuple[str, bytes]]:
    for path in catalogue_documents.list_files(place):
        if path.is_file():
            yield path.relative_to(place).as_posix(), path.read_bytes()


def _of_archive(place: Path) -> Iterator[tuple[str, bytes]]:
    if not zipfile.is_zipfile(place):
        yield from _of_tar(io.BytesIO(place.read_bytes()))
        return
    with zipfile.ZipFile(place) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, archive.read(member)


def _of_tar(content: io.BytesIO) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=content) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                yield member.name, stream.read()


def _below_root(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Give the files of the catalogue by their paths below its folder, in order of names."""
    root = _root(contents)
    if root is None:
        return {}
    below = {name: PurePosixPath(name) for name in sorted(contents)}
    inside = {n: p.relative_to(root) for n, p in below.items() if p.is_relative_to(root)}
    return {
        str(path): contents[name]
        for name, path in inside.items()
        if catalogue_documents.is_catalogue_file(Path(path))
    }


def _root(names: Iterable[str]) -> PurePosixPath | None:
    """Give the folder that holds a catalogue, the outermost if there are several."""
    roots = {
        parent.parent
        for name in names
        for parent in PurePosixPath(name).parents
        if parent.name == FOLDERS[0]
    }
    return min(roots, key=lambda root: (len(root.parts), str(root)), default=None)


def _archived(revision: str, repository: Path) -> bytes:
    """Give a git revision of a folder as a tar archive."""
    git = shutil.which("git")
    if not git:
        raise UnknownRevisionError(
            f"{revision}: no folder and no archive; to read it as a revision takes git, "
            "which is not installed"
        )
    commit = _run(git, repository, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    if commit.returncode:
        said = commit.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise UnknownRevisionError(
            f"{revision}: no folder, no archive (.zip, .tar.gz) and no revision of the repository "
            f"of {repository.resolve()}" + (f": {said}" if said else "")
        )
    name = commit.stdout.decode().strip()
    archive = _run(git, repository, "archive", "--format=tar", name)
    if archive.returncode:
        said = archive.stderr.decode(errors="replace").strip()
        raise UnknownRevisionError(f"{revision}: {said}")
    return archive.stdout


def _run(git: str, repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git without a shell; what a user gives stands behind `--end-of-options`."""
    command = [git, "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
