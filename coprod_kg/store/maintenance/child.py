"""Child process that maintains answers: it asks the touched part, and puts rows in their order."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.sandbox.child import Payloads, serve
from coprod_kg.sandbox.limits import limited
from coprod_kg.store.maintenance.parts import Row, sum_of_parts, union_of_parts

_JSON: Final = ox.QueryResultsFormat.JSON
_UNBOUND: Final = "UNDEF"


def main() -> None:
    """Answer the message on standard input."""
    serve(_work)


def _work(job: dict[str, Any], payloads: list[bytes]) -> Payloads:
    model, before, after, *answers = payloads
    queries = job["queries"]
    with limited(job["limits"]["seconds"], job["limits"]["memory_mb"]):
        texts = [query["text"] for query in queries]
        tables = zip(*_tables_over(model, (b"", before, after), texts), strict=True)
        kept, found = list[dict[str, Any]](), list[bytes]()
        for number, (query, answer, three) in enumerate(zip(queries, answers, tables, strict=True)):
            began = time.monotonic()
            maintained = _maintained(query, answer, *three)
            if maintained is not None:
                rows, data = maintained
                seconds = round(time.monotonic() - began, 3)
                changed = data is not answer
                record = {"query": number, "rows": rows, "seconds": seconds, "changed": changed}
                kept.append(record)
                found.append(data if changed else b"")
    return {"maintained": kept}, found


def _tables_over(
    model: bytes, parts: Sequence[bytes], texts: Sequence[str]
) -> Iterator[list[list[Row] | None]]:
    """The rows of each query over the model with one part after the other."""
    store = ox.Store()
    store.bulk_load(model, ox.RdfFormat.N_TRIPLES)
    modelled = set(store)
    for part in parts:
        quads = [quad for quad in ox.parse(part, ox.RdfFormat.N_TRIPLES) if quad not in modelled]
        store.extend(quads)
        yield [_rows_found(store, text) for text in texts]
        for quad in quads:
            store.remove(quad)


def _rows_found(store: ox.Store, text: str) -> list[Row] | None:
    """The rows that a query finds; None where the engine refuses it as it stands."""
    try:
        return _table(store.query(text))[1]
    except SyntaxError:
        return None


def _table(solutions: Any) -> tuple[list[str], list[Row]]:
    """The variables and the rows of an answer."""
    names = [str(variable) for variable in solutions.variables]
    rows = [tuple(_UNBOUND if term is None else str(term) for term in row) for row in solutions]
    return names, rows


def _maintained(
    query: dict[str, Any],
    answer: bytes,
    always: list[Row] | None,
    before: list[Row] | None,
    after: list[Row] | None,
) -> tuple[int, bytes] | None:
    """The number of rows over the newer version, and the answer; None where it cannot be had."""
    if always is None or before is None or after is None:
        return None
    variables, whole = _table(ox.parse_query_results(answer, _JSON))
    if sorted(before) == sorted(after):
        return len(whole), answer
    if query["parts"] == "union":
        rows = union_of_parts(whole, before, after)
    else:
        places = [place for place, name in enumerate(variables) if name[1:] in query["counted"]]
        rows = sum_of_parts(places, whole, before, after, always)
    if rows is None or any(term.startswith("_:") for row in rows for term in row):
        return None
    return len(rows), _in_order(query, variables, rows)


def _in_order(query: dict[str, Any], variables: Sequence[str], rows: Sequence[Row]) -> bytes:
    """The rows, put into the order of the query by the engine, as SPARQL JSON results."""
    names = " ".join(variables)
    values = "\n".join(f"({' '.join(row)})" for row in rows)
    text = (
        f"{query['prologue']}\nSELECT {names} WHERE {{ VALUES ({names}) {{ {values} }} }}\n"
        f"{query['order']}"
    )
    solutions: Any = ox.Store().query(text)
    data: bytes = solutions.serialize(format=_JSON)
    return data


if __name__ == "__main__":
    main()
