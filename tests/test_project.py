"""The project keeps its own rules."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from click.testing import Result
from fastapi.testclient import TestClient

from practicegraph.cli.main import COMMANDS
from support.catalogues import ROOT

PACKAGE = ROOT / "api" / "practicegraph"
README = (ROOT / "README.md").read_text()
LAYOUT = re.findall(
    r"^\| `(\w+)/` \| .* \| (.*) \|$", (ROOT / "api" / "README.md").read_text(), re.M
)
"""The packages in their order, each with the modules and the packages in it."""
ORDER = [package for package, _ in LAYOUT]
HTTP = {"fastapi", "starlette", "uvicorn", "werkzeug"}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if path.stem == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def package_of(module: str) -> str:
    """The package of ours in which a module stands; "" for all others."""
    root, _, rest = module.partition(".")
    return rest.partition(".")[0] if root == PACKAGE.name else ""


def imported(module: str) -> set[str]:
    """The modules that a module imports, in functions too; ours by their whole names."""
    path = MODULES[module]
    above = [*module.split("."), ""] if path.stem == "__init__" else module.split(".")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = above[: -node.level] if node.level else []
            source = ".".join([*start, *filter(None, [node.module])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else source for name in names}
    assert {name for name in found if name.startswith(PACKAGE.name)} <= MODULES.keys()
    return found


IMPORTS = {module: imported(module) for module in MODULES}


def test_every_module_stands_in_the_layout() -> None:
    listed = {(package, name) for package, names in LAYOUT for name in re.findall(r"\w+", names)}
    inside = {
        (path.parent.name, path.stem)
        for path in PACKAGE.glob("*/*")
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert listed == {(package, name) for package, name in inside if name != "__init__"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__"}


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_from_those_before_it(package: str) -> None:
    before = {"", *ORDER[: ORDER.index(package) + 1]}
    later = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        if package_of(module) == package
        for name in names
        if package_of(name) not in before
    ]
    assert later == []


def test_no_module_imports_itself_through_others() -> None:
    ours = {module: names & MODULES.keys() for module, names in IMPORTS.items()}
    assert set(TopologicalSorter(ours).static_order()) == MODULES.keys()


def test_only_web_and_the_command_line_speak_http() -> None:
    speakers = {
        package_of(module)
        for module, names in IMPORTS.items()
        if HTTP & {name.partition(".")[0] for name in names}
    }
    assert speakers == {"web", "cli"}


def test_shacl_is_read_as_schema_as_documents_and_in_validation() -> None:
    readers = {
        package_of(m) for m, path in MODULES.items() if re.search(r"\bSH \+", path.read_text())
    }
    assert readers == {"schema", "catalogue", "validation"}


def test_no_word_of_the_domain_stands_in_python() -> None:
    words = r"\b(migrant|refugee|mentor|hungar|dutch|outcome|immerse|countr)"
    for path in PACKAGE.rglob("*.py"):
        code = re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text())
        assert not re.search(words, code, re.I), path


def test_the_lock_file_pins_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "http://" not in lock
    assert "https://" not in lock
    assert not re.search(r"^-", lock, re.M), "options of the installer are not locked"
    pins = re.findall(r"^([\w.-]+)==", lock, re.M)
    assert len(pins) > 20
    assert lock.count("--hash=sha256:") >= len(pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split(r"[;\s]", name)[0] for name in wanted} <= set(pins)


def test_the_clients_lock_file_pins_with_hashes_and_names_no_address() -> None:
    lock = json.loads((ROOT / "tests/clients/package-lock.json").read_text())
    assert len(lock["packages"]) > 20
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_every_package_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    end = lines.index("[project.scripts]")
    listed = [n for n in range(start, end) if re.match(r'    "[a-z]', lines[n])]
    assert len(listed) > 10
    for number in listed:
        assert "#" in lines[number] or lines[number - 1].strip().startswith("#"), lines[number]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_every_limit_stands_where_the_table_says() -> None:
    table = (ROOT / ".github" / "SECURITY.md").read_text()
    cells = [line.split("|")[-2] for line in table.splitlines() if line.startswith("| ")]
    places = [re.findall(r"`([^`]+)`", part) for cell in cells for part in cell.split(";")]
    assert len(list(filter(None, places))) > 30
    for path, *names in filter(None, places):
        text = (PACKAGE / path).read_text()
        assert all(re.search(rf"^(class )?{name}\b", text, re.M) for name in names), (path, names)


def shell_lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    return [line for block in blocks for line in block.splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("curl")])
def test_a_request_of_the_readme_is_answered(line: str, client: TestClient) -> None:
    words = shlex.split(line)[1:]
    address = next(word for word in words if word.startswith("http"))
    headers = dict([words[words.index("-H") + 1].split(": ")]) if "-H" in words else {}
    path = address.removeprefix("http://127.0.0.1:8000")
    if "--data-urlencode" in words:
        name, _, file = words[words.index("--data-urlencode") + 1].partition("@")
        answer = client.post(path, data={name: (ROOT / file).read_text()}, headers=headers)
    else:
        answer = client.get(path, headers=headers, follow_redirects="-L" in words)
    assert answer.status_code == 200
    assert len(answer.content) > 200
    if headers:
        assert answer.headers["content-type"].startswith(headers["Accept"])


COMMAND_LINES = [line for line in shell_lines() if line.startswith(".venv/bin/practicegraph")]


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_of_the_readme_runs(line: str, run: Callable[..., Result]) -> None:
    words = shlex.split(line, comments=True)[1:]
    words = [str(ROOT / word) if word.startswith("tests/") else word for word in words]
    result = run(*words)
    assert result.exit_code == 0, result.output


def test_every_command_stands_in_the_readme() -> None:
    for name in COMMANDS:
        assert f"practicegraph {name}" in README or name == "serve", name
    targets = re.findall(r"^make (\w+)", README, re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["run", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_ci_runs_the_readme_s_test_command() -> None:
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")
