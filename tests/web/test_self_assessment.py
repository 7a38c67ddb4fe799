"""The self-assessment over HTTP: the state travels in the form, and whatever comes is answered."""

import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.access import Role, Tokens
from coprod_kg.cli.proposals import proposals
from coprod_kg.errors import WrongUsage
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.selfassessment.proposals import Proposals, Standing
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

PAGE = {"Accept": "text/html"}
LEADERS = "Culture-leadership"
START = {"step": "1", "to": "next", "Ask-name": "Memory <b>café</b>", "Ask-stage": "stage:project"}


def hidden(text: str) -> dict[str, str]:
    """The answers that a page carries along."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    return {name: value for name, value in found if name != "step"}


def sent(client: FlaskClient, fields: object, start: str = "") -> TestResponse:
    return client.post(f"{start}/self-assessment", data=fields, headers=PAGE)


@pytest.mark.parametrize(("start", "words"), [("", "Step 2 of 6"), ("/da", "Trin 2 af 6")])
def test_a_step_carries_the_answers_of_the_others(
    client: FlaskClient, start: str, words: str
) -> None:
    answer = sent(client, START, start)
    assert answer.status_code == 200
    assert words in answer.text
    assert hidden(answer.text)["Ask-stage"] == "stage:project"
    assert "Memory &lt;b&gt;café&lt;/b&gt;" in answer.text
    assert "<b>café" not in answer.text


def test_nothing_is_on_record_before_anything_is_answered(client: FlaskClient) -> None:
    page = client.get("/self-assessment", headers=PAGE).text
    counted = re.findall(r'<td class="number">(\d+) ', page)
    assert len(counted) > 4
    assert set(counted) == {"0"}
    result = sent(client, {"step": "1", "to": "result", "Ask-stage": "stage:pilot-project"}).text
    assert "None of the 2 required criteria is met." in result
    assert "✓ on record" not in result
    assert "Not on record: “" in result


def test_the_side_of_the_organisation_shows_what_it_has_too(client: FlaskClient) -> None:
    shown = {"title": "Minutes", "kind": "evidence-kind:decision-record", "shows": LEADERS}
    fields = {"Ask-runner": "Harbour", LEADERS: "yes", "to": "result", "step": "6"}
    fields |= {f"Ask-evidence.1.{name}": value for name, value in shown.items()}
    _, _, organisation = sent(client, fields).text.partition('<h2 id="organisation">')
    assert "1 of 11 required criteria is met." in organisation
    assert "✓ on record</span> <strong>Leaders are committed to it" in organisation
    assert "higher is not better" not in organisation


def test_nothing_is_kept_of_an_answer(client: FlaskClient) -> None:
    for to in ("next", "result", "save", "json"):
        answer = sent(client, {**START, "to": to})
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_what_is_wrong_is_told_on_top_and_at_its_field_and_stays(client: FlaskClient) -> None:
    answer = sent(client, {"step": "3", "to": "next", "Ask-start": "last summer"})
    assert answer.status_code == 422
    assert "Step 3 of 6" in answer.text
    assert '<a href="#Ask-start">' in answer.text
    assert 'id="Ask-start-error"' in answer.text
    assert 'aria-describedby=" Ask-start-error"' in answer.text
    assert 'value="last summer"' in answer.text


def test_the_result_waits_until_all_steps_are_mended(client: FlaskClient) -> None:
    answer = sent(client, {"step": "6", "to": "result", "Ask-start": "x", "Ask-name": "a"})
    assert answer.status_code == 422
    assert "Step 3 of 6" in answer.text


def test_the_result_is_a_page_and_json(client: FlaskClient) -> None:
    page = sent(client, {**START, "to": "result"})
    assert page.status_code == 200
    assert "Three next steps" in page.text
    told = sent(client, {**START, "to": "json"}).get_json()
    assert told["assessment"]["claims"][0]["stage"].endswith("/project")
    assert told["nextSteps"][0]["kind"] == "target"
    assert ["Ask-stage", "stage:project"] in told["answers"]


def test_a_result_is_in_the_language_of_its_page_whatever_the_answers_were_written_in(
    client: FlaskClient,
) -> None:
    fields = {
        "step": "6",
        "to": "result",
        "language": "en",
        "Ask-name": "Memory café",
        "Ask-stage": "stage:project",
    }
    read = sent(client, fields, "/da").text
    assert "krævede kriterier er opfyldt" in read
    assert "required criteria" not in read
    assert "Self-claim" not in read
    assert hidden(read)["language"] == "en"
    told = sent(client, {**fields, "to": "json"}, "/da").get_json()
    assert told["assessment"]["language"] == "da"


def test_a_saved_file_opens_again(client: FlaskClient) -> None:
    saved = sent(client, {**START, "to": "save"})
    assert saved.mimetype == "text/turtle"
    file = (io.BytesIO(saved.get_data()), "mine.ttl")
    again = sent(client, {"to": "open", "file": file}, "/de")
    assert again.status_code == 200
    assert 'value="Memory &lt;b&gt;café&lt;/b&gt;"' in again.text
    assert "wieder geöffnet" in again.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"step": "nonsense", "to": "9999"}, 200),
        ({"to": "open"}, 422),
        ({"step": "1", "to": "next", "Ask-stage": "stage:<script>alert(1)</script>"}, 422),
        ({"step": "2", "to": "next", "made-up": "'><script>"}, 422),
        ({"step": "4", "to": "1", "Ask-name": ["a", "b"]}, 200),
        ({"step": "1", "to": "next", "Ask-name": "x" * 130_000}, 413),
        ({"step": "1", "to": "save", "Ask-name": "=cmd|' /C calc'!A0"}, 200),
        ({"step": "5", "to": "find", "find": "<script>" * 100}, 200),
        ({"step": "1", "to": "result", "Ask-runner": "\u202e\ud7ff\U0010ffff../../etc"}, 200),
    ],
)
def test_hostile_forms_end_in_a_clear_answer(
    client: FlaskClient, fields: dict[str, object], status: int
) -> None:
    answer = sent(client, fields)
    assert answer.status_code == status
    assert "<script>" not in answer.text
    assert "Traceback" not in answer.text


@pytest.fixture
def sending(tmp_path: Path) -> tuple[FlaskClient, Settings, str, str]:
    """An application with its own data directory, the token of a curator and a contributor's."""
    settings = Settings(data=tmp_path, proposals=3, client_proposals=2)
    store = MemoryStore()
    publish_model(store, settings.base_iri)
    tokens = Tokens(tmp_path)
    curator = tokens.create("curator", Role.CURATOR)
    contributor = tokens.create("harbour", Role.CONTRIBUTOR, "harbour")
    app = create_app(store, settings)
    return app.test_client(), settings, curator, contributor


SENT = {**START, "Ask-runner": "Harbour", "Ask-sector": "sector:health"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def test_a_contributor_sends_it_as_a_submission(
    sending: tuple[FlaskClient, Settings, str, str],
) -> None:
    client, _, _, contributor = sending
    wrong = client.post("/self-assessment", data={**SENT, "to": "send", "token": "x"}, headers=PAGE)
    assert wrong.status_code == 422
    assert 'href="#token"' in wrong.text
    assert hidden(wrong.text)["Ask-runner"] == "Harbour"
    for to, status in (("check", 200), ("send", 201)):
        fields = {**SENT, "to": to, "token": contributor}
        report = client.post("/self-assessment", data=fields, headers={"Accept": "text/plain"})
        assert report.status_code == status, report.text
    assert client.get("/assessments/initiative/harbour-memory-b-cafe-b").status_code == 200
    nameless = {"step": "1", "to": "send", "Ask-name": "a", "token": contributor}
    assert "before anything can be sent" in sent(client, nameless).text


def test_a_proposal_waits_apart_until_a_curator_decides(
    sending: tuple[FlaskClient, Settings, str, str],
) -> None:
    client, settings, curator, contributor = sending
    addresses = []
    for _ in range(2):
        fields = {**SENT, "to": "propose", "contact": "me@example.org"}
        made = client.post("/da/self-assessment", data=fields, headers=PAGE)
        assert made.status_code == 303
        addresses.append(made.headers["Location"])
    assert client.post("/self-assessment", data={**SENT, "to": "propose"}).status_code == 429
    assert "venter" in client.get(addresses[0], headers=PAGE).text
    assert client.get("/proposals/" + "A" * 22).status_code == 404
    assert client.get("/assessments/initiative/harbour-memory-b-cafe-b").status_code == 404
    assert client.get("/proposals").status_code == 401
    assert client.get("/proposals", headers=bearer(contributor)).status_code == 403
    first, second = client.get("/proposals", headers=bearer(curator)).get_json()["proposals"]
    assert first["contact"] == "me@example.org"
    page = client.get(f"/proposals/{first['id']}", headers={**bearer(curator), **PAGE})
    assert "Memory &lt;b&gt;café&lt;/b&gt;" in page.text
    assert client.get(f"/proposals/{first['id']}").status_code == 401
    fields = {"decision": "said", "token": curator}
    taken = client.post(f"/proposals/{first['id']}", data=fields, headers=PAGE)
    assert taken.status_code == 303, taken.text
    found = client.get("/assessments/initiative/harbour-memory-b-cafe-b").get_json()
    assert found["claims"][0]["secondary"]
    again = client.post(f"/proposals/{first['id']}", data=fields)
    assert again.status_code == 400
    back = {"decision": "return", "sentence": "Name the document.", "token": curator}
    assert client.post(f"/proposals/{second['id']}", data=back).status_code == 200
    told = [client.get(one, headers={"Accept": "application/json"}).get_json() for one in addresses]
    by_standing = {one["standing"]: one for one in told}
    assert by_standing["accepted"]["submission"]
    assert by_standing["returned"]["sentence"] == "Name the document."
    kept = "".join(path.read_text() for path in (settings.data / "proposals").glob("*.json"))
    assert "me@example.org" not in kept
    assert "Memory" not in kept


def test_a_curator_decides_at_the_terminal_too(
    sending: tuple[FlaskClient, Settings, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, settings, curator, _ = sending
    monkeypatch.setenv("COPROD_DATA", str(settings.data))

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(proposals, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    barrier = "Ask-barriers.barrier:lack-of-trust.status"
    answers = {"Ask-barriers": "barrier:lack-of-trust", barrier: "barrier-status:active"}
    for _ in range(2):
        client.post("/self-assessment", data={**SENT, **answers, "to": "propose"})
    listed = json.loads(said("--json"))
    assert listed == client.get("/proposals", headers=bearer(curator)).get_json()
    first, second = (proposal["id"] for proposal in listed["proposals"])
    assert first in said()
    said("return", first, "Name the document.")
    shown = said("show", first)
    assert shown == "It is returned.\n"  # and nothing of what was answered
    page = client.get(f"/proposals/{second}", headers={**bearer(curator), **PAGE}).text
    assert "Lack of trust: Active" in page
    said("discard", second)
    assert json.loads(said("--json")) == {"proposals": []}
    with pytest.raises(WrongUsage, match="discarded already"):
        said("return", second, "Too late.")


def test_a_proposal_that_nobody_decides_expires(tmp_path: Path) -> None:
    queue = Proposals(Settings(data=tmp_path))
    address = queue.add([("Ask-name", "Café")], "me@example.org", "client")
    assert queue.at_address(address).standing is Standing.WAITING
    queue = Proposals(Settings(data=tmp_path, proposal_days=0))
    assert queue.at_address(address).standing is Standing.EXPIRED
    assert queue.waiting() == []
    assert "Café" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))
