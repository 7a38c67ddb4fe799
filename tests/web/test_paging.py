"""Parts of the rows of a question: together they are all, and links lead from one to the next."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.model.schemes import schemes

QUESTION = "/queries/initiatives-at-stage"
ROWS = QUESTION + ".csv"


def links(response: TestResponse) -> dict[str, str]:
    text = ", ".join(response.headers.getlist("Link"))
    return {name: address for address, name in re.findall(r'<([^>]+)>; rel="([\w-]+)"', text)}


def lines(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.text
    return response.text.splitlines()[1:]


def test_the_parts_are_together_all_rows_once_and_in_their_order(client: FlaskClient) -> None:
    whole = lines(client.get(ROWS))
    assert len(whole) > 3
    for size in (1, 2, len(whole) - 1, len(whole), len(whole) + 1):
        found, address = [], f"{ROWS}?limit={size}"
        while address:
            response = client.get(address)
            part = lines(response)
            assert 0 < len(part) <= size
            found += part
            address = links(response).get("next", "")
        assert found == whole


def test_links_are_there_only_where_they_are_true(client: FlaskClient) -> None:
    number = len(lines(client.get(ROWS)))

    def named(tail: str) -> set[str]:
        return set(links(client.get(ROWS + tail))) & {"first", "prev", "next", "last"}

    assert named("") == set()
    assert named("?limit=1") == {"first", "next"}
    assert named(f"?limit=1&offset={number - 1}") == {"first", "prev", "last"}
    assert named(f"?limit=1&offset={number}") == {"first"}
    assert named(f"?limit={number}") == {"first", "last"}
    assert named("?limit=1000000000&offset=1000000000") == {"first"}


def test_links_are_absolute_and_keep_what_else_was_asked(client: FlaskClient) -> None:
    stages = list(schemes()["stage"].concepts)
    asked = {"stage": stages, "limit": "1", "format": "json"}
    following = links(client.get(QUESTION, query_string=asked))["next"]
    address = urlsplit(following)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"http://localhost{QUESTION}"
    assert parse_qs(address.query) == {
        "stage": stages,
        "format": ["json"],
        "limit": ["1"],
        "offset": ["1"],
    }


def test_the_part_before_ends_where_this_one_begins(client: FlaskClient) -> None:
    whole = lines(client.get(ROWS))
    response = client.get(f"{ROWS}?limit=2&offset=1")
    assert lines(client.get(links(response)["prev"])) == whole[:1]


def test_the_page_leads_from_part_to_part(client: FlaskClient) -> None:
    first = client.get(f"{QUESTION}?limit=1&format=html").text
    assert "Rows 1 to 1" in first
    assert 'rel="next"' in first
    second = client.get(f"{QUESTION}?limit=1&offset=1&format=html").text
    assert "Rows 2 to 2" in second
    assert 'rel="prev"' in second
    assert 'class="pages"' not in client.get(f"{QUESTION}?format=html").text


@pytest.mark.parametrize(
    "tail", ["limit=0", "limit=-1", "limit=x", "limit=1e3", "offset=-1", "limit=99999999999"]
)
def test_a_part_that_is_none_is_refused_with_what_is_permitted(
    client: FlaskClient, tail: str
) -> None:
    response = client.get(f"{QUESTION}?{tail}")
    assert response.status_code == 400
    problem = response.get_json()
    assert problem["where"] == f"parameter {tail.partition('=')[0]}"
    assert "from" in problem["fix"]


@pytest.mark.parametrize("host", ['a"b', "<x>", "a b"])
def test_no_host_breaks_the_links(client: FlaskClient, host: str) -> None:
    response = client.get(f"{ROWS}?limit=1", environ_overrides={"HTTP_HOST": host})
    assert response.status_code < 500
    for address in links(response).values():
        assert not set(address) & set('"<> ')
