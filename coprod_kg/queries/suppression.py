"""Statistical disclosure control: small counts withheld from a saved query's answer.

Always applied to the whole answer: a part of it would not show which counts protect each other.

Primary suppression withholds every count from 1 to below the threshold: few people, who might be
known. Complementary suppression goes on with the smallest other counts of the same group, equal
ones together, until a reader who knows the group's total, the cells that are shown and this very
rule still has two values to choose from for each withheld cell. A zero tells of nobody and stays,
unless its group holds no other count to hide behind.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from pyoxigraph import QueryResultsFormat, parse_query_results

from coprod_kg.errors import LimitReached, StoreError
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import SUPPRESSED, Cell, Table, read_table
from coprod_kg.queries.small_counts import SmallCounts
from coprod_kg.store.base import Answer, Query

__all__ = [
    "MARK",
    "MOST_BYTES",
    "Part",
    "ask_withholding",
    "note",
    "protected",
    "suppressed",
    "suppressed_cells",
]

MARK: Final = "[c]"
"""The text of a withheld cell: official statistics write it for "confidential"."""

MOST_BYTES: Final = 16 << 20
"""The largest whole answer whose small counts are looked for."""

Part = tuple[int | None, int | None]
"""At most so many rows, after so many others."""

_TYPES: Final = tuple(format_.media_type for format_ in ROWS)
_WITHHELD: Final = Cell("literal", MARK, datatype=SUPPRESSED)


def suppressed(table: Table, rule: SmallCounts | None) -> Table:
    """The same rows with the cells withheld that the rule says; the same table without a rule.

    Args:
        table: a whole answer, not a part of one.
        rule: of its saved query.
    """
    withheld = _withheld(table, rule) if rule else {}
    rows = tuple(
        row | dict.fromkeys(withheld.get(place, ()), _WITHHELD)
        for place, row in enumerate(table.rows)
    )
    return Table(table.columns, rows, table.truth)


def ask_withholding(
    asking: Callable[[Query], Answer],
    rule: SmallCounts | None,
    asked: Query,
    whole: str,
    part: Part = (None, None),
) -> Answer:
    """The answer of a saved query, small counts withheld where it has a rule.

    Args:
        asking: asks the store.
        rule: of the saved query.
        asked: the question; what is asked where there is no rule.
        whole: the text that asks for all of the rows.
        part: which of them are wanted.

    Raises:
        LimitReached: the whole answer is too large for its small counts to be looked for.
        CoprodError: what ``asking`` raises.
    """
    form = next((media_type for media_type in asked.media_types if media_type in _TYPES), None)
    if rule is None or form is None:
        return asking(asked)
    data = bytearray()
    with asking(replace(asked, text=whole, media_types=_TYPES[:1])) as answer:
        for chunk in answer.chunks:
            data += chunk
            if len(data) > MOST_BYTES:
                raise LimitReached(
                    f"the answer is larger than {MOST_BYTES >> 20} MiB, too much to look for "
                    "small counts",
                    fix="Bind more parameters.",
                )
    written = protected(bytes(data), rule, form, part)
    return Answer(form, answer.version, len(written), iter((written,)))


def protected(data: bytes, rule: SmallCounts, media_type: str, part: Part) -> bytes:
    """A part of an answer in one of the formats of rows, with the cells withheld.

    Args:
        data: the whole answer in SPARQL JSON.
        rule: of its saved query.
        media_type: the format to write.
        part: which rows are written.

    Raises:
        StoreError: it is not SPARQL JSON.
    """
    withheld = _withheld(read_table(data), rule)
    document = json.loads(data)
    rows: list[dict[str, Any]] = document["results"]["bindings"]
    mark = {"type": "literal", "value": MARK, "datatype": SUPPRESSED}
    for place, columns in withheld.items():
        rows[place] |= dict.fromkeys(columns, mark)
    limit, start = part[0], part[1] or 0
    document["results"]["bindings"] = rows[start : None if limit is None else start + limit]
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return written if media_type == ROWS[0].media_type else _rewritten(written, media_type)


def suppressed_cells(table: Table) -> int:
    """How many cells of a table are withheld."""
    return sum(cell.is_suppressed for row in table.rows for cell in row.values())


def explained(rule: SmallCounts) -> str:
    """A rule in words, for readers of an answer."""
    small = "1" if rule.below == 2 else f"1 to {rule.below - 1}"
    return (
        f"{MARK} stands for a count that is withheld: {small}, which could tell of persons, "
        f"or one that would give such a count away (small-counts: {rule.rule}). "
        "It is neither zero nor unknown."
    )


def note(table: Table, rule: SmallCounts | None = None) -> str:
    """The note below a table; empty where none of its cells is withheld.

    Args:
        table: the rows that are read.
        rule: of its saved query, where that is known.
    """
    count = suppressed_cells(table)
    if not count:
        return ""
    cells = "1 cell is" if count == 1 else f"{count} cells are"
    if rule is None:
        return f"{cells} withheld, {MARK}, as small counts could tell of persons: not zero."
    return f"{cells} withheld. {explained(rule)}"


def _rewritten(data: bytes, media_type: str) -> bytes:
    form = QueryResultsFormat.from_media_type(media_type)
    answer: Any = parse_query_results(data, format=QueryResultsFormat.JSON)
    if form is None:
        raise StoreError(f"rows cannot be written as {media_type}")
    written: bytes = answer.serialize(format=form)
    return written


def _withheld(table: Table, rule: SmallCounts) -> Mapping[int, tuple[str, ...]]:
    """The place of each row with withheld cells → their columns."""
    groups: dict[tuple[Cell | None, ...], dict[int, Decimal]] = {}
    for place, row in enumerate(table.rows):
        count = _count(row.get(rule.column))
        if count is not None:
            group = tuple(row.get(name) for name in rule.within)
            groups.setdefault(group, {})[place] = count
    return {
        place: (rule.column, *(name for name in rule.along if name in table.rows[place]))
        for counts in groups.values()
        for place in _places(counts, rule.below)
    }


def _places(counts: Mapping[int, Decimal], below: int) -> Iterator[int]:
    """The places of a group's withheld counts."""
    small = {place for place, count in counts.items() if 0 < count < below}
    if not small:
        return
    hidden = [counts[place] for place in small]
    yield from small
    rest = {place: count for place, count in counts.items() if place not in small}
    while rest and not _uncertain(hidden, below):
        # Equal counts go together: if one of two was shown, the other was known to be as small.
        # Zeros go last, as they tell of nobody.
        least = min(rest.values(), key=lambda count: (count == 0, count))
        equal = [place for place, count in rest.items() if count == least]
        for place in equal:
            hidden.append(rest.pop(place))
        yield from equal


def _uncertain(hidden: Sequence[Decimal], below: int) -> bool:
    """Whether each of some counts can be more than one number, where their sum is known.

    Nobody is taken to know less than their least and greatest possible number.
    """
    least, most = min(Decimal(1), *hidden), max(Decimal(below - 1), *hidden)
    others, total = len(hidden) - 1, sum(hidden)
    return max(least, total - others * most) < min(most, total - others * least)


def _count(cell: Cell | None) -> Decimal | None:
    """A count that is there and is a number, whatever its datatype."""
    try:
        count = Decimal(cell.value) if cell is not None and cell.kind == "literal" else None
    except InvalidOperation:
        return None
    return count if count is not None and count.is_finite() and count >= 0 else None
