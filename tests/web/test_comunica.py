"""Comunica as a client: it reads what the service says of itself before it asks anything."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rdflib

from tests.web.service import running
from tests.web.speaking import STRICT, TURTLE, Speaker

DATA = """
@prefix : <urn:> .
:a :p "one", "zwei"@de, 3, 4.5, <http://example.org/ü> ; :q :b .
:b :p "two words" .
"""
Ask = Callable[..., str]


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    with running(tmp_path_factory.mktemp("comunica") / "data", STRICT, things=1) as service:
        found = Speaker(service)
        assert found.say("PUT", "/data?default", DATA, {"Content-Type": TURTLE}).status == 204
        yield found


@pytest.fixture
def ask(speaker: Speaker, require: Callable[[str], None]) -> Ask:
    require("comunica-sparql")
    command = str(shutil.which("comunica-sparql"))

    def run(query: str, form: str) -> str:
        endpoint = f"{speaker.service.url}/sparql"
        arguments = [command, endpoint, "-q", query, "-t", form]
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

    return run


def rows(answer: str | bytes) -> list[Any]:
    """The rows in one order, without language tags, which Comunica's JSON leaves out."""
    found = json.loads(answer)["results"]["bindings"]
    for row in found:
        for term in row.values():
            term.pop("xml:lang", None)
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?s ?o { ?s <urn:p> ?o }",
        "SELECT ?s ?o { ?s <urn:q>/<urn:p> ?o }",
        "SELECT ?s (COUNT(*) AS ?n) { ?s <urn:p> ?o } GROUP BY ?s",
        "SELECT ?s ?o { ?s <urn:p> ?o FILTER(isNumeric(?o)) }",
        "SELECT ?s ?b { ?s <urn:p> ?o OPTIONAL { ?s <urn:q> ?b } }",
    ],
)
def test_comunica_finds_the_rows_that_we_give(speaker: Speaker, ask: Ask, query: str) -> None:
    kind = "application/sparql-results+json"
    assert rows(ask(query, kind)) == rows(speaker.query(query, kind).body)


def test_comunica_reads_a_boolean_and_statements(ask: Ask) -> None:
    assert ask("ASK { <urn:a> <urn:q> <urn:b> }", "simple").strip() == "true"
    found = rdflib.Graph().parse(data=ask("CONSTRUCT WHERE { ?s <urn:p> ?o }", TURTLE))
    assert len(found) == 6
    assert rdflib.Literal("zwei", lang="de") in set(found.objects())


def test_comunica_takes_the_service_for_a_sparql_endpoint(ask: Ask) -> None:
    answer = json.loads(ask("SELECT * { ?s ?p ?o }", "application/sparql-results+json"))
    assert answer["metadata"]["httpRequests"] == 2  # the description, then the query as a whole
