"""Files that are replaced as a whole."""

import gzip
from pathlib import Path

import pytest

from practicegraph.storage import files
from practicegraph.storage.files import FileChange


def test_a_file_is_compressed_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.nq").write_bytes(b"<a> <b> <c> .\n" * 50_000)
    for name in ("b.nq.gz", "c.nq.gz"):
        files.compress(tmp_path / "a.nq", tmp_path / name)
    assert gzip.decompress((tmp_path / "b.nq.gz").read_bytes()) == (tmp_path / "a.nq").read_bytes()
    assert (tmp_path / "b.nq.gz").read_bytes() == (tmp_path / "c.nq.gz").read_bytes()


def test_no_file_is_replaced_if_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.ttl"
    path.write_text("before")
    changes = [FileChange(path, "before", "after"), FileChange(path / "b.ttl", "", "after")]
    with pytest.raises(OSError, match=r"a\.ttl"):
        files.write_changes(changes)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ttl"]
