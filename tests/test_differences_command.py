"""``coprod-kg differences`` in a data directory of its own."""

import json
import threading
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from coprod_kg.cli.differences import differences
from coprod_kg.errors import WrongUsage
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change
from coprod_kg.web import create_app
from tests.web.test_query_differences import QUERY as NUMBERS
from tests.web.test_query_differences import data

QUERY = NUMBERS.replace(
    "#+ column thing:", "#+ param thing: iri thing | Only this thing.\n#+ column thing:"
).replace("SELECT ?thing ?count WHERE {", "SELECT ?thing ?count WHERE { VALUES ?thing { UNDEF }")
CSV = [
    "change,thing,column,from,to",
    "removed,urn:b,count,2,",
    "changed,urn:a,count,1,3",
]


@dataclass(frozen=True)
class World:
    """Two versions of a few numbers, and where they are."""

    settings: Settings
    span: tuple[int, int]

    def printed(self, *flags: str, here: bool = True) -> str:
        where = ["--data", str(self.settings.data), "--queries", str(self.settings.queries)]
        given = ["numbers", *flags, *(where if here else [])]
        ran = CliRunner().invoke(differences, given, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.output


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("differences")
    (folder / "own").mkdir()
    (folder / "own" / "numbers.rq").write_text(QUERY)
    settings = Settings(data=folder / "data", queries=folder / "own")
    with local.connect(settings, create=True) as store:
        publish_model(store, settings.base_iri)
        first = store.commit(Change(replace={"urn:g": data(a=1, b=2)})).version
        second = store.commit(Change(replace={"urn:g": data(a=3)})).version
    return World(settings, (first, second))


def test_the_differences_of_two_versions_are_printed_as_csv(world: World) -> None:
    span = ["--from", str(world.span[0]), "--to", str(world.span[1])]
    assert world.printed(*span).splitlines() == CSV
    assert world.printed().splitlines() == CSV


def test_they_are_told_in_words_and_as_json(world: World) -> None:
    first, second = world.span
    lines = world.printed("-f", "text").splitlines()
    assert lines[0].endswith(f"From version {first} to {second}: 0 added, 1 removed, 1 changed.")
    assert [line[:7] for line in lines[1:]] == ["- urn:b", "~ urn:a"]
    assert lines[2].endswith("1 → 3")
    told = json.loads(world.printed("-f", "json"))
    assert (told["query"], told["from"], told["to"]) == ("numbers", first, second)
    assert told["changed"][0]["cells"]["count"]["to"]["value"] == "3"


def test_parameters_are_bound_in_both_versions(world: World) -> None:
    assert world.printed("-p", "thing=urn:b").splitlines() == CSV[:2]
    ran = CliRunner().invoke(differences, ["numbers", "-p", "thing"])
    assert isinstance(ran.exception, WrongUsage)


def test_a_service_is_asked_for_the_same(world: World) -> None:
    with local.connect(world.settings, create=True) as store:
        server = make_server("127.0.0.1", 0, create_app(store, world.settings), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            assert world.printed("--url", url, here=False).splitlines() == CSV
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
