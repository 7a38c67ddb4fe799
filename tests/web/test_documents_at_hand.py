"""A document is the same by each road: in the event loop, in a thread, and by several queries."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coprod_kg.access import Private
from coprod_kg.queries.ask import near_texts
from coprod_kg.server.asgi import HttpServer
from coprod_kg.server.fast_lookup import FastLookup
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.local import LocalStore
from coprod_kg.web import create_app
from coprod_kg.web.request_log import RequestLog
from tests.web.service import Running, running
from tests.web.test_fast_lookup import OTHER_ROAD, get, got
from tests.working import happens

BASE = Settings().base_iri
CP = f"{BASE}ontology#"
BASIS = f"{BASE}vocab/basis"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SEVERAL_QUERIES = {**OTHER_ROAD, "If-None-Match": '"another"'}
"""What takes a request into a thread, and to the queries that tell more than the document."""
FORMATS = ("text/turtle", "application/ld+json", "application/rdf+xml", "application/n-triples")
MANY = 3000


def claims(about: str, *bases: str, by: str = "town") -> Iterator[str]:
    for number, basis in enumerate(bases):
        claim = f"<{BASE}id/claim/{by}-{about}-{number}>"
        yield f"{claim} <{CP}about> <{BASE}id/initiative/{about}> ."
        yield f"{claim} <{CP}basis> <{BASIS}/{basis}> ."


def described(*names: str) -> Iterator[str]:
    for name in names:
        yield f"<{BASE}id/initiative/{name}> <{TYPE}> <{CP}Initiative> ."


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    town = [
        *described("panel", "pond", "many", "fælles", "gone"),
        *claims("panel", "secondary-coding", "secondary-coding", "self-claim"),
        *claims("pond", "self-claim"),
        *(
            f"<{BASE}id/evidence/{number}> <urn:of> <{BASE}id/initiative/many> ."
            for number in range(MANY)
        ),
    ]
    lake = [*described("hidden"), *claims("panel", "secondary-coding", by="lake")]
    with running(tmp_path_factory.mktemp("documents"), Settings(web_workers=1), 10) as found:
        for lines in (town, [line for line in town if "/gone>" not in line]):
            graphs = {
                f"{BASE}graph/organisation/{name}": "".join(f"{line}\n" for line in some).encode()
                for name, some in (("town", lines), ("lake", lake))
            }
            found.store.commit(Change(replace=graphs))
        yield found


PANEL = "/doc/initiative/panel"
ADDRESSES = (
    PANEL,
    f"{PANEL}.ttl",
    f"{PANEL}.jsonld",
    f"{PANEL}.html",
    f"{PANEL}.nonsense",
    f"{PANEL}?format=nt",
    f"{PANEL}?version=2",
    "/doc/initiative/pond",
    "/doc/initiative/many",
    "/doc/initiative/gone",
    "/doc/initiative/never",
    "/doc/initiative/f%C3%A6lles",
    "/doc/initiative/a%20b",
    "/doc/initiative/%3Ca",
    "/doc/initiative/hidden",
    "/doc/claim/town-panel-0",
    "/doc/vocab/basis/secondary-coding",
    "/doc/graph/organisation/town",
    "/doc/version/1",
)


@pytest.mark.parametrize("private", [False, True], ids=["open", "partly private"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_document_is_the_same_by_each_road(service: Running, address: str, private: bool) -> None:
    Private(service.store._settings.data).mark("lake", private=private)
    statuses = set()
    for accept in (*FORMATS, "text/html", "text/csv", "*/*"):
        plain = get(service, address, {"Accept": accept})
        assert plain == get(service, address, {"Accept": accept, **OTHER_ROAD})
        assert plain == get(service, address, {"Accept": accept, **SEVERAL_QUERIES})
        statuses.add(plain[0])
    known = not any(name in address for name in ("gone", "never", "a%20b", "%3Ca", "nonsense"))
    assert (200 in statuses) is (
        known and ".html" not in address and not (private and "hidden" in address)
    )


def test_the_document_says_how_many_of_its_claims_are_secondary_coding(service: Running) -> None:
    data = service.store._settings.data
    found = []
    for private in (True, False):
        Private(data).mark("lake", private=private)
        headers = dict(get(service, PANEL, {"Accept": FORMATS[0]})[1])
        found.append(headers["answer-caveat"].rpartition(": ")[2])
    assert found == [
        f"this holds for {coded} of the {everything} claims about this thing."
        for coded, everything in ((2, 3), (3, 4))
    ]
    assert "answer-caveat" not in dict(get(service, "/doc/initiative/pond", {})[1])


def test_only_what_waits_for_nothing_is_answered_in_the_event_loop(service: Running) -> None:
    settings = replace(Settings(), data=service.store._settings.data)
    store = LocalStore(Path(service.store._run), service.store._settings, near_texts(settings))
    app = create_app(store, settings)
    server = HttpServer(app, settings, FastLookup(app.config["SITE"], store))

    def answered(address: str, **headers: str) -> bool:
        head = got(address, accept=FORMATS[0], **headers)
        return server._document(head, RequestLog(head.method, head.path)) is not None

    assert happens(lambda: answered(PANEL)), "the newest version was not opened"
    here = [PANEL, f"{PANEL}.nt", "/doc/initiative/f%C3%A6lles", "/doc/claim/town-panel-0"]
    assert [answered(address) for address in here] == [True] * 4
    assert answered(PANEL, if_none_match='"never"')
    elsewhere = [
        *(f"{PANEL}?format=nt", f"{PANEL}?version=2", "/doc/initiative/many", "/page/initiative/x"),
        *("/doc/initiative/never", "/doc/initiative/gone", "/doc/graph/organisation/town"),
    ]
    assert [answered(address) for address in elsewhere] == [False] * 7
    assert not answered(PANEL, authorization=f"Bearer {service.contributor}")
    assert not answered(PANEL, accept_profile="<urn:p>")
    Private(settings.data).mark("lake")
    assert not answered(PANEL)
    Private(settings.data).mark("lake", private=False)
    assert answered(PANEL)
    assert not answered(PANEL, accept_datetime="Tue, 01 Dec 2026 12:00:00 GMT")
