"""Whole catalogues written: the same statements in every format, the same bytes everywhere."""

import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    parse,
    serialize,
)
from rdflib import Dataset as Datasets

from practicegraph.application import startup
from practicegraph.catalogue import loading
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.exchange import export
from practicegraph.exchange.export import FORMATS, QUAD_FORMATS, CanonicalDataset, Exporter
from practicegraph.exchange.table_format import column_keys, table_row
from practicegraph.rdf.jsonld import Compactor
from practicegraph.rdf.terms import RDF
from practicegraph.storage.oxigraph import OxigraphStore
from support.catalogues import ROOT, loaded, rows

EX = "https://example.org/"
SYNTAXES = {
    "nq": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy with its store and index."""
    return loaded(tmp_path / "catalogue")


@pytest.fixture(scope="module")
def contents(real: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> CanonicalDataset:
    return export.canonicalize_store(real.store, tmp_path_factory.mktemp("work"))


def written(catalogue: Catalogue, contents: CanonicalDataset, form: str) -> bytes:
    output = io.BytesIO()
    Exporter(catalogue, contents).write(form, output)
    return output.getvalue()


def lines(quads: Iterable[Quad]) -> bytes:
    """The canonical N-Quads of a dataset, all of it named and sorted in memory."""
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    content = serialize(dataset, format=RdfFormat.N_QUADS)
    assert content
    return b"".join(sorted(content.splitlines(keepends=True)))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("form", SYNTAXES)
def test_every_syntax_has_the_same_canonical_hash(
    real: Catalogue, contents: CanonicalDataset, form: str
) -> None:
    read = lines(parse(written(real, contents, form), SYNTAXES[form]))
    whole = "nq" if form in QUAD_FORMATS else "nt"
    assert sha(read) == sha(written(real, contents, whole))
    graph = b"@nl <https://w3id.org/practicegraph/practice/1788> .\n"
    assert (graph in read) == (form in QUAD_FORMATS)


def test_the_n_quads_are_the_canonical_form_of_the_store(
    real: Catalogue, contents: CanonicalDataset
) -> None:
    stored = [quad for name in real.store.graph_names() for quad in real.store.graph_quads(name)]
    assert len(stored) == len(real.store)
    assert written(real, contents, "nq") == lines(stored)


@pytest.mark.filterwarnings("ignore:Dataset:DeprecationWarning")  # said by rdflib of itself
def test_rdflib_parses_the_same_quads_from_json_ld(
    real: Catalogue, contents: CanonicalDataset
) -> None:
    dataset = Datasets()
    dataset.parse(data=written(real, contents, "jsonld"), format="json-ld")
    read = lines(parse(dataset.serialize(format="nquads"), RdfFormat.N_QUADS))
    assert read == written(real, contents, "nq")


def test_exports_do_not_depend_on_order_and_blank_node_names(
    real: Catalogue, contents: CanonicalDataset, tmp_path: Path
) -> None:
    quads = [quad for name in real.store.graph_names() for quad in real.store.graph_quads(name)]
    random.Random(1).shuffle(quads)
    content = serialize(quads, format=RdfFormat.N_QUADS)
    other = OxigraphStore()
    other.add(parse(content, RdfFormat.N_QUADS, rename_blank_nodes=True))
    prefixes = dict(reversed(list(real.prefixes.items())))
    shuffled = replace(real, store=other, prefixes=prefixes)
    again = export.canonicalize_store(other, tmp_path)
    for form in FORMATS:
        assert written(shuffled, again, form) == written(real, contents, form), form


def test_sorted_runs_are_merged(
    real: Catalogue, contents: CanonicalDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_RUN", 100_000)
    apart = export.canonicalize_store(real.store, tmp_path)
    assert written(real, apart, "nq") == written(real, contents, "nq")
    assert len(list(tmp_path.glob("*.run"))) > 10


def test_the_table_has_every_entry_as_a_search_shows_it(
    real: Catalogue, contents: CanonicalDataset
) -> None:
    table = rows(written(real, contents, "csv").decode())
    kind, tags = real.shapes.entry_shape, real.languages
    assert len(table) == 56
    assert list(table[0]) == column_keys(kind, tags)
    for shown in table:
        (record,) = real.reader.read_records(kind, [real.entry_iri(shown["identifier"])])
        expected = table_row(real.reader, record, tags)
        assert {column: cell for column, cell in shown.items() if cell} == expected


def test_a_field_with_a_longer_path_is_in_the_table(
    real: Catalogue, contents: CanonicalDataset
) -> None:
    kind = real.shapes.entry_shape
    far = replace(
        kind.fields_by_key["page"],
        key="far",
        path=f"(<{EX}a>|<{RDF}type>)",
        predicates=(EX + "a", RDF + "type"),
    )
    shapes = replace(real.shapes, node_shapes=(replace(kind, fields=(*kind.fields, far)),))
    table = rows(written(replace(real, shapes=shapes), contents, "csv").decode())
    assert all(kind.classes[0] in row["far"].split(" | ") for row in table)


def test_a_value_that_does_not_fit_its_json_ld_term_is_written_in_full() -> None:
    context = {
        "ex": EX,
        "text": {"@id": EX + "text", "@container": "@language"},
        "link": {"@id": EX + "link", "@type": "@id"},
        "day": {"@id": EX + "day", "@type": "http://www.w3.org/2001/XMLSchema#date"},
        "word": {"@id": EX + "word"},
        "id": "@id",
        "type": "@type",
    }
    values: list[NamedNode | BlankNode | Literal] = [
        NamedNode(EX + "b/c?d#e"),
        NamedNode(EX + "//f"),
        NamedNode("urn:x:y"),
        BlankNode("b"),
        Literal('"\u0000\u2028\n'),
        Literal("true"),
        Literal("ja", language="nl"),
        Literal("nein", language="nl"),
        Literal("2020-02-30", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#date")),
        Literal("01", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#integer")),
    ]
    names = [EX + name for name in ("text", "link", "day", "word", "other")] + [RDF + "type"]
    quads = [Quad(NamedNode(EX + "a"), NamedNode(name), v) for name in names for v in values]
    found = Compactor(context).nodes(quads)
    document = as_json({"@context": context, "@graph": found})
    assert lines(parse(document, RdfFormat.JSON_LD)) == lines(quads)
    assert found[0]["text"] == {"nl": ["ja", "nein"]}
    assert "true" in found[0]["word"]


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("form", ["jsonld", "csv"])
def test_the_command_writes_the_same_to_a_file_and_to_a_pipe(
    copied: Path, tmp_path: Path, run: Callable[..., Result], form: str
) -> None:
    served = startup.open_for_serving(copied).catalogue
    (tmp_path / "work").mkdir()
    expected = written(served, export.canonicalize_store(served.store, tmp_path / "work"), form)
    piped = run("export", "--format", form)
    assert piped.stdout_bytes == expected
    assert piped.stderr == ""
    assert run("export", "-o", f"all.{form}.gz").exit_code == 0
    packed = Path(f"all.{form}.gz").read_bytes()
    assert gzip.decompress(packed) == expected
    assert packed[4:8] == b"\0\0\0\0", "the file tells when it was made"


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(
    run: Callable[..., Result],
) -> None:
    for name, words in (("all.rdf", "ends in none of nq"), ("no/all.nq", "No such file")):
        result = run("export", "-o", name)
        assert result.exit_code
        assert words in result.stderr
    assert {path.name for path in Path().iterdir()} <= {
        *(path.name for path in ROOT.iterdir()),
        ".practicegraph",
    }


def test_the_command_reads_beside_a_service_and_after_a_change(
    copied: Path, run: Callable[..., Result]
) -> None:
    served = startup.open_for_serving(copied).catalogue
    first = run("export").stdout_bytes
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text().replace("MINT - Mentoring", "MINT – Mentoring"))
    second = run("export").stdout_bytes
    assert served.store.graph_names()
    assert served.release.encode() in first
    assert loading.folder_release(copied).encode() in second
    assert b"MINT - Mentoring" in first
    assert "MINT – Mentoring".encode() in second
