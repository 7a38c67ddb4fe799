"""Cases of the example data, entered in the self-assessment by hand as their coding tells them.

``tests/selfassessed`` holds them as they were coded on 29 November 2026, when they were entered.
"""

import re
from pathlib import Path

import pyoxigraph as ox
import pytest

from coprod_kg.selfassessment.answers import read
from coprod_kg.selfassessment.questionnaire import questionnaire
from coprod_kg.selfassessment.statements import statements_of
from coprod_kg.selfassessment.verdict import judgements
from coprod_kg.validation.profiles import Judgement

BASE = "https://w3id.org/coprod/"

RYHOV = """
Ask-name = Self-care haemodialysis at Ryhov hospital
Ask-runner = Ryhov County Hospital
Ask-sector = sector:health
Ask-country = country:SWE
Ask-stage = stage:project
Ask-start = 2005
CoProduction-citizenInput.role = role:service-user
CoProduction-citizenInput.role:service-user.contribution = contribution:knowledge-and-experience
CoProduction-citizenInput.role:service-user.contribution = contribution:labour
CoProduction-serviceInput.role = role:frontline-professional
CoProduction-serviceInput.role:frontline-professional.contribution
    = contribution:professional-expertise
CoProduction-serviceInput.role = role:public-service-provider
AdHocIndividual-discretion.enabler = enabler:frontline-discretion
AdHocIndividual-discretion.enabler = enabler:citizen-initiative
AdHocCollective-team = yes
AdHocCollective-practice.destination = destination:practice
PilotProject-learning = yes
Project-resources.enabler = enabler:dedicated-resources
Project-value.expectsValue = value:efficiency
Project-value.expectsValue = value:better-outcomes
Ask-barriers = barrier:lack-of-personnel
"""
"""The ward, in the coding what was learned became a structure, is here what it rests on."""
LAUSANNE = """
Ask-name = Participatory budgeting in Lausanne
Ask-runner = City of Lausanne
Ask-sector = sector:general-public-services
Ask-country = country:CHE
Ask-stage = stage:project
Ask-start = 2019
CoProduction-citizenInput.role = role:resident
CoProduction-citizenInput.role:resident.contribution = contribution:labour
CoProduction-citizenInput.role:resident.contribution = contribution:skills
CoProduction-serviceInput.role = role:local-authority
CoProduction-serviceInput.role:local-authority.contribution = contribution:money
Project-resources.enabler = enabler:external-funding-and-support
Project-resources.role = role:funder
Project-value.expectsValue = value:democracy
Project-valueSeen.condition = condition:value-for-users
Ask-barriers = barrier:inclusiveness-gap
Ask-barriers.barrier:inclusiveness-gap.status = barrier-status:active
Ask-evidence.1.title = Benli-Trichet and Kübler 2022
Ask-evidence.1.kind = evidence-kind:evaluation-report
Ask-evidence.1.issued = 2022-05
Ask-evidence.1.shows = Project-valueSeen
"""
GUELPH = """
Ask-name = Neighbourhood support and budgeting in Guelph
Ask-runner = Guelph Neighbourhood Support Coalition
Ask-sector = sector:housing-and-community-amenities
Ask-stage = stage:programme
Ask-start = 1999
CoProduction-citizenInput.role = role:community-group
CoProduction-citizenInput.role:community-group.contribution = contribution:time
CoProduction-serviceInput.role = role:local-authority
CoProduction-serviceInput.role:local-authority.contribution = contribution:money
"""
BEACON = """
Ask-name = Beacon Community Regeneration Partnership
Ask-runner = Beacon Community Regeneration Partnership
Ask-sector = sector:housing-and-community-amenities
Ask-stage = stage:project
Ask-start = 1995
CoProduction-citizenInput.role = role:resident
CoProduction-citizenInput.role:resident.contribution = contribution:knowledge-and-experience
CoProduction-citizenInput.role:resident.contribution = contribution:labour
CoProduction-serviceInput.role = role:frontline-professional
CoProduction-serviceInput.role:frontline-professional.contribution = contribution:labour
CoProduction-serviceInput.role:frontline-professional.contribution = contribution:networks
CoProduction-serviceInput.role = role:local-authority
CoProduction-serviceInput.role:local-authority.contribution = contribution:money
CoProduction-serviceInput.role:local-authority.contribution = contribution:space-and-equipment
Ask-enablers = enabler:external-funding-and-support
Ask-enablers = enabler:frontline-discretion
Ask-enablers = enabler:inter-org-collaboration
Ask-barriers = barrier:lack-of-trust
Ask-barriers.barrier:lack-of-trust.status = barrier-status:overcome
Ask-barriers.barrier:lack-of-trust.by = enabler:trust
Project-value.expectsValue = value:better-outcomes
Project-value.expectsValue = value:stronger-community
"""
WIGAN = """
Ask-name = The Wigan Deal
Ask-runner = Wigan Council
Ask-sector = sector:general-public-services
Ask-stage = stage:programme
Ask-start = 2011
CoProduction-citizenInput.role = role:community-group
CoProduction-citizenInput.role = role:resident
CoProduction-serviceInput.role = role:frontline-professional
CoProduction-serviceInput.role = role:public-service-provider
Ask-enablers = enabler:community-funds
Ask-enablers = enabler:frontline-discretion
Ask-enablers = enabler:leadership-commitment
Ask-enablers = enabler:shared-behaviours
Ask-barriers = barrier:budget-cuts-austerity
Ask-barriers = barrier:lack-of-shared-understanding
Project-value.expectsValue = value:staff-satisfaction
Culture-integrated = yes
Culture-leadership = yes
Culture-valueForOrganisation = yes
Culture-valueForUsers = yes
Ask-evidence.1.title = Collaborate CIC: Charting a new era of change (2024)
Ask-evidence.1.kind = evidence-kind:case-study
Ask-evidence.1.issued = 2024
Ask-evidence.1.shows = Culture-integrated
Ask-evidence.1.shows = Culture-leadership
Ask-evidence.2.title = Centre for Public Impact: The Wigan Deal
Ask-evidence.2.kind = evidence-kind:case-study
Ask-evidence.2.shows = Culture-valueForOrganisation
Ask-evidence.2.shows = Culture-valueForUsers
Ask-evidence.3.title = The King's Fund: Lessons from the Wigan Deal
Ask-evidence.3.kind = evidence-kind:evaluation-report
Ask-evidence.3.shows = Ask-stage
"""
CASES: dict[tuple[str, str, str], dict[str, tuple[str, str]]] = {
    ("ryhov-county-hospital", "ryhov-self-care", RYHOV): {
        # The coding has the move from one stage to the next; the form asks for now and for the aim.
        "PilotProject-next": ("holds", "not-coded"),
    },
    ("city-of-lausanne", "lausanne-participatory-budgeting", LAUSANNE): {
        # It was a pilot until 2021, and is a project: as above, the past is not asked.
        "PilotProject-bound": ("holds", "not-coded"),
        "PilotProject-next": ("holds", "not-coded"),
    },
    (
        "neighbourhood-support-coalition-guelph",
        "guelph-neighbourhood-support-coalition",
        GUELPH,
    ): {},
    ("beacon-community-regeneration-partnership", "beacon-community-regeneration", BEACON): {
        # A group taught other estates: knowledge that went sideways, which the form does not ask.
        "AdHocCollective-team": ("holds", "not-coded"),
        "PilotProject-next": ("holds", "not-coded"),  # as above
        # Two organisations run it; the form takes the one that answers.
        "Programme-breadth": ("holds", "not-coded"),
    },
    ("wigan-council", "wigan-deal", WIGAN): {},
}
"""File, initiative and answers → the criteria whose finding differs: as coded, as entered."""


def findings(*judged: Judgement | None) -> dict[str, str]:
    return {
        found.criterion.iri.rpartition("#")[2]: found.finding.value
        for judgement in judged
        if judgement is not None
        for found in judgement.verdicts
    }


@pytest.mark.parametrize(("case", "differences"), CASES.items(), ids=[case[1] for case in CASES])
def test_a_case_entered_by_hand_is_judged_as_it_was_coded(
    checkout: Path, case: tuple[str, str, str], differences: dict[str, tuple[str, str]]
) -> None:
    organisation, initiative, text = case
    pairs = re.findall(r"^(\S+)\s+= (.+)$", text, re.MULTILINE)
    answers, problems = read(pairs, questionnaire())
    assert problems == []
    statements = statements_of(answers, questionnaire(), BASE)
    entered, _ = judgements(statements.triples)
    path = checkout / "tests" / "selfassessed" / f"{organisation}.ttl"
    coded, _ = judgements(
        [quad.triple for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE, base_iri=BASE)]
    )
    ours = findings(entered[statements.initiative], entered.get(statements.organisation or ""))
    theirs = findings(
        coded[f"{BASE}id/initiative/{initiative}"],
        coded.get(f"{BASE}id/organisation/{organisation}"),
    )
    assert {
        name: (theirs[name], ours[name]) for name in theirs if theirs[name] != ours[name]
    } == differences
    assert (
        entered[statements.initiative].supported
        == coded[f"{BASE}id/initiative/{initiative}"].supported
    )
