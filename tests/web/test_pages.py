"""What people see: the first page, the saved queries, the form; errors as they can read them."""

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from coprod_kg.errors import Overloaded
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Page(HTMLParser):
    """A page read for its links, and for elements that are opened and never closed."""

    VOID = frozenset({"meta", "link", "input", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.scripts += [given.get("src", "")] if tag == "script" else []
        self.ids += [given["id"]] if "id" in given else []
        self.labelled += [given["for"]] if tag == "label" and "for" in given else []
        if tag == "a":
            self.links.append((given["href"], ""))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.links and not self.links[-1][1]:
            self.links[-1] = (self.links[-1][0], data.strip())


def page(client: FlaskClient, address: str, status: int = 200) -> Page:
    response = client.get(address, headers=BROWSER)
    assert response.status_code == status, response.text
    assert response.content_type == "text/html; charset=utf-8"
    read = Page(response.text)
    assert all(source.startswith("/static/") for source in read.scripts)
    assert len(read.ids) == len(set(read.ids))
    assert set(read.labelled) <= set(read.ids)
    return read


ADDRESSES = [
    "/",
    "/queries/initiatives-by-stage",
    "/queries/initiatives-at-stage?stage=project",
    "/queries/initiatives-at-stage?stage=project&stage=programme",
    "/sparql",
    "/sparql?query=ASK%7B%7D",
    "/sparql?query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%203",
    "/sparql?query=CONSTRUCT%20WHERE%20%7B%3Fs%20a%20%3Fo%7D",
    "/page/initiative/alpha",
    "/page/organisation/north-city",
    "/page/vocab/stage/project",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_well_formed_has_scripts_of_ours_only_and_every_link_leads_somewhere(
    client: FlaskClient, address: str
) -> None:
    read = page(client, address)
    for link in {link for link, _ in read.links if link.startswith("/")}:
        with client.get(link, headers=BROWSER) as response:
            assert response.status_code in (200, 303), link


@pytest.mark.parametrize(
    "address", ["/", "/queries/initiatives-by-stage", "/page/initiative/alpha"]
)
def test_secondary_coding_is_never_shown_without_saying_so(
    client: FlaskClient, address: str
) -> None:
    text = client.get(address, headers=BROWSER).text
    assert "Secondary coding from public sources, not confirmed by the organisations" in text


def test_no_note_stands_where_nothing_is_secondary_coding() -> None:
    client = create_app(MemoryStore(), Settings()).test_client()
    assert "Secondary coding" not in client.get("/", headers=BROWSER).text


def test_a_saved_query_answers_in_every_format(client: FlaskClient) -> None:
    address = "/queries/initiatives-at-stage"
    by_suffix = client.get(f"{address}.csv?stage=project")
    by_name = client.get(f"{address}?stage=project&format=csv")
    by_accept = client.get(f"{address}?stage=project", headers={"Accept": "text/csv"})
    assert by_suffix.data == by_name.data == by_accept.data
    assert by_suffix.data.startswith(b"initiative,initiativeLabel,stage")
    assert by_suffix.headers["Content-Disposition"] == (
        'attachment; filename="initiatives-at-stage.csv"'
    )
    assert client.get(address).content_type == "application/sparql-results+json"
    assert client.get(f"{address}.xml").content_type == "application/sparql-results+xml"
    assert client.get(f"{address}.tsv").data.startswith(b"?initiative\t")
    assert client.get(f"{address}.ttl").status_code == 400
    assert client.get(f"{address}.docx").status_code == 404


def test_a_repeated_parameter_is_a_list(client: FlaskClient) -> None:
    def count(tail: str) -> int:
        data = client.get(f"/queries/initiatives-at-stage{tail}").get_json()
        return len(data["results"]["bindings"])

    assert count("?stage=project&stage=programme") == count("?stage=project") + count(
        "?stage=programme"
    )
    assert count("?stage=") == count("")


def test_every_bad_parameter_is_named_in_one_problem(client: FlaskClient) -> None:
    response = client.get("/queries/initiatives-facing-barrier?stage=x&barrier=y&colour=red")
    assert response.status_code == 400
    detail = response.get_json()["detail"]
    assert all(name in detail for name in ("stage", "barrier", "colour"))


def test_a_wrong_parameter_leads_back_to_the_page_without_it(client: FlaskClient) -> None:
    address = "/queries/initiatives-at-stage"
    wrong = client.get(f"{address}?stage=pilot", headers=BROWSER)
    assert wrong.status_code == 400
    assert f'href="{address}"' in wrong.text
    danish = client.get(f"{address}?stage=pilot&lang=da", headers=BROWSER).text
    assert "Den samme side uden" in danish


def test_every_saved_query_is_listed_for_people(client: FlaskClient) -> None:
    listed = client.get("/queries").get_json()["queries"]
    links = {link for link, _ in page(client, "/queries").links}
    assert {f"/queries/{query['name']}" for query in listed} <= links


def test_the_saved_queries_are_listed_for_machines(client: FlaskClient) -> None:
    listed = client.get("/queries").get_json()["queries"]
    one = next(query for query in listed if query["name"] == "initiatives-at-stage")
    assert one["url"] == "http://localhost/queries/initiatives-at-stage"
    assert one["parameters"][0]["name"] == "stage"
    assert one["parameters"][0]["scope"] == "stage"
    assert one["summary"].endswith("?")


def test_markup_in_a_query_or_a_name_is_shown_and_never_run(client: FlaskClient) -> None:
    evil = "%3Cscript%3Ealert(1)%3C/script%3E"
    for address in (
        f"/sparql?query={evil}",
        f"/sparql?query=SELECT%20(%22{evil}%22%20AS%20%3Fx)%20%7B%7D",
        f"/queries/{evil}",
        f"/queries/initiatives-at-stage?stage={evil}",
        f"/id/initiative/{evil}",
    ):
        response = client.get(address, headers=BROWSER)
        assert "<script>" not in response.text
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_an_iri_that_is_no_web_address_is_no_link(client: FlaskClient) -> None:
    query = "SELECT%20(IRI(%22javascript:alert(1)%22)%20AS%20%3Fx)%20%7B%7D"
    text = client.get(f"/sparql?query={query}", headers=BROWSER).text
    assert "javascript:alert(1)" in text
    assert not re.search(r'href="javascript', text)


def test_an_error_is_readable_by_whoever_asks(client: FlaskClient) -> None:
    for accept, content_type in (
        ("*/*", "application/problem+json"),
        ("text/csv", "application/problem+json"),
        ("text/plain", "text/plain; charset=utf-8"),
        (BROWSER["Accept"], "text/html; charset=utf-8"),
    ):
        response = client.get("/nowhere", headers={"Accept": accept})
        assert (response.status_code, response.content_type) == (404, content_type)
        assert "/nowhere" in response.text
        begun = "there is" if content_type == "application/problem+json" else "There is"
        assert f"{begun} nothing at this address" in response.text
    page(client, "/sparql?query=SELEC", 400)
    assert "SELEC</textarea>" in client.get("/sparql?query=SELEC", headers=BROWSER).text


class Broken(MemoryStore):
    """A store at fault, in the ways a store can be."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def query(self, query: Query) -> Answer:
        raise self._error


def test_a_fault_of_ours_is_logged_and_tells_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app: Flask = create_app(Broken(KeyError("/secret/path")), Settings())
    response = app.test_client().get("/sparql?query=ASK%7B%7D")
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert "secret" not in response.text
    assert "KeyError" not in response.text
    assert "/secret/path" in caplog.text
    assert "Traceback" in caplog.text


def test_whoever_must_wait_is_told_how_long() -> None:
    client = create_app(Broken(Overloaded("no worker is free")), Settings()).test_client()
    response = client.get("/sparql?query=ASK%7B%7D")
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "5"


def test_operators_and_crawlers_are_answered(client: FlaskClient, world: MemoryStore) -> None:
    assert client.get("/healthz").text == "alive\n"
    ready = client.get("/readyz")
    assert ready.headers["Dataset-Version"] == str(world.version())
    assert "Disallow: /sparql?" in client.get("/robots.txt").text
