"""A query that is under way before the application is called; it never asks one by itself."""

from dataclasses import dataclass

from coprod_kg.store.base import Answer, Query, RestrictedStore
from coprod_kg.store.worker_client import PendingQuery, WorkerLost
from coprod_kg.web.client_slots import Slot, give_back

__all__ = ["QueryInFlight"]


@dataclass(frozen=True, slots=True)
class QueryInFlight(RestrictedStore):
    """A store that has a query already, sent on the short road, for the application to go on with.

    Attributes:
        asked: the query.
        asking: its way through a worker.
        slot: the slot of whoever asks.
    """

    asked: Query
    asking: PendingQuery
    slot: Slot

    def query(self, query: Query) -> Answer:
        """The answer to that query from where it is now, or to another one from the store."""
        if query == self.asked:
            try:
                return self.asking.answer()
            except WorkerLost:
                return self.store.query(query)
        self.asking.close()
        return self.store.query(query)

    def close(self) -> None:
        """Have the query stopped, and give the slot back."""
        self.asking.close()
        give_back(self.slot)
