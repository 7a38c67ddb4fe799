"""The guides are pages of the service, and so are the files that operators are handed."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

TOP = Path(__file__).parents[2]
NAMES = sorted(
    [
        *(page.stem for page in (TOP / "docs").glob("*.md")),
        "codebook",
        "examples",
        "sampling-frame",
        "stories",
    ]
)


@pytest.mark.parametrize("name", NAMES)
def test_each_guide_is_a_page_whose_links_lead_somewhere(client: FlaskClient, name: str) -> None:
    response = client.get(f"/docs/{name}")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    page = response.get_data(as_text=True)
    guide = page.partition('<article class="guide">')[2].partition("</article>")[0]
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", guide)
    assert heading
    for href in re.findall(r'href="([^"]*)"', guide):
        assert href.startswith(("http://", "https://", "/docs/", "#")), href
        assert not href.startswith("#") or f'id="{href[1:]}"' in guide, href
        if href.startswith("/docs/"):
            led = client.get(href.partition("#")[0])
            assert led.status_code == 200, href
            assert f'id="{href.partition("#")[2]}"' in led.get_data(as_text=True) or "#" not in href
    assert (
        client.get(f"/docs/{name}", headers={"If-None-Match": response.headers["ETag"]}).status_code
        == 304
    )


def test_the_front_page_leads_to_the_page_of_operators(client: FlaskClient) -> None:
    front = client.get("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert 'href="/docs/operator"' in front.partition("<footer")[2]


def test_every_guide_is_listed_beside_the_interface(client: FlaskClient) -> None:
    listed = client.get("/docs").get_data(as_text=True)
    assert [name for name in NAMES if f'href="/docs/{name}"' not in listed] == []


@pytest.mark.parametrize("file", sorted((TOP / "deploy").iterdir()), ids=lambda file: file.name)
def test_the_files_for_operators_can_be_fetched(client: FlaskClient, file: Path) -> None:
    response = client.get(f"/docs/deploy/{file.name}")
    assert (response.status_code, response.mimetype) == (200, "text/plain")
    assert response.get_data() == file.read_bytes()


@pytest.mark.parametrize("name", ["none", "..%2Fpyproject", "generate.py", "deploy/..", "deploy/x"])
def test_nothing_else_is_served_as_a_guide(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404
