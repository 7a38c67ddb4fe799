"""Twenty writes of one kind at once, beside a stream of commits: what is acknowledged is there.

Each other one says that nothing was done, and nothing of it is there. The record of each that was
acknowledged (PROV-O) has the SHA-256 of the very bytes that were sent.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coprod_kg.access import Private, Role, Tokens
from coprod_kg.errors import CoprodError
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots
from tests.web.service import running
from tests.web.writing import AT_ONCE, ROADS, TURTLE, Road, Site, Write, graph

REFUSED = frozenset({409, 429, 503})
"""Somebody else's commit came in between; too many at once; a store that is not there."""


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(web_workers=2, workers=2, freshness="off")
    data = tmp_path_factory.mktemp("acknowledged") / "data"
    ending = threading.Event()
    with running(data, settings, things=3) as service:

        def commit() -> None:
            number = 0
            while not ending.wait(0.3):
                number += 1
                line = f'<urn:stream> <urn:n> "{number}" .\n'.encode()
                service.store.commit(Change({"urn:stream": line}))

        committing = threading.Thread(target=commit)
        committing.start()
        yield Site(service, Settings.load({"data": data}, {}))
        ending.set()
        committing.join()


@pytest.mark.parametrize("road", ROADS, ids=lambda one: one.name)
def test_what_is_acknowledged_is_there_and_nothing_else(stream: Site, road: Road) -> None:
    road.make(stream, AT_ONCE)
    writes = [road.write(stream, number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(stream.send, writes))
    assert any(status < 300 for status, _ in told), told
    for one, (status, answer) in zip(writes, told, strict=True):
        assert status < 300 or status in REFUSED, answer
        assert stream.asks(one.there) == (status < 300), (one, status, answer)
        if one.sent is not None:
            assert stream.recorded(one.sent) == (status < 300), (one, status, answer)


def test_of_many_graphs_put_to_one_address_the_last_is_there_whole(stream: Site) -> None:
    rows = 200

    def write(number: int) -> Write:
        lines = (f"<urn:row:{row}> <urn:n> {number} ." for row in range(rows))
        return Write("PUT", graph("urn:one"), "\n".join(lines).encode(), TURTLE, "")

    writes = [write(number) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(stream.send, writes))
    done = [number for number, (status, _) in enumerate(told) if status < 300]
    assert sum(status == 201 for status, _ in told) <= 1
    assert all(status < 300 or status in REFUSED for status, _ in told), told
    text = "SELECT ?n (COUNT(*) AS ?rows) { GRAPH <urn:one> { ?s <urn:n> ?n } } GROUP BY ?n"
    found = stream.service.store.query(Query(text, ("text/csv",))).read().decode().split()
    assert found[1:] in [[f"{number},{rows}"] for number in done]
    assert all(stream.recorded(writes[number].body or b"") for number in done)


def test_every_token_private_mark_and_tag_that_was_given_is_there(stream: Site) -> None:
    data: Path = stream.settings.data
    snapshots = Snapshots(DataDirectory(data).snapshots)
    tokens = Tokens(data)

    def token(number: int) -> str:
        return Tokens(data).create(f"token-{number}", Role.CURATOR)

    def mark(number: int) -> bool:
        return Private(data).mark(f"private-{number}")

    def tag(number: int) -> int | None:
        version = snapshots.versions()[0]  # the next to be removed
        try:
            snapshots.tag(version, f"tag-{number}")
        except CoprodError:
            return None
        return version

    with ThreadPoolExecutor(3 * AT_ONCE) as pool:
        made = [pool.submit(token, number) for number in range(AT_ONCE)]
        marked = [pool.submit(mark, number) for number in range(AT_ONCE)]
        tagged = [pool.submit(tag, number) for number in range(AT_ONCE)]
    for number, secret in enumerate(made):
        assert tokens.grant(secret.result()).name == f"token-{number}"
    assert all(one.result() for one in marked)
    assert set(Private(data).organisations()) == {f"private-{number}" for number in range(AT_ONCE)}
    for number in range(AT_ONCE):
        Private(data).mark(f"private-{number}", private=False)
    for number, one in enumerate(tagged):
        version = one.result()
        assert snapshots.tags().get(f"tag-{number}") == version
        if version is not None:
            snapshots.open(version).close()
