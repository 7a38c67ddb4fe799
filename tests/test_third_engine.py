"""Claims about the saved questions in Apache Jena: the same rows of the same terms as in Oxigraph.

Not only as they stand but with every value of every parameter, over the tiny world and over the
published cases with all that follows from them. rdflib, which is slow, is asked with one value for
each question that takes any.
"""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from pyoxigraph import (
    DefaultGraph,
    Literal,
    NamedNode,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    parse_query_results,
)

from coprod_kg.examples import submit_examples
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.parameters import Parameter
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query
from tests.jena import Jena, jena
from tests.memory_store import MemoryStore
from tests.test_queries import (
    BASE,
    FILES,
    NAMES,
    NUMBERS,
    bound,
    golden,
    in_oxigraph_and_rdflib,
    number,
    on_one_day,
    questions,
    table,
)

WORLDS = ("tiny", "cases")

Rows = list[tuple[str, ...]]


def published() -> bytes:
    """The published cases as the service holds them: with what follows, and who sent them."""
    served = MemoryStore()
    submit_examples(served, Settings())
    statements = Query("CONSTRUCT WHERE { ?s ?p ?o }", ("application/n-triples",))
    return served.query(statements).read()


@cache
def world(name: str) -> Store:
    tiny, *vocabulary = FILES
    store = Store()
    for path in vocabulary:
        store.load(path=str(path), format=RdfFormat.TURTLE)
    if name == "tiny":
        store.load(path=str(tiny), format=RdfFormat.TURTLE)
    else:
        store.load(published(), format=RdfFormat.N_TRIPLES)
    return store


@pytest.fixture(scope="module", params=WORLDS)
def engines(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], None],
) -> Iterator[tuple[Jena, Store]]:
    require("jena")
    folder = tmp_path_factory.mktemp("jena")
    store = world(request.param)
    store.dump(folder / "data.nt", format=RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
    with jena(folder / "data.nt", folder) as server:
        yield server, store


VALUES = 4
"""Of so many values of a parameter each question is asked: the time grows with data and values."""


def values(parameter: Parameter, store: Store, most: int) -> list[str]:
    """Values there are, evenly spread: concepts of a scheme, things of a kind in the data."""
    if parameter.type == "iri":
        start = f"{BASE}id/{parameter.scope}/"
        subjects = {quad.subject.value for quad in store if isinstance(quad.subject, NamedNode)}
        return spread(sorted(one for one in subjects if one.startswith(start)), most)
    other = {"integer": ["1", "30"], "date": ["2019-06-01", "2026-01-01"], "string": ["a"]}
    return spread([*parameter.permitted(schemes())], most) or other[parameter.type]


def spread(found: list[str], most: int) -> list[str]:
    """At most so many of them, from the first to the last."""
    return found[:: -(-len(found) // most)] if found else []


def texts(name: str, store: Store, most: int = VALUES) -> list[str]:
    """The question as it stands, with values of each parameter, and with all of a list."""
    query = questions()[name]
    given = {one.name: values(one, store, most) for one in query.parameters}
    single = [{one: [value]} for one, found in given.items() for value in found]
    # Lists multiply: of many lists a few values each.
    lists = [one.name for one in query.parameters if not one.single]
    several = {name: spread(given[name], most if len(lists) < 3 else 2) for name in lists}
    return [query.text, *(query.bind(one, BASE) for one in [*single, several] if one)]


def cell(term: object) -> str:
    """A term in full, but of a number the one spelling: 1.50 and 1.5 are the same decimal."""
    if isinstance(term, Literal) and term.datatype.value.endswith(NUMBERS):
        return f"{number(term.value)} {term.datatype.value}"
    return "" if term is None else str(term)


def rows(answer: object) -> Rows:
    assert isinstance(answer, QuerySolutions)
    names = [variable.value for variable in answer.variables]
    return [tuple(names), *(tuple(cell(row[name]) for name in names) for row in answer)]


def in_jena(server: Jena, text: str) -> QuerySolutions:
    answer = parse_query_results(server.ask(text), QueryResultsFormat.JSON)
    assert isinstance(answer, QuerySolutions)
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_jena_gives_the_rows_of_oxigraph(engines: tuple[Jena, Store], name: str) -> None:
    server, store = engines
    for text in texts(name, store):
        ours, theirs = on_one_day(
            lambda text=text: (rows(store.query(text)), rows(in_jena(server, text)))  # type: ignore[misc]  # mypy cannot infer a lambda's default
        )
        assert theirs == ours, text


@pytest.mark.parametrize("engines", ["tiny"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_jena_gives_the_golden_answer(engines: tuple[Jena, Store], name: str) -> None:
    assert table(in_jena(engines[0], bound(name))) == golden(name)


@pytest.mark.parametrize("name", [name for name in NAMES if questions()[name].parameters])
def test_rdflib_gives_the_rows_of_oxigraph_for_a_value(name: str) -> None:
    store = world("tiny")
    with_rows = (text for text in texts(name, store, 99)[1:] if len(rows(store.query(text))) > 1)
    ours, theirs = in_oxigraph_and_rdflib(next(with_rows))
    assert theirs == ours
