"""``coprod-kg query`` and ``sparql``: ask from a terminal; they never change data."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from coprod_kg.answering import ask, run_saved
from coprod_kg.catalogue.parameters import did_you_mean
from coprod_kg.catalogue.queries import SavedQuery, load_all
from coprod_kg.cli.completion import complete_name, complete_parameter
from coprod_kg.cli.context import opened, setting_options
from coprod_kg.cli.remote import Remote
from coprod_kg.cli.tables import aligned, readable
from coprod_kg.errors import NotFound, Unreadable, WrongUsage
from coprod_kg.results.formats import GRAPHS, ROWS, Format, by_name
from coprod_kg.results.made import MADE, Asked, formats_made
from coprod_kg.results.table import read_table
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query

__all__ = ["query", "sparql"]

_JSON: Final = ROWS[0].media_type
_FORMATS: Final = (
    *("json", "xml", "csv", "tsv", "table"),
    *("turtle", "ntriples", "jsonld", "rdfxml"),
    *("svg", "png", "vega", "xlsx"),
)
_asking = setting_options("data", "base_iri", "query_seconds", "service_allow", "queries")
_url = click.option("--url", metavar="URL", help="Ask the running service at this address.")
_version = click.option(
    "--version", "number", type=int, metavar="N", help="Ask this version of the data."
)
_format = click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(_FORMATS, case_sensitive=False),
    help="Write this format; json and xml fit rows and graphs, svg, png and vega are the chart of "
    "a saved query, xlsx is a workbook. On a terminal a table or Turtle, else CSV or Turtle.",
)
_output = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file; without -f its ending says the format.",
)


@dataclass(frozen=True, slots=True)
class _Output:
    """Where an answer goes, and as what."""

    form: str | None
    file: Path | None
    base_iri: str

    @property
    def as_table(self) -> bool:
        """Whether rows become an aligned table."""
        terminal = self.form is None and self.file is None and sys.stdout.isatty()
        return terminal or self.form == "table"

    @property
    def made(self) -> Format | None:
        """The format, where it is one that is made of a saved query's rows."""
        named = self.form or (self.file.suffix.removeprefix(".") if self.file else "")
        return next((one for one in by_name(named) if one in MADE), None)

    @property
    def media_types(self) -> tuple[str, ...]:
        """What to ask for, best first; which of them fits the query is the store's to say."""
        if self.as_table:
            return (_JSON, GRAPHS[0].media_type)
        named = self.form or (self.file.suffix.removeprefix(".") if self.file else "")
        if named:
            found = tuple(one.media_type for one in by_name(named) if one in (*ROWS, *GRAPHS))
            if found:
                return found
        return ("text/csv", GRAPHS[0].media_type)


@click.command(epilog="Example: coprod-kg query initiatives-at-stage -p stage=project -f csv")
@_asking
@click.argument("name", shell_complete=complete_name)
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="KEY=VALUE",
    help="Bind a parameter; repeat.",
    shell_complete=complete_parameter,
)
@_format
@_output
@_version
@_url
@click.option("--explain", is_flag=True, help="Say what the query takes and gives; ask nothing.")
def query(settings: Settings, *, name: str, params: tuple[str, ...], **options: Any) -> None:
    """Run the saved query NAME.

    A parameter takes what its description says: a concept by its slug, a thing by its slug or
    IRI, a number, a day. Several values: repeat -p.
    """
    output = _Output(options["form"], options["output"], settings.base_iri)
    values = _values(params)
    if options["url"]:
        remote = Remote(options["url"], settings.query_seconds)
        types = (output.made.media_type,) if output.made else output.media_types
        _write(partial(remote.query, name, values, types, options["number"]), output)
        return
    saved = _found(load_all(settings.queries), name)
    if options["explain"]:
        click.echo("\n".join(_explained(saved)))
        return
    saved.bind(values, settings.base_iri)  # a wrong value is said before a store is opened
    types = (_JSON,) if output.made else output.media_types
    asking = Query("", types, version=options["number"], seconds=settings.query_seconds)
    with opened(settings) as store:
        asked = partial(run_saved, store, saved, values, asking, settings)
        if output.made:
            asked = partial(_made, asked, output.made, saved, values, settings.queries)
        _write(asked, output)


@click.command(epilog="Example: coprod-kg sparql 'SELECT * { ?s a cp:Initiative }' -f table")
@_asking
@click.argument("text", metavar="QUERY|FILE|-")
@_format
@_output
@_version
@_url
def sparql(settings: Settings, *, text: str, **options: Any) -> None:
    """Ask any SPARQL query: its text, a file that holds it, or - for standard input."""
    output = _Output(options["form"], options["output"], settings.base_iri)
    if output.made:
        raise WrongUsage(
            f"{output.made.name} is made of saved queries only",
            where="-f",
            fix="Take csv, or save the query: coprod-kg query NAME --queries FOLDER.",
        )
    text = _query_text(text)
    if options["url"]:
        remote = Remote(options["url"], settings.query_seconds)
        _write(partial(remote.sparql, text, output.media_types, options["number"]), output)
        return
    asking = Query(
        text,
        output.media_types,
        version=options["number"],
        seconds=settings.query_seconds,
        union=settings.default_graph == "union",
    )
    with opened(settings) as store:
        _write(partial(ask, store, asking, settings), output)


def _found(known: Mapping[str, SavedQuery], name: str) -> SavedQuery:
    if name not in known:
        raise NotFound(
            f"there is no saved query {name!r}{did_you_mean(name, known)}",
            fix="coprod-kg queries lists them all.",
        )
    return known[name]


def _explained(saved: SavedQuery) -> Iterator[str]:
    yield saved.summary
    yield saved.description
    if saved.parameters:
        rows = [
            [one.name, one.takes, one.default or "", one.description] for one in saved.parameters
        ]
        yield ""
        yield from aligned(("parameter", "takes", "default", "does"), rows)
    yield ""
    columns = [[one.name, one.unit, one.description] for one in saved.columns]
    yield from aligned(("column", "unit", "is"), columns)


def _values(params: tuple[str, ...]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in params:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{pair!r} is not KEY=VALUE", where="-p", fix="Write -p stage=project")
        values.setdefault(key, []).append(value)
    return values


def _query_text(argument: str) -> str:
    if argument == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    if "{" not in argument and not Path(argument).is_file():
        raise WrongUsage(
            f"{argument!r} is neither a query nor a file", fix="Give a query, a file or -."
        )
    return argument if "{" in argument else _decoded(Path(argument).read_bytes(), argument)


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"this is not UTF-8: {error}", where=where) from None


def _made(
    asked: Callable[[], Answer],
    form: Format,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    own: Path | None,
) -> Answer:
    """The answer, made into a chart or a workbook."""
    if form not in formats_made(saved, own):
        raise NotFound(
            f"the question {saved.name} has no {form.name}",
            fix="It can be " + ", ".join(one.name for one in formats_made(saved, own)) + " or csv.",
        )
    with asked() as answer:
        table = read_table(answer.read())
    data = Asked(saved, values, answer.version, own).made(form, table)
    return Answer(form.media_type, answer.version, len(data), iter((data,)))


def _write(asked: Callable[[], Answer], output: _Output) -> None:
    """Ask, with the place for the answer open already, and write it there."""
    binary = output.made if output.made and output.made.name in ("png", "xlsx") else None
    if binary and not output.file and sys.stdout.isatty():
        raise WrongUsage(f"{binary.name} is not for a terminal", where="-f", fix="Add -o FILE.")
    rows: int | None = None
    with _opened(output.file) as write, asked() as answer:
        if output.as_table and answer.media_type == _JSON:
            table = read_table(answer.read())
            rows = len(table.rows) if table.truth is None else None
            for line in readable(table, output.base_iri):
                write(f"{line}\n".encode())
        else:
            for chunk in answer.chunks:
                write(chunk)
    if rows is not None and output.file is None:
        counted = "1 row" if rows == 1 else f"{rows} rows"
        click.echo(f"({counted}, version {answer.version})", err=True)


@contextmanager
def _opened(path: Path | None) -> Iterator[Any]:
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
