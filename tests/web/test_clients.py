"""Clients nobody here wrote: they are the judges of how the protocols are spoken."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import (
    CSV,
    GET,
    JSON,
    JSONLD,
    POST,
    POSTDIRECTLY,
    RDFXML,
    TURTLE,
    URLENCODED,
    XML,
    SPARQLWrapper,
)
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from tests.web.server import granian

SELECT = 'SELECT ?o { ?s ?p ?o FILTER(?o IN ("000007", "000008")) } ORDER BY ?o'
CONSTRUCT = 'CONSTRUCT { ?s ?p "000007" } WHERE { ?s ?p "000007" }'


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with granian("tests.web.served:app", tmp_path_factory.mktemp("clients")) as (port, _):
        yield f"http://127.0.0.1:{port}/sparql"


def wrapper(endpoint: str, query: str, form: str) -> Any:
    """A client; what it converts answers to is typed as anything."""
    client = SPARQLWrapper(endpoint)
    client.setQuery(query)
    client.setReturnFormat(form)
    return client


@pytest.mark.parametrize(
    ("method", "how"), [(GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)]
)
def test_sparqlwrapper_asks_in_every_way(endpoint: str, method: str, how: str) -> None:
    client = wrapper(endpoint, SELECT, JSON)
    client.setMethod(method)
    client.setRequestMethod(how)
    rows = client.queryAndConvert()["results"]["bindings"]
    assert [row["o"]["value"] for row in rows] == ["000007", "000008"]


def test_sparqlwrapper_reads_every_table_format(endpoint: str) -> None:
    document = wrapper(endpoint, SELECT, XML).queryAndConvert()
    assert len(document.getElementsByTagName("result")) == 2
    assert wrapper(endpoint, SELECT, CSV).queryAndConvert() == b"o\r\n000007\r\n000008\r\n"


# rdflib's own JSON-LD parser uses a class that rdflib deprecates.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
@pytest.mark.parametrize(
    ("form", "name"), [(RDFXML, "xml"), (JSONLD, "json-ld"), (TURTLE, "turtle")]
)
def test_sparqlwrapper_reads_triples(endpoint: str, form: str, name: str) -> None:
    data = wrapper(endpoint, CONSTRUCT, form).query().response.read()
    graph = rdflib.Graph().parse(data=data, format=name)
    assert [str(value) for value in graph.objects()] == ["000007"]


def test_sparqlwrapper_is_told_that_a_query_is_malformed(endpoint: str) -> None:
    with pytest.raises(QueryBadFormed):
        wrapper(endpoint, "SELECT ?x", JSON).query()


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_treats_the_endpoint_as_a_graph(endpoint: str, method: str) -> None:
    graph = rdflib.Graph(SPARQLStore(endpoint, method=method))
    rows: Any = graph.query(SELECT)
    assert [str(row[0]) for row in rows] == ["000007", "000008"]
    assert (None, None, rdflib.Literal("000007")) in graph


def test_urllib_without_any_header_gets_json(endpoint: str) -> None:
    with urllib.request.urlopen(f"{endpoint}?query=ASK%7B%7D") as response:
        assert json.load(response)["boolean"] is True


def test_curl_gets_json_a_download_and_a_problem(
    endpoint: str, require: Callable[[str], None]
) -> None:
    require("curl")
    curl = str(shutil.which("curl"))

    def run(*arguments: str) -> str:
        command = [curl, "--silent", "--show-error", endpoint, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert json.loads(run("--data-urlencode", f"query={SELECT}"))["head"]["vars"] == ["o"]
    accept = ("--header", "Accept: text/csv")
    assert run("--get", "--data-urlencode", f"query={SELECT}", *accept).startswith("o\n")
    assert json.loads(run("--get", "--data-urlencode", "query=SELEC"))["status"] == 400
