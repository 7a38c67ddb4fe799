"""Parser of RDF request bodies to N-Triples, in a child process under limits.

The bytes are not ours, so neither the writer nor a web process parses them. A link in them (a
remote JSON-LD context) is never followed.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pyoxigraph as ox

from coprod_kg.errors import (
    CoprodError,
    EngineFailed,
    LimitReached,
    StoreUnavailable,
    Unreadable,
    UnsupportedMedia,
)
from coprod_kg.sandbox import limits, wire
from coprod_kg.settings import Settings
from coprod_kg.store.formats import GRAPH_FORMATS
from coprod_kg.store.plain_text import check_plain

__all__ = ["RdfBody", "main", "read"]

_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RdfBody:
    """An RDF request body.

    Attributes:
        content: the bytes.
        media_type: what they are said to be.
        base_iri: what relative IRIs are resolved against.
    """

    content: bytes
    media_type: str
    base_iri: str


def read(body: RdfBody, settings: Settings) -> bytes:
    """The triples in a body, as N-Triples.

    Raises:
        UnsupportedMedia: it is in a format that is not read here.
        Unreadable: it is not what it is said to be; ``where`` names line and column.
        LimitReached: it met a limit while it was parsed.
    """
    if body.media_type not in GRAPH_FORMATS:
        raise UnsupportedMedia(
            f"a body of type {body.media_type[:80] or '(none)'} is not read here",
            where="header Content-Type",
            fix="Send one of " + ", ".join(GRAPH_FORMATS) + ".",
        )
    seconds, memory = settings.submission_seconds, settings.submission_memory_mb
    ended = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-m", "coprod_kg.store.rdf_intake", body.media_type, body.base_iri],
        env={**os.environ, **settings.environ()},
        input=body.content,
        capture_output=True,
        timeout=seconds + 60,
        check=False,
    )
    os.write(2, ended.stderr)
    if (panic := limits.panic_in(ended.stderr)) and ended.returncode:
        raise EngineFailed(f"the reader of {body.media_type} broke down over the body: {panic}")
    if ended.returncode in (limits.DEADLINE, *limits.OUT_OF_MEMORY, *limits.TOO_DEEP):
        raise LimitReached(
            f"the body cannot be read within {seconds:g} seconds and {memory} MiB",
            fix="Send less at once. The limits are the settings submission-seconds and "
            "submission-memory-mb.",
        )
    if ended.returncode:
        raise StoreUnavailable(f"reading the body ended with status {ended.returncode}")
    frames = wire.frames(ended.stdout)
    message = wire.message(next(frames))
    wire.raise_error(message)
    return next(frames)


def main() -> None:
    """Read the body on standard input; write its triples to standard output."""
    limits.no_core_files()
    settings = Settings.load()
    content, (media_type, base_iri) = sys.stdin.buffer.read(), sys.argv[1:3]
    try:
        with limits.limited(settings.submission_seconds, settings.submission_memory_mb):
            lines = _read(RdfBody(content, media_type, base_iri))
    except CoprodError as error:
        sys.stdout.buffer.write(wire.framed_message(wire.error_message(error)))
        return
    sys.stdout.buffer.write(wire.framed_message({}))
    sys.stdout.buffer.write(wire.framed(lines))


def _read(body: RdfBody) -> bytes:
    form = GRAPH_FORMATS[body.media_type]
    if form == ox.RdfFormat.RDF_XML and _DOCTYPE.search(body.content.replace(b"\0", b"")):
        raise Unreadable(
            "a DOCTYPE is refused: the entities it can define may grow without end",
            fix="Take it out and write the IRIs in full.",
        )
    try:
        parsed = ox.parse(body.content, form, base_iri=body.base_iri, rename_blank_nodes=True)
        quads = list(parsed)
    except SyntaxError as error:
        where = f"line {error.lineno}, column {error.offset}" if error.lineno else None
        raise Unreadable(f"the body is not {body.media_type}: {error.msg}", where=where) from None
    except (ValueError, OSError) as error:
        raise Unreadable(f"the body is not {body.media_type}: {error}") from None
    if any(isinstance(quad.graph_name, ox.NamedNode | ox.BlankNode) for quad in quads):
        raise Unreadable(
            "the body names graphs of its own", fix="Send each graph to its own address."
        )
    triples = dict.fromkeys(quad.triple for quad in quads)
    lines = b"".join(f"{triple} .\n".encode() for triple in triples)
    check_plain(lines)
    return lines


if __name__ == "__main__":
    main()
