"""Clients get responses while a server is attacked: a short `make test-attacks`."""

from collections.abc import Iterator

import pytest

from support import load_beside_attacks as attacking
from support.catalogues import loaded
from support.load_beside_attacks import Server

SECONDS = 1.5
MAX_MEMORY = 200  # MB that an attack may have a server take; one that keeps heads takes 900
ATTACKS = ("short-headers", "endless-header", "full-heads", "idle-connections", "huge-bodies")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = loaded(tmp_path_factory.mktemp("attacked") / "catalogue")
    with attacking.run_server(root, root / "log") as server:
        assert not attacking.send_requests(server.port, SECONDS).failures
        yield server


@pytest.mark.parametrize("name", ATTACKS)
def test_clients_get_responses_during_an_attack(attacked: Server, name: str) -> None:
    outcome = attacking.run_attack(attacked, name, "no token", SECONDS, idle=1.0)
    assert not outcome.clients.failures
    assert not outcome.ended
    assert outcome.memory < MAX_MEMORY
