"""The whole service for a test: writer, query workers, web processes, on a free port."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from coprod_kg.access import Role, Tokens
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.store.supervisor import Supervisor
from tests.web.server import START_SECONDS, answers, free_port

__all__ = ["Running", "running"]

GRAPH = "https://w3id.org/coprod/graph/organisation/test"


@dataclass(frozen=True, slots=True)
class Running:
    port: int
    store: LocalStore
    supervisor: Supervisor
    curator: str
    contributor: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, raw: str | bytes) -> socket.socket:
        """A connection on which a request was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(raw.encode() if isinstance(raw, str) else raw)
        return connection


@contextmanager
def running(data: Path, settings: Settings | None = None, things: int = 3000) -> Iterator[Running]:
    """The service over a graph of so many things."""
    settings = replace(settings or Settings(), data=data, port=free_port())
    tokens = Tokens(data)
    curator = tokens.create("curator", Role.CURATOR)
    contributor = tokens.create("contributor", Role.CONTRIBUTOR, "test")
    lines = (f'<urn:thing:{number}> <urn:p> "{number:06d}" .\n' for number in range(things))
    with serving(settings) as service:
        service.store.commit(Change(replace={GRAPH: "".join(lines).encode()}))
        service.supervisor.keep("web", "coprod_kg.server.listen", service.environ)
        deadline = time.monotonic() + START_SECONDS
        while not answers(settings.port):
            assert time.monotonic() < deadline, "the web processes did not start"
            time.sleep(0.05)
        yield Running(settings.port, service.store, service.supervisor, curator, contributor)
