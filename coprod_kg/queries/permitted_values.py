"""Values of parameters that other saved queries find: the check of the references, the reading."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pyoxigraph import Literal, NamedNode

from coprod_kg.formats.table import Table
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.header import Mistake
from coprod_kg.queries.parameters import Parameter, did_you_mean
from coprod_kg.queries.saved import SavedQuery

__all__ = ["source_mistakes", "with_values_from"]


def with_values_from(
    query: SavedQuery,
    source_queries: Mapping[str, SavedQuery],
    ask: Callable[[SavedQuery], Table | None],
    base_iri: str,
    values: Mapping[str, Sequence[str]] | None = None,
) -> SavedQuery:
    """The same saved query, whose parameters know the values that other queries find.

    A header says ``#+ values PARAMETER: QUERY.COLUMN`` for that (`Parameter.values_from`).

    Args:
        query: the saved query; one that takes no values from others stays as it is.
        source_queries: the queries that they may come from, by name.
        ask: gives all rows of one of them, asked without values and with small counts withheld,
            or None where they are too many: then every value that fits the type is permitted.
        base_iri: what is left out of the names of things.
        values: what the parameters are bound to, where only that is to be checked: then no other
            query is asked for the values of a parameter that has none.
    """
    checked_names = [
        parameter.name
        for parameter in query.parameters
        if parameter.values_from and (values is None or any(values.get(parameter.name, ())))
    ]
    if not checked_names:
        return query
    parameters = tuple(
        _with_values(parameter, source_queries, ask, base_iri)
        if parameter.name in checked_names
        else parameter
        for parameter in query.parameters
    )
    return replace(query, parameters=parameters)


def _with_values(
    parameter: Parameter,
    source_queries: Mapping[str, SavedQuery],
    ask: Callable[[SavedQuery], Table | None],
    base_iri: str,
) -> Parameter:
    name, column = parameter.source
    if name not in source_queries:
        return parameter
    table = ask(source_queries[name])
    if table is None:
        return parameter
    values = dict(_values(parameter, table, column, base_iri))
    return replace(parameter, allowed=tuple(values.items()))


def _values(
    parameter: Parameter, table: Table, column: str, base_iri: str
) -> Iterator[tuple[str, str]]:
    """The values of a column as a person writes them, and what they are called."""
    vocabulary = schemes()
    for row in table.rows:
        cell = row.get(column)
        if cell is None or cell.is_suppressed or cell.kind not in ("uri", "literal"):
            continue
        term = NamedNode(cell.value) if cell.kind == "uri" else Literal(cell.value)
        value = parameter.text_of_term(term, base_iri, vocabulary)
        if value is not None:
            label = row.get(f"{column}Label")
            yield value, label.value if label else value


def source_mistakes(
    query: SavedQuery, source_queries: Mapping[str, SavedQuery]
) -> Iterator[Mistake]:
    """The mistakes in the references from a query's parameters to other queries.

    Args:
        query: the saved query.
        source_queries: every query that they may come from, by name.
    """
    for parameter in query.parameters:
        for message in (
            _source_mistakes(query, parameter, source_queries) if parameter.values_from else ()
        ):
            yield (
                _line_of(query.text, "values", parameter.name),
                f"parameter {parameter.name}: {message}",
            )


def _source_mistakes(
    query: SavedQuery, parameter: Parameter, source_queries: Mapping[str, SavedQuery]
) -> Iterator[str]:
    name, column = parameter.source
    source = query if name == query.name else source_queries.get(name)
    if source is None:
        yield f"there is no saved query {name!r}{did_you_mean(name, source_queries)}"
        return
    columns = [column.name for column in source.columns]
    if column not in columns or source.form != "SELECT":
        yield f"{name} has no column {column!r}; its columns are {', '.join(columns) or 'none'}"
    rule = source.small_counts
    if rule and column in (rule.column, *rule.along):
        yield f"cells of {name}.{column} can be withheld; take another column"
    required = [parameter.name for parameter in source.parameters if parameter.required]
    if required:
        yield f"{name} cannot be asked by itself; it needs {', '.join(required)}"
    if query.name in _sources(name, source_queries):
        yield f"the values of {name} come from {query.name} again"


def _sources(name: str, source_queries: Mapping[str, SavedQuery]) -> set[str]:
    """The query and all that its values come from, near and far."""
    names, unvisited = {name}, [name]
    while unvisited:
        query = source_queries.get(unvisited.pop())
        for parameter in query.parameters if query else ():
            if parameter.values_from and parameter.source[0] not in names:
                names.add(parameter.source[0])
                unvisited.append(parameter.source[0])
    return names


def _line_of(text: str, *key: str) -> int:
    """The line of a header key."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#+") and line[2:].partition(":")[0].split() == [*key]:
            return number
    return 1
