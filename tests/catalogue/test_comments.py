"""Comments of files that are written anew."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as some

from practicegraph.catalogue.comments import keep_comments

OLD = (
    """# licence: CC0
@prefix ex: <http://example.org/#> .

# the first
ex:a
    ex:b "c # no comment" ;  # for example
    # above d
    ex:d """
    + '''"""two
# lines""" .
# the end
'''
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"c # no comment"', '"e"', OLD.replace('"c # no comment"', '"e"').replace(";  #", "; #")),
        ("ex:a\n", "ex:z\n", OLD.replace("ex:a\n", "ex:z\n").replace(";  #", "; #")),
        ("two\n", "three\n\n", OLD.replace("two\n", "three\n\n").replace(";  #", "; #")),
        ("", "", OLD.replace(";  #", "; #")),
    ],
)
def test_a_comment_stays_beside_its_line(before: str, after: str, expected: str) -> None:
    assert keep_comments(OLD, without_comments(OLD).replace(before, after)) == expected


@pytest.mark.parametrize(
    "gone", ['    ex:b "c # no comment" ;\n', "ex:a\n", "@prefix ex: <http://example.org/#> .\n"]
)
def test_a_comment_whose_line_has_gone_is_kept(gone: str) -> None:
    written = keep_comments(OLD, without_comments(OLD).replace(gone, ""))
    for comment in ("# licence: CC0", "# the first", "# for example", "# above d", "# the end"):
        assert written.count(comment) == 1


def without_comments(text: str) -> str:
    """The same in the layout of the writer, which has no comments."""
    lines = (line.partition("  # for")[0] for line in text.split("\n"))
    own = ("# licence", "# the", "    # above")
    return "\n".join(line for line in lines if not line.startswith(own))


_LINES = some.lists(
    some.sampled_from(["ex:a ex:b ex:c .", 'ex:a ex:b """x', '# y""" .', "# z", ""])
)


@given(_LINES, _LINES)
def test_a_text_without_its_comments_is_what_was_written(old: list[str], new: list[str]) -> None:
    before, after = ("\n".join(line for line in lines if '"' not in line) for lines in (old, new))
    after = after.replace("# z", "ex:z ex:b ex:c .")
    written = keep_comments(before, after).split("\n")
    assert [line for line in written if not line.startswith("#")] == after.split("\n")
    assert written.count("# z") == before.split("\n").count("# z")


def test_an_import_keeps_comments(run: Callable[..., Result], copied: Path, tmp_path: Path) -> None:
    path, table = copied / "data/practices/1788.ttl", tmp_path / "a.csv"
    path.write_text("# ask before a change\n" + path.read_text().replace(" ;\n", " ; # sic\n", 1))
    table.write_text("identifier,title@en\n1788,Another title\n")
    result = run("import", str(table))
    assert result.exit_code == 0, result.output
    text = path.read_text()
    assert text.startswith("# ask before a change\n@prefix")
    assert text.count(" ; # sic\n") == 1
    assert '"Another title"@en' in text


def test_names_of_the_cldr_are_written_beside_comments(
    run: Callable[..., Result], copied: Path
) -> None:
    path = copied / "ontology/country.ttl"
    before = path.read_text()
    path.write_text(
        before.replace("@prefix", "# by the CLDR\n@prefix", 1).replace("Hongarije", "?")
    )
    result = run("label", str(path))
    assert result.exit_code == 0, result.output
    assert path.read_text() == before.replace("@prefix", "# by the CLDR\n@prefix", 1)
