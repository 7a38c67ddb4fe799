"""A store that has one query already in progress, sent by `coprod_kg.server.fast_lookup`."""

from dataclasses import dataclass

from coprod_kg.store.base import Answer, Query, RestrictedStore
from coprod_kg.store.worker_client import PendingQuery, WorkerLost
from coprod_kg.web.client_slots import Slot, give_back

__all__ = ["QueryInFlight"]


@dataclass(frozen=True, slots=True)
class QueryInFlight(RestrictedStore):
    """A store with a query that the event loop sent to a worker and the application waits for.

    Attributes:
        asked: the query.
        asking: the query in its worker.
        slot: the client's slot.
    """

    asked: Query
    asking: PendingQuery
    slot: Slot

    def query(self, query: Query) -> Answer:
        """The answer to the query in progress; any other query goes to the store as usual."""
        if query == self.asked:
            try:
                return self.asking.answer()
            except WorkerLost:
                return self.store.query(query)
        self.asking.close()
        return self.store.query(query)

    def close(self) -> None:
        """Stop the query, and give the slot back."""
        self.asking.close()
        give_back(self.slot)
