"""Readers are answered while a server is attacked: the short form of `make test-attacks`."""

from collections.abc import Iterator

import pytest

from support import load_beside_attacks as attacking
from support.catalogues import copy
from support.load_beside_attacks import Server

SECONDS = 1.5
BESIDE_OTHERS = 200  # MB that an attack may have a server take; one that keeps heads takes 900
ATTACKS = ("short-headers", "endless-header", "full-heads", "idle-connections", "huge-bodies")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = copy(tmp_path_factory.mktemp("attacked") / "catalogue")
    with attacking.served(root, root / "log") as server:
        assert not attacking.readers(server.port, SECONDS).lost
        yield server


@pytest.mark.parametrize("name", ATTACKS)
def test_readers_are_answered_beside_an_attack(attacked: Server, name: str) -> None:
    outcome = attacking.attacked(attacked, name, "no token", SECONDS, idle=1.0)
    assert not outcome.seen.lost
    assert not outcome.ended
    assert outcome.memory < BESIDE_OTHERS
