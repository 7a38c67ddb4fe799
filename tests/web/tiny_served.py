"""The application over the tiny world for a real server: ``tests.web.tiny_served:app``."""

import tempfile
from pathlib import Path

from coprod_kg.server.asgi import HttpServer
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from tests.web.conftest import tiny_world

__all__ = ["app"]

checkout = Path(__file__).parents[2]
data = Path(tempfile.mkdtemp(prefix="tiny-"))
settings = Settings(data=data, query_seconds=5)
app = HttpServer(create_app(tiny_world(checkout), settings), settings)
