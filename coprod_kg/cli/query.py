"""``coprod-kg query`` and ``sparql``: queries from a terminal."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from coprod_kg.cli.collected import saved_queries
from coprod_kg.cli.context import parameter_values, question_arguments, setting_options
from coprod_kg.cli.output import Output, format_options, opened_file, show
from coprod_kg.cli.watch import watch
from coprod_kg.client.remote import Remote
from coprod_kg.client.sources import (
    CITATIONS,
    AnswerSource,
    BoundQuestion,
    Folder,
    saved_query_named,
)
from coprod_kg.errors import Unreadable, WrongUsage
from coprod_kg.formats.text_columns import aligned, terminal_width
from coprod_kg.queries.parameters import Parameter
from coprod_kg.settings import Settings

__all__ = ["query", "sparql"]

_asking = setting_options(
    "data", "base_iri", "query_seconds", "service_allow", "service_seconds", "queries"
)
_url = click.option("--url", metavar="URL", help="Ask the running service at this address.")
_version = click.option(
    "--version",
    "number",
    type=click.IntRange(min=0),
    metavar="N",
    help="Ask this version of the data.",
)


@click.command(epilog="Example: coprod-kg query initiatives-at-stage -p stage=project -f csv")
@_asking
@question_arguments
@format_options
@_version
@_url
@click.option(
    "--cite",
    type=click.Choice(CITATIONS),
    is_flag=False,
    flag_value=CITATIONS[0],
    help="Say how to cite the answer, as text (without a word behind it), bibtex or csl.",
)
@click.option("--watch", "watching", is_flag=True, help="Ask again at each new version.")
@click.option("--explain", is_flag=True, help="Say what the query takes and gives; ask nothing.")
def query(settings: Settings, *, name: str, params: tuple[str, ...], **options: Any) -> None:
    """Run the saved query NAME.

    A parameter takes what its description says: a concept by its slug, a thing by its slug or
    IRI, a number, a day. Several values: repeat -p.
    """
    values = parameter_values(params)
    if options["url"]:
        source: AnswerSource = Remote(options["url"], settings.query_seconds)
    else:
        queries = saved_queries(settings, name, options["number"])
        checked_values = {} if options["explain"] else values
        # Refuse a wrong value before a store is opened.
        saved_query_named(queries, name).bound_terms(checked_values, settings.base_iri)
        source = Folder(settings, queries)
    question = BoundQuestion(source, name, values)
    number = options["number"]
    if options["explain"]:
        click.echo("\n".join(_explanation_lines(question.described)))
    elif options["cite"]:
        with opened_file(options["output"]) as write:
            write(question.cited(options["cite"], number).encode())
    elif options["watching"]:
        if number is not None:
            raise WrongUsage("a version that is pinned does not change", where="--watch")
        watch(question, _output(settings, options, question))
    else:
        output = _output(settings, options, question)
        show(partial(question.answer, output.media_types, output.derived_format, number), output)


@click.command(epilog="Example: coprod-kg sparql 'SELECT (COUNT(*) AS ?statements) { ?s ?p ?o }'")
@_asking
@click.argument("text", metavar="QUERY|FILE|-")
@format_options
@_version
@_url
def sparql(settings: Settings, *, text: str, **options: Any) -> None:
    """Ask any SPARQL query: its text, a file that holds it, or - for standard input."""
    output = _output(settings, options)
    if output.derived_format:
        raise WrongUsage(
            f"{output.derived_format.name} is made of saved queries only",
            where="-f",
            fix="Take csv, or save the query: coprod-kg query NAME --queries FOLDER.",
        )
    text = _query_text(text)
    source: AnswerSource = Folder(settings, {})
    if options["url"]:
        source = Remote(options["url"], settings.query_seconds)
    with source.opened() as opened_source:
        show(partial(opened_source.sparql, text, output.media_types, options["number"]), output)


def _output(
    settings: Settings, options: Mapping[str, Any], question: BoundQuestion | None = None
) -> Output:
    output = Output(options["form"], options["output"], settings.base_iri, options["wide"])
    if question is None or not output.as_table:
        return output
    columns = question.described["columns"]
    return replace(
        output,
        headings={column["name"]: column["label"] for column in columns},
        units={column["name"]: column["unit"] for column in columns if column["unit"]},
        cited="add --version {version} --cite",
    )


def _explanation_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    yield entry["summary"]
    yield entry["description"]
    if entry["parameters"]:
        rows = [
            [
                parameter["name"],
                _takes(parameter),
                parameter["default"] or "",
                parameter["description"],
            ]
            for parameter in entry["parameters"]
        ]
        yield ""
        yield from aligned(("parameter", "takes", "default", "does"), rows, (), terminal_width())
    yield ""
    columns = [
        [column["name"], column["unit"] or "", column["description"]] for column in entry["columns"]
    ]
    yield from aligned(("column", "unit", "is"), columns, (), terminal_width())


def _takes(parameter: Mapping[str, Any]) -> str:
    takes = Parameter(**{**parameter, "scope": parameter["scope"] or ""}).takes
    required = ", needed" if parameter["required"] else ""
    return takes + required + (", one" if parameter["single"] else "")


def _query_text(argument: str) -> str:
    if argument == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    if "{" not in argument and not Path(argument).is_file():
        raise WrongUsage(
            f"{argument!r} is neither a query nor a file", fix="Give a query, a file or -."
        )
    return argument if "{" in argument else _decoded(Path(argument).read_bytes(), argument)


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"this is not UTF-8: {error}", where=place) from None
