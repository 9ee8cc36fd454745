"""What a request gives to be checked: its body as it is, or the fields of a form (RFC 7578)."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException as BadFormError
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from ..given import RDF_FORMS, Given
from . import protocol
from .negotiation import CSV, JSON_LD, N_QUADS, N_TRIPLES, RDF_XML, TRIG, TURTLE, XLSX
from .service import BadBodyError, UnsupportedError

MOST = 4 << 20
"""The most bytes of a request."""
FORMS = (TURTLE, TRIG, JSON_LD, RDF_XML, N_TRIPLES, N_QUADS, CSV, XLSX)
"""The forms that are read."""
FILE, TEXT, KIND, SHAPES = "file", "text", "type", "shapes"
"""The fields of a form: files, a text and the extension of its form, shapes as files or text."""
_MULTIPART = "multipart/form-data"
_MOST_PARTS = 50
_NAMES = {
    **{name: form.extension for form in FORMS for name in form.media_types},
    "application/json": JSON_LD.extension,
    "application/xml": RDF_XML.extension,
    "text/xml": RDF_XML.extension,
}
_ALSO = {"json": "jsonld", "xml": "rdf", "owl": "rdf"}


@dataclass(frozen=True)
class Upload:
    """What is given, and the shapes that come along."""

    given: tuple[Given, ...]
    shapes: tuple[Given, ...]


async def read(request: Request) -> Upload:
    """Read a request.

    Raises TooLargeError, UnsupportedError for a form that is not read, or BadBodyError for nothing.
    """
    header = request.headers.get("content-type", "")
    media_type, options = parse_options_header(header)
    content = await protocol.body(request, MOST)
    if media_type in (_MULTIPART, protocol.FORM):
        return _of_form(media_type, options, content)
    if not content.strip():
        raise BadBodyError(HTTPStatus.BAD_REQUEST, "nothingGiven")
    extension = _NAMES.get(media_type)
    if extension is None or not protocol.is_utf_8(header.partition(";")[2]):
        raise _unsupported(header or "?")
    return Upload(tuple(_listed([Given(f"data.{extension}", extension, content)])), ())


def _of_form(media_type: str, options: Mapping[str, str], content: bytes) -> Upload:
    parser = FormDataParser(
        _in_memory, max_form_memory_size=MOST, max_form_parts=_MOST_PARTS, silent=False
    )
    try:
        _, fields, files = parser.parse(
            io.BytesIO(content), media_type, len(content), dict(options)
        )
    except (ValueError, BadFormError) as error:
        raise UnsupportedError(f"{media_type}: {error}") from error
    kind = fields.get(KIND, TURTLE.extension)
    given = [*_files(files, FILE), *_texts(fields, TEXT, "data", kind)]
    shapes = [*_files(files, SHAPES), *_texts(fields, SHAPES, "shapes", TURTLE.extension)]
    if not given or not all(each.content.strip() for each in given):
        raise BadBodyError(HTTPStatus.BAD_REQUEST, "nothingGiven")
    return Upload(tuple(_listed(given)), tuple(_listed(shapes, RDF_FORMS)))


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    """Give what holds a file of a form: nothing that is given is written to disk."""
    return io.BytesIO()


def _files(files: MultiDict[str, FileStorage], name: str) -> Iterator[Given]:
    for file in files.getlist(name):
        content = file.stream.read()
        if content or file.filename:  # a browser sends a field without a file as an empty one
            yield Given(file.filename or "data", _extension(file), content)


def _extension(file: FileStorage) -> str:
    """Give the form of a file: what its name ends in, since browsers know few media types."""
    end = (file.filename or "").lower().rpartition(".")[2]
    end = _ALSO.get(end, end)
    known = {form.extension for form in FORMS}
    return end if end in known else _NAMES.get(file.mimetype, end or "?")


def _texts(fields: MultiDict[str, str], name: str, called: str, kind: str) -> Iterator[Given]:
    for text in fields.getlist(name):
        if text.strip():
            yield Given(f"{called}.{kind}", kind, text.encode(errors="replace"))


def _listed(given: Iterable[Given], forms: Iterable[str] = ()) -> Iterator[Given]:
    """Give what has a form that is read, and says anything; raises UnsupportedError."""
    known = set(forms) or {form.extension for form in FORMS}
    for each in given:
        if each.form not in known:
            raise _unsupported(each.form)
        yield each


def _unsupported(form: str) -> UnsupportedError:
    known = ", ".join(found.plain for found in FORMS)
    return UnsupportedError(f"{form} ({known})")
