"""Access log (one line of JSON for each request) and the counters that go with it.

Keep tokens, bodies and query strings out: logs are read by more people than may see those. Of a
query the SHA-256 is logged, or the text where the settings say so.
"""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Final

from coprod_kg.settings import Settings
from coprod_kg.web import metrics
from coprod_kg.web.request_log import RequestLog

__all__ = ["record"]

_ROUTES: Final = frozenset(
    {
        "catalogue",
        "data",
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


def record(exchange: RequestLog, settings: Settings) -> None:
    """Count a finished request and write its log line."""
    seconds = time.monotonic() - exchange.started
    first = exchange.path.split("/", 2)[1] if "/" in exchange.path else ""
    route = f"/{first}" if first in _ROUTES else "/" if first == "" else "other"
    method = exchange.method if exchange.method in _METHODS else "other"
    metrics.count(route, method, exchange.status, exchange.outcome)
    metrics.measure(route, seconds, exchange.sent)
    if exchange.status in _REFUSED:
        metrics.refuse(exchange.refused or exchange.outcome)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": exchange.method,
        "path": exchange.path[:300],
        "status": exchange.status,
        "seconds": round(seconds, 4),
        "bytes": exchange.sent,
        "outcome": exchange.outcome,
        **exchange.notes,
    }
    if settings.log_queries != "text":
        line.pop("query_text", None)
    sys.stderr.write(json.dumps(line, ensure_ascii=True) + "\n")
