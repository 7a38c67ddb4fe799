"""Writes the example data (examples/cases, examples/recoded) from the CSVs of examples/coding.

It never adds a fact: whatever a file says stands in a CSV, and the same CSVs give the same bytes.
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

__all__ = ["CLAIMS", "Coding", "build", "counts", "load", "main"]

HERE = Path(__file__).parent

Row = Mapping[str, str]
Table = Mapping[str, Row]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Kind:
    """A kind of claim: its class, its part of an IRI, what tells its claims apart, its word."""

    class_name: str
    kind: str
    apart: str
    word: str


CLAIMS: Mapping[str, Kind] = {
    "stages": Kind("StageAssessment", "stage-assessment", "stage", "Stage"),
    "barriers": Kind("BarrierReport", "barrier-report", "barrier", "Barrier"),
    "enablers": Kind("EnablerReport", "enabler-report", "enabler", "Enabler"),
    "participations": Kind("Participation", "participation", "actor", "Participants"),
    "flows": Kind("KnowledgeFlow", "knowledge-flow", "flow", "Knowledge flow"),
    "conditions": Kind("ConditionClaim", "condition-claim", "condition", "Condition"),
    "transitions": Kind("Transition", "transition", "transition", "Transition"),
    "absences": Kind("AbsenceClaim", "absence-claim", "absence", "Looked for"),
    "outcomes": Kind("OutcomeReport", "outcome-report", "outcome", "Outcome"),
}
CODED = tuple(CLAIMS)[:6]
"""The tables that coders write; the rows of the others are made from theirs."""
FINDINGS = {"denied": "does-not-hold", "sought": "not-found"}
BASIS = {"adjudication": "basis:adjudicated-coding"}
"""What a claimant's claims rest on, where it is not plain secondary coding."""
OTHERS: Mapping[str, str] = {
    "second-coding": "coprod-kg second coder (same codebook and sources, the first coding unseen)",
    "adjudication": "coprod-kg adjudication (a reader of both codings and of the sources decided"
    " where the two differ; no organisation and no expert has confirmed it)",
}
"""Who else coded the cases: the folder below ``coding``, and how the claimant is called."""
STORIES = ("beacon-community-regeneration", "community-health-planning-ghana", "swach-pune")
STORIES_HEAD = """# Three barriers that were met

What is coded of three published initiatives that got past a barrier. Every line is a claim of
this project from public sources, with the sources behind it; no organisation has confirmed it.
Three stories are no proof: they show what the data hold. The page is written from the coding.
"""
DECIDED = {"enablers": "enabler", "participations": "role"}
DESCRIBED = {
    "organisation": "org:Organization",
    "initiative": "cp:Initiative",
    "evidence": "cp:Evidence",
    "knowledge-flow": "cp:KnowledgeFlow",
}
NAMED = {*DESCRIBED, "barrier-report", "stage-assessment", "transition"}
"""The kinds of a column whose values are things of the data."""


@dataclass(frozen=True)
class Coding:
    """The whole coding: what is described by slug, the claims by table, the codebook's columns.

    ``aims`` are told of an initiative itself: the model has no claim for what somebody means to do.
    """

    described: Mapping[str, Table]
    claims: Mapping[str, list[Row]]
    columns: Mapping[str, list[Row]]
    aims: Mapping[str, list[Row]]
    notes: Mapping[str, list[Row]]
    head: str
    claimant: str = ""


@dataclass
class Page:
    """One file in the making: its claims, and the slugs that it has to describe, by kind."""

    claims: list[str] = field(default_factory=list)
    named: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in DESCRIBED})

    def name(self, row: Row, columns: Iterable[Row]) -> None:
        """Note the organisations and the evidence that a row names."""
        for column in columns:
            if column["kind"] in ("organisation", "evidence"):
                self.named[column["kind"]].update(listed(row.get(column["column"]) or ""))


def read(path: Path) -> list[Row]:
    """The rows of one CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def listed(cell: str) -> list[str]:
    """The values of a cell, which are divided by semicolons."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def merged(first: Row, second: Row) -> Row:
    """Two rows for the same claim as one, with the evidence and the comments of both."""
    return {
        **first,
        "evidence": ";".join(dict.fromkeys(listed(f"{first['evidence']};{second['evidence']}"))),
        "comment": " ".join(part for part in (first.get("comment"), second.get("comment")) if part),
    }


def decided(table: str, rows: list[Row], vocabularies: Path) -> list[Row]:
    """The rows with the concepts that the vocabulary's own decisions give to the coders' words.

    A word decided to be no concept drops its row; two words for one concept make one claim.
    """
    column = DECIDED.get(table, "")
    path = vocabularies / f"{column}-decisions.csv"
    if not path.exists():
        return rows
    concepts = {row["slug"].replace("_", "-"): row["concept"] for row in read(path)}
    made: dict[Pair, Row] = {}
    for row in rows:
        renamed = {**row, column: concepts.get(row[column], row[column])}
        key = (row["about"], renamed[CLAIMS[table].apart])
        if renamed[column]:
            made[key] = merged(made[key], renamed) if key in made else renamed
    return list(made.values())


def short(stage: str) -> str:
    """A stage as the names of steps have it."""
    return {"pilot-project": "pilot"}.get(stage, re.sub("^ad-hoc-.*", "ad-hoc", stage))


def coded(folder: Path, vocabularies: Path, claimant: str = "") -> dict[str, list[Row]]:
    """The claims of one coder by table, with those that follow from what is written."""
    tables = {
        table: decided(table, read(path) if path.exists() else [], vocabularies)
        for table in CODED
        for path in [folder / f"{table}.csv"]
    }
    prefix = f"{claimant}-" if claimant else ""
    moves = transitions(tables, prefix)
    moved: list[Row] = list(moves.values())
    absences: list[Row] = []
    for table in ("barriers", "enablers", "conditions"):
        apart = CLAIMS[table].apart
        absences += [
            {**row, "absence": row[apart], "finding": FINDINGS[row["found"]]}
            for row in tables[table]
            if row.get("found") in FINDINGS
        ]
        tables[table] = [
            {
                **row,
                "step": f"{move[0]}-to-{move[1]}" if all(move) else "",
                "transition": prefix + moves[(row["about"], *move)]["transition_id"]
                if (row["about"], *move) in moves
                else "",
            }
            for row in tables[table]
            if row.get("found") not in FINDINGS
            for move in [(short(row.get("from_stage") or ""), short(row.get("to_stage") or ""))]
        ]
    outcomes: list[Row] = [
        {**row, "outcome": row["condition"]} for row in tables["conditions"] if row.get("direction")
    ]
    return {
        **tables,
        "transitions": moved,
        "absences": absences,
        "outcomes": outcomes,
    }


def transitions(
    tables: Mapping[str, list[Row]], prefix: str
) -> dict[tuple[str, str, str], dict[str, str]]:
    """The moves between coded stages, and those that a barrier or an enabler says were tried."""
    moves: dict[tuple[str, str, str], dict[str, str]] = {}
    at: dict[str, Row] = {}
    assessed: dict[tuple[str, str], str] = {}
    kept = ("about", "confidence", "evidence", "locator", "coded", "decided_by", "decided_on")
    for row in tables["stages"]:
        about, stage = row["about"], row["stage"]
        assessed[about, short(stage)] = stage
        if about in at:
            moves[about, short(at[about]["stage"]), short(stage)] = {
                **{key: row.get(key) or "" for key in kept},
                "leaves": f"{prefix}{about}-{at[about]['stage']}",
                "reaches": f"{prefix}{about}-{stage}",
            }
        at[about] = row
    for row in (*tables["barriers"], *tables["enablers"]):
        about, tried = row["about"], row.get("to_stage") or ""
        key = (about, short(row.get("from_stage") or ""), short(tried))
        if tried and key not in moves and key[:2] in assessed:
            moves[key] = {
                **{name: row.get(name) or "" for name in kept},
                "leaves": f"{prefix}{about}-{assessed[key[:2]]}",
                "aims_at": tried,
            }
    for (about, start, end), move in moves.items():
        move["transition"] = f"{start}-to-{end}"
        move["transition_id"] = f"{about}-{start}-to-{end}"
    return moves


def load(folder: Path = HERE / "coding", vocabularies: Path | None = None) -> Coding:
    """The coding as its CSVs have it."""
    columns: dict[str, list[Row]] = {}
    for row in read(folder / "columns.csv"):
        columns.setdefault(row["table"], []).append(row)
    tables = {"initiative": "initiatives", "organisation": "organisations", "evidence": "evidence"}
    aims: dict[str, list[Row]] = {}
    for row in read(folder / "aims.csv"):
        aims.setdefault(row["about"], []).append(row)
    known = vocabularies or HERE.parent / "ontology" / "vocab"
    return Coding(
        described={
            kind: {row["slug"]: row for row in read(folder / f"{table}.csv")}
            for kind, table in tables.items()
        },
        claims=coded(folder, known),
        columns={kind: columns[table] for kind, table in tables.items()}
        | {table: columns[table] for table in (*CLAIMS, "aims")},
        aims=aims,
        notes={name: read(folder / f"{name}.csv") for name in ("checks", "left_out")},
        head=(folder / "head.ttl").read_text(encoding="utf-8"),
    )


def other(first: Coding, name: str, vocabularies: Path | None = None) -> Coding:
    """The coding of the same cases by another claimant, who may cite the sources of all coders."""
    folder = HERE / "coding" / name
    known = vocabularies or HERE.parent / "ontology" / "vocab"
    earlier = list(OTHERS)[: list(OTHERS).index(name)]
    reports = {
        f"{prefix}{row['about']}-{row['barrier']}": row
        for prefix, claims in [
            ("", first.claims),
            *((f"{coder}-", other(first, coder, known).claims) for coder in earlier),
        ]
        for row in claims["barriers"]
    }
    flows = {
        (row["about"], row["second"]): f"{row['about']}-{row['first']}"
        for row in read(HERE / "coding" / "adjudication" / "same_flows.csv")
    }
    pages = {row["url"]: slug for slug, row in first.described["evidence"].items()}
    cited = {
        row["slug"]: row
        for coder in OTHERS
        for row in read(HERE / "coding" / coder / "evidence.csv")
    }
    renamed = {slug: pages.get(row["url"], slug) for slug, row in cited.items()}

    def with_sources(row: Row) -> Row:
        slugs = listed(row["evidence"])
        day = row.get("coded") or max((cited[slug]["read"] for slug in slugs), default="")
        named = dict.fromkeys(renamed.get(slug, slug) for slug in slugs)
        return {**row, "evidence": ";".join(named), "coded": day}

    def with_same(table: str, row: Row) -> Row:
        if table == "barriers":
            same = [slug for slug, report in reports.items() if same_barrier(row, report)]
            return {**row, "same_as": ";".join(same)}
        return {**row, "same_as": flows.get((row["about"], row.get("flow", "")), "")}

    return replace(
        first,
        described={**first.described, "evidence": {**cited, **first.described["evidence"]}},
        claims={
            table: [with_same(table, with_sources(row)) for row in rows]
            for table, rows in coded(folder, known, name).items()
        },
        claimant=name,
    )


def same_barrier(row: Row, report: Row) -> bool:
    """Whether two coders report one barrier and do not differ on what became of it."""
    alike = all(row[column] == report[column] for column in ("about", "barrier", "step"))
    return alike and (row["status"] == report["status"] or not (row["status"] and report["status"]))


def text(value: str, language: str = "en") -> str:
    """A literal with its language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"@{language}'


def date(value: str) -> str:
    """A year, a month or a day, typed by its length."""
    kind = {4: "gYear", 7: "gYearMonth", 10: "date"}[len(value)]
    return f'"{value}"^^xsd:{kind}'


def written(cell: str, kind: str) -> list[str]:
    """The values of a cell as Turtle, in the way that its column's kind asks for."""
    if kind.startswith("text"):
        return [text(cell, kind.partition("@")[2] or "en")] if cell else []
    if kind == "date":
        return [date(value) for value in listed(cell)]
    if kind == "independence":
        return [f"independence:{cell}"] if cell in ("own", "commissioned", "independent") else []
    if kind == "code":
        return [f'"{value}"' for value in listed(cell)]
    if kind == "number":
        return [str(int(value)) for value in listed(cell)]
    if kind == "page":
        return [f"<{value}>" for value in listed(cell)]
    if kind in NAMED:
        return [f"<id/{kind}/{value}>" for value in listed(cell)]
    return [f"{kind}:{value}" for value in listed(cell)]


def stated(row: Row, columns: Iterable[Row]) -> list[Pair]:
    """The statements that the filled cells of a row make."""
    return [
        (column["property"], value)
        for column in columns
        if column["property"]
        for value in written(row.get(column["column"]) or "", kind_of(row, column))
    ]


def kind_of(row: Row, column: Row) -> str:
    """The kind of a column; the title of a source is in the language that its row names."""
    titled = column["kind"] == "text" and column["column"] == "label" and row.get("language")
    return f"text@{row['language']}" if titled else column["kind"]


def block(subject: str, types: str, pairs: Iterable[Pair]) -> str:
    """One subject with its statements, sorted and each made once."""
    lines = [
        f"    {predicate} " + " ,\n        ".join(value for _, value in group)
        for predicate, group in groupby(sorted(set(pairs)), key=lambda pair: pair[0])
    ]
    return " ;\n".join([f"{subject} a {types}", *lines]) + " .\n"


def claim(coding: Coding, table: str, row: Row, before: str) -> str:
    """One claim, by this project, about an initiative or an organisation."""
    kind, about = CLAIMS[table], row["about"]
    about_kind = "initiative" if about in coding.described["initiative"] else "organisation"
    name = row.get("label") or row[kind.apart].replace("-", " ")
    agent = f"coprod-kg-{coding.claimant}" if coding.claimant else "coprod-kg"
    mine = f"<id/{kind.kind}/" + (f"{coding.claimant}-" if coding.claimant else "") + f"{about}-"
    pairs = [
        *stated(row, coding.columns[table]),
        ("cp:about", f"<id/{about_kind}/{about}>"),
        ("cp:basis", BASIS.get(coding.claimant, "basis:secondary-coding")),
        ("cp:claimedBy", f"<id/agent/{agent}>"),
        ("rdfs:label", text(f"{kind.word}: {name} ({label(coding, about_kind, about)})")),
    ]
    if before:
        pairs.append(("cp:followsAssessment", f"{mine}{before}>"))
    return block(f"{mine}{row[kind.apart]}>", f"cp:{kind.class_name}", pairs)


def label(coding: Coding, kind: str, slug: str) -> str:
    """The name of something described."""
    return coding.described[kind][slug]["label"]


def add_claims(coding: Coding, abouts: set[str], page: Page) -> None:
    """Add every claim about the subjects; rows of one history follow each other as they stand."""
    for table, rows in coding.claims.items():
        before: dict[str, str] = {}
        for row in rows:
            if row["about"] in abouts:
                page.name(row, coding.columns[table])
                page.claims.append(claim(coding, table, row, before.get(row["about"], "")))
                if table == "stages":
                    before[row["about"]] = row["stage"]


def told_aims(coding: Coding, slug: str) -> list[Row]:
    """The aims that hold: a trial that became something else tries nothing out any more."""
    stages = [row["stage"] for row in coding.claims["stages"] if row["about"] == slug]
    trial = stages[-1:] == ["pilot-project"]
    return [aim for aim in coding.aims.get(slug, ()) if trial or aim["target_stage"]]


def describe(coding: Coding, kind: str, slug: str) -> str:
    """The description of one organisation, initiative or piece of evidence."""
    row = coding.described[kind][slug]
    unit = ", org:OrganizationalUnit" if row.get("unit_of") else ""
    pairs = stated(row, coding.columns[kind])
    for aim in told_aims(coding, slug) if kind == "initiative" else ():
        pages = (coding.described["evidence"][source]["url"] for source in listed(aim["evidence"]))
        pairs += stated(aim, coding.columns["aims"])
        pairs += [("dcterms:source", f"<{page}>") for page in pages]
    return block(f"<id/{kind}/{slug}>", DESCRIBED[kind] + unit, pairs)


def write(coding: Coding, lead: str) -> str:
    """The file of one lead organisation."""
    initiatives, organisations = coding.described["initiative"], coding.described["organisation"]
    mine = {slug for slug, row in initiatives.items() if row["lead"] == lead}
    page = Page()
    page.named["initiative"] = mine
    for slug in mine:
        page.name(initiatives[slug], coding.columns["initiative"])
        for aim in told_aims(coding, slug):
            page.name(aim, coding.columns["aims"])
    add_claims(coding, mine | {lead}, page)
    for slug in sorted(page.named["organisation"]):
        page.named["organisation"].update(listed(organisations[slug]["unit_of"]))
    described = [
        describe(coding, kind, slug) for kind in page.named for slug in sorted(page.named[kind])
    ]
    return "\n".join([coding.head, *described, *sorted(page.claims)])


def write_other(coding: Coding) -> str:
    """The file of another claimant: claims alone, about initiatives that other files describe."""
    page, words = Page(), OTHERS[coding.claimant]
    abouts = {row["about"] for rows in coding.claims.values() for row in rows}
    add_claims(coding, abouts, page)
    owner = [("rdfs:label", text(words))]
    made = [
        block(f"<id/agent/coprod-kg-{coding.claimant}>", "prov:Agent", owner),
        block(f"<id/organisation/{coding.claimant}>", "org:Organization", owner),
        *(describe(coding, "evidence", slug) for slug in sorted(page.named["evidence"])),
    ]
    return "\n".join([coding.head, *made, *sorted(page.claims)])


def build(coding: Coding) -> dict[str, str]:
    """The text of every file by its folder and name."""
    leads = sorted({row["lead"] for row in coding.described["initiative"].values()})
    return {f"cases/{lead}.ttl": write(coding, lead) for lead in leads} | {
        f"recoded/{name}.ttl": write_other(other(coding, name)) for name in OTHERS
    }


def counts(coding: Coding) -> str:
    """How many there are of each, and what was left out, as the Markdown that the README shows."""
    initiatives, organisations = coding.described["initiative"], coding.described["organisation"]
    newest = {row["about"]: row["stage"] for row in coding.claims["stages"]}
    tables = {
        "last coded stage | initiatives": Counter(
            newest.get(slug, "no stage coded") for slug in initiatives
        ),
        "country of the lead organisation | initiatives": Counter(
            organisations[row["lead"]]["country"] for row in initiatives.values()
        ),
        "looked up again | times": Counter(row["result"] for row in coding.notes["checks"]),
        "told of what was planned | initiatives": Counter(
            column["meaning"]
            for rows in coding.aims.values()
            for column in coding.columns["aims"]
            if column["property"] and any(row[column["column"]] for row in rows)
        ),
        "claims | number": Counter(
            {CLAIMS[table].class_name: len(rows) for table, rows in coding.claims.items()}
        ),
    }
    sizes = [len(coding.described[kind]) for kind in ("initiative", "organisation", "evidence")]
    lines = ["{} initiatives, {} organisations, {} sources.".format(*sizes), ""]
    for heading, counter in tables.items():
        ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
        lines += [f"| {heading} |", "|---|---:|", *(f"| {key} | {n} |" for key, n in ranked), ""]
    lines += ["| left out | why |", "|---|---|"]
    lines += [f"| {row['case']} {row['name']} | {row['why']} |" for row in coding.notes["left_out"]]
    return "\n".join(lines) + "\n"


def stories(coding: Coding) -> str:
    """The page of stories: what is coded of a few initiatives, each sentence with its sources."""
    parts = [STORIES_HEAD]
    refused = {
        (row["about"], row["absence"]) for row in other(coding, "adjudication").claims["absences"]
    }
    for slug in STORIES:
        initiative = coding.described["initiative"][slug]
        parts.append(f"## {initiative['label']}\n\n{initiative['description']}\n")
        mine = {
            table: [row for row in rows if row["about"] == slug]
            for table, rows in coding.claims.items()
        }
        told = {
            "What stood in the way, and what became of it": [
                (f"{name(row['barrier'])}{by(row)}{lasting(row)}: {row['comment']}", row)
                for row in mine["barriers"]
                if row["status"] == "overcome" and (slug, row["barrier"]) not in refused
            ],
            "How it went": [
                (f"{name(row['stage'])}{since(row)}: {row['comment']}", row)
                for row in mine["stages"]
            ],
            "Who put in what": [
                (f"{name(row['label'] or row['actor'])}: {row['contribution_note']}", row)
                for row in mine["participations"]
                if row["contribution"]
            ],
            "What came of it": [
                *((f"{row['indicator']}.", row) for row in mine["outcomes"]),
                *((f"{row['mechanism']} {row['outcome']}", row) for row in mine["flows"]),
            ],
        }
        parts += [
            f"**{heading}**\n\n"
            + "".join(f"{sentence(coding, words, row)}\n" for words, row in lines)
            for heading, lines in told.items()
            if lines
        ]
    return "\n".join(parts)


def sentence(coding: Coding, words: str, row: Row) -> str:
    """A sentence as an item of a list, with links to what it rests on."""
    evidence = coding.described["evidence"]
    links = ", ".join(
        f"[{evidence[slug]['label']}]({evidence[slug]['url']})" for slug in listed(row["evidence"])
    )
    return f"- {words} ({links})"


def name(slug: str) -> str:
    """A slug as people read it."""
    words = slug.replace("-", " ")
    return words[:1].upper() + words[1:]


def by(row: Row) -> str:
    """What a barrier was overcome by, in words."""
    helpers = " and ".join(slug.replace("-", " ") for slug in listed(row["overcome_by"]))
    return f", overcome by {helpers}" if helpers else ", overcome"


def lasting(row: Row) -> str:
    """How long a barrier held, in words."""
    start, end = row["valid_from"][:4], row["valid_until"][:4]
    return f" ({start} to {end})" if start and end else ""


def since(row: Row) -> str:
    """From when an initiative was at a stage, in words."""
    return f" from {row['valid_from'][:4]}" if row["valid_from"] else ""


def main(arguments: list[str] | None = None) -> int:
    """Write the files and print the counts."""
    parser = argparse.ArgumentParser(description="Write examples/cases from examples/coding.")
    parser.add_argument("--into", type=Path, default=HERE, help="folder to write into")
    into: Path = parser.parse_args(arguments).into
    coding = load()
    files = build(coding)
    for folder in ("cases", "recoded"):
        (into / folder).mkdir(parents=True, exist_ok=True)
        for path in (into / folder).glob("*.ttl"):
            path.unlink()
    for file, content in (files | {"stories.md": stories(coding)}).items():
        (into / file).write_text(content, encoding="utf-8", newline="\n")
    sys.stdout.write(counts(coding))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
