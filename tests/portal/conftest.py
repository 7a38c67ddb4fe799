"""A service as a portal finds it: the model, three published cases, and what people name oddly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg import access
from coprod_kg.ingest.submit import Sender, submit
from coprod_kg.model.files import files
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.web import create_app
from tests.prepared import Prepared

BASE = "https://w3id.org/coprod/"
ODD = f"{BASE}id/initiative/fælles-æble%20projekt"
ROOT = "http://localhost/"
OFFICE = {
    "publisher": "The office for co-production",
    "publisher_url": "https://office.example.org/",
    "contact": "data@office.example.org",
    "theme": ("SOCI", "GOVE"),
}
CODER = Sender("coder", "The coder")
CASES = ("active-senior-foundation", "afrikaanderwijk-cooperatie", "asker-kommune")


def cases() -> list[Path]:
    """The files of the cases: each can be taken in without the others."""
    return [files("examples") / "cases" / f"{name}.ttl" for name in CASES]


class Whole(FlaskClient):
    """A client that takes each answer whole, so that it holds no place once it has it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


@dataclass(frozen=True, slots=True)
class Portal:
    """A service with its store."""

    store: LocalStore
    settings: Settings

    def client(self, **changed: Any) -> FlaskClient:
        """A client of the service, under other settings where some are given."""
        app = create_app(self.store, replace(self.settings, **changed))
        app.test_client_class = Whole
        return app.test_client()

    def column(self, text: str, hidden: tuple[str, ...] = ()) -> list[str]:
        """The first column of an answer."""
        data = access.hidden(hidden, self.settings.base_iri)
        query = Query(text, ("text/csv",), hidden=data)
        return self.store.query(query).read().decode().splitlines()[1:]


@contextmanager
def opened(data: Path, **changed: Any) -> Iterator[Portal]:
    """A service over a data directory."""
    small = {"data": data, "workers": 2, "long_queries": 0, "token_queries": 0}
    settings = Settings.load({**small, **OFFICE, **changed}, {})
    with serving(settings) as service:
        yield Portal(service.store, settings)


def fill(data: Path) -> None:
    """Make a data directory with the model and some published cases."""
    with opened(data) as portal:
        store, settings = portal.store, portal.settings
        publish_model(store, BASE, [files("queries") / "questions"], ROOT, settings)
        submit(cases(), store, settings, CODER)
        odd = f'<{ODD}> <http://www.w3.org/2000/01/rdf-schema#label> "Æble"@da .\n'
        store.commit(Change(replace={f"{BASE}graph/own": odd.encode()}))


@pytest.fixture
def cases_data(prepared: Prepared, tmp_path: Path) -> Path:
    """Give a data directory with the model and some published cases."""
    return prepared.copy("portal", fill, tmp_path / "data")


@pytest.fixture(scope="session")
def portal(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    data = prepared.copy("portal", fill, tmp_path_factory.mktemp("portal") / "data")
    with opened(data) as found:
        yield found
