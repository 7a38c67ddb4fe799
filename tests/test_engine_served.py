"""What the clients of a service over an engine see is what they see without one.

The engine answers what is asked of the newest version, whole; here is what it must not answer:
versions that are kept no more, datasets that a client names, and what is hidden from a client. The
W3C's cases are asked and made through the whole service (`pytest -m whole` over engines of others).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from coprod_kg.access import Private
from coprod_kg.queries.ask import admitted
from coprod_kg.settings import Settings
from coprod_kg.store.base import DEFAULT_GRAPH, Change, Query
from tests import w3c
from tests.engine_servers import NEEDS, Server, running
from tests.test_remote import Paired, differences
from tests.web.service import GRAPH
from tests.web.service import running as served
from tests.web.speaking import STRICT, Speaker, address

COUNT = "SELECT (COUNT(*) AS ?n) { ?s <urn:p> ?o }"
NAMES = "SELECT DISTINCT ?g { GRAPH ?g { ?s <urn:p> ?o } } ORDER BY ?g"
OTHERS = ["oxigraph", pytest.param("fuseki", marks=pytest.mark.whole)]


def paired(settings: Settings, server: Server) -> Settings:
    """The settings of a service over an engine, with no more processes than a test needs."""
    own = {"store": server.url, "store_engine": server.kind, "long_queries": 0, "token_queries": 0}
    return replace(settings, **own, workers=1, web_workers=1)  # type: ignore[arg-type]


@dataclass(frozen=True)
class OverEngine:
    """A service, its data directory, and the engine that it is paired with."""

    speaker: Speaker
    settings: Settings
    server: Server

    def ask(self, query: str, token: str = "", **parameters: str) -> tuple[int, str]:
        """The status and the body of an answer, to a client that has a token or none."""
        headers = {"Accept": "text/csv", **({"Authorization": f"Bearer {token}"} if token else {})}
        url = f"{self.speaker.service.url}{address(query=query, **parameters)}"
        try:
            with urlopen(Request(url, headers=headers), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def rows(self, query: str, token: str = "", **parameters: str) -> list[str]:
        """The rows of an answer."""
        status, body = self.ask(query, token, **parameters)
        assert status == 200, body
        return body.split()[1:]


@contextmanager
def over(server: Server, settings: Settings, data: Path, things: int = 1) -> Iterator[OverEngine]:
    settings = paired(settings, server)
    with served(data, settings, things) as service:
        yield OverEngine(Speaker(service), replace(settings, data=data), server)


@pytest.fixture(scope="module", params=OTHERS)
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], None],
) -> Iterator[Server]:
    require(NEEDS[request.param])
    with running(request.param, tmp_path_factory.mktemp("engine")) as started:
        yield started


def triples(*values: object) -> bytes:
    return "".join(f'<urn:a> <urn:p> "{value}" .\n' for value in values).encode()


def test_what_an_engine_must_not_answer(server: Server, tmp_path: Path) -> None:
    """One service for all of it, for each takes seconds to start."""
    settings = Settings(keep_versions=2)
    with over(server, settings, tmp_path / "first") as service:
        store, owner = service.speaker.service.store, service.speaker.service.contributor
        for number in range(2, 6):
            store.commit(Change({"urn:g:1": triples(number), "urn:g:2": triples(number, "two")}))
        versions_that_are_kept_no_more(service, first=4)
        datasets_that_a_client_names(service)
        what_is_hidden_from_a_client(service, owner)
        with over(server, settings, tmp_path / "second", things=2) as other:
            versions_that_are_kept_no_more(other, first=5)
    assert differences(service.settings) == []


def versions_that_are_kept_no_more(service: OverEngine, first: int) -> None:
    """A machine knows the versions since it came, and no more of them than are kept."""
    newest = service.speaker.service.store.version()
    for kept in (first, newest):
        assert service.ask(COUNT, version=str(kept))[0] == 200
    for gone in (1, first - 1):
        status, told = service.ask(COUNT, version=str(gone))
        assert status == 410, told
        assert f"version {gone} is not kept" in told
        assert f"The nearest version kept is {first}" in told
    assert service.ask(COUNT, version=str(newest + 1))[0] == 404


def datasets_that_a_client_names(service: OverEngine) -> None:
    """The dataset is what the query or the protocol says; what two graphs hold counts once."""
    both = {"urn:g:1", "urn:g:2"}
    assert service.rows(COUNT) == ["3"], "the union of all, and the triple of the test"
    from_both = COUNT.replace("{", " ".join(f"FROM <{graph}>" for graph in sorted(both)) + " {")
    assert service.rows(from_both) == ["2"]
    assert service.rows(NAMES.replace("{", "FROM NAMED <urn:g:2> {", 1)) == ["urn:g:2"]
    by_protocol = {"default-graph-uri": "urn:g:1", "named-graph-uri": "urn:g:2"}
    assert service.rows(COUNT, **by_protocol) == ["1"]
    assert service.rows(NAMES, **by_protocol) == ["urn:g:2"]
    assert both < set(service.rows(NAMES))


def what_is_hidden_from_a_client(service: OverEngine, owner: str) -> None:
    """The engine holds it and knows nothing of owners, so it is not asked by others."""
    subjects = "SELECT ?s { ?s <urn:p> '000000' }"
    assert service.rows(subjects) == ["urn:thing:0"]
    private = Private(service.settings.data)
    private.mark("test")
    try:
        assert service.rows(subjects) == []
        assert GRAPH not in service.rows(NAMES)
        assert service.rows(COUNT) == ["2"]
        assert service.rows(COUNT, **{"default-graph-uri": GRAPH}) == ["0"]
        assert service.rows(COUNT, version="5") == ["2"]
        assert service.rows(subjects, owner) == ["urn:thing:0"]
        assert GRAPH in service.rows(NAMES, owner)
    finally:
        private.mark("test", private=False)
    assert service.rows(subjects) == ["urn:thing:0"]


@pytest.mark.whole
def test_the_w3c_cases_have_the_answers_of_the_engine_within(
    server: Server, tmp_path: Path, require: Callable[[str], None]
) -> None:
    """Each over its own data, committed before; those that differ are listed, and those left."""
    require("w3c")
    states: dict[tuple[tuple[str, ...], tuple[str, ...]], list[w3c.Case]] = {}
    for case in w3c.query_cases().values():
        if not case.names_dataset:
            states.setdefault((case.default, case.named), []).append(case)
    theirs, ours, left = dict[str, str](), dict[str, str](), list[str]()
    with Paired(replace(paired(STRICT, server), data=tmp_path / "data")) as machine:

        def within(case: w3c.Case) -> bytes:
            return machine.within.query(asked(case)).read()

        def by_engine(case: w3c.Case) -> bytes:
            answer = machine.by_engine(asked(case))
            if answer is None:
                left.append(case.name)
                return within(case)
            return answer

        before: set[str] = set()
        for (default, named), cases in states.items():
            lines = b"".join(w3c.content(graph) for graph in default)
            graphs = {graph: w3c.content(graph) for graph in named}
            gone = dict.fromkeys(before - graphs.keys(), b"")
            machine.store.commit(Change({**gone, DEFAULT_GRAPH: lines, **graphs}))
            before = set(graphs)
            ours.update(w3c.otherwise(within, cases))
            theirs.update(w3c.otherwise(by_engine, cases))
        settings = machine.settings
    assert differences(settings) == []
    other = {name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)}
    served = {"fuseki": w3c.failures("fuseki as the service asks it").keys()}
    assert other == served.get(server.kind, set())
    assert left == (["sparql10/i18n/normalization-2"] if server.kind == "fuseki" else [])


def asked(case: w3c.Case) -> Query:
    """A case as the service asks a store."""
    return admitted(Query(case.query, (case.media_type,), union=False), STRICT)
