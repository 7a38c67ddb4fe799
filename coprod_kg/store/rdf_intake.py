"""Parser of RDF request bodies to N-Triples, in a child process under limits.

The bytes are not ours, so neither the writer nor a web process parses them. A link in them (a
remote JSON-LD context) is never followed.
"""

import os
import re
import sys
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from coprod_kg.errors import (
    EngineFailed,
    LimitReached,
    StoreUnavailable,
    Unreadable,
    UnsupportedMedia,
)
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import Payloads, PreloadedModule, run, serve
from coprod_kg.sandbox.limits import Death, limited
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
    told: dict[str, Any] = {"media_type": body.media_type, "base_iri": body.base_iri}
    told = {**told, "seconds": seconds, "memory_mb": memory}
    ended = run(
        PreloadedModule("coprod_kg.store.rdf_intake"),
        lambda file: wire.write(file, told, [body.content]),
        seconds=seconds + 60,
    )
    os.write(2, ended.stderr)
    match ended.death:
        case None:
            answer = ended.answer(sys.maxsize)
            if answer is not None:
                return answer[1][0]
        case Death.DEADLINE | Death.MEMORY | Death.DEPTH if not ended.panic:
            raise LimitReached(
                f"the body cannot be read within {seconds:g} seconds and {memory} MiB",
                fix="Send less at once. The limits are the settings submission-seconds and "
                "submission-memory-mb.",
            )
        case _ if ended.panic:
            raise EngineFailed(
                f"the reader of {body.media_type} broke down over the body: {ended.panic}"
            )
    raise StoreUnavailable(f"reading the body ended with status {ended.status}")


def main() -> None:
    """Read the body on standard input; write its triples to standard output."""
    serve(_work)


def _work(told: dict[str, Any], payloads: list[bytes]) -> Payloads:
    body = RdfBody(payloads[0], told["media_type"], told["base_iri"])
    with limited(told["seconds"], told["memory_mb"]):
        return {}, [_read(body)]


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
