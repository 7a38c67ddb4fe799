"""A syntax error points to the first token that does not fit, and says what would."""

import pyoxigraph as ox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coprod_kg.errors import QuerySyntax
from coprod_kg.queries.ask import ask
from coprod_kg.queries.library import load
from coprod_kg.settings import Settings
from coprod_kg.sparql.grammar import first_unexpected
from coprod_kg.sparql.syntax import explain_error
from coprod_kg.sparql.tokens import position, significant
from coprod_kg.store.base import Query
from coprod_kg.store.engine_errors import syntax
from coprod_kg.updates import update
from tests.memory_store import MemoryStore
from tests.web import test_conformance_evaluation as evaluation
from tests.web import test_conformance_update as updating

QUERIES = [evaluation.PROLOGUE + text for text in evaluation.QUERIES.values()]
QUERIES += [query.text for query in load().values()]
UPDATES = [updating.PROLOGUE + text for text in updating.UPDATES.values()]


def refusal(text: str) -> str:
    """What the engine says of a query, or nothing where it takes it."""
    try:
        ox.Store().query(text, base_iri="urn:base")
    except SyntaxError as error:
        return str(error)
    except (RuntimeError, ValueError):  # it is read, and cannot be carried out
        return ""
    return ""


def told(text: str) -> QuerySyntax:
    return explain_error(syntax(refusal(text), "SPARQL 1.1"), text)


@pytest.mark.parametrize(
    ("text", "where", "what", "fix"),
    [
        ("SELET ?s { ?s ?p ?o }", "1, column 1", "SELET does not fit here", "mean SELECT"),
        (
            "SELECT COUNT(*) { ?s ?p ?o }",
            "1, column 8",
            "COUNT does not fit",
            "(COUNT(…) AS ?name)",
        ),
        ("SELECT s { ?s ?p ?o }", "1, column 8", "a variable such as ?x", "Did you mean ?s?"),
        ("ASK {\n ?s ?p }", "2, column 8", "} does not fit here; what may stand here: a term", ""),
        ("ASK { ?s ?p ?o", "1, column 15", "ends too early", "a } is missing"),
        ("ASK { } }", "1, column 9", "} does not fit here", "a } too many"),
        ("ASK { ?s a 'x }", "1, column 12", "the text in quotes that begins here has no end", ""),
        ("ASK { ?s <a b> 1 }", "1, column 10", "the IRI that begins here does not end", ""),
        ("ASK { ?s x:p 1 . FLITER(1) }", "1, column 10", "the prefix x: is not declared", ""),
        ("ASK { FLITER(1) ?s x:p 1 }", "1, column 7", "FLITER does not fit", "mean FILTER?"),
        ("CONSTRUCT { ?s <urn:p>/<urn:q> 1 } {}", "1, column 23", "/ does not fit here", ""),
        ("ASK { FILTER(?x = ) }", "1, column 19", "an expression such as ?x", ""),
        ("ASK { ?s ?p ?o } LIMIT ten", "1, column 24", "a number", ""),
        ("SELECT ?s { ?s ?p ?o } ORDER ?s", "1, column 30", "what may stand here: BY", ""),
        ("INSERT DATA { }", "1, column 1", "INSERT does not fit here", "This is an update"),
        ("ASK {}\nSELECT ?x ?n { ?x ?p ?n }", "2, column 1", "SELECT does not fit", ""),
        (
            "SELECT ?x\n?n { ?x ?p ?n } GROUP BY ?x",
            "1, column 1",
            "neither in GROUP BY nor inside",
            "",
        ),
        ("SELECT (1 AS ?x) { ?x ?p ?n }", "1, column 1", "that is bound already", ""),
        ("ASK { ?x ?p 1 BIND(1 AS ?x) }", "1, column 31", "does not name", "Usual reasons: BIND"),
    ],
)
def test_a_mistake_is_told_at_its_token(text: str, where: str, what: str, fix: str) -> None:
    error = told(text)
    if "BIND" not in text:  # of this the engine tells the end of the group
        assert error.where == f"line {where}"
    assert what in error.what
    assert fix in (error.fix or "")


def test_a_query_sent_as_an_update_is_told_as_that() -> None:
    with pytest.raises(QuerySyntax, match="SELECT does not fit here") as caught:
        update(MemoryStore(), "SELECT * { ?s ?p ?o }", "curator", Settings())
    assert "This is a query" in str(caught.value.fix)


@pytest.mark.parametrize("text", QUERIES)
def test_what_the_engine_takes_the_grammar_takes(text: str) -> None:
    assert refusal(text) or first_unexpected(text) is None or "<<" in text or "FROM:" in text


@pytest.mark.parametrize("text", UPDATES)
def test_an_update_that_the_engine_takes_the_grammar_takes(text: str) -> None:
    try:
        ox.Store().update(text, base_iri="urn:base")
    except SyntaxError:
        return
    except (RuntimeError, ValueError):
        pass
    assert first_unexpected(text, update=True) is None


@given(st.data(), st.sampled_from(QUERIES))
@settings(max_examples=200, deadline=None)
def test_a_changed_text_is_told_no_later_than_the_engine_tells_it(
    data: st.DataObject, text: str
) -> None:
    tokens = list(significant(text))
    place = data.draw(st.integers(0, len(tokens) - 1))
    other = data.draw(st.sampled_from(tokens))
    change = data.draw(
        st.sampled_from(("", f" {other.text} ", f"{tokens[place].text} {other.text} "))
    )
    changed = text[: tokens[place].start] + change + text[tokens[place].end :]
    assume("<<" not in changed and "!" not in changed)  # the engine takes no !()
    said, found = refusal(changed), first_unexpected(changed)
    if not said:
        assert found is None or "FROM" in changed, changed
    elif found is not None and found.token is not None and said.startswith("error at"):
        line, column = map(int, said.removeprefix("error at ").split(":")[:2])
        assume(not inside_a_token(changed, line, column))
        assert position(changed, found.token.start) <= (line, column), changed


def inside_a_token(text: str, line: int, column: int) -> bool:
    """Whether a place is within a word: there the engine tells how far it read a function's name.

    >>> inside_a_token("SELECT * { BIND(COALESCE((STR(?a), 1) AS ?b) }", 1, 29)
    True
    """
    offset = sum(len(row) for row in text.splitlines(keepends=True)[: line - 1]) + column - 1
    return any(token.start < offset < token.end for token in significant(text))


def test_the_first_token_that_does_not_fit_is_told_where_the_engine_stops_within_a_word() -> None:
    text = 'SELECT * { BIND(COALESCE ( (STR(?a), "none") AS ?b) }'
    found = first_unexpected(text)
    assert found is not None
    assert found.token is not None
    assert text[found.token.start] == ","


@given(st.text(max_size=80))
def test_any_text_is_read_to_its_end(text: str) -> None:
    found = first_unexpected(text)
    assert found is None or found.token is None or text[found.token.start :]


def test_a_text_of_many_parentheses_ends_nothing() -> None:
    found = first_unexpected("ASK { FILTER" + "(" * 60_000)
    assert found is not None
    assert found.token is None


def test_a_byte_order_mark_is_no_part_of_a_query() -> None:
    store = MemoryStore()
    assert ask(store, Query("\ufeffASK {}", ("text/csv",)), Settings()).read() == b"true"
    with pytest.raises(QuerySyntax) as caught:
        ask(store, Query("\ufeffSELET", ("text/csv",)), Settings())
    assert caught.value.where == "line 1, column 1"
