"""Every example in a docstring shows what the program does, and what a text names is there."""

import ast
import doctest
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "coprod_kg"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    ran = doctest.testmod(importlib.import_module(name))
    assert ran.attempted > 0
    assert ran.failed == 0, capsys.readouterr().out


NAMED = re.compile(r"`(coprod_kg(?:\.\w+)+)")
ALL_MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
TEXTS = [
    *ALL_MODULES.values(),
    *PACKAGE.rglob("README.md"),
    *(PACKAGE.parent / "docs").glob("*.md"),
    *(PACKAGE.parent / "tests").rglob("*.py"),
]


@cache
def names_in(module: str) -> set[str]:
    """What a module defines or imports, its methods and attributes too."""
    names = set[str]()
    for node in ast.walk(ast.parse(ALL_MODULES[module].read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def is_there(reference: str) -> bool:
    """Whether a dotted name leads to a module, and to something in it.

    >>> is_there("coprod_kg.store.base.Store.query"), is_there("coprod_kg.store.base.Shop")
    (True, False)
    """
    parts = reference.split(".")
    length = next(n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in ALL_MODULES)
    return set(parts[length:]) <= names_in(".".join(parts[:length]))


def test_what_a_text_names_is_there() -> None:
    lost = {
        f"{path.relative_to(PACKAGE.parent)}: {found[1]}"
        for path in TEXTS
        for found in NAMED.finditer(path.read_text())
        if not is_there(found[1])
    }
    assert not lost, "\n".join(sorted(lost))


def test_the_readme_of_a_package_names_its_modules_and_no_others() -> None:
    """Commands excepted: each is a module called as it is, and `coprod-kg --help` lists them."""
    wrong = []
    for readme in sorted(PACKAGE.glob("*/README.md")):
        text, package = readme.read_text(), readme.parent
        stems = {path.stem for path in package.rglob("*.py") if not path.stem.startswith("__")}
        folders = {path.name for path in package.iterdir() if path.is_dir()}
        for path in package.glob("*.py"):
            is_named = re.search(rf"`{path.stem}[`./]", text)
            if not is_named and package.name != "cli" and not path.stem.startswith("__"):
                wrong.append(f"{package.name}/README.md does not name {path.stem}")
        for word in re.findall(r"`([a-z][a-z_]*)`", text):
            if word not in stems | folders and f"coprod_kg.{word}" not in ALL_MODULES:
                wrong.append(f"{package.name}/README.md names {word}, which is not there")
    assert not wrong, "\n".join(wrong)
