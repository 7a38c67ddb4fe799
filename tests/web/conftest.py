"""The application over the tiny world, in memory."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"


def tiny_world(checkout: Path, whole: int = 1_000_000) -> MemoryStore:
    store = MemoryStore(whole=whole)
    for path in sorted((checkout / "ontology").rglob("*.ttl")):
        store.load(f"{BASE}graph/ontology", path.read_bytes())
    tiny = (checkout / "tests" / "tiny.ttl").read_bytes()
    store.load(f"{BASE}graph/organisation/tiny", tiny)
    return store


@pytest.fixture(scope="session")
def world(checkout: Path) -> MemoryStore:
    return tiny_world(checkout)


class Whole(FlaskClient):
    """A client that takes each answer whole, so that it holds no place once it has it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


@pytest.fixture(scope="session")
def app(world: MemoryStore) -> Flask:
    app = create_app(world, Settings())
    app.test_client_class = Whole
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
