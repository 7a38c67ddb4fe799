"""The charts and workbooks of the saved queries over HTTP, and the chart on a page in a browser."""

import importlib.util
import shutil
import threading
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.serving import make_server

ASKED = "/queries/initiatives-by-stage"


@pytest.mark.parametrize(
    ("form", "media_type", "start"),
    [
        ("svg", "image/svg+xml", b"<svg"),
        ("png", "image/png", b"\x89PNG"),
        ("vega", "application/vnd.vegalite.v5+json", b"{"),
    ],
)
def test_a_chart_comes_by_suffix_by_name_and_by_accept(
    client: FlaskClient, form: str, media_type: str, start: bytes
) -> None:
    by_suffix = client.get(f"{ASKED}.{form}")
    by_name = client.get(f"{ASKED}?format={form}")
    by_accept = client.get(ASKED, headers={"Accept": media_type})
    assert by_suffix.status_code == by_name.status_code == by_accept.status_code == 200
    assert by_suffix.content_type == media_type
    assert by_suffix.data.startswith(start)
    assert by_suffix.data == by_name.data == by_accept.data


def test_a_workbook_holds_the_rows_and_says_what_was_asked(client: FlaskClient) -> None:
    response = client.get("/queries/stages-by-sector.xlsx?sector=health")
    assert "attachment" in response.headers["Content-Disposition"]
    sheet = load_workbook(BytesIO(response.data))["About"]
    about = {row[0].value: row[1].value for row in sheet.iter_rows()}
    assert about["Parameter sector"] == "health"
    assert about["Dataset version"] == response.headers["Dataset-Version"]


def test_csv_for_excel_begins_with_the_mark_of_utf_8(client: FlaskClient) -> None:
    address = "/queries/initiatives-at-stage"
    response = client.get(f"{address}.excel.csv?stage=pilot-project")
    assert response.content_type == "text/csv;bom=yes; charset=utf-8"
    assert "initiatives-at-stage.excel.csv" in response.headers["Content-Disposition"]
    assert response.data.startswith(b"\xef\xbb\xbfinitiative")
    plain = client.get(f"{address}.csv?stage=pilot-project")
    rows, note = response.data.removeprefix(b"\xef\xbb\xbf").split(b"\r\n\r\n")
    assert rows + b"\r\n" == plain.data
    assert note.startswith(b'"Secondary coding from public sources')
    assert client.get(f"{address}?stage=pilot-project&format=excel.csv").data == response.data
    by_accept = client.get(f"{address}?stage=pilot-project", headers={"Accept": "text/csv"})
    assert by_accept.data == plain.data
    page = client.get(address, headers={"Accept": "text/html"})
    assert "CSV for Excel" in page.get_data(as_text=True)


def test_a_chart_that_the_client_has_is_not_drawn_again(client: FlaskClient) -> None:
    tag = client.get(f"{ASKED}.svg").headers["ETag"]
    assert client.get(f"{ASKED}.svg", headers={"If-None-Match": tag}).status_code == 304


def test_a_question_without_a_chart_says_so(client: FlaskClient) -> None:
    named = client.get("/queries/connectors.svg")
    assert named.status_code == 404
    assert "has no chart" in named.get_data(as_text=True)
    accepted = client.get("/queries/connectors", headers={"Accept": "image/png"})
    assert accepted.status_code == 406


def test_a_wildcard_is_still_answered_with_data(client: FlaskClient) -> None:
    assert client.get(ASKED).content_type == "application/sparql-results+json"


def test_a_browser_shows_the_chart_with_words_for_who_cannot_see_it(
    app: Flask, require: Callable[[str], None]
) -> None:
    require("chromium")
    assert importlib.util.find_spec("playwright"), "pip install playwright"
    from playwright.sync_api import sync_playwright

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.port}{ASKED}", wait_until="networkidle")
            picture = page.locator("figure.chart img")
            assert picture.evaluate("one => one.complete && one.naturalWidth") > 300
            alt = picture.get_attribute("alt") or ""
            assert "How many initiatives sit at each stage now?" in alt
            place, table = picture.bounding_box(), page.locator("table.answer").bounding_box()
            assert place
            assert table
            assert place["y"] + place["height"] < table["y"]
            assert page.get_by_role("link", name="SVG", exact=True).count() == 1
            page.goto(f"http://127.0.0.1:{server.port}{ASKED}.svg")
            lefts = page.evaluate(
                "[...document.querySelectorAll('text')]"
                ".map(text => text.getBoundingClientRect().left)"
            )
            assert min(lefts) > 0, "a text begins before the picture does"
            browser.close()
    finally:
        server.shutdown()
