"""The pages are true: what they show was run, what they list is complete, their links resolve."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import click
import pytest

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])
MARK = re.compile(r"<!-- (run(: (output|exit \d+))?|not run: \S.*|file: \S+) -->")
NUMBERED = re.compile(r"^### D(\d+)\. ", re.MULTILINE)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_page_shows_what_the_program_does(require: Callable[[str], None]) -> None:
    """Runs every example beside a real service; `make docs` mends what this finds."""
    require("curl")
    ran = subprocess.run(
        [sys.executable, TOP / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"run `make docs`\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_shell_example_is_run_or_says_why_not(page: Path) -> None:
    lines = text_of(page).splitlines()
    unmarked = [
        f"{page.name}:{number + 1}"
        for number, line in enumerate(lines)
        if line in ("```sh", "```console", "```python")
        and (number == 0 or not MARK.fullmatch(lines[number - 1]))
    ]
    assert not unmarked


def links(page: Path) -> Iterator[str]:
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`]*`", lambda code: "x" * len(code[0]), prose)
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_resolves(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_reached_from_the_first(page: Path) -> None:
    reached, waiting = set[Path](), [TOP / "README.md"]
    while waiting:
        here = waiting.pop()
        reached.add(here)
        found = {(here.parent / link.partition("#")[0]).resolve() for link in links(here)}
        waiting += [one for one in found - reached if one.suffix == ".md" and one.exists()]
    assert page in reached


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name.strip(), command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        inner = command.get_command(context, word)
        assert inner is not None, f"{word} is listed and is not there"
        yield from leaves(inner, f"{name} {word}")


def test_every_command_says_what_it_does_with_an_example() -> None:
    without = []
    for name, command in leaves(coprod_kg):
        shown = command.get_help(click.Context(command, info_name=f"coprod-kg {name}"))
        if f"coprod-kg {name}" not in shown.partition("Example")[2]:
            without.append(name)
    assert not without


def test_every_option_of_a_command_has_its_help() -> None:
    without = [
        f"{name}: {one.name}"
        for name, command in leaves(coprod_kg)
        for one in command.params
        if isinstance(one, click.Option) and not one.help
    ]
    assert not without


def test_every_address_of_the_service_is_listed() -> None:
    app = create_app(MemoryStore(), Settings())
    page = text_of(TOP / "docs" / "portal.md")
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    written = {re.sub(r"<(?:\w+:)?(\w+)>", lambda part: part[1].upper(), rule) for rule in rules}
    assert not [rule for rule in sorted(written) if f"`{rule}`" not in page]


def test_every_dependency_has_its_reason_and_no_other_has() -> None:
    project = tomllib.loads(text_of(TOP / "pyproject.toml"))
    build = text_of(TOP / "requirements" / "build.in").splitlines()
    wanted = [
        *project["project"]["dependencies"],
        *chain.from_iterable(project["project"]["optional-dependencies"].values()),
        *project["dependency-groups"]["dev"],
        *(line for line in build if not line.startswith("#")),
    ]
    names = {re.split(r"[<>=!~\[ ]", one)[0] for one in wanted}
    page = text_of(TOP / "docs" / "dependencies.md")
    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == names


def test_every_locked_package_has_a_hash() -> None:
    for lock in sorted((TOP / "requirements").glob("*.lock")):
        for entry in re.split(r"\n(?=\w)", text_of(lock).strip()):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"{lock.name}: {entry}"


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads(text_of(TOP / "pyproject.toml"))["project"]["version"]
    assert f"version: {version}\n" in text_of(TOP / "CITATION.cff")
    assert f"## {version}" in text_of(TOP / "CHANGELOG.md")


def test_decisions_are_numbered_and_each_says_why_and_when_to_look_again() -> None:
    page = text_of(TOP / "docs" / "decisions.md")
    numbers = [int(number) for number in NUMBERED.findall(page)]
    assert numbers == list(range(1, len(numbers) + 1))
    for entry in NUMBERED.split(page)[2::2]:
        assert "**Why.**" in entry, entry
        assert "**Look again**" in entry, entry
