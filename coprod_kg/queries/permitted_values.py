"""Permitted values of parameters, read from the answers of other saved queries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pyoxigraph import Literal, NamedNode

from coprod_kg.formats.table import Table
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.parameters import Parameter
from coprod_kg.queries.saved import SavedQuery
from coprod_kg.queries.suppression import suppressed

__all__ = ["permitting"]


def permitting(
    query: SavedQuery,
    known: Mapping[str, SavedQuery],
    ask: Callable[[SavedQuery], Table | None],
    base_iri: str,
    given: Mapping[str, Sequence[str]] | None = None,
) -> SavedQuery:
    """The same saved query, whose parameters know the values that other queries find.

    Args:
        query: the saved query; one that takes no values from others stays as it is.
        known: the queries that they may come from, by name.
        ask: gives all rows of one of them, asked without values, or None where they are too
            many: then every value that fits the parameter's type is permitted.
        base_iri: what is left out of the names of things.
        given: what the parameters are bound to, where only that is to be checked: then no other
            query is asked for the values of a parameter that has none.
    """
    wanted = [
        parameter.name
        for parameter in query.parameters
        if parameter.values_from and (given is None or any(given.get(parameter.name, ())))
    ]
    if not wanted:
        return query
    taken = tuple(
        _permitting(parameter, known, ask, base_iri) if parameter.name in wanted else parameter
        for parameter in query.parameters
    )
    return replace(query, parameters=taken)


def _permitting(
    parameter: Parameter,
    known: Mapping[str, SavedQuery],
    ask: Callable[[SavedQuery], Table | None],
    base_iri: str,
) -> Parameter:
    name, column = parameter.source
    if name not in known:
        return parameter
    table = ask(known[name])
    if table is None:
        return parameter
    shown = suppressed(table, known[name].small_counts)
    return replace(
        parameter, allowed=tuple(dict(_values(parameter, shown, column, base_iri)).items())
    )


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
        value = parameter.written(term, base_iri, vocabulary)
        if value is not None:
            label = row.get(f"{column}Label")
            yield value, label.value if label else value
