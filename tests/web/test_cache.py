"""Small answers given again: the same bytes, never of another version, never an error, bounded."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.errors import QueryTimeout
from coprod_kg.queries import library
from coprod_kg.settings import Settings
from coprod_kg.sparql.tokens import is_changing
from coprod_kg.store.base import Answer, Cancellation, Query
from coprod_kg.web import create_app
from coprod_kg.web.cache import AnswerCache
from tests.memory_store import MemoryStore

SELECT = "SELECT ?o WHERE { ?s ?p ?o } ORDER BY ?o"
JSON = "application/sparql-results+json"


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.load("urn:g", b"<urn:a> <urn:p> 1, 2 .")
    return made


@pytest.fixture
def client(store: MemoryStore) -> FlaskClient:
    return create_app(store, Settings()).test_client()


def address(text: str, **more: str) -> str:
    return f"/sparql?query={quote(text)}" + "".join(f"&{k}={quote(v)}" for k, v in more.items())


def get(client: FlaskClient, where: str) -> TestResponse:
    response = client.get(where)
    assert response.data  # read to its end
    return response


def answer(data: bytes, version: int = 1, length: int | None = -1) -> Answer:
    return Answer(JSON, version, len(data) if length == -1 else length, iter((data,)))


def test_the_second_answer_is_the_first_and_asks_nobody(
    store: MemoryStore, client: FlaskClient
) -> None:
    first = get(client, address(SELECT))
    asked = len(store.asked)
    second = get(client, address(SELECT))
    assert len(store.asked) == asked
    assert second.data == first.data
    said = [one.headers["Cache-Status"] for one in (first, second)]
    assert said == ["coprod-kg; fwd=miss", "coprod-kg; hit"]
    names = ("Content-Type", "Content-Length", "ETag", "Dataset-Version", "Cache-Control")
    assert all(first.headers[name] == second.headers[name] for name in names)
    by_post = client.post("/sparql", data={"query": SELECT})
    assert by_post.headers["Cache-Status"] == "coprod-kg; hit"
    assert "ETag" not in by_post.headers


def test_a_commit_makes_another_answer_and_a_version_that_is_gone_stays_gone(
    store: MemoryStore, client: FlaskClient
) -> None:
    before = get(client, address(SELECT))
    store.load("urn:g", b"<urn:a> <urn:p> 3 .")
    after = get(client, address(SELECT))
    assert after.headers["Cache-Status"] == "coprod-kg; fwd=miss"
    assert len(after.json["results"]["bindings"]) == 3  # type: ignore[index]  # it is JSON
    gone = client.get(address(SELECT, version=before.headers["Dataset-Version"]))
    assert gone.status_code == 410  # this store keeps one version, and so does what is in front


@pytest.mark.parametrize(
    "more",
    [{"default-graph-uri": "urn:none"}, {"named-graph-uri": "urn:none"}, {"format": "csv"}],
)
def test_what_decides_the_answer_is_never_mixed_up(
    client: FlaskClient, more: dict[str, str]
) -> None:
    plain = get(client, address(SELECT))
    other = get(client, address(SELECT, **more))
    assert other.headers["Cache-Status"] == "coprod-kg; fwd=miss"
    assert other.data != plain.data
    assert get(client, address(SELECT, **more)).data == other.data


def test_every_field_of_a_query_counts_but_who_asks_and_for_how_long() -> None:
    cache, query = AnswerCache(1), Query(SELECT, (JSON,))
    cache.cached_when_read(query, answer(b"x")).read()
    same = replace(query, seconds=1.0, cancellation=Cancellation(), version=1)
    assert cache.find(same, 1) is not None
    for other in (
        replace(query, text=SELECT + " "),
        replace(query, media_types=("text/csv",)),
        replace(query, default_graphs=("urn:g",)),
        replace(query, named_graphs=("urn:g",)),
        replace(query, union=False),
    ):
        assert cache.find(other, 1) is None
    assert cache.find(query, 2) is None


@pytest.mark.parametrize("expression", ["RAND()", "now ()", "UUID()", "STRUUID # name\n()"])
def test_what_differs_each_time_is_computed_each_time(
    store: MemoryStore, client: FlaskClient, expression: str
) -> None:
    text = f"SELECT ({expression} AS ?x) {{}}"
    for _ in range(2):
        asked = len(store.asked)
        response = get(client, address(text))
        assert response.headers["Cache-Status"] == "coprod-kg; fwd=bypass"
        assert len(store.asked) == asked + 1


def test_a_word_that_is_spelt_with_escapes_may_be_one_of_these() -> None:
    assert not AnswerCache(1).is_cacheable(Query("SELECT (\\u004EOW() AS ?x) {}", (JSON,)))


@pytest.mark.parametrize(
    "pattern",
    [
        "SERVICE <urn:x> {}",
        "{}service?s{}",
        "Service\nSilent ex:a {}",
        "SERVICE # whom\n<urn:x> {}",
        "?s ?p 1SERVICE SILENT : {}",
    ],
)
def test_what_another_endpoint_says_is_not_kept(pattern: str) -> None:
    assert not AnswerCache(1).is_cacheable(Query(f"SELECT * {{ {pattern} }}", (JSON,)))


@pytest.mark.parametrize(
    "pattern", ["?service a cp:Service", "# of the service, and now known", "?s ex:service-of ?o"]
)
def test_a_name_in_which_such_a_word_stands_keeps_nothing_from_being_kept(pattern: str) -> None:
    assert AnswerCache(1).is_cacheable(Query(f"SELECT * {{ {pattern}\n}}", (JSON,)))


def test_errors_are_not_kept(store: MemoryStore, client: FlaskClient) -> None:
    for _ in range(2):
        asked = len(store.asked)
        response = get(client, address("SELECT"))
        assert response.status_code == 400
        assert "Cache-Status" not in response.headers
        assert len(store.asked) == asked + 1


def test_a_part_of_an_answer_is_not_kept() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise QueryTimeout("midway")

    cache, query = AnswerCache(1), Query(SELECT, (JSON,))
    with pytest.raises(QueryTimeout):
        cache.cached_when_read(query, Answer(JSON, 1, 2, broken())).read()
    stopped = cache.cached_when_read(query, Answer(JSON, 1, 2, iter((b"a", b"b"))))
    next(stopped.chunks)
    stopped.close()
    cache.cached_when_read(query, Answer(JSON, 1, 5, iter((b"a", b"b")))).read()
    assert cache.find(query, 1) is None


def test_neither_what_is_large_nor_what_streams_is_kept() -> None:
    cache, query = AnswerCache(1), Query(SELECT, (JSON,))
    for one in (answer(b"x" * (1 << 18)), answer(b"x", length=None)):
        cache.cached_when_read(query, one).read()
    long = Query("#" * (1 << 18), (JSON,))
    cache.cached_when_read(long, answer(b"x")).read()
    assert cache.find(query, 1) is cache.find(long, 1) is None
    assert cache.held == 0


def test_it_holds_no_more_than_it_may_and_forgets_what_is_asked_least() -> None:
    cache, asked = AnswerCache(1), Query("the one that is asked all the time", (JSON,))
    cache.cached_when_read(asked, answer(b"kept")).read()
    for number in range(2_000):
        cache.cached_when_read(Query(f"# {number}", (JSON,)), answer(b"x" * 1_000)).read()
        assert cache.held <= 1 << 20
        found = cache.find(asked, 1)
        assert found is not None
        assert found.read() == b"kept"
    assert cache.find(Query("# 1", (JSON,)), 1) is None
    assert cache.find(Query("# 1999", (JSON,)), 1) is not None


def test_a_cache_of_no_size_keeps_nothing(store: MemoryStore) -> None:
    client = create_app(store, Settings(cache_mb=0)).test_client()
    for _ in range(2):
        asked = len(store.asked)
        assert get(client, address(SELECT)).headers["Cache-Status"] == "coprod-kg; fwd=bypass"
        assert len(store.asked) == asked + 1


def test_many_threads_at_once_get_their_own_answers() -> None:
    cache = AnswerCache(1)
    wrong: list[bytes] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(2_000):
            number, version = chance.randrange(300), chance.randrange(3)
            query, data = Query(f"# {number}", (JSON,)), b"%d/%d" % (number, version) * 500
            found = cache.find(query, version)
            if found is None:
                cache.cached_when_read(query, answer(data, version)).read()
            elif (read := found.read()) != data:
                wrong.append(read)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 0 < cache.held <= 1 << 20


def test_what_the_comments_before_a_query_say_does_not_make_it_change() -> None:
    assert not is_changing("#+ label stage: Stage now\n# now\nSELECT * { ?s ?p ?o }")
    assert is_changing("# a comment\nSELECT (NOW() AS ?now) {}")
    assert is_changing("# now \\u000ASELECT (NOW() AS ?now) {}")
    asked = {**library.load(), **library.views()}
    kept = {name for name, query in asked.items() if not is_changing(query.text)}
    assert {name for name, query in asked.items() if "NOW()" not in query.text} <= kept
