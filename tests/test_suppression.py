"""Claims about small counts: none that is withheld can be had from a total and what is shown."""

import ast
import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprod_kg.formats.table import SUPPRESSED, Cell, Table, read_table
from coprod_kg.queries.suppression import (
    MARK,
    SmallCounts,
    note,
    protected,
    read_rule,
    suppressed_cells,
)

INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
DECIMAL = "http://www.w3.org/2001/XMLSchema#decimal"
RULE = SmallCounts("users", 5, ("country",), ("share",))
TYPES = ("sparql-results+json", "sparql-results+xml")


def number(value: object, kind: str = INTEGER) -> Cell:
    return Cell("literal", str(value), None, kind)


def table(*counts: int | None, country: str = "SE") -> Table:
    """One row for each count; None is a row that has none."""
    rows = []
    for place, count in enumerate(counts):
        row = {"country": Cell("literal", country), "place": Cell("literal", f"p{place}")}
        rows.append(row if count is None else row | {"users": number(count), "share": number("1")})
    return Table(("country", "place", "users", "share"), tuple(rows))


def suppressed(found: Table, rule: SmallCounts) -> Table:
    return read_table(protected(as_json(found), rule, f"application/{TYPES[0]}", (None, None)))


def shown(found: Table) -> list[str]:
    return [row["users"].value if "users" in row else "" for row in found.rows]


def withheld(counts: Sequence[int], below: int = 5) -> list[str]:
    return shown(suppressed(table(*counts), SmallCounts("users", below)))


@pytest.mark.parametrize(
    ("counts", "seen"),
    [
        ([9, 8, 5], ["9", "8", "5"]),
        ([9, 3, 8], ["9", MARK, MARK]),
        ([9, 3, 2], ["9", MARK, MARK]),
        ([9, 0, 8], ["9", "0", "8"]),
        ([9, 0, 3], [MARK, "0", MARK]),
        ([9, 1, 1], [MARK, MARK, MARK]),
        ([9, 4, 4], [MARK, MARK, MARK]),
        ([9, 8, 8, 2], ["9", MARK, MARK, MARK]),
        ([0, 3, 0], [MARK, MARK, MARK]),
        ([3], [MARK]),
        ([], []),
    ],
    ids=str,
)
def test_small_counts_are_withheld_and_what_would_give_them_away(
    counts: list[int], seen: list[str]
) -> None:
    assert withheld(counts) == seen


def test_every_group_is_protected_by_itself() -> None:
    both = table(9, 3, 8).rows + table(7, 6, country="DK").rows
    found = suppressed(Table(table().columns, both), RULE)
    assert shown(found) == ["9", MARK, MARK, "7", "6"]


def test_a_share_goes_with_its_count() -> None:
    found = suppressed(table(9, 3, 8), RULE)
    assert [row["share"].value for row in found.rows] == ["1", MARK, MARK]


def test_a_row_without_a_count_has_no_withheld_one() -> None:
    found = suppressed(table(9, None, 3, 8), RULE)
    assert shown(found) == ["9", "", MARK, MARK]


def test_a_withheld_cell_is_neither_a_number_nor_empty() -> None:
    cell = suppressed(table(3), RULE).rows[0]["users"]
    assert cell == Cell("literal", MARK, None, SUPPRESSED)
    assert not cell.is_number
    assert cell.is_suppressed


@pytest.mark.parametrize("kind", ["int", "unsignedByte", "decimal", "string"])
def test_a_count_is_withheld_whatever_its_datatype(kind: str) -> None:
    rows = ({"users": number("2", f"http://www.w3.org/2001/XMLSchema#{kind}")},)
    assert shown(suppressed(Table(("users",), rows), SmallCounts("users", 5))) == [MARK]


counts_of_a_group = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 500)), max_size=12)
answers = st.lists(
    st.tuples(st.sampled_from("AB"), st.one_of(st.none(), st.integers(0, 30))), max_size=15
)


def made(answer: list[tuple[str, int | None]]) -> Table:
    rows = tuple(row for country, count in answer for row in table(count, country=country).rows)
    return Table(table().columns, rows)


@settings(max_examples=150, deadline=None)
@given(answers, st.integers(2, 12))
def test_nothing_but_small_counts_and_their_company_changes(
    answer: list[tuple[str, int | None]], below: int
) -> None:
    before = made(answer)
    after = suppressed(before, SmallCounts("users", below, ("country",), ("share",)))
    assert after.columns == before.columns
    for old, new in zip(before.rows, after.rows, strict=True):
        assert old.keys() == new.keys()
        hidden = {name for name in new if new[name].is_suppressed}
        assert hidden in (set(), {"users", "share"})
        assert {name: new[name] for name in new.keys() - hidden} == {
            name: old[name] for name in old.keys() - hidden
        }
        small = "users" in old and 0 < int(old["users"].value) < below
        assert hidden or not small


@settings(max_examples=150, deadline=None)
@given(answers)
def test_without_a_rule_nothing_changes(answer: list[tuple[str, int | None]]) -> None:
    before = made(answer)
    assert suppressed_cells(before) == 0
    assert note(before, None) == ""


@settings(max_examples=150, deadline=None)
@given(counts_of_a_group, st.integers(2, 12))
def test_a_withheld_count_has_two_values_at_least_where_the_total_is_known(
    counts: list[int], below: int
) -> None:
    seen = withheld(counts, below)
    hidden = [count for count, text in zip(counts, seen, strict=True) if text == MARK]
    if not hidden or len(hidden) == len(counts):
        return  # a group of which nothing is shown is as small as its total says
    left = sum(counts) - sum(int(text) for text in seen if text != MARK)
    least, most = min(1, *hidden), max(below - 1, *hidden)
    others = len(hidden) - 1
    lowest, highest = max(least, left - others * most), min(most, left - others * least)
    assert lowest < highest


@pytest.mark.parametrize(("rows", "below", "largest"), [(3, 3, 14), (3, 5, 18), (4, 3, 11)])
def test_who_knows_the_total_and_this_very_rule_still_cannot_tell(
    rows: int, below: int, largest: int
) -> None:
    """Every group there is, up to a total: each that looks alike is a candidate."""
    alike: dict[tuple[int, tuple[str, ...]], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(largest + 1), repeat=rows):
        if sum(counts) <= largest:
            alike[sum(counts), tuple(withheld(counts, below))].append(counts)
    told = 0
    for (_, seen), candidates in alike.items():
        if set(seen) == {MARK}:
            continue
        for place in (place for place, text in enumerate(seen) if text == MARK):
            assert len({one[place] for one in candidates}) > 1, (seen, candidates)
            told += 1
    assert told > 20


def as_json(found: Table) -> bytes:
    rows = [
        {
            name: {"type": cell.kind, "value": cell.value}
            | ({"datatype": cell.datatype} if cell.datatype else {})
            for name, cell in row.items()
        }
        for row in found.rows
    ]
    head = {"vars": list(found.columns)}
    return json.dumps({"head": head, "results": {"bindings": rows}}).encode()


@settings(max_examples=150, deadline=None)
@given(answers, st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), st.integers(0, 9)))
def test_a_part_shows_what_the_whole_shows(
    answer: list[tuple[str, int | None]], limit: int | None, offset: int | None
) -> None:
    before = made(answer)
    whole = suppressed(before, RULE).rows
    written = protected(as_json(before), RULE, f"application/{TYPES[0]}", (limit, offset))
    start = offset or 0
    assert read_table(written).rows == whole[start : None if limit is None else start + limit]


def test_every_format_of_rows_has_the_mark() -> None:
    data = as_json(table(9, 3, 8))
    written = {
        kind: protected(data, RULE, kind, (None, None)).decode()
        for kind in ("text/csv", "text/tab-separated-values", f"application/{TYPES[1]}")
    }
    assert written["text/csv"].splitlines()[2] == f"SE,p1,{MARK},{MARK}"
    assert f'"{MARK}"^^<{SUPPRESSED}>' in written["text/tab-separated-values"].splitlines()[2]
    assert (
        f'<literal datatype="{SUPPRESSED}">{MARK}</literal>' in written[f"application/{TYPES[1]}"]
    )


def test_the_note_says_how_many_and_by_which_rule() -> None:
    told = note(suppressed(table(9, 3, 8), RULE), RULE)
    assert told.startswith("4 cells are withheld.")
    assert "1 to 4" in told
    assert "users below 5, within country, with share" in told


@pytest.mark.parametrize(
    "text",
    ["users below 5", "users below 2, within a, b", "users below 9, with a, within b, c"],
)
def test_a_rule_is_read_as_it_is_written(text: str) -> None:
    rule = read_rule(text)
    assert read_rule(rule.rule) == rule


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("users", "expected"),
        ("users under 5", "expected"),
        ("users below 1", "no threshold"),
        ("users below five", "no threshold"),
        ("users below 5, country", "'country' in it"),
        ("users below 5, within country city", "'country city' in it"),
        ("users below 5, within", "'within' in it"),
        (f"users below {'9' * 5000}", "no threshold"),
    ],
    ids=lambda one: one[:40],
)
def test_a_rule_that_is_none_is_explained(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=r"expected|threshold") as caught:
        read_rule(text)
    assert what in str(caught.value)


ROADS = {
    "queries/question.py": "Question.answer withholds",
    "queries/saved.py": "bind gives a text; nothing is asked",
    "cli/differences.py": "to check values; nothing is asked",
    "cli/query.py": "to check values; nothing is asked",
}
"""Where a saved query is bound to values, and why no small count leaves from there."""


def test_a_saved_query_is_bound_only_where_small_counts_are_withheld(checkout: Path) -> None:
    package = checkout / "coprod_kg"
    sockets = {
        *("cli/serve.py", "store/announcements.py", "store/in_memory_workers.py"),
        *("store/processes.py", "store/writer.py"),
    }
    binding = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("bind", "bound_terms")
    }
    assert binding - sockets <= set(ROADS)
