"""The application for a real server: granian runs ``tests.web.served:app`` in a test.

Its store is in memory, streams every answer, and can be told to fail midway: a query that holds
the comment ``# fails unsized`` or ``# fails sized`` ends after its first bytes.
"""

from collections.abc import Iterator
from pathlib import Path

from coprod_kg.errors import QueryTimeout
from coprod_kg.server.asgi import HttpServer
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

__all__ = ["app"]

DATA = b"<urn:a> <urn:p> " + b", ".join(b'"%06d"' % number for number in range(50_000)) + b" ."


class Failing(MemoryStore):
    """A store whose answers end midway where the query says so."""

    def query(self, query: Query) -> Answer:
        answer = super().query(query)
        if "# fails unsized" in query.text:
            return Answer(answer.media_type, answer.version, None, _cut(answer.chunks))
        if "# fails sized" in query.text:
            length = len(super().query(query).read())
            return Answer(answer.media_type, answer.version, length, _cut(answer.chunks))
        return answer


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(chunks)
    raise QueryTimeout("the query was stopped midway")


store = Failing(whole=0)
store.load("urn:g", DATA)
settings = Settings(body_mb=1, data=Path("nowhere"))
app = HttpServer(create_app(store, settings), settings)
