"""Submissions over HTTP: checked by anybody, taken in with a token, told in the form asked for."""

import io
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from coprod_kg.access import Role, Tokens
from coprod_kg.ingest.report.marks import XLSX
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.test_submitting import BROKEN, town
from tests.workbooks.building import changed, small, xlsx

TTL = {"Content-Type": "text/turtle"}
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data": tmp_path / "data"}, {})


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(MemoryStore(), settings).test_client()


def token(settings: Settings, organisation: str | None = None) -> dict[str, str]:
    role = Role.CONTRIBUTOR if organisation else Role.CURATOR
    made = Tokens(settings.data).create(f"t-{organisation or 'all'}", role, organisation)
    return {"Authorization": f"Bearer {made}"}


def form(content: bytes, name: str, **fields: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(content), name), **fields}


def test_a_check_needs_no_token_and_changes_nothing(
    client: FlaskClient, settings: Settings
) -> None:
    answer = client.post("/submissions?dry_run=1", data=town().content, headers=TTL)
    assert (answer.status_code, answer.json["accepted"]) == (200, True)  # type: ignore[index]  # it is JSON
    assert not settings.data.exists()


def test_a_submission_without_a_token_is_refused(client: FlaskClient) -> None:
    answer = client.post("/submissions", data=town().content, headers=TTL)
    assert answer.status_code == 401
    assert "dry_run=1" in answer.text


def test_what_is_accepted_has_an_address_with_its_report(
    client: FlaskClient, settings: Settings
) -> None:
    answer = client.post("/submissions", data=town().content, headers=TTL | token(settings, "town"))
    assert (answer.status_code, answer.headers["Dataset-Version"]) == (201, "1")
    place = answer.headers["Location"]
    again = client.get(place)
    assert json.loads(again.text)["version"] == 1
    assert client.get("/submissions").json["submissions"][0]["organisations"] == ["town"]  # type: ignore[index]  # it is JSON
    page = client.get(place, headers={"Accept": "text/html"}).text
    assert "New: panel" in page


def test_a_contributor_sends_the_data_of_one_organisation_only(
    client: FlaskClient, settings: Settings
) -> None:
    mine = token(settings, "lake")
    stated = client.post("/submissions?organisation=town", data=town().content, headers=TTL | mine)
    assert stated.status_code == 403
    unstated = client.post("/submissions", data=town().content, headers=TTL | mine)
    assert unstated.status_code == 400
    assert "describes no organisation <id/organisation/lake>" in unstated.text


def test_a_refused_file_is_answered_with_its_report(
    client: FlaskClient, settings: Settings
) -> None:
    answer = client.post("/submissions", data=BROKEN.content, headers=TTL | token(settings))
    assert answer.status_code == 422
    [file] = json.loads(answer.text)["files"]
    assert file["findings"][0]["spot"]["line"] == 13
    assert client.get("/submissions").json == {"submissions": []}


@pytest.mark.parametrize(
    ("accept", "start"),
    [
        ("application/json", "{"),
        ("text/turtle", "@prefix"),
        ("text/plain", "submission.ttl"),
        ("text/html", "<!doctype html>"),
    ],
)
def test_the_report_comes_in_the_form_asked_for(
    client: FlaskClient, accept: str, start: str
) -> None:
    headers = TTL | {"Accept": accept}
    answer = client.post("/submissions?dry_run=1", data=BROKEN.content, headers=headers)
    assert answer.status_code == 422
    assert answer.mimetype == accept
    assert answer.text.startswith(start)


def test_a_workbook_comes_back_with_its_cells_marked(client: FlaskClient) -> None:
    content = xlsx(changed("Initiatives", "D2", "Helth"))
    headers = {"Content-Type": XLSX, "Accept": XLSX}
    answer = client.post("/submissions?dry_run=1", data=content, headers=headers)
    assert answer.mimetype == XLSX
    book = load_workbook(io.BytesIO(answer.data))
    cell = book["Initiatives"]["D2"]
    assert cell.comment is not None
    assert "Did you mean Health?" in cell.comment.text
    assert book.sheetnames[0] == "To mend"


def test_the_workbook_that_came_back_is_sent_again_once_it_is_mended(client: FlaskClient) -> None:
    content = xlsx(changed("Initiatives", "D2", "Helth"))
    headers = {"Content-Type": XLSX, "Accept": XLSX}
    book = load_workbook(
        io.BytesIO(client.post("/submissions?dry_run=1", data=content, headers=headers).data)
    )
    book["Initiatives"]["D2"] = "Health"
    mended = io.BytesIO()
    book.save(mended)
    headers["Accept"] = "text/plain"
    answer = client.post("/submissions?dry_run=1", data=mended.getvalue(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert "To mend" not in answer.text


def test_the_form_of_the_page_shows_the_report_and_gives_the_workbook_back(
    client: FlaskClient,
) -> None:
    page = client.get("/submissions", headers={"Accept": "text/html"})
    assert 'enctype="multipart/form-data"' in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    content = xlsx(changed("Initiatives", "D2", "Helth"))
    fields = form(content, "my.xlsx", dry_run="1", answer="html", token="", organisation="")
    answer = client.post("/submissions", data=fields)
    assert answer.status_code == 422
    assert "Did you mean Health?" in answer.text
    found = re.search(r'href="data:[^"]*base64,([^"]+)"', answer.text)
    assert found
    assert load_workbook(io.BytesIO(b64decode(found[1]))).sheetnames[0] == "To mend"


def test_a_token_in_the_form_counts(client: FlaskClient, settings: Settings) -> None:
    made = token(settings, "sampleby")["Authorization"].removeprefix("Bearer ")
    fields = form(xlsx(small()), "my.xlsx", dry_run="0", answer="html", token=made)
    answer = client.post("/submissions", data=fields)
    assert answer.status_code == 201, answer.text
    wrong = form(xlsx(small()), "my.xlsx", dry_run="0", token="coprod_x_y")
    assert client.post("/submissions", data=wrong).status_code == 401


@pytest.mark.parametrize("token", ["", "coprod_x_y"])
def test_without_a_token_that_counts_the_form_comes_again_with_what_was_in_it(
    client: FlaskClient, token: str
) -> None:
    fields = form(xlsx(small()), "my.xlsx", dry_run="0", organisation="a&b", token=token, patch="1")
    answer = client.post("/submissions", data=fields, headers=BROWSER)
    page = answer.text
    assert answer.status_code == 401
    assert "choose it again" in page
    assert "Authorization" not in page
    assert page.index('name="token"') < page.index('type="file"')
    assert 'name="dry_run" value="0" checked' in page
    assert 'name="dry_run" value="1" checked' not in page
    assert 'name="patch" value="1" checked' in page
    assert 'value="a&amp;b"' in page
    assert "coprod_x_y" not in page
    other = client.post("/submissions", data=town().content, headers=TTL | BROWSER)
    assert "Authorization" in other.text
    assert "<form" not in other.text


def test_nothing_in_a_file_becomes_part_of_the_page(client: FlaskClient) -> None:
    content = xlsx(changed("Initiatives", "D2", "<script>alert(1)</script>"))
    name = '"><script>alert(2)</script>.xlsx'
    answer = client.post("/submissions", data=form(content, name, dry_run="1", answer="html"))
    assert "<script>alert" not in answer.text


def test_the_first_of_two_is_what_comparing_and_taking_back_lead_to(
    client: FlaskClient, settings: Settings
) -> None:
    mine = token(settings, "town")
    client.post("/submissions", data=town().content, headers=TTL | mine)
    more = town('; cp:place "Here"@en').content
    second = client.post("/submissions", data=more, headers=TTL | mine).headers["Location"]
    [change] = json.loads(client.get(f"{second}/changes").text)["changes"]
    assert (change["kind"], change["removed"]) == ("changed", [])
    assert change["added"][0][1] == "Here"
    assert client.post(f"{second}/rollback").status_code == 401
    assert client.post(f"{second}/rollback", headers=token(settings, "lake")).status_code == 403
    back = client.post(f"{second}/rollback", headers=mine)
    assert back.status_code == 201
    [undone] = json.loads(client.get(f"{back.headers['Location']}/changes").text)["changes"]
    assert undone["removed"] == change["added"]


def test_a_report_leads_to_the_page_and_has_a_button_that_takes_it_back(
    client: FlaskClient, settings: Settings
) -> None:
    mine = token(settings, "town")
    page = client.post("/submissions", data=town().content, headers=TTL | mine | BROWSER)
    assert page.status_code == 201
    assert 'href="/organisations/town"' in page.text
    assert client.get("/organisations/town", headers=BROWSER).status_code == 200
    address = page.headers["Location"]
    report = client.get(address, headers=BROWSER).text
    assert 'href="/organisations/town"' in report
    assert f'action="{address}/rollback"' in report
    secret = mine["Authorization"].removeprefix("Bearer ")
    for wrong, status in (("", 401), ("coprod_x_y", 401)):
        told = client.post(f"{address}/rollback", data={"token": wrong}, headers=BROWSER)
        assert told.status_code == status
    back = client.post(f"{address}/rollback", data={"token": secret}, headers=BROWSER)
    assert back.status_code == 303
    undone = client.get(back.headers["Location"], headers=BROWSER).text
    assert f'takes back <a href="{address}">' in undone
    assert "/rollback" not in undone


def test_what_is_no_file_is_told_so(client: FlaskClient) -> None:
    assert client.post("/submissions?dry_run=1", data={"token": ""}).status_code == 415
    empty = client.post("/submissions", data={"dry_run": "1"}, content_type="multipart/form-data")
    assert empty.status_code == 400
    assert client.get("/submissions/../etc").status_code == 404
    assert client.get("/submissions/nothing").status_code == 404


def test_a_second_file_in_a_form_is_told_and_nothing_is_read(client: FlaskClient) -> None:
    def files(*names: str) -> list[tuple[io.BytesIO, str]]:
        return [(io.BytesIO(b"x"), name) for name in names]

    for fields in (
        {"file": files("a.ttl", "b.ttl")},
        {"file": files("a.ttl"), "other": files("b.ttl")},
    ):
        told = client.post(
            "/submissions", data={**fields, "dry_run": "1"}, content_type="multipart/form-data"
        )
        assert told.status_code == 400
        assert "2 files (a.ttl, b.ttl)" in told.get_json()["detail"]


def test_an_answer_that_cannot_be_written_takes_nothing_back(
    client: FlaskClient, settings: Settings
) -> None:
    curator = token(settings)
    place = client.post("/submissions", data=town().content, headers=TTL | curator).location
    headers = curator | {"Accept": "application/sparql-results+json"}
    assert client.post(f"{place}/rollback", headers=headers).status_code == 406
    assert len(json.loads(client.get("/submissions").text)["submissions"]) == 1
