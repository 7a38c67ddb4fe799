"""The application over the tiny world, in memory."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

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


@pytest.fixture(scope="session")
def app(world: MemoryStore) -> Flask:
    return create_app(world, Settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
