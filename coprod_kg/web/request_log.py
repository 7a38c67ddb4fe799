"""What is known of one request, for the access log: keep tokens and bodies out of it."""

import time
from dataclasses import dataclass, field
from hashlib import sha256

from flask import Request

from coprod_kg.access import Grant
from coprod_kg.store.base import Cancellation
from coprod_kg.web.in_flight import QueryInFlight

__all__ = ["KEY", "RequestLog", "exchange"]

KEY = "coprod.exchange"
"""Where the WSGI environment holds it."""


@dataclass(slots=True, eq=False)
class RequestLog:
    """The log entry of one request, filled in while it is under way.

    Attributes:
        method: of the request.
        path: the address without its query string.
        client: the address of the client, or of the last proxy that is not trusted.
        asker: the client as the store knows it; it leaves when the client does.
        started: when the request came in, in seconds of the monotonic clock.
        status: of the response, 0 before there is one.
        sent: bytes of the body handed over to be sent.
        outcome: ``ok``, or in a word why not.
        refused: the setting whose limit refused it, if one did.
        guarded: whether what is seen here depends on the client's token.
        hidden: the organisations whose data the client does not see.
        unshared: whether no cache that serves others may keep the answer.
        grant: what the client's token is for, once it has been looked up; None without one.
        begun: the query that was sent to the store before the application was called.
        notes: fields that the routes add to the log: the version, the hash of the query.
    """

    method: str = ""
    path: str = ""
    client: str = ""
    asker: Cancellation = field(default_factory=Cancellation)
    started: float = field(default_factory=time.monotonic)
    status: int = 0
    sent: int = 0
    outcome: str = "ok"
    refused: str = ""
    guarded: bool = False
    hidden: tuple[str, ...] = ()
    unshared: bool = False
    grant: Grant | None = None
    notes: dict[str, str | int] = field(default_factory=dict)
    begun: QueryInFlight | None = None

    def note(self, text: str) -> None:
        """Note which query it is; of several the first."""
        self.notes.setdefault("query", sha256(text.encode()).hexdigest()[:16])
        self.notes.setdefault("query_text", text)

    def cached(self, word: str) -> None:
        """Note what the cache did: ``hit`` only where all that was asked was found there."""
        if self.notes.get("cache", "hit") == "hit":
            self.notes["cache"] = word


def exchange(request: Request) -> RequestLog:
    """The log entry of a request; a new one where no server put one into its environment."""
    found = request.environ.get(KEY)
    if found is None:
        found = request.environ[KEY] = RequestLog(request.method, request.path)
    if not isinstance(found, RequestLog):
        raise TypeError(f"{KEY} holds {type(found).__name__}")
    return found
