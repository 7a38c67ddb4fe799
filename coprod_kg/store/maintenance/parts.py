"""Incremental maintenance of an answer: what a commit changed in it, from the part it touched.

Where the answer to a question is put together from the answers over parts of the data that no
statement joins, the answer over the newer version is that over the older one without what the
touched part gave then, and with what it gives now. A question says in its header how
(``#+ parts:``): as the union of their rows, or as the sum of their counts in rows that are alike
otherwise.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

__all__ = ["Row", "Table", "sum_of_parts", "union_of_parts"]

Row: TypeAlias = tuple[str, ...]
"""The terms of a row as SPARQL writes them, UNDEF where there is none."""
Table: TypeAlias = Sequence[Row]
_INTEGER: Final = "^^<http://www.w3.org/2001/XMLSchema#integer>"


def union_of_parts(whole: Table, before: Table, after: Table) -> list[Row] | None:
    """The rows over the newer version, in any order.

    Args:
        whole: the rows over the older version.
        before: those of the touched part in the older version.
        after: those of the touched part in the newer one.

    Returns:
        None where the rows of the part were not all in the answer, so that it is no such union.

    >>> union_of_parts([("1",), ("2",), ("2",)], [("2",)], [("3",)])
    [('1',), ('2',), ('3',)]
    """
    rows, gone = Counter(whole), Counter(before)
    if not gone <= rows:
        return None
    rows -= gone
    rows.update(after)
    return list(rows.elements())


def sum_of_parts(
    counted: Collection[int], whole: Table, before: Table, after: Table, always: Table
) -> list[Row] | None:
    """The rows over the newer version, in any order.

    Args:
        counted: the places of the columns that are added, in rows that are alike in all others.
        whole: the rows over the older version.
        before: those of the touched part in the older version.
        after: those of the touched part in the newer one.
        always: those over no data, which are there whatever is counted.

    Returns:
        None where the answer is no such sum, or where it cannot be known whether a row without
        any count is in it.

    >>> one, two, three = (f'"{n}"^^<http://www.w3.org/2001/XMLSchema#integer>' for n in "123")
    >>> rows = sum_of_parts([1], [("a", three)], [("a", one)], [("b", two)], [])
    >>> rows == [("a", two), ("b", two)]
    True
    """
    try:
        totals, subtracted, added, kept = (
            _by_key(table, counted) for table in (whole, before, after, always)
        )
    except ValueError:
        return None
    kept.update(added)
    # Another part may give such a row too, so that nobody could say when it goes.
    if any(not any(counts) for key, counts in totals.items() if key not in kept):
        return None
    for sign, rows in ((-1, subtracted), (1, added)):
        for key, counts in rows.items():
            total = totals.get(key, [0] * len(counts))
            totals[key] = [count + sign * more for count, more in zip(total, counts, strict=True)]
    if any(count < 0 for counts in totals.values() for count in counts):
        return None
    return [_row(key, counts) for key, counts in totals.items() if key in kept or any(counts)]


_Key: TypeAlias = tuple[str | None, ...]
"""A row, with None in place of each count."""


def _by_key(table: Table, counted: Collection[int]) -> dict[_Key, list[int]]:
    """The counts of rows by the rest of these.

    Raises:
        ValueError: one is no whole number, or two rows are alike in all other columns.
    """
    counts_by_key = dict[_Key, list[int]]()
    for row in table:
        key = tuple(None if place in counted else term for place, term in enumerate(row))
        terms = [term for place, term in enumerate(row) if place in counted]
        if key in counts_by_key or not all(term.endswith(_INTEGER) for term in terms):
            raise ValueError
        counts_by_key[key] = [int(term.removesuffix(_INTEGER).strip('"')) for term in terms]
    return counts_by_key


def _row(key: _Key, counts: Iterable[int]) -> Row:
    rest = iter(counts)
    return tuple(f'"{next(rest)}"{_INTEGER}' if term is None else term for term in key)
