"""What is private: hidden from whom, in every version and on every road."""

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from coprod_kg.access import Grant, Private, Role, Tokens, hidden
from coprod_kg.cli.private import private
from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.submit import Sender, submit
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.dump import dump
from coprod_kg.store.local import LocalStore, connect, serving
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views
from coprod_kg.web import create_app
from tests.test_submitting import BASE, initiative, organisation, sent

WORD = "quokkenburg"
"""It stands in nothing but what is private."""

THEIRS = f"{BASE}id/initiative/{WORD}-panel"
ASSESSED = (
    f'<id/agent/coder> a prov:Agent ; rdfs:label "{WORD.title()}\'s coder"@en .\n'
    f'<id/stage-assessment/{WORD}> a cp:StageAssessment ; rdfs:label "{WORD}"@en ;\n'
    f"  cp:about <{THEIRS}> ; cp:stage stage:project ; cp:basis basis:evaluation ;\n"
    "  cp:claimedBy <id/agent/coder> .\n"
)
SPARQL = (
    "SELECT * WHERE { ?s ?p ?o }",
    "SELECT * WHERE { GRAPH ?g { ?s ?p ?o } }",
    "SELECT DISTINCT ?g WHERE { GRAPH ?g {} }",
    f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{BASE}graph/provenance> {{ ?s ?p ?o }} }}",
    f"SELECT * FROM <{BASE}graph/provenance> WHERE {{ ?s ?p ?o }}",
)


@dataclass(frozen=True)
class Town:
    app: Flask
    store: LocalStore
    settings: Settings
    theirs: str
    tokens: dict[str, str]

    def client(self, whose: str = "") -> FlaskClient:
        client = self.app.test_client()
        if whose:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[whose]}"
        return client


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    settings = Settings(data=tmp_path_factory.mktemp("data"), workers=1, cache_mb=8)
    tokens = Tokens(settings.data)
    made = {
        "curator": tokens.create("curator", Role.CURATOR),
        "owner": tokens.create("owner", Role.CONTRIBUTOR, WORD),
        "other": tokens.create("other", Role.CONTRIBUTOR, "town"),
    }
    theirs = sent(f"{WORD}.ttl", organisation(WORD), initiative(f"{WORD}-panel", WORD), ASSESSED)
    with serving(settings) as service:
        publish_model(service.store, settings.base_iri)
        ours = sent("town.ttl", organisation("town"), initiative("panel", "town"))
        submit([ours], service.store, settings, Sender("coder", "A coder"))
        sender = Sender(f"{WORD}-2026", f"The contributor of {WORD}")
        outcomes = submit([theirs], service.store, settings, sender)
        assert outcomes[0].version, outcomes
        Private(settings.data).mark(WORD)
        app = create_app(service.store, settings)
        yield Town(app, service.store, settings, outcomes[0].submission or "", made)


def said(client: FlaskClient, address: str, **headers: str) -> tuple[int, str]:
    """The status and all text of an answer."""
    answer = client.get(address, headers=headers, follow_redirects=True)
    data = answer.data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = b"".join(archive.read(name) for name in archive.namelist())
    return answer.status_code, f"{answer.headers}{data.decode('utf-8', 'replace')}".lower()


def addresses(town: Town) -> Iterator[str]:
    """Where something may be asked: every route without a name in it, every question, SPARQL."""
    for rule in town.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            yield rule.rule
    versions = ["", *(f"&version={number}" for number in town.store.versions())]
    for text in SPARQL:
        for version in versions:
            yield from (f"/sparql?query={quote(text)}&format={one}{version}" for one in ("json",))
    listed = town.client().get("/queries", headers={"Accept": "application/json"}).json
    assert listed
    for name in (query["name"] for query in listed["queries"]):
        for form in ("json", "csv", "html", "xlsx", "vega"):
            yield f"/queries/{name}?format={form}&version={town.store.version()}"
        yield from (f"/queries/{name}", f"/queries/{name}/cite", f"/queries/{name}/differences")
    for graph in ("provenance", "catalogue", "organisation/town"):
        yield f"/data?graph={BASE}graph/{graph}"


def walk(client: FlaskClient, starts: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Every address that can be reached from some by links, and what it says."""
    waiting, seen = list(starts), set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen or address.startswith("/static/"):
            continue
        seen.add(address)
        _, text = said(client, address)
        yield address, text
        links = re.findall(r"href=['\"](/[^'\"#]*)", text) if "<html" in text else []
        waiting += [unescape(one) for one in links if "version=" not in one or "?" not in one]


def test_nothing_private_can_be_reached_without_its_token(town: Town) -> None:
    found = dict(walk(town.client(), addresses(town)))
    assert len(found) > 300
    assert [address for address, text in found.items() if WORD in text] == []
    assert any("/id/initiative/panel" in address for address in found)


@pytest.mark.parametrize(("whose", "sees"), [("owner", True), ("curator", True), ("other", False)])
def test_private_data_is_seen_with_the_token_of_its_organisation(
    town: Town, whose: str, sees: bool
) -> None:
    client = town.client(whose)
    for address in (
        f"/sparql?query={quote(SPARQL[0])}&format=json",
        f"/sparql?query={quote(SPARQL[3])}&format=turtle",
        "/queries/initiative-history?format=csv",
        "/submissions",
    ):
        status, text = said(client, address)
        assert (status, WORD in text) == (200, sees), address
    status, _ = said(client, f"/doc/initiative/{WORD}-panel.ttl")
    assert status == (200 if sees else 404)


@pytest.mark.parametrize(
    "address",
    [
        "/id/initiative/{0}-panel",
        "/page/initiative/{0}-panel",
        "/doc/initiative/{0}-panel.ttl",
        f"/data?graph={BASE}graph/organisation/{{0}}",
        f"/data?graph={BASE}graph/assessment/{{0}}",
        f"/sparql?format=csv&query=ASK {{{{ <{BASE}id/organisation/{{0}}> ?p ?o }}}}",
        f"/sparql?format=csv&query=DESCRIBE <{BASE}id/organisation/{{0}}>",
    ],
)
def test_what_is_private_answers_like_what_is_not_there(town: Town, address: str) -> None:
    client, other = town.client(), "wallabyford"
    private, missing = (said(client, address.format(name)) for name in (WORD, other))
    assert private == (missing[0], missing[1].replace(other, WORD))


def grant(organisation: str | None) -> Grant:
    role = Role.CONTRIBUTOR if organisation else Role.CURATOR
    return Grant("token", role, organisation, "", "2026-01-01")


def test_private_data_is_hidden_from_all_but_its_owner_and_curators(tmp_path: Path) -> None:
    private = Private(tmp_path)
    assert private.hidden_from(None) == ()
    assert private.mark("b")
    assert private.mark("a")
    assert not private.mark("a")
    assert private.hidden_from(None) == ("a", "b")
    assert private.hidden_from(grant("a")) == ("b",)
    assert private.hidden_from(grant("other")) == ("a", "b")
    assert private.hidden_from(grant(None)) == ()
    assert Private(tmp_path).mark("a", private=False)
    assert private.organisations() == ("b",)


@pytest.mark.parametrize("name", ["", "../x", "A b", "a/b", "é"])
def test_what_names_no_organisation_is_not_made_private(tmp_path: Path, name: str) -> None:
    with pytest.raises(WrongUsage, match="no identifier of an organisation"):
        Private(tmp_path).mark(name)
    assert list(tmp_path.iterdir()) == []


def test_answers_are_kept_apart_by_who_asks(town: Town) -> None:
    address = "/queries/initiatives-by-stage?format=json"
    anyone, owner = (town.client(who).get(address) for who in ("", "owner"))
    assert anyone.data != owner.data
    assert anyone.headers["ETag"] != owner.headers["ETag"]
    assert "Authorization" in anyone.headers["Vary"]
    assert "private" in owner.headers["Cache-Control"]
    again = town.client().get(address, headers={"If-None-Match": owner.headers["ETag"]})
    assert (again.status_code, again.data) == (200, anyone.data)


def test_a_view_goes_with_its_version(town: Town) -> None:
    snapshots = Snapshots(town.settings.data / "snapshots")
    views = Views(snapshots, BASE)
    reader = views.open(None, hidden((WORD,), BASE))
    oldest = reader.version
    town.store.commit(Change())
    town.store.query(Query("ASK {}", ("text/csv",))).read()  # the worker leaves the version
    snapshots.prune(keep=1, keep_cited=0)
    assert oldest not in town.store.versions()
    assert len(list(snapshots.views.glob(f"{oldest}-*"))) == 1, "it is being read"
    reader.close()
    snapshots.prune(keep=1, keep_cited=0)
    assert not list(snapshots.views.glob(f"{oldest}-*"))


def test_a_view_asked_for_by_many_at_once_is_made_once(town: Town) -> None:
    views = Views(Snapshots(town.settings.data / "snapshots"), BASE)
    unseen = hidden(("nobody", WORD), BASE)
    with ThreadPoolExecutor(4) as pool:
        readers = list(pool.map(lambda _: views.open(None, unseen), range(4)))
    counts = {len(reader.store) for reader in readers}
    for reader in readers:
        reader.close()
    whole = views.open(None)
    assert len(counts) == 1
    assert counts.pop() < len(whole.store)
    whole.close()


def test_a_view_holds_no_statement_of_what_is_hidden(town: Town) -> None:
    views, found = Views(Snapshots(town.settings.data / "snapshots"), BASE), []
    for names in ((), (WORD,)):
        file = io.BytesIO()
        dump(views.open(None, hidden(names, BASE)), "nquads", file)
        found.append(set(file.getvalue().decode().lower().splitlines()))
    assert [one for one in found[1] if WORD in one] == []
    # The numbers of the description are those of what is left.
    whole, seen = ({one for one in lines if "/graph/catalogue>" not in one} for lines in found)
    assert seen < whole
    gone = f"graph/(organisation|assessment)/{WORD}>|/submission/[^ ]*{WORD}|{WORD}-2026"
    call = f"/submission/{town.theirs}".lower()
    assert [one for one in whole - seen if not re.search(gone, one) and call not in one] == []


def basic(password: str) -> dict[str, str]:
    sent = base64.b64encode(f"anyone:{password}".encode()).decode()
    return {"Authorization": f"Basic {sent}", "Accept": "text/html"}


def test_a_browser_reads_with_a_token_as_its_password(town: Town) -> None:
    client, page = town.client(), f"/page/initiative/{WORD}-panel"
    asked = client.get("/sign-in", headers={"Accept": "text/html"})
    assert asked.status_code == 401
    assert [one.partition(" ")[0] for one in asked.headers.getlist("WWW-Authenticate")] == [
        "Bearer",
        "Basic",
    ]
    assert "/sign-in" in said(client, "/", Accept="text/html")[1]
    let_in = client.get("/sign-in", headers=basic(town.tokens["owner"]))
    assert (let_in.status_code, let_in.headers["Location"]) == (303, "/")
    status, text = said(client, page, **basic(town.tokens["owner"]))
    assert status == 200
    assert "read with the token owner" in text
    assert client.get(page, headers=basic("coprod_owner_wrong")).status_code == 401
    assert client.get(page, headers={"Accept": "text/html"}).status_code == 404


def test_a_program_without_a_token_is_not_asked_for_a_password(town: Town) -> None:
    refused = town.client().get("/sign-in", headers={"Accept": "application/json"})
    assert refused.headers.getlist("WWW-Authenticate") == ['Bearer realm="coprod-kg"']


def test_nothing_is_written_with_a_password(town: Town) -> None:
    client, headers = town.client(), basic(town.tokens["curator"])
    file = {"file": (io.BytesIO(b"# nothing"), "x.ttl")}
    for address, data in (("/sparql", {"update": "DROP ALL"}), ("/submissions", file)):
        assert client.post(address, data=data, headers=headers).status_code == 401, address
    assert client.delete(f"/data?graph={BASE}graph/x", headers=headers).status_code == 401


def test_last_runs_are_forgotten_when_what_everybody_sees_changes(tmp_path: Path) -> None:
    with connect(Settings.load({"data": tmp_path}), create=True):
        ledger = RunLedger(tmp_path)
    arguments = ["town", "--data", str(tmp_path)]
    for flags, word in (([], "private"), (["--off"], "public"), (["--off"], "already public")):
        ledger.note(Run("numbers", "ab", 1, "2026-11-24T10:00:00+00:00", 0.1, 3))
        told = CliRunner().invoke(private, [*arguments, *flags])
        assert (told.exit_code, f"is {word}." in told.output) == (0, True)
        assert bool(ledger.runs()) == ("already" in word)


def test_a_check_does_not_tell_what_is_private(town: Town) -> None:
    def report(name: str, whose: str = "") -> str:
        refers = f"; dcterms:isPartOf <id/initiative/{name}-panel>"
        file = sent("town.ttl", organisation("town"), initiative("fair", "town", more=refers))
        form = {"file": (io.BytesIO(file.content), "town.ttl"), "dry_run": "1"}
        answer = town.client(whose).post("/submissions?format=txt", data=form)
        return answer.get_data(as_text=True)

    assert f"{WORD}-panel" in report(WORD)
    assert report(WORD) == report("wallabyford").replace("wallabyford", WORD)
    assert report(WORD) == report(WORD, "other")
    assert report(WORD, "curator") != report(WORD)
