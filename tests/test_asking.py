"""Claims about the one way to ask a saved query: looked at once, asked once."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.model.schemes import schemes
from coprod_kg.queries.ask import admitted, ask_own, prepare
from coprod_kg.queries.library import SavedQuery, load, views
from coprod_kg.queries.parameters import Parameter
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.sparql import tokens
from coprod_kg.store.base import Change, Query
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.web.conftest import tiny_world

NAMES = tuple(load())
FORMATS = ("csv", "xml", "tsv", "json", "csv")
BOUND = "SELECT ?x WHERE { VALUES ?x { UNDEF } ?x ?p ?o } ORDER BY ?x"


@pytest.fixture(scope="module")
def world(checkout: Path) -> MemoryStore:
    return tiny_world(checkout)


@pytest.fixture
def client(world: MemoryStore) -> FlaskClient:
    return create_app(world, Settings()).test_client()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the lexer reads from their beginning."""
    found: list[str] = []
    lexer = tokens.tokens

    def noting(text: str, start: int = 0) -> Iterator[tokens.Token]:
        if start == 0:
            found.append(text)
        return lexer(text, start)

    monkeypatch.setattr(tokens, "tokens", noting)
    return found


def test_the_text_of_a_saved_query_is_looked_at_before_it_is_asked(
    client: FlaskClient, read: list[str]
) -> None:
    for name in NAMES:
        assert client.get(f"/queries/{name}.csv").status_code == 200
    assert client.get("/queries/initiatives-at-stage.csv?stage=pilot-project").status_code == 200
    assert read == []


def test_all_formats_of_an_answer_come_from_one_question(
    world: MemoryStore, client: FlaskClient
) -> None:
    client.get("/queries/barriers-by-stage.csv")  # what every answer says of the data is kept now
    world.asked.clear()
    answers = [client.get(f"/queries/barriers-overall.{name}") for name in FORMATS]
    assert [answer.status_code for answer in answers] == [200] * len(FORMATS)
    assert len({answer.headers["Content-SHA256"] for answer in answers}) == 1
    assert len(world.asked) == 1
    assert client.get("/queries/initiatives-by-stage", headers={"Accept": "text/html"}).data
    assert len(world.asked) == 3  # its rows, and the day of the version, which is cited


def sample(parameter: Parameter) -> str:
    listed = parameter.permitted(schemes())
    other = {"iri": "urn:x:thing", "integer": "12", "date": "2021-03-01", "string": "some text"}
    return listed[0] if listed else other[parameter.type]


def questions() -> list[SavedQuery]:
    return [*load().values(), *views().values()]


@pytest.mark.parametrize("query", questions(), ids=lambda query: query.name)
def test_values_put_into_what_was_admitted_are_the_text_admitted_with_them(
    query: SavedQuery, world: MemoryStore
) -> None:
    settings = Settings()
    values = {parameter.name: [sample(parameter)] for parameter in query.parameters}
    question = Question(Endpoint.local(world, settings, {}), query, values)
    put = question.query(("text/csv",))
    text = question.text
    for now in ("STR(NOW())", "SUBSTR(STR(NOW()), 1, 10)"):  # it is left out where a day is bound
        text = text.replace(f"COALESCE(STR(?on), {now})", "STR(?on)")
    whole = admitted(replace(put, text=text, sent=None, union=True), settings)
    assert put == whole
    assert put.sent == question.text


@pytest.mark.parametrize(
    "value",
    ["a\\u0022 } SERVICE <urn:x> { ?s ?p ?o", "it's", "see #", "service", "download"],
)
def test_a_value_that_could_be_read_otherwise_is_looked_at_with_its_text(
    value: str, world: MemoryStore
) -> None:
    parameter = Parameter("x", "string", "", None, "X.")
    slots = prepare(BOUND, ())[1]
    assert slots is not None
    query = SavedQuery("q", "?", ".", (), (), (parameter,), (), BOUND, "SELECT", slots)
    question = Question(Endpoint.local(world, Settings(), {}), query, {"x": [value]})
    assert question.query(()).sent is None
    assert replace(question, values={"x": ["plain"]}).query(()).sent is not None


@pytest.mark.parametrize(
    "text", ["ASK { ?s ?p 'a\\u0027' }", "PREFIX urn: <urn:> ASK {?s ?p <urn:x>}"]
)
def test_a_text_that_could_be_read_otherwise_is_looked_at_each_time(text: str) -> None:
    assert prepare(text, ())[1] is None


def test_a_query_of_ours_is_bound_as_every_other(world: MemoryStore) -> None:
    world.asked.clear()
    ask_own(world, "writing/known-things", thing=["urn:a", "urn:b#c"])
    (asked,) = world.asked
    assert "VALUES ?thing { <urn:a> <urn:b#c> }" in asked.text


def test_the_notebook_imports_no_command_line() -> None:
    program = (
        "import sys, coprod_kg; coprod_kg.connect; import coprod_kg.client\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'click'"
        " or (name + '.').startswith('coprod_kg.cli.')])"
    )
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert made.stdout.strip() == "[]"


def test_a_query_is_admitted_once() -> None:
    query = admitted(Query("ASK {}", ()), Settings())
    assert admitted(query, Settings()) is query


def test_the_caveat_of_an_answer_counts_the_claims_of_its_version(checkout: Path) -> None:
    world = tiny_world(checkout)
    endpoint = Endpoint.local(world, Settings(), load())
    question = Question(endpoint, load()["stages-by-country"], {})
    before = question.claims
    cp = "https://w3id.org/coprod/ontology#"
    claim = (
        f"<urn:claim> <{cp}about> <urn:thing> .\n<urn:claim> <{cp}basis> "
        "<https://w3id.org/coprod/vocab/basis/secondary-coding> .\n"
    )
    world.commit(Change(add={"urn:more": claim.encode()}))
    _, measured = question.measured(("text/csv",))
    assert measured is not None
    assert measured.question.claims == (before[0] + 1, before[1] + 1)
