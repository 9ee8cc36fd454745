"""Writes that a killed server had acknowledged are there, whole, and others leave no trace."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]
KILLS = 12


def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged() -> None:
    command = [sys.executable, "-W", "error", "-m", "support.kills", str(KILLS), "1"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{KILLS} kills"), done.stdout
