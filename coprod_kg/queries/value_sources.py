"""Check of the references from parameters to the saved queries that list their values."""

from collections.abc import Iterator, Mapping

from coprod_kg.queries.header import Mistake
from coprod_kg.queries.parameters import Parameter, did_you_mean
from coprod_kg.queries.saved import SavedQuery

__all__ = ["source_mistakes"]


def source_mistakes(query: SavedQuery, known: Mapping[str, SavedQuery]) -> Iterator[Mistake]:
    """The mistakes in the references from a query's parameters to other queries.

    Args:
        query: the saved query.
        known: every query that they may come from, by name.
    """
    for parameter in query.parameters:
        for what in _source_mistakes(query, parameter, known) if parameter.values_from else ():
            yield (
                _line_of(query.text, "values", parameter.name),
                f"parameter {parameter.name}: {what}",
            )


def _source_mistakes(
    query: SavedQuery, parameter: Parameter, known: Mapping[str, SavedQuery]
) -> Iterator[str]:
    name, column = parameter.source
    source = query if name == query.name else known.get(name)
    if source is None:
        yield f"there is no saved query {name!r}{did_you_mean(name, known)}"
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
    if query.name in _sources(name, known):
        yield f"the values of {name} come from {query.name} again"


def _sources(name: str, known: Mapping[str, SavedQuery]) -> set[str]:
    """The query and all that its values come from, near and far."""
    names, left = {name}, [name]
    while left:
        query = known.get(left.pop())
        for parameter in query.parameters if query else ():
            if parameter.values_from and parameter.source[0] not in names:
                names.add(parameter.source[0])
                left.append(parameter.source[0])
    return names


def _line_of(text: str, *key: str) -> int:
    """The line of a header key."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#+") and line[2:].partition(":")[0].split() == [*key]:
            return number
    return 1
