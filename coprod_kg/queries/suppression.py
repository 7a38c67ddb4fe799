"""Statistical disclosure control: small counts withheld from a saved query's answer.

A header says ``#+ small-counts: users below 5, within country, with share``: cells of ``users``
from 1 to 4 are withheld, none of them can be had from the total of its country, and the cell of
``share`` goes with them. The rule is always applied to the whole answer: a part of it would not
show which counts protect each other.

Primary suppression withholds every count from 1 to below the threshold: few people, who might be
known. Complementary suppression goes on with the smallest other counts of the same group, equal
ones together, until a reader who knows the group's total, the cells that are shown and this very
rule still has two values to choose from for each withheld cell. A zero discloses no person and is
shown, unless its group holds no other count to hide behind.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import SUPPRESSED, Cell, Table, read_table
from coprod_kg.queries.labels import text_in
from coprod_kg.store.formats import rewritten

__all__ = [
    "MARK",
    "Part",
    "SmallCounts",
    "explained",
    "note",
    "protected",
    "read_rule",
    "rule_mistakes",
    "suppressed_cells",
]

MARK: Final = "[c]"
"""The text of a withheld cell: official statistics write it for "confidential"."""

Part = tuple[int | None, int | None]
"""The part of the rows that is asked for: LIMIT and OFFSET, each None where there is none."""

_FORM: Final = "COLUMN below NUMBER, within COLUMN, COLUMN, with COLUMN"
_FIRST: Final = re.compile(r"(\w+) below (\S+)")
_LARGEST: Final = 1000
_EXPLAINED: Final = (
    "{mark} stands for a count that is withheld: {small}, which could tell of persons, or one that "
    "would give such a count away (small-counts: {rule}). It is neither zero nor unknown."
)
_UNEXPLAINED: Final = (
    "{mark} stands for a count that is withheld, as small counts could tell of persons: not zero."
)


@dataclass(frozen=True, slots=True)
class SmallCounts:
    """Which cells of an answer are withheld.

    Attributes:
        column: the column of the counts.
        below: a count from 1 to one less than this is small.
        within: the columns that define the groups whose totals are known; the table without any.
        along: the columns whose cells are withheld with a count, as they would disclose it.
    """

    column: str
    below: int
    within: tuple[str, ...] = ()
    along: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule as the header says it."""
        parts = [f"{self.column} below {self.below}"]
        parts += [f"within {', '.join(self.within)}"] if self.within else []
        parts += [f"with {', '.join(self.along)}"] if self.along else []
        return ", ".join(parts)


def read_rule(text: str) -> SmallCounts:
    """The rule that a header states.

    >>> read_rule("users below 5, within country, year, with share")
    SmallCounts(column='users', below=5, within=('country', 'year'), along=('share',))

    Raises:
        ValueError: it is none; says what was expected.
    """
    main_clause, *clauses = (part.strip() for part in text.split(","))
    match = _FIRST.fullmatch(main_clause)
    if match is None:
        raise ValueError(f"expected '{_FORM}' (the last two may be left out), found {text!r}")
    column, number = match.groups()
    if not (number.isascii() and number.isdigit()) or not 2 <= int(number[:9]) <= _LARGEST:
        raise ValueError(f"{number!r} is no threshold: a whole number from 2 to {_LARGEST}")
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    for part in clauses:
        start, _, column_text = part.partition(" ")
        if column_text and start in ("within", "with"):
            current = lists.setdefault(start, [])
            part = column_text.strip()
        if current is None or not part.isidentifier():
            raise ValueError(f"expected '{_FORM}', found {part!r} in it")
        current.append(part)
    within, along = (tuple(lists.get(word, ())) for word in ("within", "with"))
    return SmallCounts(column, int(number), within, along)


def rule_mistakes(
    rule: SmallCounts, columns: Collection[str], counting: Collection[str]
) -> Iterator[str]:
    """The mistakes of a rule beyond its syntax.

    Args:
        rule: the rule.
        columns: the names of all columns.
        counting: the names of those that have a unit, and so hold numbers.
    """
    named_columns = (rule.column, *rule.within, *rule.along)
    for name in dict.fromkeys(named_columns):
        if name not in columns:
            yield f"small-counts names no column: {name!r}; the columns are {', '.join(columns)}"
        elif named_columns.count(name) > 1:
            yield f"small-counts names {name!r} twice"
    if rule.column in columns and rule.column not in counting:
        expected = f"'#+ unit {rule.column}: …'"
        yield f"small-counts: {rule.column!r} is no number; a count says what it counts, {expected}"


def protected(data: bytes, rule: SmallCounts, media_type: str, part: Part) -> bytes:
    """A part of an answer in one of the formats of rows, with the cells withheld.

    Args:
        data: the whole answer in SPARQL JSON.
        rule: of its saved query.
        media_type: the format to write.
        part: which rows are written.

    Raises:
        StoreError: it is not SPARQL JSON.
        NotAcceptable: the format cannot hold it.
    """
    withheld = _withheld_columns(read_table(data), rule)
    document = json.loads(data)
    rows: list[dict[str, Any]] = document["results"]["bindings"]
    mark = {"type": "literal", "value": MARK, "datatype": SUPPRESSED}
    for index, columns in withheld.items():
        rows[index] |= dict.fromkeys(columns, mark)
    limit, start = part[0], part[1] or 0
    document["results"]["bindings"] = rows[start : None if limit is None else start + limit]
    results = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return rewritten(results, ROWS[0].media_type, media_type)


def suppressed_cells(table: Table) -> int:
    """How many cells of a table are withheld."""
    return sum(cell.is_suppressed for row in table.rows for cell in row.values())


def explained(rule: SmallCounts, language: str = "") -> str:
    """A rule in words, for readers of an answer."""
    few = text_in("1 to {most}", language).format(most=rule.below - 1)
    small = "1" if rule.below == 2 else few
    return text_in(_EXPLAINED, language).format(mark=MARK, small=small, rule=rule.rule)


def note(table: Table, rule: SmallCounts | None = None, language: str = "") -> str:
    """The note below a table; empty where none of its cells is withheld.

    Args:
        table: the rows that are read.
        rule: of its saved query, where that is known.
        language: the reader's; empty for English.
    """
    count = suppressed_cells(table)
    if not count:
        return ""
    cells = (
        text_in("1 cell is withheld.", language)
        if count == 1
        else text_in("{count} cells are withheld.", language).format(count=count)
    )
    explanation = (
        explained(rule, language) if rule else text_in(_UNEXPLAINED, language).format(mark=MARK)
    )
    return f"{cells} {explanation}"


def _withheld_columns(table: Table, rule: SmallCounts) -> Mapping[int, tuple[str, ...]]:
    """The place of each row with withheld cells → their columns."""
    groups: dict[tuple[Cell | None, ...], dict[int, Decimal]] = {}
    for index, row in enumerate(table.rows):
        count = _count(row.get(rule.column))
        if count is not None:
            group = tuple(row.get(name) for name in rule.within)
            groups.setdefault(group, {})[index] = count
    return {
        index: (rule.column, *(name for name in rule.along if name in table.rows[index]))
        for counts in groups.values()
        for index in _withheld_indexes(counts, rule.below)
    }


def _withheld_indexes(counts: Mapping[int, Decimal], below: int) -> Iterator[int]:
    """The places of a group's withheld counts: the small ones, then as many more as protect them.

    Args:
        counts: place → count, of one group whose total a reader may know.
        below: the threshold of the rule.
    """
    small = {index for index, count in counts.items() if 0 < count < below}
    if not small:
        return
    hidden_counts = [counts[index] for index in small]
    yield from small
    other_counts = {index: count for index, count in counts.items() if index not in small}
    while other_counts and not _uncertain(hidden_counts, below):
        # Equal counts go together: if one of two was shown, the other was known to be as small.
        # Zeros go last, as they disclose no person.
        smallest = min(other_counts.values(), key=lambda count: (count == 0, count))
        equal_indexes = [index for index, count in other_counts.items() if count == smallest]
        for index in equal_indexes:
            hidden_counts.append(other_counts.pop(index))
        yield from equal_indexes


def _uncertain(hidden_counts: Sequence[Decimal], below: int) -> bool:
    """Whether each of some withheld counts can be more than one number for a reader.

    The reader is taken to know their sum (the group's total less what is shown) and the range in
    which each lies: from 1 to below the threshold, widened to counts withheld beside small ones.
    One count is then the sum less the others, which lie between their least and their most.
    """
    smallest, largest = min(Decimal(1), *hidden_counts), max(Decimal(below - 1), *hidden_counts)
    other_count, total = len(hidden_counts) - 1, sum(hidden_counts)
    return max(smallest, total - other_count * largest) < min(
        largest, total - other_count * smallest
    )


def _count(cell: Cell | None) -> Decimal | None:
    """A count that is there and is a number, whatever its datatype."""
    try:
        count = Decimal(cell.value) if cell is not None and cell.kind == "literal" else None
    except InvalidOperation:
        return None
    return count if count is not None and count.is_finite() and count >= 0 else None
