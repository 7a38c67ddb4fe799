"""Output of an answer to a terminal, a pipe or a file, in the format asked for."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.media_types import CRATE, EXCEL_CSV, GRAPHS, ROWS, Format, by_name
from coprod_kg.formats.table import Table, read_table
from coprod_kg.formats.text_columns import terminal_width
from coprod_kg.formats.text_table import Look, legend, readable
from coprod_kg.queries.derived import DERIVED
from coprod_kg.queries.suppression import note
from coprod_kg.store.base import Answer

__all__ = ["Output", "format_options", "opened_file", "show"]

_JSON: Final = ROWS[0].media_type
_FORMATS: Final = (
    *("json", "xml", "csv", "tsv", "table"),
    *("turtle", "ntriples", "jsonld", "rdfxml"),
    *("svg", "png", "vega", "xlsx", EXCEL_CSV.name, "crate"),
)
_BINARY: Final = ("png", "xlsx", CRATE.name)


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say where an answer goes, and as what."""
    for option in (
        click.option(
            "--wide",
            is_flag=True,
            help="Show every column of a table, also a code beside its label, as long as it is.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Write to this file; without -f its ending says the format.",
        ),
        click.option(
            "-f",
            "--format",
            "form",
            type=click.Choice(_FORMATS, case_sensitive=False),
            help="Write this format; json and xml fit rows and graphs, svg, png and vega are the "
            "chart of a saved query, xlsx is a workbook, excel.csv is CSV that Excel opens with "
            "its letters intact, crate an RO-Crate. On a terminal a table or Turtle, else CSV or "
            "Turtle.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Output:
    """The destination and the format of an answer.

    Attributes:
        form: the format that was asked for, or None.
        file: the file, or None for standard output.
        base_iri: what is left out of the names of things.
        wide: whether a table shows all there is.
        headings: column → what people call it.
        units: column → what its numbers count, where the heading says that.
        cited: how the answer is cited, in a few words.
    """

    form: str | None
    file: Path | None
    base_iri: str
    wide: bool = False
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    cited: str = ""

    @property
    def as_table(self) -> bool:
        """Whether rows become an aligned table."""
        terminal = self.form is None and self.file is None and sys.stdout.isatty()
        return terminal or self.form == "table"

    @property
    def derived_format(self) -> Format | None:
        """The format, where it is made of a saved query's rows: a chart, a workbook, a crate."""
        return next(
            (form for form in by_name(self._format_name) if form in (*DERIVED, CRATE)), None
        )

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types to ask for, best first; the store takes the first that fits the query."""
        if self.as_table:
            return (_JSON, GRAPHS[0].media_type)
        tabular_or_graph = (*ROWS, *GRAPHS)
        formats = [form for form in by_name(self._format_name) if form in tabular_or_graph]
        return tuple(form.media_type for form in formats) or ("text/csv", GRAPHS[0].media_type)

    def lines(self, table: Table) -> Iterator[str]:
        """A table as people read it; cut to the terminal only where it goes to one."""
        width = None if self.file or self.wide else terminal_width()
        # An answer to a SPARQL text has no headings: all its columns are shown as they are.
        all_columns = self.wide or width is None or not self.headings
        look = Look(self.base_iri, self.headings, self.units, width, all_columns)
        yield from readable(table, look)

    def footer(self, table: Table, version: int) -> Iterator[str]:
        """The lines below a table: its notes, its size, its version and how to cite it."""
        if table.truth is None:
            yield from filter(None, (legend(table), note(table, None)))
            count = "1 row" if len(table.rows) == 1 else f"{len(table.rows)} rows"
            cited = f"; to cite: {self.cited.format(version=version)}" if self.cited else ""
            yield f"({count}, version {version}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC{cited})"

    def check(self) -> None:
        """Refuse a file whose ending says nothing, and bytes that a terminal could not show.

        Raises:
            WrongUsage: says what to write.
        """
        if self.file and self.file.suffix and not self.form and not by_name(self._format_name):
            raise WrongUsage(
                f"no format ends in {self.file.suffix}",
                where=f"-o {self.file}",
                fix=f"Say with -f which it is: {', '.join(_FORMATS)}.",
            )
        if (
            self.derived_format
            and self.derived_format.name in _BINARY
            and not self.file
            and sys.stdout.isatty()
        ):
            message = f"{self.derived_format.name} is not for a terminal"
            raise WrongUsage(message, where="-f", fix="Add -o FILE.")

    @property
    def _format_name(self) -> str:
        return self.form or (self.file.suffix.removeprefix(".") if self.file else "")


def show(open_answer: Callable[[], AbstractContextManager[Answer]], output: Output) -> None:
    """Open the destination, then ask and write the answer, so that a bad path costs no query."""
    output.check()
    table = None
    with opened_file(output.file) as write, open_answer() as answer:
        if output.as_table and answer.media_type == _JSON:
            table = read_table(answer.read())
            for line in output.lines(table):
                write(f"{line}\n".encode())
        else:
            for chunk in answer.chunks:
                write(chunk)
    if answer.note:
        click.echo(answer.note, err=True)
    if table is not None and output.file is None:
        for line in output.footer(table, answer.version):
            click.echo(line, err=True)


@contextmanager
def opened_file(path: Path | None) -> Iterator[Any]:
    """A function that writes bytes; a file appears under its name only when it is whole."""
    if path is None:
        stream = sys.stdout.buffer
        yield stream.write
        stream.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file.write
        part.replace(path)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be written: {error.strerror}", where="-o") from None
    finally:
        part.unlink(missing_ok=True)
