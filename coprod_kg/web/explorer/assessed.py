"""The assessment of a subject for its page: claimed and supported stage, criteria, barriers.

All that the explorer knows of `coprod_kg.assessment` is here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from coprod_kg.assessment.explanation import Explainer, Explanation
from coprod_kg.assessment.search import subjects
from coprod_kg.assessment.values import as_values
from coprod_kg.formats.table import Cell
from coprod_kg.store.base import NOTHING, Answer, Query, RestrictedStore
from coprod_kg.validation.profiles import Profiles
from coprod_kg.web.explorer.page import Page

__all__ = ["Assessed", "PageStore", "assessed", "shown"]

_STATEMENT: Final = re.compile(r"<([^>]+)> <([^>]+)> .*", re.DOTALL)
_UNTELLING: Final = ("ontology#about", "core#broader", "22-rdf-syntax-ns#type")
"""Statements that are behind every verdict, so that they tell nothing of this one."""


@dataclass(frozen=True)
class PageStore(RestrictedStore):
    """The store as one page sees it: one version, through its cache and its slots."""

    page: Page = field(kw_only=True)

    def query(self, query: Query) -> Answer:
        """Ask what can be seen, of the page's version; the site hides what has to be hidden."""
        site = self.page.site
        asked = replace(query, version=self.page.version, seconds=site.settings.query_seconds)
        return site.ask_store(asked)


@dataclass(frozen=True, slots=True)
class Assessed:
    """Where one subject stands.

    Attributes:
        iri: of the subject.
        values: what ``assess --json`` says.
        claimed: the stages that are claimed now.
        supported: the stages that the record supports in full.
        ended: the stages claimed for its end; none while it goes on.
        last: where no stage is claimed now, the stages claimed for its end, or last of all.
        shown: the profiles that matter now, those claimed first, then the next.
        names: what the concepts and things in all that are called.
    """

    iri: str
    values: dict[str, Any]
    claimed: tuple[str, ...]
    supported: tuple[str, ...]
    ended: tuple[str, ...]
    last: tuple[str, ...]
    shown: tuple[dict[str, Any], ...]
    names: dict[str, Cell]

    @property
    def barriers(self) -> list[list[dict[str, Any]]]:
        """The reports of barriers, those of the same barrier together."""
        found: dict[str, list[dict[str, Any]]] = {}
        for report in self.values["barriers"]:
            found.setdefault(report["iri"], []).append(report)
        return list(found.values())

    @property
    def missing(self) -> list[dict[str, Any]]:
        """The required criteria that are not on record, of the first profile that has any."""
        for profile in self.shown:
            found = [
                criterion
                for criterion in profile["criteria"]
                if criterion["required"] and not criterion["met"]
            ]
            if found:
                return found
        return []

    @property
    def missing_stage(self) -> str | None:
        """The stage of those criteria."""
        for profile in self.shown:
            if any(
                criterion["required"] and not criterion["met"] for criterion in profile["criteria"]
            ):
                return str(profile["stage"])
        return None


def assessed(page: Page, iris: Iterable[str]) -> list[Assessed]:
    """The assessments of several subjects, without those that cannot be assessed."""
    store = PageStore(page.site.store, NOTHING, page=page)
    explainer = Explainer(store, page.site.settings, page.language)
    wanted = list(iris)
    known = subjects(store, wanted, page.language)
    found = []
    for iri in wanted:
        if iri in known:
            explanation = explainer.explain_alone(known[iri])
            found.append(shown(page, explanation, explainer.profiles))
    return found


def shown(page: Page, explanation: Explanation, profiles: Profiles) -> Assessed:
    """An explanation ready for a page.

    Args:
        page: in whose version and language.
        explanation: what is shown.
        profiles: by which it was judged.
    """
    values = as_values(explanation, profiles)
    claimed = tuple(dict.fromkeys(claim.stage for claim in explanation.open_claims))
    supported = tuple(values["supportedStages"])
    told = values["profiles"]
    for profile in told:
        for criterion in profile["criteria"]:
            criterion["decided"] = list(_subjects(criterion["statements"]))
    stages = [profile.stage for profile in explanation.relevant]
    by_stage = {profile["stage"]: profile for profile in told}
    matter = [by_stage[stage] for stage in stages]
    things = {iri for profile in matter for met in profile["criteria"] for iri in met["decided"]}
    things |= {source["iri"] for claim in values["claims"] for source in claim["sources"]}
    for barrier in values["barriers"]:
        things |= {case["iri"] for case in (*barrier["overcame"], *barrier["went_on"])}
    names = dict(page.names(things))
    return Assessed(
        explanation.subject.iri,
        values,
        claimed,
        supported,
        explanation.ended_at,
        explanation.last_stages,
        tuple(matter),
        names,
    )


def _subjects(statements: Iterable[str]) -> dict[str, None]:
    """The claims and things whose statements decided a criterion."""
    found: dict[str, None] = {}
    for statement in statements:
        match = _STATEMENT.match(statement)
        if match and not match[2].endswith(_UNTELLING) and "/id/" in match[1]:
            found[match[1]] = None
    return found
