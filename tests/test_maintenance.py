"""Claims about answers that are brought up to date: to the byte those over all the data."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.access import Private
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.queries.runs.ledger import RunLedger
from coprod_kg.queries.runs.maintenance import Maintained, Maintenance
from coprod_kg.queries.runs.runner import refresh
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Query, Store
from coprod_kg.store.changes import read_changes
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.maintenance.parts import Row, sum_of_parts, union_of_parts
from coprod_kg.store.prepared import PreparedAnswers
from tests.prepared import Prepared
from tests.test_serve_command import examples

JSON = "application/sparql-results+json"
BASE = Settings().base_iri
CP = "https://w3id.org/coprod/ontology#"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"

rows = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=8)
counts = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 3), max_size=5)


class Watched(Maintenance):
    """Maintenance that notes which answers were used, and which question was asked twice."""

    def __init__(self, answers: PreparedAnswers) -> None:
        super().__init__(answers)
        self.used: dict[str, Maintained] = {}
        self.compared: list[str] = []

    def use(self, name: str, version: int) -> Maintained | None:
        found = super().use(name, version)
        if found is not None:
            self.used[name] = found
        return found

    def check(self, name: str, version: int) -> None:
        if name == self.unchecked:
            self.compared.append(name)
        super().check(name, version)


@dataclass(frozen=True)
class World:
    """A store whose questions are asked after each version."""

    settings: Settings
    store: Store
    queries: Mapping[str, SavedQuery]
    maintenance: Watched

    def refreshed(self) -> dict[str, Maintained]:
        """What was brought up to date in a round over the newest version."""
        self.maintenance.used, self.maintenance.compared = {}, []
        ledger = RunLedger(self.settings.data)
        self.maintenance.answers.retain(self.store.version())
        for run in refresh(self.store, self.settings, self.queries, ledger, self.maintenance):
            assert run.problem is None, run
        return self.maintenance.used

    def whole(self, name: str) -> bytes:
        endpoint = Endpoint.local(self.store, self.settings, {})
        return Question(endpoint, self.queries[name], {}).answer((JSON,)).read()

    def lines(self, graph: str) -> list[bytes]:
        text = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}"
        return self.store.query(Query(text, ("application/n-triples",))).read().splitlines(True)

    def commit(self, **graphs: bytes) -> None:
        replaced = {f"{BASE}graph/organisation/{name}": data for name, data in graphs.items()}
        self.store.commit(Change(replace=replaced))


def world(data: Path, queries: Mapping[str, SavedQuery]) -> Iterator[World]:
    settings = Settings(data=data)
    with local.connect(settings, create=True) as store:
        answers = PreparedAnswers(data, store.identity().lineage)
        yield World(settings, store, queries, Watched(answers))


@pytest.fixture
def published(prepared: Prepared, tmp_path: Path) -> Iterator[World]:
    """The example data, and the questions that say how their answers are put together."""
    queries = {name: query for name, query in load().items() if query.parts}
    yield from world(examples(prepared, tmp_path), queries)


QUESTIONS = {
    "named": f"""#+ summary: What is named?
#+ description: A row for each initiative.
#+ tags: test
#+ column thing: It.
#+ column name: Its name.
#+ parts: union
SELECT ?thing ?name WHERE {{ ?thing a <{CP}Initiative> ; <{LABEL}> ?name }}
ORDER BY DESC(?name) ?thing
""",
    "counted": f"""#+ summary: How many are there?
#+ description: A row for each place.
#+ tags: test
#+ column place: Where.
#+ column initiatives: How many.
#+ unit initiatives: initiatives
#+ parts: sum
SELECT ?place (COUNT(DISTINCT ?thing) AS ?initiatives)
WHERE {{ ?thing a <{CP}Initiative> ; <urn:in> ?place }}
GROUP BY ?place ORDER BY DESC(?initiatives) ?place
""",
}
WRONG = QUESTIONS["counted"].replace("parts: sum", "parts: union")


@pytest.fixture
def small(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A store with the questions above, or those that the test gives."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in getattr(request, "param", QUESTIONS).items():
        (folder / f"{name}.rq").write_text(text)
    yield from world(tmp_path / "data", load(folder))


def about(name: str, place: str = "dk", more: str = "") -> bytes:
    thing = f"<{BASE}id/initiative/{name}>"
    return (
        f"{thing} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{CP}Initiative> .\n"
        f'{thing} <{LABEL}> "{name}" .\n{thing} <urn:in> <urn:{place}> .\n{more}'
    ).encode()


@given(rows, rows, rows)
def test_a_union_loses_the_rows_of_the_part_and_gets_its_new_ones(
    rest: list[Row], before: list[Row], after: list[Row]
) -> None:
    found = union_of_parts([*rest, *before], before, after)
    assert found is not None
    assert Counter(found) == Counter([*rest, *after])


def test_what_is_no_union_is_not_put_together() -> None:
    assert union_of_parts([("3",)], [("1",)], [("2",)]) is None


def table(numbers: Mapping[str, int]) -> list[Row]:
    return [(key, serialise_number(number)) for key, number in numbers.items()]


def serialise_number(number: int) -> str:
    return f'"{number}"^^<http://www.w3.org/2001/XMLSchema#integer>'


@given(counts, counts, counts)
def test_a_sum_loses_the_counts_of_the_part_and_gets_its_new_ones(
    rest: dict[str, int], before: dict[str, int], after: dict[str, int]
) -> None:
    whole = table(Counter(rest) + Counter(before))
    found = sum_of_parts([1], whole, table(before), table(after), [])
    assert found is not None
    assert sorted(found) == sorted(table(Counter(rest) + Counter(after)))


def test_a_row_that_is_there_without_data_stays_without_a_count() -> None:
    always = table({"a": 0, "b": 0})
    found = sum_of_parts([1], table({"a": 1, "b": 2}), table({"a": 1, "b": 0}), always, always)
    assert found == table({"a": 0, "b": 2})


def test_a_sum_is_not_put_together_where_a_row_without_any_count_may_be_of_any_part() -> None:
    assert sum_of_parts([1], table({"a": 0}), table({"a": 0}), [], []) is None


def test_a_sum_is_not_put_together_of_what_are_no_counts() -> None:
    half = ("a", '"0.5"^^<http://www.w3.org/2001/XMLSchema#decimal>')
    assert sum_of_parts([1], [half], [], [], []) is None
    assert sum_of_parts([1], table({"a": 1}), table({"a": 2}), [], []) is None


def test_an_answer_that_is_brought_up_to_date_is_that_over_all_the_data(published: World) -> None:
    assert published.refreshed() == {}
    random, touched = Random(20261130), 0
    graphs = sorted(
        path.stem for path in (Path(__file__).parents[1] / "examples" / "cases").glob("*.ttl")
    )
    for kind in ("less", "nothing", "linked", "renamed"):
        one, other = random.sample(graphs, 2)
        published.commit(**changed(published, kind, one, other))
        used = published.refreshed()
        assert len(used) + len(published.maintenance.compared) >= 40, kind
        for name, made in used.items():
            assert made.data == published.whole(name), f"{kind} {one}: {name}"
        touched += sum(made.changed for made in used.values())
    assert touched > 40


def changed(world: World, kind: str, one: str, other: str) -> dict[str, bytes]:
    """The graphs of an organisation as a commit may change them."""
    graph = f"{BASE}graph/organisation/{one}"
    lines = world.lines(graph)
    if kind == "less":
        return {one: b"".join(lines[::2])}
    if kind == "nothing":
        return {one: b""}
    if kind == "linked":
        link = f"<{initiative(world, one)}> <{CP}succeeds> <{initiative(world, other)}> .\n"
        return {one: b"".join(lines) + link.encode()}
    if kind == "renamed":
        agent = f"<{BASE}id/agent/".encode()  # what is said of one touches all its claims
        new = (
            line if line.startswith(agent) else line.replace(b'label> "', b'label> "New ')
            for line in lines
        )
        return {one: b"".join(new)}
    raise ValueError(kind)


def initiative(world: World, organisation: str) -> str:
    graph = f"{BASE}graph/organisation/{organisation}"
    text = f"SELECT ?thing WHERE {{ GRAPH <{graph}> {{ ?thing a <{CP}Initiative> }} }}"
    found = world.store.query(Query(text, ("text/csv",))).read().decode().split()
    return found[1]


def test_things_that_are_linked_are_one_part(small: World) -> None:
    follows = f"<{BASE}id/initiative/b> <{CP}succeeds> <{BASE}id/initiative/a> .\n"
    small.commit(one=about("a"), two=about("b", more=follows), three=about("c"))
    small.refreshed()
    small.commit(one=about("a", "se"))
    used = small.refreshed()
    assert {*used, *small.maintenance.compared} == {"named", "counted"}
    assert all(made.data == small.whole(name) for name, made in used.items())
    small.commit(two=b"")
    used = small.refreshed()
    assert {*used, *small.maintenance.compared} == {"named", "counted"}
    assert small.whole("named").count(b'"a"') == 1
    assert b'"b"' not in small.whole("named")
    assert all(made.data == small.whole(name) for name, made in used.items())


def test_what_cannot_be_told_from_the_touched_things_is_asked_over_all_the_data(
    small: World,
) -> None:
    small.commit(one=about("a"))
    small.refreshed()
    small.commit(one=about("a", more="<urn:elsewhere> <urn:is> <urn:there> .\n"))
    assert small.refreshed() == {}
    small.commit(two=about("b", more=f"<{BASE}id/initiative/b> <urn:has> _:it .\n"))
    assert small.refreshed() == {}
    model = f"{BASE}graph/ontology"
    small.store.commit(Change(add={model: b"<urn:term> <urn:is> <urn:new> .\n"}))
    assert small.refreshed() == {}
    (small.settings.data / "changes" / f"{small.store.version()}.json.gz").unlink()
    small.commit(three=about("c"))
    (small.settings.data / "changes" / f"{small.store.version()}.json.gz").unlink()
    assert small.refreshed() == {}


def test_what_changed_beside_things_is_noted_and_of_an_older_release_not_known(
    small: World,
) -> None:
    folder = DataDirectory(small.settings.data).changes
    small.commit(one=about("a"))
    noted = read_changes(folder, small.store.version())
    assert noted is not None
    assert not noted.others
    small.commit(one=about("a", more="<urn:elsewhere> <urn:is> <urn:there> .\n"))
    noted = read_changes(folder, small.store.version())
    assert noted is not None
    assert noted.others


LABELLED = """#+ summary: How many are there of each?
#+ description: A row for each name of a place.
#+ tags: test
#+ column name: Where.
#+ column initiatives: How many.
#+ unit initiatives: initiatives
#+ parts: sum
SELECT ?name (COUNT(DISTINCT ?thing) AS ?initiatives)
WHERE { ?thing <urn:in> ?place . ?place <urn:name> ?name }
GROUP BY ?name ORDER BY DESC(?initiatives) ?name
"""


@pytest.mark.parametrize("small", [{"labelled": LABELLED}], indirect=True)
def test_what_organisations_say_of_terms_of_the_model_counts_in_each_part(small: World) -> None:
    model = f"{BASE}graph/ontology"
    small.store.commit(Change(replace={model: b'<urn:dk> <urn:name> "Danmark" .\n'}))
    small.commit(one=about("a", more='<urn:dk> <urn:name> "Denmark" .\n'), two=about("b"))
    small.refreshed()
    small.commit(three=about("c"))
    small.refreshed()
    assert small.maintenance.compared == ["labelled"]
    assert small.whole("labelled").count(b'"3"') == 2
    small.commit(four=about("d", "se"))  # leaves the answer as it was, so that it is not compared
    used = small.refreshed()
    assert used["labelled"].data == small.whole("labelled")


def test_several_versions_are_one_step(small: World) -> None:
    small.commit(one=about("a"), two=about("b"))
    small.refreshed()
    small.commit(one=about("a", "se"))
    small.commit(two=b"", three=about("c", "se"))
    used = small.refreshed()
    assert {*used, *small.maintenance.compared} == {"named", "counted"}
    assert all(made.data == small.whole(name) for name, made in used.items())


@pytest.mark.parametrize("small", [{**QUESTIONS, "wrong": WRONG}], indirect=True)
def test_one_that_is_put_together_wrongly_is_found_and_told_and_nothing_is_maintained_then(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small.commit(one=about("a"), two=about("b"))
    small.refreshed()
    for number in range(3):  # each version has another one compared
        small.commit(**{f"more-{number}": about(f"c-{number}")})
        small.refreshed()
    told = capsys.readouterr().err
    assert told.count("the answer to wrong over version") == 1
    assert small.refreshed() == {}
    answers, endpoint = small.maintenance.answers, Endpoint.local(small.store, small.settings, {})
    for name, query in small.queries.items():
        asked = Question(endpoint, query, {}).query((JSON,))
        kept = answers.find(asked, small.store.version())
        assert kept is not None
        assert kept.read() == small.whole(name)


def test_what_is_private_is_in_no_answer_that_is_brought_up_to_date(small: World) -> None:
    small.commit(open=about("a"), secret=about("hidden-one"))
    Private(small.settings.data).mark("secret")
    small.refreshed()
    small.commit(open=about("b"), secret=about("hidden-two"))
    used = small.refreshed()
    assert used
    assert not any(b"hidden" in made.data for made in used.values())
    assert (
        any(b'"b"' in made.data for made in used.values()) or "named" in small.maintenance.compared
    )


def test_what_becomes_private_in_a_round_is_in_nothing_that_follows(small: World) -> None:
    small.commit(open=about("a"), secret=about("b", "se"))
    small.refreshed()
    small.commit(open=about("c"), secret=about("b", "no"))
    ledger = RunLedger(small.settings.data)
    arguments = (small.store, small.settings, small.queries, ledger, small.maintenance)
    next(refresh(*arguments))
    Private(small.settings.data).mark("secret")
    ledger.forget()
    assert {run.query: run.rows for run in refresh(*arguments)} == {"named": 1, "counted": 1}
