"""Point lookups: short queries about one thing, answered in the process that is asked.

A query such as ``SELECT ?p ?o { <thing> ?p ?o }`` is so short that sending it to a query worker
costs more than its answer, and on a busy machine it waits there behind long ones. It is recognised
by its tokens, or as one of our own texts that read no more than what is near the thing, where there
are few statements; the engine answers it here over the same snapshot as a worker does. Every other
query is a worker's, and so is one whose answer grows too long while it is written.
"""

import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.errors import CoprodError
from coprod_kg.sparql.dataset import prologue_length
from coprod_kg.sparql.tokens import GAP, IRI, PNAME, PNAME_NS, VARIABLE, significant
from coprod_kg.store import merged
from coprod_kg.store.announcements import follow
from coprod_kg.store.base import NOTHING, Answer, Query
from coprod_kg.store.bounded_file import BoundedFile
from coprod_kg.store.formats import choose
from coprod_kg.store.views import Views

if TYPE_CHECKING:
    from coprod_kg.store.snapshots import Reader

    _Graph: TypeAlias = ox.DefaultGraph | ox.NamedNode

__all__ = ["PointLookups", "subject"]

_LONGEST: Final = 2048
"""Characters of a query that is looked at here."""
_LARGEST: Final = 1 << 16
"""Bytes of an answer that is written here: some 500 statements."""
_MOST: Final = 500
"""Statements near a thing up to which one of our own texts is answered here."""
_REMEMBERED: Final = 1024
"""Things of which it is known whether they are small: a document asks several times about one."""
_BEYOND_NEAR: Final = f"""
SELECT ?last {{
  {{ UNDEF ?property ?last }}
  UNION {{ ?last ?property UNDEF }}
  UNION {{ ?source ?referring UNDEF . ?source ?property ?last }}
}} OFFSET {_MOST} LIMIT 1
"""
"""A statement beyond so many near a thing: its own, those that refer to it, and those of what
refers to it; its name takes the place of UNDEF. The engine stops where it has found one, and counts
five times as fast as a loop here."""
_NAMED: Final = re.compile(r"<(?:https?://|urn:)[^<>\"{}|\\^`\x00-\x20]*>")
"""An absolute IRI, as it stands for the thing in one of our own texts."""
_ELSEWHERE: Final = re.compile(r"\\|service", re.IGNORECASE)
"""What could make the engine read a text otherwise than its tokens say."""
_TERM: Final = f"{IRI}|{PNAME}|{VARIABLE}"
_ALONE: Final = r"\b(?!:)"
"""After a word that is not the beginning of a prefixed name."""
_LOOKUP: Final = re.compile(
    rf"""{GAP}
    (?P<prefixes> (?: PREFIX{_ALONE}{GAP} {PNAME_NS}{GAP} {IRI}{GAP} )*+ )
    (?: ASK | SELECT{GAP} (?P<shown> \* | {VARIABLE} (?:\s++{VARIABLE})*+ ) ){GAP}
    (?: WHERE{GAP} )?+
    \{{{GAP}
    (?P<subject> {IRI}|{PNAME} ){GAP}
    (?P<property> {_TERM}|a{_ALONE} ){GAP}
    (?P<object> {_TERM} ){GAP}
    (?: \.{GAP} )?+
    \}}{GAP}
    (?: LIMIT{GAP} [0-9]++{GAP} )?+""",
    re.VERBOSE | re.IGNORECASE,
)
"""A point lookup, token by token; one pattern takes a fifth of the time of a loop over tokens."""
_DECLARED: Final = re.compile(rf"PREFIX{GAP}({PNAME_NS}){GAP}<([^>]*+)>{GAP}", re.IGNORECASE)
"""A prefix and its namespace in a prologue."""


@dataclass(slots=True)
class _Opened:
    """A version that is open here.

    Attributes:
        reader: holds its folder.
        store: the engine's; a query that uses it when the reader is closed keeps it to its end.
        compacted: whether it is the compacted copy, after which none comes.
        small: of things whether there is little near them: by IRI, and whether over the merge.
        long: texts whose answers are longer than what is written here.
    """

    reader: "Reader"
    store: ox.Store
    compacted: bool
    small: dict[tuple[str, bool], bool] = field(default_factory=dict)
    long: set[str] = field(default_factory=set)


class PointLookups:
    """The newest version, open in this process, and for a moment the one that is to follow it.

    Args:
        views: where versions are opened.
        base_iri: what relative IRIs are resolved against.
        near: our own queries that read at most two hops around one IRI, each as the text before
            that IRI and the text after it.
        announced: the socket on which the writer says which version comes next; None where
            each is opened when it is first asked for.
    """

    def __init__(
        self,
        views: Views,
        base_iri: str,
        near: Sequence[tuple[str, str]] = (),
        announced: Path | None = None,
    ) -> None:
        self._views = views
        self._base_iri = base_iri
        self._near = [(before, after, _is_bounded(before, after)) for before, after in near]
        self._announced = announced
        self._opened: dict[int, _Opened] = {}  # replaced as a whole, and read without a lock
        # One thread for all versions: each new one would allocate in an arena of its own.
        self._thread = ThreadPoolExecutor(1, "newest version")
        self._opening: Future[None] | None = None

    def answer(self, query: Query) -> "Answer | Future[None] | None":
        """The answer to a query; None where it is a worker's.

        What is answered here calls nothing and names no dataset, so it need not be admitted first.

        Returns:
            A future where the newest version is being opened: it can be asked again after that.
        """
        if query.hidden != NOTHING or query.calls or query.dataset_query is not None:
            return None
        if query.default_graphs or query.named_graphs:
            return None
        near, is_bounded = self._thing_near(query.text)
        thing = near or (subject(query.text) if len(query.text) <= _LONGEST else None)
        version = self._views.snapshots.current() if thing else None
        if thing is None or version is None or query.version not in (None, version):
            return None
        try:
            node = ox.NamedNode(thing)
        except ValueError:  # what is wrong with it is told as everywhere
            return None
        opened = self._opened.get(version)
        if opened is not None:
            self._open_compacted(opened)
            if query.text in opened.long:
                return None
            graph = merged.MERGED if query.union else merged.CLIENT_DEFAULT
            # What asks for one triple is read as it is written: its answer tells how much it is.
            if near is None or is_bounded or _is_small(opened, node, graph):
                return self._answer(opened, query, graph)
            return None
        if self._opening is None:
            self._follow()
        if self._opening is None or self._opening.done():
            self._opening = self._thread.submit(self._open, version)
        return self._opening

    def _open_compacted(self, opened: _Opened) -> None:
        """Have a version opened anew, beside the queries, where it was compacted since."""
        if opened.compacted:
            return
        is_opening = self._opening is not None and not self._opening.done()
        if not is_opening and self._views.snapshots.is_outdone(opened.reader):
            self._opening = self._thread.submit(self._open, opened.reader.version)

    def _thing_near(self, text: str) -> tuple[str | None, bool]:
        """The IRI of the thing in one of our own texts, and whether that bounds what it reads."""
        for before, after, is_bounded in self._near:
            if text.startswith(before) and text.endswith(after):
                named = text[len(before) : len(text) - len(after)]
                is_name = _NAMED.fullmatch(named) and "/." not in named
                return (named[1:-1], is_bounded) if is_name else (None, False)
        return None, False

    def _answer(self, opened: _Opened, query: Query, graph: "_Graph") -> Answer | None:
        try:
            results = opened.store.query(query.text, base_iri=self._base_iri, default_graph=graph)
            media_type, serialise = choose(results, query.media_types)
            written: Any = BoundedFile(_LARGEST)
            serialise(written)
        except OverflowError:
            if len(opened.long) >= _REMEMBERED:
                opened.long.clear()
            opened.long.add(query.text)
            return None
        # What is wrong is found again by a worker, and told as everywhere.
        except (CoprodError, SyntaxError, OSError, ValueError, RuntimeError):
            return None
        data: bytes = written.getvalue()
        return Answer(media_type, opened.reader.version, len(data), iter((data,)))

    def _follow(self) -> None:
        """Open from now on each version before it is the newest."""
        if self._announced is not None:
            following = (self._announced, self._open_soon)
            threading.Thread(target=follow, args=following, daemon=True, name="announced").start()

    def _open_soon(self, version: int) -> None:
        self._thread.submit(self._open, version).result()

    def _open(self, version: int) -> None:
        """Open a version and close those before it, but for the newest."""
        opened = self._opened.get(version)
        if opened is not None and not self._views.snapshots.is_outdone(opened.reader):
            return
        with suppress(CoprodError, OSError):  # the next query begins anew
            reader = self._views.open(version)
            newest = self._views.snapshots.current()
            before = self._opened
            kept = {number: one for number, one in before.items() if number >= newest}
            compacted = reader.path.parent == self._views.snapshots.compacted
            kept[version] = _Opened(reader, reader.store, compacted)
            self._opened = kept
            for number, one in before.items():
                if kept.get(number) is not one:
                    one.reader.close()


def _is_bounded(before: str, after: str) -> bool:
    """Whether a text reads no more than its answer tells, up to the most that is written here.

    An ASK ends at the first statement that it finds. A CONSTRUCT is read as it is written, unless
    something in it is sorted or counted first.
    """
    tokens = list(significant(f"{before}<urn:thing>{after}"))
    form = tokens[prologue_length(tokens)]
    gathers = any(token.is_word(word) for token in tokens for word in ("SELECT", "ORDER", "GROUP"))
    return form.is_word("ASK") or (form.is_word("CONSTRUCT") and not gathers)


def _is_small(opened: _Opened, thing: ox.NamedNode, graph: "_Graph") -> bool:
    """Whether there are few statements near a thing."""
    key = thing.value, graph == merged.MERGED
    small = opened.small.get(key)
    if small is None:
        if len(opened.small) >= _REMEMBERED:
            opened.small.clear()
        text = _BEYOND_NEAR.replace("UNDEF", str(thing))
        beyond: Any = opened.store.query(text, default_graph=graph)
        small = opened.small[key] = next(beyond, None) is None
    return small


def subject(text: str) -> str | None:
    """The IRI of the thing that a point lookup asks about; None of every other query.

    A point lookup is a SELECT of variables or an ASK whose pattern is one triple, with an IRI as
    its subject. Each triple that it reads is a row with something in it, so a long answer is known
    before much is read. An IRI that has to be resolved or holds escapes is left to a worker.

    >>> subject("PREFIX x: <urn:> SELECT ?p ?o WHERE { x:a ?p ?o . } LIMIT 5")
    'urn:a'
    >>> subject("SELECT * { <urn:a> ?p ?o . ?o ?q ?r }")
    >>> subject("SELECT * { <urn:a> ?p ?p }")
    """
    found = _LOOKUP.fullmatch(text)
    if found is None or _ELSEWHERE.search(text):
        return None
    thing, *ends = found.group("subject", "property", "object")
    variables = [end[1:] for end in ends if end[0] in "?$"]
    if len(set(variables)) < len(variables):  # triples whose ends differ are read and no row
        return None
    shown = found["shown"] or "*"
    if shown != "*" and {name[1:] for name in shown.split()}.isdisjoint(variables):
        return None  # rows without a value
    if thing[0] == "<":
        iri = thing[1:-1]
    else:
        prefix, colon, local = thing.partition(":")
        namespace = dict(_DECLARED.findall(found["prefixes"])).get(prefix + colon)
        iri = "" if namespace is None else namespace + local
    # Resolving takes dot segments away, and gives a relative one its base.
    absolute = iri.startswith(("http://", "https://", "urn:")) and "/." not in iri
    return iri if absolute else None
