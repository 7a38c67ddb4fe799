"""Old data brought to the installed version of the ontology: one organisation's statements.

Each version that reads old data otherwise has a folder in ``ontology/migrations``: a query that
reports and an update that writes.
"""

import pyoxigraph as ox

from coprod_kg.model.files import files

__all__ = ["migrated"]


def migrated(data: bytes) -> tuple[list[tuple[str, str]], bytes | None]:
    """What the installed version reads otherwise in these statements, and the migrated ones.

    Args:
        data: N-Triples.

    Returns:
        The things that are read otherwise, each with what is, in words; and the statements as
        sorted N-Triples, or None where the migration writes nothing.
    """
    store = ox.Store()
    store.load(data, format=ox.RdfFormat.N_TRIPLES)
    before = len(store)
    notes: list[tuple[str, str]] = []
    for folder in sorted((files("ontology") / "migrations").iterdir()):
        found = store.query((folder / "report.rq").read_text(encoding="utf-8"))
        if isinstance(found, ox.QuerySolutions):
            notes += [(row["thing"].value, row["what"].value) for row in found]
        store.update((folder / "action.ru").read_text(encoding="utf-8"))
    if len(store) == before:
        return notes, None
    lines = ox.serialize((quad.triple for quad in store), format=ox.RdfFormat.N_TRIPLES) or b""
    return notes, b"".join(sorted(lines.splitlines(keepends=True)))
