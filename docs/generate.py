"""Writes what README.md and docs/ show of the program; it never writes outside the marks.

    python docs/generate.py            writes the blocks anew (`make docs`)
    python docs/generate.py --check    writes nothing, shows the differences, ends with 1 if any

Four marks, each a comment of its own line, are acted on:

    generated: NAME … end       the lines between are written by the function NAME of WRITERS
    file: NAME                  the next block is put into the file NAME, for later commands
    run, or run: exit N         the commands of the next block are run and must end so
    run: output                 the same, and what they print is written into the block

The commands run in a scratch directory beside a real service with the example data; the address
http://127.0.0.1:8000 in a command stands for that service.
"""

import difflib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import click

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.queries.library import load
from coprod_kg.settings import PREFIX, Settings
from coprod_kg.sparql.tokens import significant

TOP = Path(__file__).resolve().parents[1]
# Those that read before those that write, so that what is shown stays the same.
PAGES = (
    "README.md",
    "ontology/README.md",
    *(f"docs/{name}.md" for name in ("analyst", "portal", "operator")),
)
PAGES += tuple(
    name
    for path in sorted((TOP / "docs").glob("*.md"))
    if (name := path.relative_to(TOP).as_posix()) not in PAGES
)
ADDRESS = "http://127.0.0.1:8000"
GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
RUN = re.compile(
    r"(<!-- run(?:: (?P<how>output|exit (?P<exit>\d+)))? -->\n```\w+\n)(?P<body>.*?)(```\n)",
    re.DOTALL,
)
FILE = re.compile(r"<!-- file: ([\w.-]+) -->\n```\w+\n(.*?)```\n", re.DOTALL)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
DAY = "2026-11-24 09:30 UTC"
START_SECONDS = 90
COMMAND_SECONDS = 60
# No preparation of the examples is made for this limit: with one, versions have other numbers.
UNPREPARED = ("--submission-seconds", "121")


@dataclass(frozen=True)
class Scratch:
    """Where examples run: a directory, and the address of the service there."""

    directory: Path
    address: str

    def run(self, command: str, exit_code: int) -> str:
        """What a shell command prints, if it ends as it should."""
        ran = subprocess.run(
            ["/bin/sh", "-c", command.replace(ADDRESS, self.address)],
            cwd=self.directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            text=True,
            check=False,
        )
        shown = ran.stdout.replace(self.address, ADDRESS).replace("\r\n", "\n")
        shown = MOMENT.sub(DAY, shown)
        if ran.returncode != exit_code:
            raise SystemExit(f"$ {command}\n{shown}ended with {ran.returncode}, not {exit_code}")
        return shown if not shown or shown.endswith("\n") else shown + "\n"


def environment() -> dict[str, str]:
    """The environment without settings, and with this interpreter's programs first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"COLUMNS": "100"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def service() -> Iterator[Scratch]:
    """Run a service with the example data until the caller is done."""
    with tempfile.TemporaryDirectory(prefix="coprod-docs-") as name:
        directory, port = Path(name), free_port()
        for folder in ("examples", "ontology", "queries", "shapes"):
            (directory / folder).symlink_to(TOP / folder)
        scratch = Scratch(directory, f"http://127.0.0.1:{port}")
        log = directory / "serve.log"
        with log.open("w") as output:
            running = subprocess.Popen(
                ["coprod-kg", "serve", "--port", str(port), *UNPREPARED],  # noqa: S607 # by environment()
                cwd=directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                wait_for(scratch.address, running, log)
                yield scratch
            finally:
                running.terminate()
                running.wait(timeout=30)


def wait_for(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service says that it is ready."""
    give_up = time.monotonic() + START_SECONDS
    while running.poll() is None and time.monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # our own
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"the service did not start:\n{log.read_text(encoding='utf-8')}")


def row(*cells: str) -> str:
    """One line of a table; a bar within a cell would end it."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    return "\n".join([row(*head), row(*["---"] * len(head)), *(row(*cells) for cells in rows)])


def settings_table() -> str:
    """Every setting with its three names, its default and what it is."""
    rows = []
    for one in fields(Settings):
        default = ", ".join(one.default) if isinstance(one.default, tuple) else one.default
        shown = "none" if default in (None, "") else f"`{default}`"
        key = one.name.replace("_", "-")
        rows.append((f"`{key}`", f"`{PREFIX}{one.name.upper()}`", shown, one.metadata["help"]))
    return table(("in `coprod.toml`", "variable", "default", "what it is"), rows)


def queries_table() -> str:
    """Every saved query with its question and parameters."""
    rows = []
    for name, query in sorted(load().items()):
        parameters = ", ".join(f"`{one.name}`" for one in query.parameters) or "none"
        rows.append((f"`{name}`", query.summary, parameters))
    return table(("name", "question", "parameters"), rows)


def commands_help() -> str:
    """What ``--help`` says, for every command."""
    sections = []
    for name, command in leaves(coprod_kg, "coprod-kg"):
        context = click.Context(command, info_name=name, terminal_width=95, max_content_width=95)
        sections.append(f"### `{name}`\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(sections)


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its full name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command, info_name=name)
    for word in command.list_commands(context):
        if inner := command.get_command(context, word):
            yield from leaves(inner, f"{name} {word}")


def competency_table() -> str:
    """Competency questions, the ontology's terms that each uses, and the query that answers it."""
    rows = sorted(
        ((answer, query) for query in load().values() for answer in query.answers),
        key=lambda row: (row[0], row[1].name),
    )
    lines = ["| | Question | Terms | Query |", "|---|---|---|---|"]
    for answer, query in rows:
        names = {token.text for token in significant(query.text) if token.kind == "pname"}
        terms = ", ".join(f"`{name}`" for name in sorted(names) if re.match("cp:.", name))
        link = f"[{query.name}](../queries/questions/{query.name}.rq)"
        lines.append(f"| {answer} | {query.summary} | {terms} | {link} |")
    return "\n".join(lines)


WRITERS: dict[str, Callable[[], str]] = {
    "commands": commands_help,
    "competency": competency_table,
    "queries": queries_table,
    "settings": settings_table,
}


def executed(match: re.Match[str], scratch: Scratch) -> str:
    """A block after its commands were run: with what they print, where the mark asks for it."""
    wanted = int(match["exit"] or 0)
    lines = match["body"].splitlines()
    if not any(line.startswith("$ ") for line in lines):
        scratch.run("set -e\n" + match["body"], wanted)
        return match[0]
    parts = []
    for command in re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", match["body"], re.MULTILINE):
        parts.append(f"$ {command}\n{scratch.run(command, wanted)}")
    return f"{match[1]}{''.join(parts)}```\n" if match["how"] == "output" else match[0]


def rewritten(text: str, scratch: Scratch) -> str:
    """A page with every marked block as it is now."""
    text = GENERATED.sub(lambda block: f"{block[1]}{WRITERS[block[2]]()}\n{block[3]}", text)
    for name, body in FILE.findall(text):
        (scratch.directory / name).write_text(body, encoding="utf-8")
    return RUN.sub(lambda block: executed(block, scratch), text)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` show what would be written."""
    stale = 0
    with service() as scratch:
        for name in PAGES:
            before = (TOP / name).read_text(encoding="utf-8")
            after = rewritten(before, scratch)
            if before == after:
                continue
            if "--check" not in arguments:
                (TOP / name).write_text(after, encoding="utf-8")
                continue
            stale = 1
            lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
            sys.stdout.writelines(difflib.unified_diff(*lines, name, "as it is now"))
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
