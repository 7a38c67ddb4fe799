"""Migration of one organisation's statements to the installed version of the ontology.

Each version that interprets old data differently has a folder in ``ontology/migrations``: a query
that reports and an update that writes.
"""

import pyoxigraph as ox

from coprod_kg.model.files import files

__all__ = ["migrated"]


def migrated(data: bytes) -> tuple[list[tuple[str, str]], bytes | None]:
    """The differences in meaning under the installed version, and the migrated statements.

    Args:
        data: N-Triples.

    Returns:
        The things with a different meaning, each with the difference in words; and the statements
        as sorted N-Triples, or None where the migration writes nothing.
    """
    store = ox.Store()
    store.load(data, format=ox.RdfFormat.N_TRIPLES)
    size_before = len(store)
    notes: list[tuple[str, str]] = []
    for folder in sorted((files("ontology") / "migrations").iterdir()):
        answer = store.query((folder / "report.rq").read_text(encoding="utf-8"))
        if isinstance(answer, ox.QuerySolutions):
            notes += [(row["thing"].value, row["what"].value) for row in answer]
        store.update((folder / "action.ru").read_text(encoding="utf-8"))
    if len(store) == size_before:
        return notes, None
    lines = ox.serialize((quad.triple for quad in store), format=ox.RdfFormat.N_TRIPLES) or b""
    return notes, b"".join(sorted(lines.splitlines(keepends=True)))
