"""Queries are spelt such that the engine answers as SPARQL 1.1 says; all else stays as it is."""

from itertools import pairwise

import pyoxigraph as ox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coprod_kg.errors import QuerySyntax
from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.sparql.query_dialect import named_aggregates_repeated, rewrite_query
from coprod_kg.store.base import Query
from tests.memory_store import MemoryStore
from tests.test_queries import NAMES, bound, on_one_day, table
from tests.test_third_engine import world

XSD = "http://www.w3.org/2001/XMLSchema#"


def column(text: str) -> list[object]:
    answer = ox.Store().query(text)
    assert isinstance(answer, ox.QuerySolutions)
    return [row[0] for row in answer]


TERMS = st.one_of(
    st.integers(-30, 30).map(str),
    st.decimals(-9, 9, places=1).map(str),
    st.sampled_from(("1e0", "-2.5e1", "2e1", f"'INF'^^<{XSD}double>", f"'7'^^<{XSD}float>")),
    st.integers(0, 40).map(lambda number: f"'{number}'"),
    st.sampled_from(("'a'", "'b'@en", "'b'@de", "''", "'2020-01-01'", "true", "false", "UNDEF")),
    st.sampled_from(("<urn:a>", "<urn:b>", "'x'^^<urn:t>", f"'nope'^^<{XSD}integer>")),
    st.dates().map(lambda day: f"'{day}'^^<{XSD}date>"),
)
KINDS = {ox.NamedNode: 1, ox.Literal: 2}


@given(st.lists(TERMS, max_size=60), st.sampled_from(("?x", "DESC(?x)", "ASC(?x)")))
@settings(max_examples=150, deadline=None)
def test_terms_of_all_kinds_come_in_an_order_that_contradicts_nothing(
    terms: list[str], key: str
) -> None:
    text = f"SELECT ?x {{ VALUES ?x {{ {' '.join(terms)} }} }} ORDER BY {key}"
    found = column(rewrite_query(text))
    if key.startswith("DESC"):
        found.reverse()
    assert len(found) == len(terms)
    kinds = [KINDS.get(type(term), 0) for term in found]
    assert kinds == sorted(kinds)
    numbers = [
        float(term.value)
        for term in found
        if isinstance(term, ox.Literal)
        and term.datatype.value.removeprefix(XSD) in ("integer", "decimal", "double", "float")
        and term.value != "nope"
    ]
    assert numbers == sorted(numbers)
    texts = [
        term.value
        for term in found
        if isinstance(term, ox.Literal) and (term.language or term.datatype.value == f"{XSD}string")
    ]
    assert texts == sorted(texts)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?x { ?x ?p ?o }",
        "SELECT ?p (COUNT(?x) AS ?n) { ?x ?p ?o } GROUP BY ?p ORDER BY DESC(?n)",
        "SELECT ?x { ?x ?p ?o } ORDER BY STR(?x) (?x) (1 + ?o)",
        "SELECT ?x { ?x ?order 'ORDER BY ?x' }",
        "PREFIX urn: <urn:> SELECT ?x { ?x <urn:p> ?o } ORDER BY ?x",
    ],
)
def test_what_needs_no_help_stays_as_it_is(text: str) -> None:
    assert rewrite_query(text) == text


def test_an_order_inside_a_subselect_is_helped_too() -> None:
    inner = "SELECT ?x { VALUES ?x { '9' 10 '20' 3 } } ORDER BY ?x LIMIT 2"
    text = f"SELECT (GROUP_CONCAT(?x) AS ?all) {{ {{ {inner} }} }}"
    [term] = column(rewrite_query(text))
    assert str(term) == '"20 9"'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("GROUP_CONCAT(?x)", '"a b"'),
        ("GROUP_CONCAT(DISTINCT ?x; SEPARATOR = ') ')", '"a) b"'),
        ("CONCAT(GROUP_CONCAT(?x), '!')", '"a b!"'),
    ],
)
def test_concatenated_texts_have_no_language(expression: str, expected: str) -> None:
    text = f"SELECT ({expression} AS ?all) {{ VALUES ?x {{ 'a'@en 'b'@en }} }}"
    [term] = column(rewrite_query(text))
    assert str(term) == expected


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("(COUNT(*) AS ?n) (?n * 2 AS ?m)", "2,4"),
        ("(COUNT(*) AS ?n) (?n * 2 AS ?m) (?m + ?n AS ?k)", "2,4,6"),
        ("(SUM(?o) AS ?n) (IF(?n > 2, 'many', 'few') AS ?m)", "3,many"),
        ("(1 AS ?o1) (MAX(?o) AS ?n) (-?n AS ?m)", "1,2,-2"),
    ],
)
def test_an_aggregate_can_be_used_by_its_name(select: str, expected: str) -> None:
    store = MemoryStore()
    store.load("urn:g", b"<urn:a> <urn:p> 1 , 2 .")
    text = f"SELECT {select} {{ ?s <urn:p> ?o }}"
    with pytest.raises(QuerySyntax):
        store.query(Query(text, ("text/csv",)))
    data = ask(store, Query(text, ("text/csv",)), Settings()).read().decode()
    assert data.splitlines()[1] == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (COUNT(*) AS ?n) (SUM(?n) AS ?m) {}",
        "SELECT (COUNT(*) AS ?n) (BOUND(?n) AS ?m) {}",
        "SELECT (SAMPLE(?x) AS ?n) (?n AS ?m) {}",
        "SELECT (COUNT(?x) + RAND() AS ?n) (?n AS ?m) {}",
        "SELECT (?x AS ?n) (?n AS ?m) { ?x ?y ?z }",
        "SELECT (COUNT(*) AS ?n) { FILTER(?n > 1) }",
        "SELECT (COUNT(*) AS",
        "SELECT (",
        "SELECT",
    ],
)
def test_a_name_that_cannot_be_replaced_stays(text: str) -> None:
    assert named_aggregates_repeated(text) == text


@given(st.text("SELECT()?nxAS COUNT*'{}ORDERBYGP_,", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assume(text)
    assert rewrite_query(text) is not None
    assert named_aggregates_repeated(text) is not None


def test_pairs_of_one_kind_keep_the_engines_order() -> None:
    days = " ".join(f"'2020-01-{day:02}'^^<{XSD}date>" for day in range(1, 29, 3))
    found = column(rewrite_query(f"SELECT ?x {{ VALUES ?x {{ {days} }} }} ORDER BY DESC(?x)"))
    assert all(str(later) < str(earlier) for earlier, later in pairwise(found))


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_of_the_models_questions_come_as_before(name: str) -> None:
    store, text = world("tiny"), bound(name)
    ours, engines = on_one_day(lambda: (store.query(rewrite_query(text)), store.query(text)))
    assert table(ours) == table(engines)
