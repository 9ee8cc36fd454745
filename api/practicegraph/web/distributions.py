"""What the description of the dataset says of its dumps (https://www.w3.org/TR/vocab-dcat-3/).

The catalogue's files cannot say it, since the sizes and checksums follow from them.
"""

from collections.abc import Iterable, Iterator, Mapping

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ..dumps import Dump, Made
from ..shapes import PG
from ..store import RDF, Term
from ..turtle import XSD
from . import dumps

_DCAT = "http://www.w3.org/ns/dcat#"
_SPDX = "http://spdx.org/rdf/terms#"
_DUMP = "http://rdfs.org/ns/void#dataDump"
_MEDIA = "https://www.iana.org/assignments/media-types/"
HASH = PG + "canonicalHash"
"""The property of the hash that is the same in every syntax."""
_LICENCE = NamedNode("http://purl.org/dc/terms/license")


def canonical_hash(dataset: str, made: Made) -> Triple:
    """Give the triple on the hash of the dataset, of which the N-Quads are made."""
    return Triple(NamedNode(dataset), NamedNode(HASH), _digits(made.dumps["nq"].checksum))


def distributions(
    dataset: str, root: str, given: Mapping[str, Made], said: Iterable[Quad]
) -> Iterator[Triple]:
    """Give the triples on the dumps that are given by name, each as what was made of its release.

    They say where each is below the root, its release, its size and its checksums.
    """
    about = NamedNode(dataset)
    licences = [q.object for q in said if q.subject == about and q.predicate == _LICENCE]
    for dump_name, made in given.items():
        dump = made.dumps[dump_name]
        place = NamedNode(f"{root.rstrip('/')}/dump.{dump.name}")
        subject = NamedNode(f"{dataset}#dump.{dump.name}")
        yield Triple(about, NamedNode(_DCAT + "distribution"), subject)
        if dumps.form(dump).rdf or dump.form == "jsonld":
            yield Triple(about, NamedNode(_DUMP), place)
        for name, value in _of_file(dump, place, made.canonical_hash(dump)):
            yield Triple(subject, NamedNode(name), value)
        yield Triple(subject, NamedNode(_DCAT + "version"), Literal(made.release))
        for licence in licences:
            yield Triple(subject, _LICENCE, licence)
        checksum = NamedNode(f"{subject.value}.sha256")
        yield Triple(subject, NamedNode(_SPDX + "checksum"), checksum)
        for name, value in _of_checksum(dump):
            yield Triple(checksum, NamedNode(name), value)


def _of_file(dump: Dump, place: NamedNode, canonical: str | None) -> Iterator[tuple[str, Term]]:
    size = NamedNode(XSD + "nonNegativeInteger")
    yield RDF + "type", NamedNode(_DCAT + "Distribution")
    yield _DCAT + "accessURL", place
    yield _DCAT + "downloadURL", place
    yield _DCAT + "byteSize", Literal(str(dump.size), datatype=size)
    yield _DCAT + "mediaType", NamedNode(_MEDIA + dumps.form(dump).media_types[0])
    if dump.name != dump.form:
        yield _DCAT + "compressFormat", NamedNode(_MEDIA + dumps.GZIP)
    if canonical:
        yield HASH, _digits(canonical)


def _of_checksum(dump: Dump) -> Iterator[tuple[str, Term]]:
    yield RDF + "type", NamedNode(_SPDX + "Checksum")
    yield _SPDX + "algorithm", NamedNode(_SPDX + "checksumAlgorithm_sha256")
    yield _SPDX + "checksumValue", _digits(dump.checksum)


def _digits(value: str) -> Literal:
    return Literal(value, datatype=NamedNode(XSD + "hexBinary"))
