"""Writes that a killed server had acknowledged are there, whole, and others leave no trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
SEED = "37"
"""With it, a process is killed in the first round that answers beside the first."""


@pytest.mark.parametrize(("workers", "kills"), [(1, 6), (2, 2)])
def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(
    workers: int, kills: int
) -> None:
    command = [sys.executable, "-W", "error", "-m", "support.kills", str(kills), str(workers), SEED]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{kills} kills"), done.stdout
