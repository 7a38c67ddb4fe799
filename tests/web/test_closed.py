"""A service that only those with a token may read: what a browser needs works all the same."""

import importlib.util
import io
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from coprod_kg.access import Role, Tokens
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.test_submitting import town

FORM = "multipart/form-data"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data": tmp_path / "data", "read_access": "token"}, {})


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(MemoryStore(), settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def token(settings: Settings) -> str:
    return Tokens(settings.data).create("town", Role.CONTRIBUTOR, "town")


def form(**fields: str) -> Mapping[str, object]:
    return {"file": (io.BytesIO(town().content), "town.ttl"), **fields}


@pytest.mark.parametrize("path", ["/sparql", "/data", "/submissions", "/queries/x.rq", "/metrics"])
def test_a_preflight_passes_without_a_token(client: FlaskClient, path: str) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    answer = client.options(path, headers=asked)
    assert answer.status_code < 300
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert client.get(path, headers=asked).status_code == 401


def test_the_form_carries_its_token_in_a_field(client: FlaskClient, token: str) -> None:
    for fields in ({"dry_run": "1"}, {"dry_run": "0"}, {"dry_run": "1", "token": "coprod_x_y"}):
        refused = client.post("/submissions", data=form(**fields), content_type=FORM)
        assert refused.status_code == 401, fields
    unsaid = client.post("/submissions", data=form(dry_run="1"), content_type=FORM)
    assert "field Token" in unsaid.text
    checked = form(dry_run="1", token=token)
    assert client.post("/submissions", data=checked, content_type=FORM).status_code == 200
    sent = form(dry_run="0", token=token)
    assert client.post("/submissions", data=sent, content_type=FORM).status_code == 201


def test_a_check_without_a_form_takes_a_token_in_its_header(
    client: FlaskClient, token: str
) -> None:
    headers = {"Content-Type": "text/turtle"}
    path, data = "/submissions?dry_run=1", town().content
    assert client.post(path, data=data, headers=headers).status_code == 401
    headers["Authorization"] = f"Bearer {token}"
    assert client.post(path, data=data, headers=headers).status_code == 200


def test_a_browser_sends_a_file_with_the_form(
    app: Flask, token: str, require: Callable[[str], None]
) -> None:
    require("chromium")
    assert importlib.util.find_spec("playwright"), "pip install playwright"
    from playwright.sync_api import FilePayload, sync_playwright

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(http_credentials={"username": "x", "password": token})
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.port}/submissions")
            file = FilePayload(name="town.ttl", mimeType="text/turtle", buffer=town().content)
            page.set_input_files("#file", [file])
            page.check("input[name=dry_run][value='0']")
            page.fill("#token", token)
            page.click("button")
            page.wait_for_selector("text=town.ttl")
            page.goto(f"http://127.0.0.1:{server.port}/submissions")
            assert page.locator("td", has_text="version 1").count() == 1
            browser.close()
    finally:
        server.shutdown()


def test_graphs_are_named_by_the_address_that_the_public_knows(tmp_path: Path) -> None:
    public = "https://data.example.org"
    settings = Settings.load({"data": tmp_path / "data", "public_url": public}, {})
    curator = Tokens(settings.data).create("cora", Role.CURATOR)
    client = create_app(MemoryStore(), settings).test_client()
    headers = {"Authorization": f"Bearer {curator}", "Content-Type": "text/turtle"}
    body = "<> <urn:p> <urn:o> ."
    assert client.put("/data/a b", data=body, headers=headers).status_code == 201
    named = f"{public}/data/a%20b"
    found = client.get("/data", query_string={"graph": named, "format": "nt"})
    assert found.text == f"<{named}> <urn:p> <urn:o> .\n"
    made = client.post("/data", data=body, headers=headers)
    assert made.headers["Location"].startswith(f"{public}/data/")
    path = made.headers["Location"].removeprefix(public)
    assert client.get(path, query_string={"format": "nt"}).status_code == 200
