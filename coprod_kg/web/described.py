"""What a version says of itself in its graph ``catalogue``, as routes for portals read it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.formats.media_types import GRAPHS, HTML, Offer
from coprod_kg.formats.table import Cell
from coprod_kg.publishing.portal_documents import dataset_list
from coprod_kg.queries.question import Question, bytes_within
from coprod_kg.web.cache import LRUCache
from coprod_kg.web.protocol import Parameters, version
from coprod_kg.web.replies import Conditions, offers_among
from coprod_kg.web.site import Site

__all__ = ["Documents", "catalogue_offers", "conditions", "datasets", "lines", "rows"]

_LINES: Final = "application/n-triples"
_MOST_BYTES: Final = 64 << 20
_MOST_LISTS: Final = 4
_KEPT_BYTES: Final = 16 << 20
_LISTS: dict[tuple[str, int, tuple[str, ...]], tuple[tuple[str, str], ...]] = {}
"""Lineage, version, organisations left out → the datasets."""


class Documents:
    """Cache of RDF documents of the catalogue, the least recently used evicted first.

    A page of a hundred datasets takes the engine and the serialisation 0.4 s of a processor, and
    is too large for the cache of answers.
    """

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept = LRUCache[Hashable, bytes](_KEPT_BYTES)

    def get(self, site: Site, number: int, rest: Hashable, make: Callable[[], bytes]) -> bytes:
        """A document, made where it is not kept.

        Args:
            site: decides which data there is, and which of it is private now.
            number: the version that it describes.
            rest: everything else that it depends on.
            make: makes it.
        """
        key = site.lineage, number, site.private.organisations(), rest
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        made = make()
        if len(made) <= _KEPT_BYTES:
            self._kept.put(key, made, len(made))
        return made


def catalogue_offers(given: Parameters, suffix: str | None = None) -> tuple[Offer, ...]:
    """The formats that a client accepts for RDF that has a page too.

    Args:
        given: the parameters of the address.
        suffix: the format that its path names, where it does.

    Raises:
        NotFound: there is no such format.
    """
    formats = (*GRAPHS, HTML)
    if suffix is not None and suffix not in {form.name for form in formats}:
        raise NotFound(f"there is no format {suffix[:20]!r} of it")
    return offers_among(formats, suffix or given.one("format"))


def conditions(site: Site, given: Parameters, offers: tuple[Offer, ...]) -> Conditions:
    """What an answer depends on."""
    return Conditions(site.version(version(given)), site.is_pinned(given), offers)


def lines(site: Site, view: str, number: int, **values: tuple[str, ...]) -> bytes:
    """The answer of one of our own queries over a version's graph, as N-Triples.

    Raises:
        WrongUsage: it is larger than a document may be.
    """
    given = {"thing": (_graph(site),), **values}
    question = Question(site.endpoint, site.views[view], given, number)
    data = bytes_within(question.answer((_LINES,)), _MOST_BYTES)
    if data is None:
        raise WrongUsage("this is too much for one document", fix="Ask for a page: ?page=1")
    return data


def rows(site: Site, view: str, number: int) -> Sequence[Mapping[str, Cell]]:
    """The rows of such an answer."""
    found = site.about(view, _graph(site), number).table()
    return found.rows if found else ()


def datasets(site: Site, number: int) -> tuple[tuple[str, str], ...]:
    """Every dataset and when it was changed last, as everybody sees it who is answered here.

    Retention for a few versions: each page needs to know how many there are.
    """
    key = site.lineage, number, site.private.organisations()
    if key not in _LISTS:
        if len(_LISTS) >= _MOST_LISTS:
            _LISTS.clear()
        _LISTS[key] = dataset_list(lines(site, "view-datasets", number))
    return _LISTS[key]


def _graph(site: Site) -> str:
    return f"{site.settings.base_iri}graph/catalogue"
