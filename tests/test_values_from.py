"""Claims about parameters whose values another saved query finds."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from coprod_kg.cli.check_queries import check_queries
from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.library import SavedQuery, load, load_all
from coprod_kg.queries.parameters import Parameter
from coprod_kg.queries.permitted_values import with_values_from
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
RUNNERS = """#+ summary: Who runs something?
#+ description: One row for each organisation.
#+ tags: test
#+ column runner: The organisation.
#+ column runnerLabel: Its name.
#+ column since: The year.
#+ column things: How many.
#+ unit things: things
#+ small-counts: things below 5
SELECT ?runner ?runnerLabel ?since ?things
WHERE { ?runner <urn:name> ?runnerLabel ; <urn:since> ?since BIND(1 AS ?things) }
ORDER BY ?runnerLabel
"""
RUN = """#+ summary: What is run?
#+ description: One row for each thing.
#+ tags: test
#+ param by: iri organisation | Run by this one.
#+ values by: runners.runner
#+ param since: integer | Since that year.
#+ values since: runners.since
#+ column thing: The thing.
SELECT ?thing
WHERE {
  VALUES ?by { UNDEF }
  VALUES ?since { UNDEF }
  ?thing <urn:by> ?by . ?by <urn:since> ?since
}
ORDER BY ?thing
"""
YEAR = '"{}"^^<http://www.w3.org/2001/XMLSchema#integer>'


def ntriples(names: tuple[str, ...]) -> bytes:
    lines = []
    for place, name in enumerate(names):
        iri = f"<{BASE}id/organisation/{name}>"
        lines += [
            f'{iri} <urn:name> "The {name}" .',
            f"{iri} <urn:since> {YEAR.format(2001 + place)} .",
            f"<urn:of-{name}> <urn:by> {iri} .",
        ]
    return "\n".join([*lines, ""]).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runners.rq").write_text(RUNNERS)
    (tmp_path / "run.rq").write_text(RUN)
    return tmp_path


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.commit(Change(replace={"urn:g": ntriples(("city", "county"))}))
    return store


@pytest.fixture
def client(store: MemoryStore, folder: Path) -> FlaskClient:
    return create_app(store, Settings(queries=folder)).test_client()


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("runners.runner", "runner.runner", 5, "no saved query 'runner' (did you mean runners"),
        ("runners.runner", "runners.name", 5, "has no column 'name'; its columns are runner,"),
        ("runners.runner", "runners", 5, "write QUERY.COLUMN"),
        ("values by", "values of", 5, "no '#+ param of: …' before its values"),
        ("runners.runner", "runners.things", 5, "can be withheld; take another column"),
        ("runners.runner", "run.thing", 5, "the values of run come from run again"),
        ("iri organisation", "boolean", 5, "is true or false"),
    ],
)
def test_a_source_that_is_not_there_is_a_mistake(
    folder: Path, old: str, new: str, line: int, what: str
) -> None:
    (folder / "run.rq").write_text(RUN.replace(old, new, 1))
    with pytest.raises(ModelError) as caught:
        load_all(folder)
    lines = caught.value.what.splitlines()
    assert any(f"run.rq:{line}: " in one and what in one for one in lines), lines


def test_values_never_come_in_a_circle(folder: Path) -> None:
    circular = RUNNERS.replace(
        "#+ column runner:", "#+ param x: string | X.\n#+ values x: run.thing\n#+ column runner:", 1
    )
    (folder / "runners.rq").write_text(circular.replace("WHERE {", "WHERE { VALUES ?x { UNDEF }"))
    with pytest.raises(ModelError, match=r"run\.rq:5: .*the values of runners come from run again"):
        load(folder)


def test_a_source_that_needs_values_itself_is_a_mistake(folder: Path) -> None:
    needy = RUNNERS.replace(
        "#+ column runner:", "#+ param x: string required | X.\n#+ column runner:", 1
    )
    (folder / "runners.rq").write_text(needy.replace("WHERE {", "WHERE { VALUES ?x { UNDEF }"))
    with pytest.raises(ModelError, match="cannot be asked by itself; it needs x"):
        load(folder)


def test_own_queries_take_values_from_those_of_the_model(folder: Path) -> None:
    text = RUN.replace("runners.runner", "initiatives-by-stage.stage")
    (folder / "run.rq").write_text(text)
    assert load_all(folder)["run"].parameters[0].source == ("initiatives-by-stage", "stage")


def question_of(
    store: MemoryStore, folder: Path, name: str, values: dict[str, list[str]]
) -> Question:
    settings = Settings(queries=folder)
    known = load_all(folder)
    return Question(Endpoint.local(store, settings, known), known[name], values)


def asked(store: MemoryStore, folder: Path, **values: str) -> list[str]:
    given = {name: [value] for name, value in values.items()}
    question = question_of(store, folder, "run", given).with_permitted_values()
    return question.answer(("text/csv",)).read().decode().split()[1:]


@pytest.mark.parametrize(
    "values",
    [
        {"by": "city"},
        {"by": f"{BASE}id/organisation/city"},
        {"since": "2001"},
        {"since": "+02001"},
    ],
)
def test_a_value_that_is_there_is_bound(
    store: MemoryStore, folder: Path, values: dict[str, str]
) -> None:
    assert asked(store, folder, **values) == ["urn:of-city"]


def test_another_value_is_refused_with_those_that_there_are(
    store: MemoryStore, folder: Path
) -> None:
    with pytest.raises(WrongUsage) as caught:
        asked(store, folder, by="citty", since="1999")
    told = caught.value.what
    assert "by: 'citty' is none of the values that there are (did you mean city?)" in told
    assert "Permitted: city, county" in told
    assert "since: '1999' is none" in told
    assert "Permitted: 2001, 2002" in told


def test_over_http_the_values_are_those_of_the_version_that_is_asked(
    store: MemoryStore, client: FlaskClient
) -> None:
    assert client.get("/queries/run.csv?by=harbour").status_code == 400
    store.commit(Change(replace={"urn:g": ntriples(("city", "harbour"))}))
    assert client.get("/queries/run.csv?by=harbour").status_code == 200
    refused = client.get("/queries/run.csv?by=county")
    assert refused.status_code == 400
    assert "Permitted: city, harbour" in refused.get_json()["detail"]
    assert client.get("/queries/run/cite?by=county").status_code == 400


def test_the_page_offers_the_values_by_their_names(client: FlaskClient) -> None:
    body = client.get("/queries/run.html?by=city").get_data(as_text=True)
    assert '<option value="city" selected>The city</option>' in body
    assert '<option value="county">The county</option>' in body
    assert '<option value="2002">2002</option>' in body


def test_the_interface_says_where_the_values_are(client: FlaskClient) -> None:
    told = client.get("/openapi.json").get_json()["paths"]["/queries/run"]["get"]["parameters"]
    by = next(one for one in told if one["name"] == "by")
    assert by["x-values-from"] == "/queries/runners"
    assert "one that the question runners finds" in by["description"]
    listed = client.get("/queries?format=json").get_json()["queries"]
    (run,) = [one for one in listed if one["name"] == "run"]
    assert run["parameters"][0]["values_from"] == "runners.runner"


def test_nothing_is_asked_for_a_parameter_that_needs_no_check(
    store: MemoryStore, folder: Path
) -> None:
    runners = question_of(store, folder, "runners", {})
    assert runners.with_permitted_values(every=True).saved is runners.saved
    assert (
        question_of(store, folder, "run", {"by": [""]}).with_permitted_values().saved.name == "run"
    )
    assert store.asked == []
    known = question_of(store, folder, "run", {"by": ["city"]}).with_permitted_values().saved
    assert [one.allowed is None for one in known.parameters] == [False, True]
    assert len(store.asked) == 1


def taking(kind: str, scope: str = "") -> SavedQuery:
    parameter = Parameter("x", kind, scope, None, "X.", values_from="source.x")
    return SavedQuery("q", "?", ".", (), (), (parameter,), (), "", "SELECT", ())


def values_of(query: SavedQuery, *cells: Cell) -> tuple[str, ...]:
    table = Table(("x",), tuple({"x": one} for one in cells))
    found = with_values_from(query, {"source": taking("string")}, lambda _: table, BASE)
    return found.parameters[0].permitted({})


def test_only_what_a_parameter_can_take_is_permitted() -> None:
    text, stage = Cell("literal", "project"), Cell("uri", f"{BASE}vocab/stage/project")
    thing, blank = Cell("uri", f"{BASE}id/initiative/alpha"), Cell("bnode", "b0")
    cells = (text, stage, thing, blank, text)
    assert values_of(taking("concept", "stage"), *cells) == ("project",)
    assert values_of(taking("iri", "initiative"), *cells) == (stage.value, "alpha")
    assert values_of(taking("iri", "thing"), *cells) == (stage.value, "initiative/alpha")
    assert values_of(taking("string"), *cells) == ("project",)


def test_more_values_than_can_be_read_restrict_nothing() -> None:
    found = with_values_from(taking("string"), {"source": taking("string")}, lambda _: None, BASE)
    assert found.parameters[0].allowed is None
    assert (
        with_values_from(taking("string"), {}, lambda _: None, BASE).parameters[0].allowed is None
    )


def test_check_queries_names_a_source_that_is_not_there(folder: Path) -> None:
    sound = CliRunner().invoke(check_queries, [str(folder)])
    assert sound.exit_code == 0, sound.output
    (folder / "run.rq").write_text(RUN.replace("runners.runner", "runners.name"))
    told = CliRunner().invoke(check_queries, [str(folder)])
    assert told.exit_code == 1
    assert "run.rq:5: parameter by: runners has no column 'name'" in told.output
