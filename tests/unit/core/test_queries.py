"""Every statement has one function of its own name, every function a caller, and nobody else talks to PostgreSQL."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STATEMENTS = ROOT / "sql" / "queries"
PACKAGES = sorted(folder.name for folder in STATEMENTS.iterdir() if folder.is_dir())
DATABASE = ROOT / "tasks" / "core" / "database.py"

DATABASES_OWN = {"core/try_turn", "core/wait_for_turn", "core/lift_session_limits"}
"""What database.py names itself: it keeps turns on a connection that nobody else sees."""

NAMED_AGAIN = {"stream_committed_players": "club/list_committed_players"}
"""Functions that give the rows of another one's statement in another way."""

DOORS = {"fetch", "run", "stream"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def sources() -> list[Path]:
    return [path for part in ("tasks", "flows", "deployments") for path in sorted((ROOT / part).rglob("*.py"))]


def functions(package: str) -> list[ast.FunctionDef]:
    """The functions of a package's queries.py that others call."""
    tree = parsed(ROOT / "tasks" / package / "queries.py")
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def statements_named(tree: ast.AST) -> Iterator[str]:
    """The statements that calls of fetch, run and stream name, wherever they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in DOORS:
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def called(call: ast.Call) -> str:
    """The bare name of what is called, also where it is an attribute."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def queries_used(path: Path) -> Iterator[tuple[str, str]]:
    """The functions of queries.py modules that a module reads, by package and name."""
    tree, modules = parsed(path), {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("tasks."):
            continue
        package = str(node.module).split(".")[1]
        for name in node.names:
            if node.module == f"tasks.{package}" and name.name == "queries":
                modules[name.asname or name.name] = package
            elif node.module == f"tasks.{package}.queries":
                yield package, name.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def test_there_is_a_queries_module_for_each_folder_of_statements() -> None:
    assert [path.parent.name for path in sorted((ROOT / "tasks").glob("*/queries.py"))] == PACKAGES
    assert not list(STATEMENTS.glob("*.sql")), "each stands in its package's folder"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_statement_is_named_by_one_function_of_its_name(package: str) -> None:
    files = {f"{package}/{path.stem}" for path in (STATEMENTS / package).glob("*.sql")}
    named = {function.name: list(statements_named(function)) for function in functions(package)}
    expected = {function: [NAMED_AGAIN.get(function, f"{package}/{function}")] for function in named}
    assert named == expected
    assert len(list(statements_named(parsed(ROOT / "tasks" / package / "queries.py")))) == len(named)
    once = [f"{package}/{function}" for function in named if function not in NAMED_AGAIN]
    assert sorted(once) == sorted(files - DATABASES_OWN)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_function_is_called_in_the_pipeline(package: str) -> None:
    used = {name for path in sources() for owner, name in queries_used(path) if owner == package}
    assert {function.name for function in functions(package)} - used == set()


def test_the_database_module_names_its_own_statements_alone() -> None:
    assert Counter(statements_named(parsed(DATABASE))) == Counter(DATABASES_OWN)


def test_nobody_but_queries_modules_runs_statements() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        if path != DATABASE and path.name != "queries.py"
        for line in doors_used(parsed(path))
    ]
    assert found == []


def doors_used(tree: ast.Module) -> Iterator[int]:
    """The lines that take fetch, run or stream (or query) from the database module, or call a database's own fetch.

    A `run` that is an attribute may be another thing's, such as subprocess.run.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "tasks.core.database":
            if any(name.name in {*DOORS, "query", "*"} for name in node.names):
                yield node.lineno
        elif isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in {"fetch", "stream"} or (node.attr in {"run", "query"} and owner == "database"):
                yield node.lineno
