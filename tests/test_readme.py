"""The README: short, and its requests and commands work."""

import re
import shlex
from collections.abc import Callable

import pytest
from click.testing import Result
from fastapi.testclient import TestClient

from practicegraph.cli.main import COMMANDS
from support.catalogues import ROOT, wait_for_dumps

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
LINES = [line for block in BLOCKS for line in block.splitlines() if line and line[0] != "#"]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("curl")])
def test_a_request_of_the_readme_succeeds(line: str, client: TestClient) -> None:
    words = shlex.split(line)[1:]
    url = next(word for word in words if word.startswith("http"))
    headers = dict([words[words.index("-H") + 1].split(": ")]) if "-H" in words else {}
    path = url.removeprefix("http://127.0.0.1:8000")
    if path.startswith("/dump"):
        wait_for_dumps(client)
    if "--data-urlencode" in words:
        name, _, file = words[words.index("--data-urlencode") + 1].partition("@")
        response = client.post(path, data={name: (ROOT / file).read_text()}, headers=headers)
    else:
        response = client.get(path, headers=headers, follow_redirects="-L" in words)
    assert response.status_code == 200
    assert len(response.content) > 200
    if headers:
        assert response.headers["content-type"].startswith(headers["Accept"])


@pytest.mark.parametrize(
    "line", [line for line in LINES if line.startswith(".venv/bin/practicegraph")]
)
def test_a_command_of_the_readme_runs(line: str, run: Callable[..., Result]) -> None:
    words = shlex.split(line, comments=True)[1:]
    words = [str(ROOT / word) if word.startswith("tests/") else word for word in words]
    result = run(*words)
    assert result.exit_code == 0, result.output


def test_every_command_is_in_the_readme() -> None:
    for name in COMMANDS:
        assert f"practicegraph {name}" in README or name == "serve", name
    targets = re.findall(r"^make (\w+)", README, re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["run", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")
