"""Words in every output: none that we may not use, no code of the program, no sentence with a gap left open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import pytest
from output_words import Said, from_document, from_figures, from_geopackage, from_html, from_workbook

from xiqing_space.catalog import load_catalogue
from xiqing_space.schemas import TABLES

CATALOGUE = load_catalogue()
# 专项评估, not 审查 (审图 and 送审 are other things); 相对薄弱, not 最差; our score is derived and no "Star Rating"
FORBIDDEN = re.compile(r"审查|最差|worst 20|Star Rating|SR4S|星级评定|星级评价", re.IGNORECASE)
GAP = re.compile(r"\{[A-Za-z_]*\}|\bnan\b|\bNone\b|\bNaT\b|<NA>")
# codes are what tables hold in place of words; names of tables, columns, standards and figures are names
_NAMES = {*TABLES, *CATALOGUE.standards, *(column.name for table in TABLES.values() for column in table.columns)}
CODES = {
    *(one for table in TABLES.values() for column in table.columns for one in column.among if "_" in one),
    *(word for word in CATALOGUE.words if "_" in word),
    *(kind for kind in CATALOGUE.kinds if "_" in kind),
    *(one.id for one in CATALOGUE.treatments.values() if "_" in one.id),
    *(one.id for one in CATALOGUE.gate_rules.values()),
} - _NAMES
_WORD = re.compile(r"[A-Za-z]\w*_\w+")
_ID = re.compile(r"\w+:\S+")  # of a thing: osm:w1, file:list:3#junior_school, S04:primary_school:osm:w2


def faults(said: Iterable[Said]) -> list[str]:
    """What is wrong with texts, each with its place; at most ten."""
    found = []
    for where, text in said:
        codes = CODES & set(_WORD.findall(_ID.sub(" ", text))) if "_" in text else set()
        for what in (FORBIDDEN.search(text), GAP.search(text)):
            if what:
                found.append(f"{where}: {what[0]} in {text[:80]}")
        found += [f"{where}: code {code} in {text[:80]}" for code in sorted(codes)]
    return found[:10]


def test_the_search_finds_what_it_should() -> None:
    bad = [
        ("a", "本次审查"),
        ("a", "worst 20 schools"),
        ("b", "判定 fails_mandatory"),
        ("c", "惠及 {n} 名"),
        ("d", "nan m"),
    ]
    assert len(faults(bad)) == len(bad)
    good = [("a", "送审、审图号、审核"), ("b", "表 segment_scores"), ("c", "GB 50180-2018"), ("d", "Nancy, none")]
    assert faults(good) == []
    assert {"fails_mandatory", "very_high", "unsignalised_arterial", "primary_school", "raised_table"} <= CODES


@pytest.mark.parametrize("name", sorted(one.name for one in resources.files("xiqing_space.catalog").iterdir() if one.name.endswith((".csv", ".toml"))))  # fmt: skip
def test_the_catalogue_itself_uses_no_forbidden_word(name: str) -> None:
    text = resources.files("xiqing_space.catalog").joinpath(name).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if FORBIDDEN.search(line)] == []


def test_every_word_has_both_languages() -> None:
    chinese = re.compile(r"[\u3400-\u9fff]")
    for key, (zh, en) in CATALOGUE.words.items():
        assert zh, key
        assert en, key
        assert not chinese.search(en) or key.startswith("checkup_"), key  # sheets of the check-up go by their names
        assert sorted(re.findall(r"\{\w+\}", zh)) == sorted(re.findall(r"\{\w+\}", en)), key  # the same gaps to fill
    for one in (*CATALOGUE.kinds.values(), *CATALOGUE.treatments.values(), *CATALOGUE.gate_rules.values()):
        assert chinese.search(one.zh), one.id
        assert not chinese.search(one.en), one.id


@pytest.mark.parametrize("page", ["maps/action02_child_space_review.html", "maps/action13_school_routes_review.html", "maps/index.html", "reports/review.html"])  # fmt: skip
def test_pages(district_run: Path, page: str) -> None:
    said = list(from_html(district_run / page))
    assert len(said) > 50
    words = {text for pair in CATALOGUE.words.values() for text in pair}  # their gaps are filled on the page
    assert faults(one for one in said if one[1] not in words) == []


def test_the_document(district_run: Path) -> None:
    said = list(from_document(district_run / "reports/review.docx"))
    assert len(said) > 200
    assert faults(said) == []


def test_the_workbook(district_run: Path) -> None:
    cells = list(from_workbook(district_run / "reports/tables.xlsx"))
    assert len({sheet for sheet, _, _ in cells}) > 10
    # row 5 gives the tables' own names, and the sheet on fields explains codes
    said = [(sheet, text) for sheet, row, text in cells if not (row == 5 and sheet != "说明") and sheet != "字段说明"]
    # a doubt names its check and what it is about as quality.csv does, beside the sentence that says it
    assert faults((sheet, text) for sheet, text in said if not (sheet == "数据疑点" and text in CODES)) == []
    named = {(sheet, text) for sheet, row, text in cells if row == 5}
    heads = [(sheet, text.split("\n")[0]) for sheet, row, text in cells if row == 4 and sheet != "说明"]
    assert len(heads) > 100
    assert [head for head in heads if head in named] == []  # every column has a Chinese heading


def test_the_geopackage(district_run: Path) -> None:
    said = list(from_geopackage(district_run / "reports/xiqing_space.gpkg"))
    assert len(said) > 100
    assert faults(said) == []


def test_the_sheets(district_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = list(from_figures(district_run, monkeypatch))
    assert len(said) > 200
    assert faults(said) == []
