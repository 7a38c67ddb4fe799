"""A client that speaks plain HTTP and nothing else, for cases that are written byte by byte.

It adds no header of its own beside ``Host``, ``Content-Length`` and the token.
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from coprod_kg.settings import Settings
from tests.web.service import Running

__all__ = ["FORM", "QUERY", "STRICT", "TURTLE", "UPDATE", "Reply", "Speaker", "address", "form"]

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
TURTLE = "text/turtle"
STRICT = Settings(default_graph="strict", web_workers=1, workers=2, data=Path("nowhere"))
"""A service without union of graphs: the dataset is what the specifications say it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the whole of it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def kind(self) -> str:
        """The media type, without its parameters."""
        return str(self.headers.get_content_type())


@dataclass(frozen=True, slots=True)
class Speaker:
    """One who speaks to a running service, as a curator."""

    service: Running

    def say(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        connection.putrequest(method, target, skip_accept_encoding=True)
        data = body.encode() if isinstance(body, str) else body
        sent = {"Authorization": f"Bearer {self.service.curator}", **(headers or {})}
        if data is not None:
            sent["Content-Length"] = str(len(data))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        reply = Reply(response.status, response.headers, response.read())
        connection.close()
        return reply

    def query(self, text: str, accept: str, **parameters: str) -> Reply:
        """Ask by GET."""
        return self.say("GET", address(query=text, **parameters), headers={"Accept": accept})

    def update(self, text: str) -> Reply:
        """Change by a direct POST."""
        return self.say("POST", "/sparql", text, {"Content-Type": UPDATE})

    def reset(self, text: str = "", prologue: str = "") -> None:
        """Remove everything, and put in what an update says."""
        reply = self.update(f"{prologue} DROP ALL; {text}")
        assert reply.status == 204, reply.body


def address(path: str = "/sparql", **parameters: str) -> str:
    """An address with parameters; their names are written with hyphens."""
    pairs = [(name.replace("_", "-"), value) for name, value in parameters.items()]
    return f"{path}?{urlencode(pairs, quote_via=quote)}"


def form(*pairs: tuple[str, str]) -> str:
    """A form, or the parameters of an address, in their order."""
    return urlencode(pairs)
