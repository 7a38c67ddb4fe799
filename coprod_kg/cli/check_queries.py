"""``coprod-kg check-queries``: mistakes in saved queries and their charts."""

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.model.files import files
from coprod_kg.queries.lint import CHART, faults, files_of, hints
from coprod_kg.settings import Settings
from coprod_kg.store.local import connect

__all__ = ["check_queries"]


@click.command(epilog="Example: coprod-kg check-queries my-questions")
@setting_options("queries", "service_allow")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_queries(settings: Settings, *, paths: tuple[Path, ...], as_json: bool) -> None:
    """Look saved queries and their charts over, and print every mistake with file and line.

    PATHs are files or folders; without one the queries of this software and of your own folder
    are looked at. No data is needed. Exit code 1 says that there are mistakes; a hint is none.
    """
    shipped = (files("queries") / "questions", files("queries") / "views")
    own_folders = (settings.queries,) if settings.queries else ()
    paths_found = files_of(paths or (*shipped, *own_folders))
    with ExitStack() as stack:
        empty = stack.enter_context(TemporaryDirectory(prefix="coprod-"))
        store = stack.enter_context(connect(replace(settings, data=Path(empty)), create=True))
        mistakes = faults(paths_found, store, settings)
    hints_found = hints(paths_found)
    if as_json:
        rows = [
            {
                "file": str(mistake.file),
                "line": mistake.line,
                "what": mistake.message,
                "hint": mistake in hints_found,
            }
            for mistake in (*mistakes, *hints_found)
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for mistake in mistakes:
            click.echo(str(mistake))
        for hint in hints_found:
            click.echo(f"{hint.file}:{hint.line}: hint: {hint.message}")
        charts = sum(path.name.endswith(CHART) for path in paths_found)
        click.echo(
            f"{_plural(len(paths_found) - charts, 'query', 'queries')}, "
            f"{_plural(charts, 'chart', 'charts')}, "
            f"{_plural(len(mistakes), 'mistake', 'mistakes')}"
            + (f", {_plural(len(hints_found), 'hint', 'hints')}." if hints_found else ".")
        )
    if mistakes:
        raise click.exceptions.Exit(1)


def _plural(number: int, singular: str, plural: str) -> str:
    return f"{number or 'no'} {singular if number == 1 else plural}"
