"""What is wrong in a workbook is told in the language of the lists that were chosen from."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook

from coprod_kg.cli.submit import submit, validate
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.model.schemes import schemes
from coprod_kg.workbook.findings import CellProblem, Fault
from coprod_kg.workbook.sentences import title
from tests.workbooks.building import Tables, small, xlsx

INIT = "Initiatives"
WRONG = {
    "en": (
        "Run by is missing, and every row of this sheet needs it. "
        "Write for example its name in the column Run by.",
        "'1.3.2021' cannot be read as a date. Write 2021-03-01 if you mean 1 March 2021.",
        "A target stage has a reason. "
        "Write for example “Small groups suit this service” in the column Reason for the target.",
    ),
    "da": (
        "Run by mangler, og alle rækker i dette ark skal have det. "
        "Skriv for eksempel dets navn i kolonnen Run by.",
        "'1.3.2021' kan ikke læses som en dato. Skriv 2021-03-01, hvis du mener 1. marts 2021.",
        "Et måltrin har en begrundelse. Skriv for eksempel “Små grupper passer til denne "
        "ydelse” i kolonnen Reason for the target.",
    ),
    "de": (
        "Run by fehlt, und jede Zeile dieses Blatts braucht es. "
        "Schreiben Sie zum Beispiel seinen Namen in die Spalte Run by.",
        "'1.3.2021' ist nicht als Datum zu lesen. "
        "Schreiben Sie 2021-03-01, wenn Sie den 1. März 2021 meinen.",
        "Eine Zielstufe hat eine Begründung. Schreiben Sie zum Beispiel “Kleine Gruppen "
        "passen zu dieser Leistung” in die Spalte Reason for the target.",
    ),
}


def wrong(language: str) -> Tables:
    """The small workbook with words of a language, and three things to say of an initiative."""
    words = {
        (scheme, slug): schemes()[scheme].concepts[slug].label(language)
        for scheme, slug in (
            ("sector", "health"), ("stage", "pilot-project"), ("stage", "project"),
            ("basis", "self-claim"), ("barrier", "lack-of-time"),
        )
    }  # fmt: skip
    made = small()
    initiative, stage, barrier = (
        made[name][1] for name in (INIT, "Stage assessments", "Barrier reports")
    )
    initiative[2:6] = [None, words["sector", "health"], "1.3.2021", words["stage", "project"]]
    stage[2], stage[4] = words["stage", "pilot-project"], words["basis", "self-claim"]
    barrier[1], barrier[3] = words["barrier", "lack-of-time"], words["basis", "self-claim"]
    return made


def told(language: str, folder: Path) -> tuple[list[dict[str, Any]], Workbook]:
    """The findings on it, and the workbook that comes back."""
    sent, back = folder / "sent.xlsx", folder / "back.xlsx"
    sent.write_bytes(xlsx(wrong(language)))
    ran = CliRunner().invoke(validate, [str(sent), "--format", "json", "--marked", str(back)])
    [file] = json.loads(ran.stdout)["files"]
    return file["findings"], load_workbook(BytesIO(back.read_bytes()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_and_advice_are_in_the_language_of_the_lists(language: str, tmp_path: Path) -> None:
    findings, back = told(language, tmp_path)
    assert {finding["language"] for finding in findings} == {language}
    found = [f"{finding['message']} {finding['fix']}" for finding in findings]
    assert set(WRONG[language]) <= set(found)
    comments = "".join(cell.comment.text for cell in back[INIT][2] if cell.comment)
    assert all(words in comments for words in WRONG[language])
    first = {"en": "Not accepted", "da": "Ikke modtaget", "de": "Nicht angenommen"}[language]
    assert back["To mend"]["A1"].value.startswith(first)


FRAMED = {
    "en": (
        "Refused: 2 findings must be mended first.",
        "Mend what is marked so, and send the file again.",
        "0 of 1 accepted, 1 refused. Nothing was changed.",
        "Not accepted.",
    ),
    "da": (
        "Afvist: 2 punkter skal rettes først.",
        "Ret det, der er mærket sådan, og send filen igen.",
        "0 af 1 modtaget, 1 afvist. Intet blev ændret.",
        "Ikke modtaget.",
    ),
    "de": (
        "Abgelehnt: 2 Punkte sind zuerst zu berichtigen.",
        "Berichtigen Sie, was so gekennzeichnet ist, und senden Sie die Datei noch einmal.",
        "0 von 1 angenommen, 1 abgelehnt. Nichts wurde geändert.",
        "Nicht angenommen.",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_around_the_findings_are_in_their_language(
    language: str, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.xlsx"
    sent.write_bytes(xlsx(wrong(language)))
    ran = {
        form: CliRunner().invoke(validate, [str(sent), "--format", form]).stdout
        for form in ("table", "json", "html")
    }
    refused, fix, conclusion, verdict = FRAMED[language]
    text = " ".join(ran["table"].split())
    assert refused in text
    assert fix in text
    assert conclusion in text
    error = json.loads(ran["json"])["files"][0]["error"]
    assert (f"{error['what']}.", error["fix"]) == (refused.partition(": ")[2], fix)
    assert f"<strong>{verdict}</strong>" in ran["html"]
    assert f'<section class="report" lang="{language}"' in ran["html"]
    assert f'<html lang="{language}">' in ran["html"]
    others = {phrase for key, told in FRAMED.items() if key != language for phrase in told}
    assert not [phrase for phrase in others for form in ran.values() if phrase in form]


def test_permitted_values_are_told_once_on_a_page(tmp_path: Path) -> None:
    made = small()
    made["Barrier reports"][1][1] = "Lack of tme and money"
    made["Stage assessments"][1][4] = "hearsay"
    sent = tmp_path / "sent.xlsx"
    sent.write_bytes(xlsx(made))
    told = CliRunner().invoke(validate, [str(sent), "--format", "html"]).stdout
    assert "Write one of: " in told
    values = told.partition("Write one of: ")[2].partition("<")[0]
    last = values.rstrip(".").rpartition(" or ")[2]
    assert told.count(last) == 1


def test_a_workbook_marked_in_danish_loses_its_marks_once_mended(tmp_path: Path) -> None:
    _, back = told("da", tmp_path)
    back[INIT]["E2"].value = "2021-03-01"
    back.save(tmp_path / "sent.xlsx")
    target = tmp_path / "again.xlsx"
    CliRunner().invoke(validate, [str(tmp_path / "sent.xlsx"), "--marked", str(target)])
    again = load_workbook(target)
    assert again[INIT]["E2"].comment is None
    assert [name for name in again.sheetnames if name.startswith("To mend")] == ["To mend"]


def test_the_verdicts_on_a_danish_workbook_are_told_in_danish(tmp_path: Path) -> None:
    made = wrong("da")
    initiative = made[INIT][1]
    initiative[2:6] = ["Sampleby", initiative[3], "2019-09", None]
    sent = tmp_path / "sent.xlsx"
    sent.write_bytes(xlsx(made))
    ran = CliRunner().invoke(submit, ["--data", str(tmp_path / "data"), str(sent)])
    assert ran.exit_code == 0, ran.output
    assert "Memory café: pilotprojekt angives; data afgør det ikke (" in ran.output
    assert "coprod-kg assess NAVN siger hvorfor." in ran.output


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_title_in_every_language(fault: Fault) -> None:
    titles = [title(fault, language) for language in LANGUAGES]
    assert all(titles)
    assert len(set(titles)) == len(LANGUAGES)


def test_a_language_without_words_is_spoken_to_in_english() -> None:
    assert CellProblem("formula", language="fi").fix == CellProblem("formula").fix
