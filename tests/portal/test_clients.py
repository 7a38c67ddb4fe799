"""Clients that nobody here wrote, each as it is, on a service that runs; and our own check."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from coprod_kg.client.fetching import constructor, fetcher
from coprod_kg.ingest.harvest_sources import CatalogueSource, DumpSource, EndpointSource
from coprod_kg.model.files import files
from coprod_kg.publishing.fetched import Fetched
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.publishing.portal_check import check_portal
from coprod_kg.settings import Settings
from coprod_kg.store.local import serving
from tests.portal.conftest import BASE, CASES, OFFICE, fill
from tests.prepared import Prepared
from tests.web.server import START_SECONDS, answers, free_port

CLIENTS = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def service(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give the settings of a whole service that runs."""
    data = prepared.copy("portal", fill, tmp_path_factory.mktemp("served") / "data")
    settings = Settings.load({"data": data, "web_workers": 1, **OFFICE}, {})
    settings = replace(settings, port=free_port())
    with serving(settings) as running:
        publish_model(
            running.store, BASE, [files("queries") / "questions"], settings.root, settings
        )
        running.supervisor.keep("web", "coprod_kg.server.listen", running.environ)
        deadline = time.monotonic() + START_SECONDS
        while not answers(settings.port):
            assert time.monotonic() < deadline, "the web processes did not start"
            time.sleep(0.05)
        yield settings


Environment = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def python(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Give a function that finds the Python of an environment: its lock, the variable naming it."""

    def found(name: str, variable: str) -> Path:
        if named := os.environ.get(variable):
            return Path(named)
        lock = checkout / "requirements" / f"{name}.lock"
        if os.environ.get("COPROD_REQUIRE_ALL") != "1":
            pytest.skip(f"needs {lock.name} in an environment whose Python {variable} names")
        home = tmp_path_factory.mktemp(name) / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        made = home / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--python", str(made)]
        install = ["install", "--no-deps", "--require-hashes", "-r", str(lock)]
        subprocess.run([*pip, *install], check=True)
        return made

    return found


def ran(python: Path, script: str, address: str) -> Any:
    """What a client prints."""
    done = subprocess.run(
        [python, CLIENTS / script, address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ckan_harvests_over_two_pages_and_again(service: Settings, python: Environment) -> None:
    ckan = python("ckan", "COPROD_CKAN")
    whole = ran(ckan, "harvest_catalogue.py", f"{service.root}catalogue")
    assert (whole["pages"], whole["format"]) == (1, "text/turtle")
    parts = ran(ckan, "harvest_catalogue.py", f"{service.root}catalogue?limit=4")
    assert parts["pages"] == 2
    found = [{dataset["title"]: dataset for dataset in one["datasets"]} for one in (whole, parts)]
    assert found[0].keys() == found[1].keys()
    assert len(whole["datasets"]) == 3 + len(CASES)
    for dataset in whole["datasets"]:
        extras = {extra["key"]: extra["value"] for extra in dataset["extras"]}
        assert extras["uri"].startswith(f"{BASE}dataset/")
        assert extras["publisher_name"] == OFFICE["publisher"]
        assert extras["access_rights"].endswith("/PUBLIC")
        assert "SOCI" in extras["theme"]
        assert dataset["notes"]
        for resource in dataset["resources"]:
            assert resource["url"].startswith(service.root)
            assert resource["license"]
            if "organisation" in resource["url"]:
                assert int(resource["size"]) > 0
                assert len(resource["hash"]) == 64


def test_extruct_and_signposting_find_their_way(service: Settings, python: Environment) -> None:
    address = f"{service.root}dataset/organisation-active-senior-foundation"
    clients = python("portal", "COPROD_PORTAL_CLIENTS")
    found = ran(clients, "read_page.py", address)
    assert found["data"][0]["@type"] == "Dataset"
    assert len(found["data"][0]["distribution"]) == 3
    links = found["links"]
    for way in ("http", "html", "linkset"):
        assert links[way]["cite-as"] == [f"{BASE}dataset/organisation-active-senior-foundation"]
        assert len(links[way]["item"]) == 3, way
        assert len(links[way]["describedby"]) == 4, way
        for rel in ("license", "author", "type"):
            assert links[way][rel], (way, rel)


def test_a_client_of_event_streams_replicates_what_changed(
    service: Settings, require: Callable[[str], None]
) -> None:
    require("ldes-client")
    command = [str(shutil.which("ldes-client")), f"{service.root}changes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stream = "https://www.w3.org/ns/activitystreams#"
    members = {
        str(quad.object)
        for quad in ox.parse(done.stdout, format=ox.RdfFormat.N_QUADS)
        if quad.predicate.value == f"{stream}object"
    }
    # the model, the cases, what people name oddly, and the catalogue under this address
    nodes = [fetcher(30)("GET", f"{service.root}changes/{number}", "*/*") for number in range(1, 5)]
    assert [node.status for node in nodes] == [200] * 4
    told = {
        str(quad.object)
        for node in nodes
        for quad in ox.parse(node.content, format=ox.RdfFormat.TURTLE)
        if quad.predicate.value == f"{stream}object"
    }
    assert members == told
    assert len(members) > 50


def test_a_browser_reads_what_a_dataset_page_tells(
    service: Settings, require: Callable[[str], None]
) -> None:
    require("chromium")
    from playwright.sync_api import sync_playwright

    address = f"{service.root}dataset/organisation-active-senior-foundation"
    wrong: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        told = page.evaluate(
            """() => JSON.parse(
                document.querySelector('script[type="application/ld+json"]').textContent)"""
        )
        # what a browser shows is what is told
        assert page.get_by_role("heading", level=1).inner_text() == told["name"]
        assert page.locator("link[rel=canonical]").get_attribute("href") == address
        shown = page.get_by_role("table").first.get_by_role("link")
        files = {link.get_attribute("href") for link in shown.all()}
        browser.close()
    assert files == {file["contentUrl"] for file in told["distribution"]}
    assert told["@type"] == "Dataset"
    assert wrong == []


def test_the_check_finds_nothing_wrong_with_a_service_that_says_who_it_is(
    service: Settings,
) -> None:
    found = check_portal(service.root, fetcher(30))
    assert found.defects == []
    assert len(found.records) == 3 + len(CASES)
    assert found.counts > 200
    assert found.files == 4 + 3 * len(CASES)
    assert {record.publisher for record in found.records} == {"The office for co-production"}


def test_the_check_tells_what_is_not_true(service: Settings) -> None:
    fetch = fetcher(30)

    def lying(method: str, address: str, accept: str) -> Fetched:
        """Another file than the catalogue tells, a link that leads nowhere, a number too high."""
        got = fetch(method, address, accept)
        if "/dump/" in address and address.endswith(".ttl"):
            return replace(got, content=got.content + b"\n")
        if "landing" in address or address.endswith("dataset/model"):
            return Fetched(404, "", {}, b"")
        if "COUNT%28%2A%29" in address and "GROUP" not in address:
            return replace(got, content=b"n\r\n1\r\n")
        return got

    told = [f"{defect.where} {defect.what}" for defect in check_portal(service.root, lying).defects]
    assert any("bytes, the catalogue says" in text for text in told)
    assert any("its SHA-256 is not the one" in text for text in told)
    assert any("dataset/model it answers with HTTP 404" in text for text in told)
    assert any("statements the statistics say" in text for text in told)


def test_each_face_hands_out_the_same_files(service: Settings) -> None:
    fetch, root = fetcher(30), service.root
    sources = (
        CatalogueSource(root, fetch),
        DumpSource(f"{root}dump/latest.nq.gz", fetch),
        DumpSource(f"{root}dump/latest.trig.gz", fetch),
        EndpointSource(f"{root}sparql", constructor(30)),
    )
    files = [[source.file(part).content for part in source.offered()] for source in sources]
    assert len(files[0]) == len(CASES)
    assert files == [files[0]] * len(sources)
    assert constructor(30)(f"{root}sparql", "CONSTRUCT {").status == 400
    assert (
        constructor(30)(
            f"http://127.0.0.1:{free_port()}/sparql", "CONSTRUCT WHERE { ?s ?p ?o }"
        ).status
        == 0
    )


def test_the_command_ends_with_1_where_something_is_missing(service: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coprod_kg.cli", "check-portal", service.root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no defects." in done.stdout
    nobody = [
        sys.executable,
        "-m",
        "coprod_kg.cli",
        "check-portal",
        f"http://127.0.0.1:{free_port()}",
    ]
    assert subprocess.run(nobody, capture_output=True, check=False).returncode == 3
