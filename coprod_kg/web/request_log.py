"""What is known of one request, its line of JSON in the access log, and what it counts for.

Keep tokens, bodies and query strings out: logs are read by more people than may see those. Of a
query the SHA-256 is logged, or the text where the settings say so.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from flask import Request

from coprod_kg.access import Grant
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Cancellation, Query, RestrictedStore
from coprod_kg.store.worker_client import PendingQuery, WorkerLost
from coprod_kg.web import metrics
from coprod_kg.web.client_slots import Slot

__all__ = ["KEY", "QueryInFlight", "RequestLog", "record", "request_log"]

KEY = "coprod.request_log"
"""Where the WSGI environment holds the request's log entry."""
_ROUTES: Final = frozenset(
    {
        "catalogue",
        "changes",
        "data",
        "dataset",
        "doc",
        "docs",
        "dump",
        "healthz",
        "id",
        "metrics",
        "ontology",
        "page",
        "queries",
    }
    | {"readyz", "shapes", "sparql", "static", "submissions", "versions", "vocab"}
)
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

_REFUSED: Final = frozenset({401, 403, 408, 413, 429, 503, 507})
"""Statuses of requests that may succeed later, or with another token: counted as refusals."""


@dataclass(frozen=True, slots=True)
class QueryInFlight(RestrictedStore):
    """A store with a query that `coprod_kg.server.fast_lookup` sent and the application waits for.

    Attributes:
        sent_query: the query.
        pending_query: the same in its worker.
        slot: the client's slot.
    """

    sent_query: Query
    pending_query: PendingQuery
    slot: Slot

    def query(self, query: Query) -> Answer:
        """The answer to the query in progress; any other query goes to the store as usual."""
        if query == self.sent_query:
            try:
                return self.pending_query.answer()
            except WorkerLost:
                return self.store.query(query)
        self.pending_query.close()
        return self.store.query(query)

    def close(self) -> None:
        """Stop the query, and give the slot back."""
        self.pending_query.close()
        self.slot.give_back()


@dataclass(slots=True, eq=False)
class RequestLog:
    """The log entry of one request, filled in while it is under way.

    Attributes:
        method: of the request.
        path: the address without its query string.
        client: the address of the client, or of the last proxy that is not trusted.
        cancellation: the client as the store knows it; it leaves when the client does.
        started: when the request came in, in seconds of the monotonic clock.
        status: of the response, 0 before there is one.
        sent: bytes of the body handed over to be sent.
        outcome: ``ok``, or in a word why not.
        refused: the setting whose limit refused it, if one did.
        guarded: whether what is seen here depends on the client's token.
        hidden: the organisations whose data the client does not see.
        unshared: whether no cache that serves others may keep the answer.
        grant: what the client's token is for, once it has been looked up; None without one.
        pending: the query that was sent to the store before the application was called.
        in_loop: whether the application is called in the event loop, where nothing is waited for.
        needs_thread: whether it met something there that has to be waited for.
        notes: fields that the routes add to the log: the version, the hash of the query.
    """

    method: str = ""
    path: str = ""
    client: str = ""
    cancellation: Cancellation = field(default_factory=Cancellation)
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
    pending: QueryInFlight | None = None
    in_loop: bool = False
    needs_thread: bool = False

    def note(self, text: str) -> None:
        """Note which query it is; of several the first."""
        self.notes.setdefault("query", sha256(text.encode()).hexdigest()[:16])
        self.notes.setdefault("query_text", text)

    def cached(self, word: str) -> None:
        """Note what the cache did: ``hit`` only where all that was asked was found there."""
        if self.notes.get("cache", "hit") == "hit":
            self.notes["cache"] = word


def request_log(request: Request) -> RequestLog:
    """The log entry of a request; a new one where no server put one into its environment."""
    found = request.environ.get(KEY)
    if found is None:
        found = request.environ[KEY] = RequestLog(request.method, request.path)
    if not isinstance(found, RequestLog):
        raise TypeError(f"{KEY} holds {type(found).__name__}")
    return found


def record(log: RequestLog, settings: Settings) -> None:
    """Count a finished request and write its log line."""
    seconds = time.monotonic() - log.started
    first = log.path.split("/", 2)[1] if "/" in log.path else ""
    route = f"/{first}" if first in _ROUTES else "/" if first == "" else "other"
    method = log.method if log.method in _METHODS else "other"
    metrics.count(route, method, log.status, log.outcome)
    metrics.measure(route, seconds, log.sent)
    if log.status in _REFUSED:
        metrics.refuse(log.refused or log.outcome)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": log.method,
        "path": log.path[:300],
        "status": log.status,
        "seconds": round(seconds, 4),
        "bytes": log.sent,
        "outcome": log.outcome,
        **log.notes,
    }
    if settings.log_queries != "text":
        line.pop("query_text", None)
    sys.stderr.write(json.dumps(line, ensure_ascii=True) + "\n")
