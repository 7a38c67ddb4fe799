"""FILTER NOT EXISTS becomes MINUS only where both mean the same."""

from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coprod_kg.errors import QuerySyntax
from coprod_kg.queries.ask import ask
from coprod_kg.settings import Settings
from coprod_kg.sparql.not_exists import not_exists_to_minus
from coprod_kg.store.base import Change, Query
from coprod_kg.store.local import serving
from tests.memory_store import MemoryStore

PAIR = "?s <urn:p> ?o . ?o <urn:q> ?z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"SELECT ?s {{ ?s a <urn:T> FILTER NOT EXISTS {{ {PAIR} }} ?s <urn:r> 1 }}",
            f"SELECT ?s {{ ?s a <urn:T> FILTER(true) ?s <urn:r> 1 MINUS {{ {PAIR} }} }}",
        ),
        (
            f"ASK {{ {{ ?s a 1 . filter  not\n exists {{ {PAIR} # x\n }} }} UNION {{ ?a a 2 }} }}",
            f"ASK {{ {{ ?s a 1 . FILTER(true) MINUS {{ {PAIR} }} }} UNION {{ ?a a 2 }} }}",
        ),
        (
            f"CONSTRUCT {{ ?s a 1 }} {{ {{ SELECT ?s {{ ?s a 2 FILTER NOT EXISTS {{ {PAIR} }} }}"
            " LIMIT 3 } }",
            f"CONSTRUCT {{ ?s a 1 }} {{ {{ SELECT ?s {{ ?s a 2 FILTER(true) MINUS {{ {PAIR} }} }}"
            " LIMIT 3 } }",
        ),
    ],
)
def test_a_pattern_that_shares_a_variable_is_subtracted(text: str, expected: str) -> None:
    assert " ".join(not_exists_to_minus(text).split()) == " ".join(expected.split())


@pytest.mark.parametrize(
    "text",
    [
        "ASK { ?s a 1 FILTER NOT EXISTS { ?s <urn:p> ?o } }",  # quick already
        f"ASK {{ ?a a 1 FILTER NOT EXISTS {{ {PAIR} }} }}",  # nothing in common
        f"ASK {{ BIND(<urn:s> AS ?s) FILTER NOT EXISTS {{ {PAIR} }} }}",
        f"ASK {{ VALUES ?s {{ UNDEF }} FILTER NOT EXISTS {{ {PAIR} }} }}",
        f"ASK {{ ?a a 1 OPTIONAL {{ ?s a 1 }} FILTER NOT EXISTS {{ {PAIR} }} }}",
        f"ASK {{ ?s a 1 OPTIONAL {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} }} }}",
        f"ASK {{ ?s a 1 FILTER EXISTS {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} }} }}",
        f"ASK {{ ?s a 1 FILTER (NOT EXISTS {{ {PAIR} }}) }}",
        f"ASK {{ GRAPH ?z {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} }} }}",
        f"ASK {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} FILTER(?s = ?z) }} }}",
        f"ASK {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} OPTIONAL {{ ?z a 1 }} }} }}",
        "ASK { ?s a 1 FILTER NOT EXISTS { ?s <urn:p>* ?o . ?o <urn:q> 1 } }",
        f"ASK {{ ?s a 1 SERVICE <urn:x> {{ ?s a 1 }} FILTER NOT EXISTS {{ {PAIR} }} }}",
        f"PREFIX urn: <urn:> ASK {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} }}",  # <urn:p> may be two
        f"ASK {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }}",
        "ASK " + "{" * 50_000 + f" ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} " + "}" * 50_000,
        "ASK " + "{" * 500 + f" ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} " + "}" * 500,
        f"ASK {{ ?s a 'FILTER NOT EXISTS {{ {PAIR} }}' }}",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert not_exists_to_minus(text) == text


TERMS = ("<urn:a>", "<urn:b>", "<urn:c>", "1", "'x'")
VARIABLES = ("?s", "?o", "?z", "?y")
PREDICATES = ("<urn:p>", "<urn:q>")
subjects = st.sampled_from(TERMS[:3])
triples = st.tuples(subjects, st.sampled_from(PREDICATES), st.sampled_from(TERMS))
graphs = st.lists(
    st.tuples(*[triples, st.sampled_from(("", "<urn:g>", "<urn:h>"))]), min_size=4, max_size=14
)
patterns = st.tuples(
    st.sampled_from(VARIABLES + TERMS[:2]),
    st.sampled_from((*PREDICATES, "?y", "<urn:p>/<urn:q>")),
    st.sampled_from(VARIABLES + TERMS),
).map(" ".join)
blocks = st.lists(patterns, min_size=1, max_size=3).map(" . ".join)
apart = st.tuples(
    st.sampled_from(("?u", "?v", "?s")), st.sampled_from(PREDICATES), st.sampled_from(("?u", "?v"))
).map(" ".join)  # what may share no variable with the rest
negations = st.lists(st.one_of(patterns, apart), min_size=2, max_size=3).map(
    lambda one: f"FILTER NOT EXISTS {{ {' . '.join(one)} }}"
)
elements = st.one_of(
    blocks,
    blocks.map(lambda one: f"OPTIONAL {{ {one} }}"),
    blocks.map(lambda one: f"{{ {one} }} UNION {{ ?z <urn:p> ?o }}"),
    blocks.map(lambda one: f"GRAPH ?y {{ {one} }}"),
    st.just("VALUES ?o { UNDEF <urn:a> 1 }"),
    st.just("FILTER (BOUND(?o))"),
    negations,
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    first, negation = draw(st.one_of(blocks, st.just("?o <urn:p> ?z"))), draw(negations)
    others = draw(st.lists(elements, max_size=3))
    place = draw(st.integers(0, len(others)))
    group = " . ".join([first, *others[:place], negation, *others[place:]])
    form = draw(st.sampled_from(("{0}", "{{ {0} }} UNION {{ ?s ?y ?o }}", "GRAPH ?g {{ {0} }}")))
    return f"SELECT ?s ?o ?z ?y {{ {form.format(group)} }}"


def oxigraph_rows(graph: list[tuple[tuple[str, str, str], str]], text: str) -> Counter[str]:
    store = ox.Store()
    lines = "".join(f"{' '.join(triple)} {name} .\n" for triple, name in graph)
    lines = lines.replace(" 1 ", ' "1"^^<http://www.w3.org/2001/XMLSchema#integer> ')
    store.load(lines.replace("'x'", '"x"').encode(), ox.RdfFormat.N_QUADS)
    solutions = store.query(text)
    assert isinstance(solutions, ox.QuerySolutions)
    return Counter(str(one) for one in solutions)


@given(graphs, queries())
@settings(max_examples=300, deadline=None)
def test_both_forms_have_the_same_rows_in_the_engine(
    graph: list[tuple[tuple[str, str, str], str]], text: str
) -> None:
    other = not_exists_to_minus(text)
    assume(other != text)
    assert oxigraph_rows(graph, text) == oxigraph_rows(graph, other), other


@given(st.lists(triples, max_size=10), queries())
@settings(max_examples=20, deadline=None)
def test_both_forms_have_the_same_rows_in_another_engine(
    graph: list[tuple[str, str, str]], text: str
) -> None:
    other = not_exists_to_minus(text)
    assume(other != text and "GRAPH" not in text)
    world = rdflib.Graph().parse(data="".join(f"{' '.join(one)} .\n" for one in graph))
    one, two = (Counter(map(str, world.query(each))) for each in (text, other))
    assert one == two, other


def test_a_query_that_would_not_end_ends(tmp_path: Path) -> None:
    lines = [
        f"<urn:{n}> <urn:is> <urn:T> . <urn:{n}> <urn:p> <urn:o{n}> . <urn:o{n}> <urn:q> <urn:z> ."
        for n in range(20_000)
    ]
    text = f"SELECT (COUNT(*) AS ?n) {{ ?s <urn:is> <urn:T> FILTER NOT EXISTS {{ {PAIR} }} }}"
    chosen = Settings(data=tmp_path, workers=1, query_seconds=20.0)
    with serving(chosen) as service:
        data = "\n".join(lines).replace(" . <", " .\n<").encode()
        service.store.commit(Change(replace={"urn:g": data}))
        asked = Query(text, ("text/csv",), seconds=20.0)
        assert ask(service.store, asked, chosen).read().split() == [b"n", b"0"]


def test_what_is_wrong_with_a_query_is_told_of_the_text_that_was_sent() -> None:
    text = f"ASK {{ ?s a 1 FILTER NOT EXISTS {{ {PAIR} }} ?s }}"
    with pytest.raises(QuerySyntax) as caught:
        ask(MemoryStore(), Query(text, ("text/csv",)), Settings())
    assert "MINUS" not in str(caught.value)
