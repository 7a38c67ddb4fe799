"""Shell completion of saved queries, parameters and values, from files alone."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from coprod_kg.errors import CoprodError
from coprod_kg.model.files import files
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.header import Header, read_header
from coprod_kg.queries.library import SavedQuery, read
from coprod_kg.queries.parameters import Parameter
from coprod_kg.settings import Settings

__all__ = ["complete_name", "complete_parameter", "complete_tag"]


def complete_name(
    context: click.Context, _argument: click.Parameter, begun: str
) -> list[CompletionItem[str]]:
    """The saved queries whose names begin so, each with its question."""
    named = {path.stem: path for path in _paths(context) if path.stem.startswith(begun)}
    return [
        CompletionItem(name, help=_header(path).summary or None)
        for name, path in sorted(named.items())
    ]


def complete_parameter(
    context: click.Context, _option: click.Parameter, begun: str
) -> list[CompletionItem[str]]:
    """What can follow ``-p``: the names of the parameters, then what one of them permits."""
    query = _asked(context)
    if query is None:
        return []
    name, equals, value = begun.partition("=")
    if not equals:
        given = {pair.partition("=")[0] for pair in context.params.get("params") or ()}
        return list(_names(query.parameters, name, given))
    return [
        item
        for parameter in query.parameters
        if parameter.name == name
        for item in _values(parameter, value)
    ]


def complete_tag(
    context: click.Context, _option: click.Parameter, begun: str
) -> list[CompletionItem[str]]:
    """The tags of the saved queries that begin so."""
    tags = {tag for path in _paths(context) for tag in _header(path).tags}
    return [CompletionItem(tag) for tag in sorted(tags) if tag.startswith(begun)]


def _names(
    parameters: Iterable[Parameter], begun: str, given: set[str]
) -> Iterator[CompletionItem[str]]:
    for parameter in parameters:
        if parameter.name.startswith(begun) and not (parameter.single and parameter.name in given):
            yield CompletionItem(f"{parameter.name}=", help=parameter.description)


def _values(parameter: Parameter, begun: str) -> Iterator[CompletionItem[str]]:
    vocabulary = schemes()
    scheme = vocabulary.get(parameter.scope) if parameter.type == "concept" else None
    for value in parameter.permitted(vocabulary):
        if value.startswith(begun):
            concept = scheme.concepts.get(value) if scheme else None
            told = concept.label() if concept else None
            yield CompletionItem(f"{parameter.name}={value}", help=told)


def _asked(context: click.Context) -> SavedQuery | None:
    """The saved query that the line names; None where it names none that can be read."""
    # An option that lacks its value ends the parsing before arguments get their names.
    name = context.params.get("name") or next(iter(context.args), None)
    found = [path for path in _paths(context) if path.stem == name]
    try:
        return read(found[-1], schemes()) if found else None
    except (CoprodError, OSError):
        return None


def _paths(context: click.Context) -> list[Path]:
    """The files of the model's questions, then those of a person's own, which win by name."""
    try:
        own = Settings.load({"queries": context.params.get("setting_queries")}).queries
    except CoprodError:  # a shell that completes a line is no place to tell of it
        own = None
    folders = [files("queries") / "questions", *([own] if own else [])]
    return [path for folder in folders for path in sorted(folder.glob("*.rq"))]


def _header(path: Path) -> Header:
    """What the file says of itself; what is wrong with it is told where the query is asked."""
    try:
        return read_header(path.read_text(encoding="utf-8"), {})
    except (OSError, UnicodeDecodeError):
        return Header()
