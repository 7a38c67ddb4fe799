"""Questions that curators submit: looked over, seen at once everywhere, kept in their versions."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as seeded
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from coprod_kg.access import Role, Tokens
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.backup import back_up, restore
from coprod_kg.store.base import Change
from coprod_kg.store.directory import DataDirectory
from coprod_kg.web import create_app

BASE = "https://w3id.org/coprod/"
SPARQL = "application/sparql-query"
CHART_TYPE = "application/vnd.vegalite.v5+json"
TEXT = """\
#+ summary: Which things have which number?
#+ description: One row for each thing.
#+ tags: test, numbers
#+ column thing: The thing.
#+ column count: Its number.
SELECT ?thing ?count
WHERE { ?thing <urn:count> ?count }
ORDER BY ?thing
"""
OTHER = TEXT.replace("ORDER BY ?thing", "ORDER BY DESC(?thing)")
CHART = """{"data": {"name": "rows"}, "mark": "bar", "encoding": {
 "y": {"field": "thing", "type": "nominal"}, "x": {"field": "count", "type": "quantitative"}}}
"""
ROWS = b'<urn:a> <urn:count> "1" .\n<urn:b> <urn:count> "2" .\n'


@dataclass(frozen=True)
class World:
    """A service of two web processes over one store, and who may write there."""

    client: FlaskClient
    other: FlaskClient
    store: local.LocalStore
    settings: Settings
    token: str
    contributor: str

    def send(
        self, method: str, path: str, body: str | bytes = "", kind: str = SPARQL, **headers: str
    ) -> TestResponse:
        data = body.encode() if isinstance(body, str) else body
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.open(path, method=method, data=data, content_type=kind, headers=given)

    def put(self, name: str, text: str | bytes = TEXT, **headers: str) -> TestResponse:
        return self.send("PUT", f"/queries/{name}.rq", text, **headers)

    def asks(self, pattern: str) -> bool:
        found = self.client.get("/sparql", query_string={"query": f"ASK {{ {pattern} }}"})
        return bool(found.get_json(force=True)["boolean"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("submitting") / "data"
    settings = Settings(data=data, workers=2)
    with local.connect(settings, create=True) as store:
        store.commit(Change(replace={"urn:g": ROWS}))
        tokens = Tokens(data)
        one, other = (create_app(store, settings).test_client() for _ in range(2))
        curator = tokens.create("cora", Role.CURATOR)
        contributor = tokens.create("con", Role.CONTRIBUTOR, "tiny")
        yield World(one, other, store, settings, curator, contributor)


def test_a_question_is_seen_by_every_process_as_soon_as_it_is_submitted(world: World) -> None:
    assert world.other.get("/queries/at-once.csv").status_code == 404
    before = world.other.get("/openapi.json").get_json()
    made = world.put("at-once")
    assert (made.status_code, made.headers["Location"]) == (201, "/queries/at-once")
    assert int(made.headers["Dataset-Version"]) == world.store.version()
    answer = world.other.get("/queries/at-once.csv")
    assert answer.get_data(as_text=True).splitlines() == ["thing,count", "urn:a,1", "urn:b,2"]
    listed = world.other.get("/queries?q=numbers&format=json").get_json()["queries"]
    assert [one["name"] for one in listed] == ["at-once"]
    assert listed[0]["submitted"]["by"] == "cora"
    told = world.other.get("/openapi.json").get_json()
    assert told["paths"].keys() - before["paths"].keys() == {"/queries/at-once"}
    page = world.other.get("/queries/at-once", headers={"Accept": "text/html"})
    assert "Submitted by cora" in page.get_data(as_text=True)
    kind = "<http://www.w3.org/ns/shacl#SPARQLExecutable>"
    assert world.asks(f"GRAPH <{BASE}graph/queries> {{ ?query a {kind} ; ?p {json.dumps(TEXT)} }}")


def test_its_text_is_read_back_byte_by_byte_with_its_tag(world: World) -> None:
    made = world.put("read-back")
    read = world.client.get("/queries/read-back.rq")
    assert (read.get_data(as_text=True), read.mimetype) == (TEXT, SPARQL)
    assert read.headers["ETag"] == made.headers["ETag"]
    again = world.client.get(
        "/queries/read-back.rq", headers={"If-None-Match": made.headers["ETag"]}
    )
    assert again.status_code == 304
    shipped = world.client.get("/queries/barriers-overall.rq").get_data(as_text=True)
    assert shipped.startswith("#+ summary: ")


def test_a_question_is_replaced_without_a_suffix_too_and_the_same_text_makes_no_version(
    world: World,
) -> None:
    assert world.send("PUT", "/queries/replaced", TEXT).status_code == 201
    number = world.store.version()
    assert world.send("PUT", "/queries/replaced", TEXT).status_code == 204
    assert world.store.version() == number
    assert world.send("PUT", "/queries/replaced", OTHER).status_code == 204
    assert world.store.version() == number + 1
    assert world.client.get("/queries/replaced.rq").get_data(as_text=True) == OTHER
    assert world.send("DELETE", "/queries/replaced").status_code == 204
    assert world.other.get("/queries/replaced.csv").status_code == 404
    assert world.send("DELETE", "/queries/replaced").status_code == 404


def test_who_submitted_what_and_when_is_in_the_provenance(world: World) -> None:
    world.put("recorded")
    world.send("DELETE", "/queries/recorded.rq")
    question, prov = f"<{BASE}queries/recorded>", "http://www.w3.org/ns/prov#"
    for did, what in (("generated", "submitted"), ("invalidated", "removed")):
        assert world.asks(
            f"GRAPH <{BASE}graph/provenance> {{ ?act <{prov}{did}> {question} ; "
            f"<{prov}wasAssociatedWith> <{BASE}id/agent/cora> ; <{prov}startedAtTime> ?time ; "
            f"<http://www.w3.org/2000/01/rdf-schema#label> 'A question {what}'@en }}"
        )


def test_only_a_curator_submits(world: World) -> None:
    number = world.store.version()
    for method, path in (("PUT", "a.rq"), ("DELETE", "a"), ("PUT", "a.vl.json")):
        bare = world.client.open(f"/queries/{path}", method=method, data=TEXT, content_type=SPARQL)
        assert (bare.status_code, "WWW-Authenticate" in bare.headers) == (401, True)
        theirs = f"Bearer {world.contributor}"
        sent = world.send(method, f"/queries/{path}", TEXT, Authorization=theirs)
        assert sent.status_code == 403
        sent = world.send(method, f"/queries/{path}", TEXT, Authorization="Bearer coprod_x_y")
        assert sent.status_code == 401
    assert world.store.version() == number


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_is_in_files_is_not_changed_over_http(world: World, method: str) -> None:
    for path in ("barriers-overall.rq", "barriers-overall", "barriers-overall.vl.json"):
        told = world.send(method, f"/queries/{path}", TEXT, kind="")
        assert told.status_code == 403
        assert "in a file of this installation" in told.get_json(force=True)["detail"]


def test_every_mistake_is_told_with_its_line_and_nothing_is_changed(world: World) -> None:
    number = world.store.version()
    broken = TEXT.replace("#+ tags: test, numbers\n", "").replace("ORDER BY ?thing\n", "LIMIT 5\n")
    told = world.put("broken", broken.replace("?count }", "?count }}"))
    assert told.status_code == 422
    problem = told.get_json(force=True)
    assert problem["type"].endswith("/query-at-fault")
    first, *lines = problem["detail"].splitlines()
    assert first == f"{len(lines)} mistakes"
    assert "line 1: the header has no 'tags'" in lines
    assert "line 7: LIMIT belongs to whoever asks; leave it out" in lines
    assert any("} does not fit here" in line for line in lines)
    assert world.store.version() == number


def test_a_question_may_reach_no_further_than_any_query(world: World) -> None:
    for more in ("SERVICE <http://127.0.0.1/> { ?s ?p ?o }", "SERVICE ?thing { ?s ?p ?o }"):
        told = world.put("reaching", TEXT.replace("?count }", f"?count . {more} }}"))
        assert told.status_code == 422
        assert "line 7: column " in told.get_json(force=True)["detail"]
    update = TEXT.replace("SELECT ?thing ?count\n", "DELETE ")
    assert world.put("reaching", update).status_code == 422


def test_conditions_of_the_request_are_kept(world: World) -> None:
    path = "/queries/conditional.rq"
    assert world.put("conditional", If_Match="*").status_code == 412
    made = world.put("conditional", If_None_Match="*")
    assert made.status_code == 201
    tag = made.headers["ETag"]
    assert world.put("conditional", OTHER, If_None_Match="*").status_code == 412
    assert world.put("conditional", OTHER, If_None_Match=tag).status_code == 412
    assert world.put("conditional", OTHER, If_Match='"other"').status_code == 412
    assert world.client.get(path).get_data(as_text=True) == TEXT
    assert world.put("conditional", OTHER, If_Match=f'"x", {tag}').status_code == 204
    assert world.send("DELETE", path, If_Match=tag).status_code == 412
    assert world.send("DELETE", path, If_Match="*").status_code == 204


HOSTILE_NAMES = (
    *("..", "../x", "%2e%2e", "..%2f..%2fx", "a/b", "A", "a b", "a%00", "a--b", "-a", "a.rq.b"),
    *("é", "a" * 81, "a" * 5000, "%ff", "<a>", "a;b", "con.", "a.vl.json.a", "'", "a%3Fb", "%23"),
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_is_no_slug_is_refused_and_nothing_is_written(world: World, name: str) -> None:
    number, top = world.store.version(), world.settings.data.parent
    before = sorted(path for path in top.rglob("*") if path.is_file())
    for ending in ("", ".rq", ".vl.json"):
        for method in ("PUT", "DELETE"):
            told = world.send(method, f"/queries/{name}{ending}", TEXT, kind="")
            assert 400 <= told.status_code < 500
    assert world.store.version() == number
    assert sorted(path for path in top.rglob("*") if path.is_file()) == before


HOSTILE_BODIES = {
    "empty": (b"", 422),
    "not-utf8": (TEXT.replace("thing", "ding").encode("utf-16"), 422),
    "latin": (b"#+ summary: \xff?", 422),
    "nul": (TEXT.replace("One row", "One\0row").encode(), 422),
    "large": (b"#" * (10 << 20), 413),
    "over": (TEXT.encode() + b"#" * (64 << 10), 413),
    "deep": (TEXT.replace("?count }", "?count " + "{" * 30_000 + "}" * 30_001).encode(), 422),
    "deeper": (TEXT.replace("?count }", "?count " + "{" * 100_000 + "}" * 100_001).encode(), 413),
    "values": (b"VALUES ?x { " * 5000, 422),
    "limits": (b"LIMIT " * 10_000, 422),
    "headers": (b"".join(b"#+ param p%d: string | x\n" % n for n in range(2300)), 422),
    "quotes": (b"'''" * 20_000 + b"SELECT", 422),
    "escapes": (TEXT.encode().replace(b"?count }", b"?count . \\u0053ERVICE <urn:x> { } }"), 422),
}


@pytest.mark.parametrize("body", HOSTILE_BODIES)
def test_a_hostile_text_ends_in_a_clear_refusal(world: World, body: str) -> None:
    data, status = HOSTILE_BODIES[body]
    number = world.store.version()
    told = world.put("hostile", data)
    assert told.status_code == status, told.get_data(as_text=True)[:500]
    assert len(told.get_data()) < 100_000
    assert told.get_json(force=True)["detail"]
    assert world.store.version() == number
    assert world.client.get("/queries/barriers-overall.csv").status_code == 200


@seeded(derandomize=True, database=None, deadline=None, max_examples=25)
@given(
    at=st.integers(0, len(TEXT)),
    taken=st.integers(0, 30),
    put=st.text(max_size=8)
    | st.sampled_from(["{", "}", '"', "<", "\n#+ ", "?x", "VALUES ?x { 1 }"]),
)
def test_a_text_broken_anywhere_is_refused_or_asked(
    world: World, at: int, taken: int, put: str
) -> None:
    text = (TEXT[:at] + put + TEXT[at + taken :]).encode("utf-8", "surrogatepass")
    sent = world.put("mutant", text)
    assert sent.status_code in (201, 204, 422)
    if sent.status_code == 422:
        assert "\nline " in sent.get_json(force=True)["detail"]
    else:
        assert world.other.get("/queries/mutant.csv").status_code == 200
        assert world.other.get("/queries/mutant.rq").get_data() == text


def test_a_body_in_another_type_or_set_is_refused(world: World) -> None:
    for kind in ("text/turtle", "application/x-www-form-urlencoded", f"{SPARQL}; charset=latin-1"):
        assert world.send("PUT", "/queries/typed.rq", TEXT, kind).status_code == 415
    assert world.put("typed", TEXT, Content_Encoding="gzip").status_code == 415
    assert world.send("PUT", "/queries/typed.rq", TEXT, kind="").status_code == 201


def test_a_chart_is_submitted_drawn_and_goes_with_its_question(world: World) -> None:
    path = "/queries/charted.vl.json"
    assert world.send("PUT", path, CHART, CHART_TYPE).status_code == 404
    world.put("charted")
    assert world.client.get("/queries/charted.svg").status_code == 404
    made = world.send("PUT", path, CHART, "application/json")
    assert (made.status_code, made.headers["Location"]) == (201, path)
    read = world.other.get(path)
    assert (read.get_data(as_text=True), read.mimetype) == (CHART, CHART_TYPE)
    assert read.headers["ETag"] == made.headers["ETag"]
    drawn = world.other.get("/queries/charted.svg")
    assert drawn.get_data().startswith(b"<svg")
    assert world.send("PUT", path, CHART, CHART_TYPE).status_code == 204
    assert world.put("charted", OTHER).status_code == 204
    assert world.other.get("/queries/charted.svg").status_code == 200
    without = TEXT.replace("#+ column count: Its number.\n", "").replace(
        "SELECT ?thing ?count", "SELECT ?thing"
    )
    told = world.put("charted", without)
    assert told.status_code == 422
    assert "in the chart that it has: the query has no column 'count'" in told.get_data(
        as_text=True
    )
    assert world.send("DELETE", path, If_Match='"x"').status_code == 412
    assert world.send("DELETE", path).status_code == 204
    assert world.send("DELETE", path).status_code == 404
    assert world.other.get("/queries/charted.svg").status_code == 404
    assert world.put("charted", without).status_code == 204


@pytest.mark.parametrize(
    ("chart", "status", "what"),
    [
        (CHART.replace('{"name": "rows"}', '{"url": "file:///etc/passwd"}'), 422, "line 1: "),
        (CHART.replace('"bar"', '"nonsense"'), 422, "the chart cannot be drawn"),
        (CHART.replace('"count"', '"number"'), 422, "line 2: the query has no column 'number'"),
        ("[" * 60_000, 422, "nested too deeply"),
        (CHART + " " * (64 << 10), 413, "larger than 64 KiB"),
        ("\udcff", 422, "not UTF-8"),
    ],
)
def test_a_chart_with_a_mistake_is_refused(
    world: World, chart: str, status: int, what: str
) -> None:
    world.put("chartless")
    data = chart.encode("utf-8", "surrogateescape")
    told = world.send("PUT", "/queries/chartless.vl.json", data, CHART_TYPE)
    assert told.status_code == status
    assert what in told.get_json(force=True)["detail"]


def test_a_permanent_link_gives_the_same_answer_when_the_question_is_another_or_gone(
    world: World,
) -> None:
    world.put("lasting")
    asked = world.client.get("/queries/lasting.csv")
    link = asked.headers["Link"].partition('>; rel="cite-as"')[0].rpartition("<")[2]
    pinned = link.removeprefix("http://localhost").replace("lasting?", "lasting.csv?")
    assert "version=" in pinned
    held = world.client.get(pinned).get_data()
    digest = sha256(TEXT.encode()).hexdigest()
    assert asked.headers["Query-SHA256"] == digest
    world.put("lasting", OTHER)
    assert world.client.get("/queries/lasting.csv").get_data() != held
    assert world.send("DELETE", "/queries/lasting.rq").status_code == 204
    assert world.client.get("/queries/lasting.csv").status_code == 404
    kept = world.other.get(pinned)
    assert (kept.get_data(), kept.headers["Query-SHA256"]) == (held, digest)
    cited = world.other.get(pinned.replace("lasting.csv?", "lasting/cite?"))
    assert f"of the query {digest}" in cited.get_data(as_text=True)
    text = world.other.get(pinned.replace("lasting.csv?", "lasting.rq?"))
    assert text.get_data(as_text=True) == TEXT


def test_a_new_question_can_be_asked_of_an_older_version(world: World) -> None:
    number = world.store.version()
    world.put("newer")
    answer = world.client.get(f"/queries/newer.csv?version={number}")
    assert answer.get_data(as_text=True).splitlines()[1:] == ["urn:a,1", "urn:b,2"]
    assert world.client.get(f"/queries/newer.csv?version={10**9}").status_code == 404


def test_what_an_update_leaves_in_the_graph_that_is_no_question_is_passed_over(
    world: World,
) -> None:
    world.put("sound")
    listed = world.other.get("/queries?format=json").get_json()["queries"]
    before = {one["name"] for one in listed}
    bad = f"<{BASE}queries/unsound> <http://www.w3.org/ns/shacl#select> 'DROP ALL', 'SELECT' ."
    bad += f" <{BASE}queries/../x> <http://www.w3.org/ns/shacl#ask> 'ASK {{}}', <urn:x>, 5 ."
    bad += f" [] <http://www.w3.org/ns/shacl#select> {json.dumps(TEXT)} ."
    update = f"INSERT DATA {{ GRAPH <{BASE}graph/queries> {{ {bad} }} }}"
    sent = world.send("POST", "/sparql", update, "application/sparql-update")
    assert sent.status_code == 204
    after = {one["name"] for one in world.other.get("/queries?format=json").get_json()["queries"]}
    assert after == before
    assert "sound" in after
    graph = world.send("PUT", f"/data?graph={BASE}graph/queries", "", "text/turtle")
    assert graph.status_code == 403


def test_questions_submitted_at_the_same_time_are_all_kept(world: World) -> None:
    found: list[int] = []
    names = [f"together-{number}" for number in ("a", "b", "c")]
    # Made one after the other: Python 3.11 compiles no routes in several threads at once.
    apps = {name: create_app(world.store, world.settings).test_client() for name in names}

    def submit(name: str) -> None:
        app = apps[name]
        headers = {"Authorization": f"Bearer {world.token}"}
        path = f"/queries/{name}.rq"
        sent = app.put(path, data=TEXT, content_type=SPARQL, headers=headers)
        found.append(sent.status_code)

    threads = [threading.Thread(target=submit, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [201, 201, 201]
    for name in names:
        assert world.other.get(f"/queries/{name}.csv").status_code == 200


def test_a_backup_brings_submitted_questions_and_their_charts_back(
    world: World, tmp_path: Path
) -> None:
    world.put("saved-too")
    world.send("PUT", "/queries/saved-too.vl.json", CHART, CHART_TYPE)
    directory = DataDirectory(world.settings.data)
    back_up(directory, world.settings.base_iri, tmp_path / "copy")
    settings = Settings(data=tmp_path / "new", workers=1)
    restore(tmp_path / "copy", DataDirectory(settings.data), settings.base_iri)
    with local.connect(settings, create=True) as store:
        client = create_app(store, settings).test_client()
        assert client.get("/queries/saved-too.rq").get_data(as_text=True) == TEXT
        assert client.get("/queries/saved-too.vl.json").get_data(as_text=True) == CHART
