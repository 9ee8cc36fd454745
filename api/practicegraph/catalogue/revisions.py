"""The documents of a catalogue as it was: in a folder, an archive, or a git revision."""

import io
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ..errors import CatalogueError
from . import documents as catalogue_documents
from .documents import FOLDERS, Document, UnreadableError

_GIT_TIMEOUT = 120  # seconds
_READ_ERRORS = (
    OSError,
    EOFError,
    RuntimeError,  # a zip archive with a password
    NotImplementedError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    subprocess.TimeoutExpired,
)


def read_revision(reference: str, repository: Path) -> tuple[Document, ...]:
    """Return the documents of a folder, else of an archive, else of a git revision.

    The paths of the documents are relative to the catalogue's folder. Raises CatalogueError.
    """
    path = Path(reference)
    try:
        if path.is_dir():
            files = _read_folder(path)
        elif path.is_file():
            files = _read_archive(path)
        else:
            files = _read_tar(io.BytesIO(_git_archive(reference, repository)))
        contents = _below_root(dict(files))
    except _READ_ERRORS as error:
        raise CatalogueError(f"{reference}: cannot be read: {error}") from error
    if not contents:
        raise CatalogueError(f"{reference}: no catalogue; it has no folder {FOLDERS[0]}/")
    try:
        return tuple(
            catalogue_documents.parse_file(Path(name), content)
            for name, content in contents.items()
        )
    except UnreadableError as error:
        raise CatalogueError(f"{reference}: {error}") from error


def _read_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in catalogue_documents.list_files(path):
        if file.is_file():
            yield file.relative_to(path).as_posix(), file.read_bytes()


def _read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    if not zipfile.is_zipfile(path):
        yield from _read_tar(io.BytesIO(path.read_bytes()))
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, archive.read(member)


def _read_tar(content: io.BytesIO) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=content) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream:
                yield member.name, stream.read()


def _below_root(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files of the catalogue by their paths below its folder, in order of names."""
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
    """Return the folder that holds a catalogue, the outermost if there are several."""
    roots = {
        parent.parent
        for name in names
        for parent in PurePosixPath(name).parents
        if parent.name == FOLDERS[0]
    }
    return min(roots, key=lambda root: (len(root.parts), str(root)), default=None)


def _git_archive(revision: str, repository: Path) -> bytes:
    """Return a git revision of a folder as a tar archive."""
    git = shutil.which("git")
    if not git:
        raise CatalogueError(
            f"{revision}: no folder and no archive; to read it as a revision takes git, "
            "which is not installed"
        )
    commit = _run(git, repository, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    if commit.returncode:
        message = commit.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise CatalogueError(
            f"{revision}: no folder, no archive (.zip, .tar.gz) and no revision of the repository "
            f"of {repository.resolve()}" + (f": {message}" if message else "")
        )
    name = commit.stdout.decode().strip()
    archive = _run(git, repository, "archive", "--format=tar", name)
    if archive.returncode:
        message = archive.stderr.decode(errors="replace").strip()
        raise CatalogueError(f"{revision}: {message}")
    return archive.stdout


def _run(git: str, repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git without a shell; a user's reference comes after `--end-of-options`."""
    command = [git, "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, timeout=_GIT_TIMEOUT, check=False)  # noqa: S603
