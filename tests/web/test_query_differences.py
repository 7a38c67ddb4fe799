"""What a saved query answers otherwise in another version."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change
from coprod_kg.web import create_app

QUERY = """#+ summary: Which things have which number?
#+ description: One row for each thing.
#+ tags: test
#+ answers: CQ-01
#+ column thing: The thing.
#+ column count: Its number.
SELECT ?thing ?count WHERE { ?thing <urn:count> ?count }
ORDER BY ?thing
"""


def data(**counts: int) -> bytes:
    kind = "<http://www.w3.org/2001/XMLSchema#integer>"
    lines = [f'<urn:{name}> <urn:count> "{one}"^^{kind} .\n' for name, one in counts.items()]
    return "".join(lines).encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "numbers.rq").write_text(QUERY)
    settings = Settings(data=tmp_path_factory.mktemp("data") / "data", queries=folder)
    with local.connect(settings, create=True) as store:
        store.commit(Change(replace={"urn:g": data(a=1, b=2, c=3)}))
        store.commit(Change(replace={"urn:g": data(a=1, c=4, d=5)}))
        yield create_app(store, settings).test_client()


def test_rows_added_removed_and_changed_are_told_apart(client: FlaskClient) -> None:
    told = client.get("/queries/numbers/differences").get_json()
    assert told["to"] - told["from"] == 1
    assert told["key"] == ["thing"]
    assert [one["thing"]["value"] for one in told["added"]] == ["urn:d"]
    assert [one["thing"]["value"] for one in told["removed"]] == ["urn:b"]
    (changed,) = told["changed"]
    assert changed["key"]["thing"]["value"] == "urn:c"
    assert [changed["cells"]["count"][one]["value"] for one in ("from", "to")] == ["3", "4"]
    pinned = f"/queries/numbers/differences?from={told['from']}&to={told['to']}"
    assert "immutable" not in client.get(pinned).headers["Cache-Control"]
    lineage = client.application.config["SITE"].lineage
    fixed = client.get(f"{pinned}&lineage={lineage}")
    assert (fixed.get_json(), "immutable" in fixed.headers["Cache-Control"]) == (told, True)
    assert client.get(f"{pinned}&lineage=00000000").status_code == 404
    same = client.get(f"/queries/numbers/differences?from={told['to']}").get_json()
    assert (same["added"], same["removed"], same["changed"]) == ([], [], [])


def test_differences_are_a_table_too(client: FlaskClient) -> None:
    text = client.get("/queries/numbers/differences?format=csv").get_data(as_text=True)
    assert list(csv.reader(io.StringIO(text))) == [
        ["change", "thing", "column", "from", "to"],
        ["added", "urn:d", "count", "", "5"],
        ["removed", "urn:b", "count", "2", ""],
        ["changed", "urn:c", "count", "3", "4"],
    ]
    page = client.get("/queries/numbers/differences", headers={"Accept": "text/html"})
    assert "1 added, 1 removed, 1 changed" in page.get_data(as_text=True)


def test_wrong_versions_are_refused_in_words(client: FlaskClient) -> None:
    assert client.get("/queries/numbers/differences?from=x").status_code == 400
    later = client.get("/queries/numbers/differences?from=999")
    assert later.status_code == 404
    assert "there is no version 999 yet" in later.get_data(as_text=True)


LABELLED = """#+ summary: Which concept has which number?
#+ description: One row for each concept.
#+ tags: test
#+ answers: CQ-01
#+ key: concept
#+ column concept: The concept.
#+ label concept: Concept
#+ column conceptLabel: Its name.
#+ column count: Its number.
#+ label count: Number
SELECT ?concept ?conceptLabel ?count
WHERE { ?concept <urn:count> ?count ; <urn:label> ?conceptLabel }
ORDER BY ?concept
"""


def test_the_page_names_things_by_their_labels(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "concepts.rq").write_text(LABELLED)
    settings = Settings(data=tmp_path / "data", queries=tmp_path / "own")
    project = "https://w3id.org/coprod/vocab/stage/project"
    rows = '<{0}> <urn:label> "Project"@en .\n<{0}> <urn:count> {1} .\n<{0}> <urn:p> <urn:o> .\n'
    number = '"{}"^^<http://www.w3.org/2001/XMLSchema#integer>'
    with local.connect(settings, create=True) as store:
        for count in (1, 2):
            text = rows.format(project, number.format(count))
            store.commit(Change(replace={"urn:g": text.encode()}))
        client = create_app(store, settings).test_client()
        page = client.get("/queries/concepts/differences?format=html").text
    assert f'<a href="/vocab/stage/project" title="{project}">Project</a>' in page
    assert '<th scope="col">Concept</th>' in page
    assert f">{project}<" not in page
    told = re.findall(r"<td[^>]*><span>([^<]*)</span></td>", page)
    assert told == ["changed", "Number", "1", "2"]
