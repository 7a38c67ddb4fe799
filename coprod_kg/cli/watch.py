"""An answer shown again at each new version of the data, until Ctrl-C."""

import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import click

from coprod_kg.cli.output import Output, show
from coprod_kg.client.sources import BoundQuestion
from coprod_kg.errors import LimitReached, StoreError, VersionGone, WrongUsage
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import Cell, Table, read_table
from coprod_kg.queries.differences import Differences, Row, compare, key_columns

__all__ = ["difference_lines", "watch"]

_JSON: Final = (ROWS[0].media_type,)
_EVERY: Final = 1.0
"""Seconds between two looks at the version."""
_FAILURES: Final = 5
"""Failures in a row before one is reported: a commit holds the store for a moment."""
_MOST: Final = 20
"""Changes that are listed one by one."""


def watch(question: BoundQuestion, output: Output) -> None:
    """Show the answer, and again whenever there is a new version, with what has changed.

    A terminal is cleared and drawn anew; elsewhere each answer follows the last one, behind a
    line that begins with ``---``; a file is written anew. Ctrl-C is the way it ends.

    Raises:
        WrongUsage: it is a picture or a workbook, and there is no file for it.
        CoprodError: it cannot be asked the first time.
    """
    if output.derived_format and output.file is None:
        raise WrongUsage(
            f"a {output.derived_format.name} is written anew each time", fix="Add -o FILE."
        )
    answer_shown: _Shown | None = None
    failed = 0
    try:
        while True:
            try:
                if answer_shown is None or question.newest() != answer_shown.version:
                    answer_shown = _show_newest(question, output, answer_shown)
                failed = 0
            except (StoreError, LimitReached, VersionGone) as error:
                if answer_shown is None:
                    raise
                failed += 1
                if failed == _FAILURES:
                    click.echo(f"coprod-kg: {error.what}; trying again", err=True)
            time.sleep(_EVERY)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough, also where it comes twice
        click.echo(err=True)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The last answer shown; of a graph there is no table."""

    version: int
    table: Table | None
    data: bytes

    def same_as(self, other: "_Shown") -> bool:
        """Whether the answers are equal: of JSON the rows, as its head links to its version."""
        if self.table is not None and other.table is not None:
            return self.table == other.table
        return self.data == other.data


def _show_newest(question: BoundQuestion, output: Output, previous: _Shown | None) -> _Shown:
    """Show the answer of the newest version, with what has changed since the one shown before.

    It is asked twice: for the comparison (rows as JSON), then of the same version as `output` has
    it. The second is left out where nothing on the screen or in the file would change.
    """
    if question.described["form"] in ("CONSTRUCT", "DESCRIBE"):
        opened_answer = question.answer(output.media_types, None, None)
    else:
        opened_answer = question.answer(_JSON, None, None)
    with opened_answer as answer:
        data, rows = answer.read(), answer.media_type in _JSON
    newest = _Shown(answer.version, read_table(data) if rows else None, data)
    changes = list(_changes(question, output, previous, newest)) if previous else []
    terminal = sys.stdout.isatty() and output.file is None
    if terminal:
        click.clear()
        click.echo(f"{question.described['summary']}\n")
    elif output.file is None:
        _separate(newest, changes, previous)
    if previous is None or terminal or not newest.same_as(previous):
        ask = partial(question.answer, output.media_types, output.derived_format, newest.version)
        show(ask, output)
    if terminal or output.file is not None:
        for line in changes:
            click.echo(line, err=output.file is not None)
    return newest


def _separate(newest: _Shown, changes: Sequence[str], previous: _Shown | None) -> None:
    line = f"--- version {newest.version}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    summary = f": {changes[0]}" if previous and changes else ""
    click.echo("\n".join([f"{line}{summary}", *changes[1:]]))


def _changes(
    question: BoundQuestion, output: Output, previous: _Shown, newest: _Shown
) -> Iterator[str]:
    """What has changed: a line that counts, then a line for each row."""
    since = f"since version {previous.version}"
    if newest.same_as(previous):
        yield f"nothing has changed {since}"
    elif previous.table is None or newest.table is None or newest.table.truth is not None:
        yield f"the answer has changed {since}"
    else:
        query = question.described
        key = key_columns(tuple(query["key"]), previous.table, newest.table)
        names = {column["name"]: column["label"] for column in query["columns"]}
        differences = compare(previous.table, newest.table, key)
        kinds = (
            ("added", differences.added),
            ("removed", differences.removed),
            ("changed", differences.changed),
        )
        yield ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds) + f" {since}"
        lines = list(difference_lines(differences, names))
        yield from lines[:_MOST]
        if len(lines) > _MOST:
            yield f"… and {len(lines) - _MOST} more"


def difference_lines(differences: Differences, names: Mapping[str, str]) -> Iterator[str]:
    """A line for each row that differs: ``+`` added, ``-`` removed, ``~`` changed.

    Args:
        differences: the differences.
        names: column → what people call it.
    """
    key_columns_shown = {*differences.key, *(f"{name}Label" for name in differences.key)}
    other_columns = [name for name in differences.columns if name not in key_columns_shown]
    for mark, rows in (("+", differences.added), ("-", differences.removed)):
        for row in rows:
            cells = [
                f"{names.get(column, column)} {row[column].value}"
                for column in other_columns
                if column in row
            ]
            yield _line(mark, _key_text(row, differences.key), cells)
    for change in differences.changed:
        cells = [
            f"{names.get(column, column)} {_value(earlier)} → {_value(later)}"
            for column, (earlier, later) in change.cells.items()
        ]
        yield _line("~", _key_text(change.row, differences.key), cells)


def _key_text(row: Row, key: Sequence[str]) -> str:
    """The row's key in words where the row has them."""
    cells = (row.get(f"{name}Label") or row.get(name) for name in key)
    return ", ".join(cell.value if cell else "none" for cell in cells)


def _value(cell: Cell | None) -> str:
    return cell.value if cell else "none"


def _line(mark: str, name: str, cells: Sequence[str]) -> str:
    text = f"{mark} {name}" + (f": {', '.join(cells)}" if cells else "")
    return "".join(character if character.isprintable() else " " for character in text)
