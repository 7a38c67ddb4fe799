"""The saved queries by name, as one request sees them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from flask import g, has_request_context, request

from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.store.base import Store
from coprod_kg.web.protocol import parameters, version

__all__ = ["SavedQuestions"]


class SavedQuestions(Mapping[str, SavedQuery]):
    """The saved queries by name, as one request sees them; those in files come first.

    Those that were submitted are data: a request that names a version of the dataset sees them as
    they were in it, and those that are newer than it as they are now.

    Attributes:
        fixed: those in files.
        collection: those submitted, of each version.
    """

    def __init__(
        self, fixed: Mapping[str, SavedQuery], collection: Collection, store: Store
    ) -> None:
        """Nothing is read before it is needed."""
        self.fixed = fixed
        self.collection = collection
        self._store = store

    def __getitem__(self, name: str) -> SavedQuery:
        return self.fixed[name] if name in self.fixed else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def newest(self) -> tuple[int, Mapping[str, SavedQuery]]:
        """The newest version of the dataset, and the questions submitted that are in it."""
        number = self._store.version()
        return number, self.collection.at_version(number)

    def mark(self) -> tuple[object, ...]:
        """A mark that changes when a question is submitted, replaced or removed."""
        own = (query for query in self.values() if query.name not in self.fixed)
        return tuple((query.name, query.text, query.submitted) for query in own)

    def _all(self) -> Mapping[str, SavedQuery]:
        """All of them; outside of a request those in files."""
        if not has_request_context():
            return self.fixed
        found: Mapping[str, SavedQuery] | None = g.get("questions")
        if found is None:
            given = parameters(request)
            number, lineage = version(given), given.one("lineage")
            if lineage and number is not None:
                self._store.identity().check(lineage, [number])
            submitted = self.collection.visible(number)
            found = MappingProxyType({**submitted, **self.fixed})
            g.questions = found
        return found
