"""The rules of the project: layout, imports, names and sizes of modules, documents, lock files."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from practicegraph.cli.main import COMMANDS, main
from support.catalogues import ROOT

PACKAGE = ROOT / "api" / "practicegraph"
LAYOUT = re.findall(
    r"^\| `(\w+)/` \| .* \| (.*) \|$", (ROOT / "api" / "README.md").read_text(), re.M
)
"""The packages in their order, each with the modules and the packages in it."""
ORDER = [package for package, _ in LAYOUT]
HTTP = {"fastapi", "starlette", "uvicorn", "werkzeug"}
DOMAIN = r"migrant|refugee|mentor|hungar|dutch|outcome|immerse|countr|pupil|practice(?!graph)"
HEAVY = {
    *HTTP,
    "SPARQLWrapper",
    "babel",
    "numpy",
    "openpyxl",
    "pyshacl",
    "rdflib",
}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if path.stem == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {module: ast.parse(path.read_text()) for module, path in MODULES.items()}
SECTIONS = {m: path for m, path in MODULES.items() if not path.stem.startswith("__")}
"""The modules that hold code: all but `__init__` and `__main__`."""
LENGTHS = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
CHAPTERS = [m for m, path in MODULES.items() if path.stem == "__init__" and "." in m]
"""The packages at any depth."""


def package_of(module: str) -> str:
    """Return the package of ours in which a module stands; "" for all others."""
    root, _, rest = module.partition(".")
    return rest.partition(".")[0] if root == PACKAGE.name else ""


def imported_by(module: str) -> set[str]:
    """Return the modules that a module imports, in functions too; ours by their whole names."""
    above = module.split(".") + ([""] if MODULES[module].stem == "__init__" else [])
    imported: set[str] = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = above[: -node.level] if node.level else []
            source = ".".join([*start, *filter(None, [node.module])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            imported |= {name if name in MODULES else source for name in names}
    assert {name for name in imported if name.startswith(PACKAGE.name)} <= MODULES.keys()
    return imported


IMPORTS = {module: imported_by(module) for module in MODULES}
OURS = {module: names & SECTIONS.keys() for module, names in IMPORTS.items()}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for module, tree in TREES.items():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, kinds))


def children(package: str) -> set[str]:
    """Return the names of the modules and packages in a package."""
    return {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == package}


def listed_in(package: str) -> list[str]:
    """Return the modules of a package in the order of its docstring.

    Each begins a line, “- `name`: subject”, or all stand after a colon, “name, name, name.”
    """
    text = ast.get_docstring(TREES[package]) or ""
    lines = re.findall(r"^[-*|` ]*(\w+)/?`?(?: ?[:|(—–-])", text, re.M)
    names = lines if children(package) & {*lines} else re.findall(r"\w+", text.partition(":")[2])
    return [name for name in names if name in children(package)]


def test_every_module_is_in_the_table_of_packages() -> None:
    listed = {(package, name) for package, names in LAYOUT for name in re.findall(r"\w+", names)}
    assert listed == {(p, name) for p in ORDER for name in children(f"{PACKAGE.name}.{p}")}
    assert children(PACKAGE.name) == {"__main__", "errors", *ORDER}


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_packages_before_it(package: str) -> None:
    before = {"", "errors", *ORDER[: ORDER.index(package) + 1]}
    later = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        if package_of(module) == package
        for name in names
        if package_of(name) not in before
    ]
    assert later == []


@pytest.mark.parametrize("package", CHAPTERS)
def test_a_module_imports_only_modules_before_it_in_the_docstring(package: str) -> None:
    order = listed_in(package)
    if not order:
        pytest.skip("the docstring lists no modules")
    assert sorted(order) == sorted(children(package)), "a line for each module: “name: subject”"
    for module, names in OURS.items():
        if module.startswith(f"{package}."):
            inside = {
                n[len(package) + 1 :].partition(".")[0]
                for n in names
                if n.startswith(f"{package}.")
            }
            own = module[len(package) + 1 :].partition(".")[0]
            assert inside <= set(order[: order.index(own) + 1]), module


def test_docstrings_of_packages_list_their_modules() -> None:
    assert len([package for package in CHAPTERS if not listed_in(package)]) <= 6


def test_imports_make_no_circle() -> None:
    assert {*TopologicalSorter(OURS).static_order()} == MODULES.keys()


def test_a_module_imports_few_others() -> None:
    most = max((len(names), module) for module, names in OURS.items())
    assert most[0] <= 21, most[1]


def test_a_catalogue_is_data_and_imports_few_modules() -> None:
    closure: set[str] = set()
    waiting = [f"{PACKAGE.name}.catalogue.catalogue"]
    while waiting:
        closure.add(waiting.pop())
        waiting = [name for module in closure for name in OURS[module] - closure]
    assert len(closure) <= 25


def test_only_web_speaks_http_and_only_the_command_line_starts_a_server() -> None:
    speakers = {
        library: {package_of(m) for m, names in IMPORTS.items() if library in roots(names)}
        for library in HTTP
    }
    assert speakers.pop("uvicorn") == {"web", "cli"}
    assert set().union(*speakers.values()) == {"web"}


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_the_terms_of_shacl_are_read_in_one_package() -> None:
    readers = {
        module
        for module, node in nodes(ast.ImportFrom)
        if isinstance(node, ast.ImportFrom) and "SH" in {alias.name for alias in node.names}
    }
    assert {module.rpartition(".")[0] for module in readers} == {f"{PACKAGE.name}.schema.shapes"}


def test_no_word_of_the_domain_is_in_the_code() -> None:
    words = {f"{module}: {text}" for module, text in code_words() if re.search(DOMAIN, text, re.I)}
    assert not words


def code_words() -> Iterator[tuple[str, str]]:
    """Yield the names and the strings of the code, without docstrings."""
    for module, tree in TREES.items():
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            for _, value in ast.iter_fields(node):
                if isinstance(value, str) and id(node) not in docstrings:
                    yield module, value


def test_modules_are_sections_of_a_few_hundred_lines() -> None:
    lengths = {module: LENGTHS[module] for module in SECTIONS}
    assert 90 <= len(lengths) <= 160
    assert len([module for module, length in lengths.items() if length < 40]) == 0
    assert len([module for module, length in lengths.items() if length > 450]) == 0


def test_the_program_and_its_pages_are_small() -> None:
    total = sum(LENGTHS.values())
    web = sum(length for module, length in LENGTHS.items() if package_of(module) == "web")
    assert total - web <= 23_590
    assert web <= 13_210


def test_no_two_classes_have_the_same_name() -> None:
    names = Counter(node.name for _, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef))
    assert not [name for name, count in names.items() if count > 1]


def test_docstrings_of_functions_begin_with_a_plain_verb() -> None:
    others = [
        f"{module}.{node.name}"
        for module, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and re.match(r"(Give|Tell|Have)s?\b", ast.get_docstring(node) or "")
    ]
    assert not others, others[:10]


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a command imports, in a process of its own."""
    code = (
        "import sys; from practicegraph.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\nprint(*sys.modules)"
    )
    if arguments[0] == "check":
        code = code.replace("main(s", "try: main(s").replace(
            "\nprint", "\nexcept SystemExit: pass\nprint"
        )
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_command(option: str) -> None:
    loaded = loaded_by(option)
    names = {name for name in loaded if name.startswith(PACKAGE.name)}
    assert names == {
        PACKAGE.name,
        f"{PACKAGE.name}.errors",
        *(f"{PACKAGE.name}.cli{end}" for end in ("", ".main")),
    }
    assert not loaded & {*HEAVY, "pyoxigraph"}


def test_a_check_imports_no_http_no_tables_and_no_search() -> None:
    loaded = loaded_by("check", "data/practices/1788.ttl")
    assert loaded & HEAVY <= {"rdflib", "pyshacl", "babel"}


def test_the_help_lists_the_first_sentence_of_each_command() -> None:
    with main.make_context("practicegraph", ["--help"], resilient_parsing=True) as context:
        for name, (_, text) in COMMANDS.items():
            command = main.get_command(context, name)
            assert command is not None
            assert command.name == name
            assert (command.help or "").startswith(text.rstrip(".")), name


def test_the_lock_file_pins_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "http://" not in lock
    assert "https://" not in lock
    assert not re.search(r"^-", lock, re.M), "options of the installer are not locked"
    pins = re.findall(r"^([\w.-]+)==", lock, re.M)
    assert len(pins) > 20
    assert lock.count("--hash=sha256:") >= len(pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split(r"[;\s]", name)[0] for name in required} <= set(pins)


@pytest.mark.parametrize("folder", ["api/frontend", "tests/clients"])
def test_a_lock_file_of_javascript_pins_with_hashes_and_names_no_address(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    assert len(lock["packages"]) > 20
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    end = lines.index("[project.scripts]")
    listed = [n for n in range(start, end) if re.match(r'    "[a-z]', lines[n])]
    assert len(listed) > 10
    for number in listed:
        assert "#" in lines[number] or lines[number - 1].strip().startswith("#"), lines[number]


def test_every_limit_is_where_the_table_of_security_says() -> None:
    table = (ROOT / ".github" / "SECURITY.md").read_text()
    cells = [line.split("|")[-2] for line in table.splitlines() if line.startswith("| ")]
    places = [re.findall(r"`([^`]+)`", part) for cell in cells for part in cell.split(";")]
    assert len(list(filter(None, places))) > 30
    for path, *names in filter(None, places):
        text = (PACKAGE / path).read_text()
        assert all(re.search(rf"^(class )?{name}\b", text, re.M) for name in names), (path, names)
