"""Proxy for the SERVICE calls of one query or update, under a deadline of their own.

The engine waits for an endpoint as long as the query may run, and a row that cannot be read ends
the query also under SILENT. So its calls come to a proxy of this process on the loopback
interface, which asks the endpoint, follows no redirect, reads the whole answer within its time,
and gives the engine an answer that is whole or the status 502.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from coprod_kg.errors import ServiceFailed

__all__ = ["Calls", "calling"]

Call: TypeAlias = tuple[str, str | None, bool]
"""The IRI in the text, the endpoint or None where it may not be called, whether it is SILENT."""


@dataclass(slots=True)
class Calls:
    """The calls of one text.

    Attributes:
        text: the text with the addresses of the proxy in place of the IRIs.
        failure: what the first call that failed and was not SILENT met.
        addresses: each IRI in the text, and the address in its place.
    """

    text: str
    failure: ServiceFailed | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)

    def addressed(self, text: str) -> str:
        """A text, or a part of one, with the addresses of the proxy in it."""
        for iri, address in self.addresses.items():
            text = text.replace(f"<{iri}>", f"<{address}>")
        return text


@contextmanager
def calling(text: str, calls: Sequence[Call], seconds: float) -> Iterator[Calls]:
    """Listen for the calls of a text while it is evaluated.

    Args:
        text: the admitted text.
        calls: what `coprod_kg.sparql.admission` found in it.
        seconds: how long an endpoint may take for one whole answer.
    """
    if not calls:
        yield Calls(text)
        return
    # An HTTP server and a client, which few processes of a store need.
    from coprod_kg.store.service_proxy import ServiceProxy

    made = Calls(text)

    def note(failure: ServiceFailed) -> None:
        if made.failure is None:
            made.failure = failure

    endpoints = [(endpoint, silent) for _, endpoint, silent in calls]
    with ServiceProxy(endpoints, seconds, note) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        made.addresses = {iri: proxy.address(number) for number, (iri, _, _) in enumerate(calls)}
        made.text = made.addressed(text)
        try:
            yield made
        finally:
            proxy.shutdown()
