"""Forms: fields as the URL Standard decodes them, and refusals of too many."""

import random
from urllib.parse import parse_qsl

import pytest

from practicegraph.web.http.bodies import parse_form

_PIECES = [*"%=\n\r +\t_x.", "%41", "%0A", "%0d", "%e2%82%ac", "%%", "%4", "3D", "=3D", "=\r\n"]


@pytest.mark.parametrize("seed", range(200))
def test_fields_are_those_of_the_standard_library(seed: int) -> None:
    draw = random.Random(seed)
    text = "&".join("".join(draw.choices(_PIECES, k=draw.randrange(9))) for _ in range(4))
    expected = parse_qsl(text, keep_blank_values=True)
    assert [pair for pair in parse_form(text.encode()) if pair != ("", "")] == [
        pair for pair in expected if pair != ("", "")
    ]


@pytest.mark.parametrize("content", [b"a=%ff", b"\xff=1", b"&" * 1000])
def test_fields_that_are_not_utf_8_or_too_many_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"utf-8|1000"):
        parse_form(content)
