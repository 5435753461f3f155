"""The review: every figure in its text comes from a table, and both writers set the same text, the same bytes each time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import table

from xiqing_space.catalog import load_catalogue
from xiqing_space.report.review_blocks import Grid, Heading, NewPage, Paragraph, Picture
from xiqing_space.report.review_content import Review
from xiqing_space.report.review_docx import write_review_docx
from xiqing_space.report.review_page import write_review_page

CATALOGUE = load_catalogue()


class Tables:
    """Tables of a run, some of them replaced."""

    def __init__(self, run: Path, **other: pd.DataFrame) -> None:
        self.run, self.other = run, other

    def get(self, name: str) -> pd.DataFrame:
        if name not in self.other:
            self.other[name] = table(self.run, name)
        return self.other[name]


def review(run: Path, **other: pd.DataFrame) -> Review:
    doubts = pd.DataFrame({"check": ["a"], "severity": ["warning"], "what_zh": ["某处有疑"], "what_en": ["a doubt"]})
    inputs: list[dict[str, Any]] = [
        {"file": "a.csv", "role": "boundary", "rows": 3, "sha256": "0" * 64, "date": "", "licence": ""}
    ]
    return Review(Tables(run, **other), CATALOGUE, "zh", inputs, (), doubts)


def texts(blocks: list[Any]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, Paragraph))


def whole_district(figures: pd.DataFrame, indicator: str, kind: str, measure: str, standard: str) -> pd.Series:
    return (
        (figures["indicator_id"] == indicator) & (figures["kind"] == kind) & (figures["measure"] == measure)
        & (figures["standard_id"] == standard) & (figures["zone_id"] == "*") & (figures["age_band"] == "*") & (figures["variant"] == "")
    )  # fmt: skip


def test_a_changed_table_changes_the_sentence(district_run: Path) -> None:
    figures = table(district_run, "indicators")
    before = texts(review(district_run).summary())
    mine = whole_district(figures, "A02-coverage", "kindergarten", "walk", "kindergarten_300m")
    value = figures.loc[mine, "value"].iloc[0]
    assert f"沿路步行 300 m 内覆盖 {value * 100:.1f} %" in before
    figures.loc[mine, "value"] = 0.4321
    after = texts(review(district_run, indicators=figures).summary())
    assert "沿路步行 300 m 内覆盖 43.2 %" in after
    assert f"沿路步行 300 m 内覆盖 {value * 100:.1f} %，" not in after


def test_what_nobody_mapped_is_no_data_and_no_zero(district_run: Path) -> None:
    figures = table(district_run, "indicators")
    mine = (figures["indicator_id"] == "A02-coverage") & (figures["kind"] == "park")
    figures.loc[mine, ["value", "value_low", "value_high"]] = float("nan")
    assert "公园：数据不足" in texts(review(district_run, indicators=figures).summary())


def test_every_number_of_the_summary_stands_in_a_table(district_run: Path) -> None:
    made = review(district_run)
    said = texts(made.summary())
    figures = table(district_run, "indicators")
    known = {f"{value * 100:.1f}" for value in figures["value"].dropna() if abs(value) < 1000}
    known |= {f"{value:.2f}" for value in figures["value"].dropna()} | {
        f"{value:.1f}" for value in figures["value"].dropna()
    }
    for number in re.findall(r"\d+\.\d+", said):
        assert number in known, number
    # and every one of them has its evidence id at the end of the document
    evidence = next(block for block in made.evidence() if isinstance(block, Grid))
    ids = set(figures["evidence_id"])
    assert evidence.rows
    assert {row[0] for row in evidence.rows} <= ids


def test_relative_weights_never_print_persons(district_run: Path) -> None:
    demand, spots, fixes = (table(district_run, name) for name in ("demand", "blind_spots", "fixes"))
    for frame in (demand, spots, fixes):
        frame["weight_kind"] = "relative"
    made = review(district_run, demand=demand, blind_spots=spots, fixes=fixes)
    said = texts(made.summary()) + str([block.rows for block in made.summary() if isinstance(block, Grid)])
    assert "名儿童" not in said
    assert "只给比例" in said


def test_zones_have_a_table_and_a_list_each(district_run: Path) -> None:
    blocks = review(district_run).by_zone()
    zones = table(district_run, "zones")
    assert [block.text for block in blocks if isinstance(block, Heading) and block.level == 2] == zones.sort_values(
        "zone_id"
    )["name"].tolist()
    assert len([block for block in blocks if isinstance(block, Grid)]) == len(zones)


@pytest.fixture
def small(tmp_path: Path) -> tuple[list[Any], dict[Path, bytes]]:
    from PIL import Image

    path = tmp_path / "sheet.png"
    Image.new("RGB", (40, 30), "white").save(path)
    wide = Grid("表1  宽表", tuple(f"列{i}" for i in range(11)), (tuple("甲" for _ in range(11)),), (1.0,) * 11)
    grid = Grid("表2  窄表", ("名称", "数"), (("<b>&", "=1+1"), ("乙", "2")), (2.0, 1.0))
    blocks = [Heading(0, "题"), Paragraph("示例", "stamp"), Heading(1, "一、表"), wide, NewPage(), Heading(1, "二、图"), Picture("图1  图", path),
              Paragraph("点", "bullet"), grid]  # fmt: skip
    return blocks, {path: path.read_bytes()}


def test_the_document_holds_fonts_captions_and_repeated_heads(
    small: tuple[list[Any], dict[Path, bytes]], tmp_path: Path
) -> None:
    from docx import Document
    from docx.oxml.ns import qn

    blocks, pictures = small
    path = write_review_docx(blocks, tmp_path / "a.docx", pictures, title="题", footer="内部使用")
    document = Document(str(path))
    fonts = {style.name: style.element.rPr.rFonts.get(qn("w:eastAsia")) for style in document.styles if style.element.rPr is not None
             and style.element.rPr.rFonts is not None}  # fmt: skip
    used = {paragraph.style.name for paragraph in document.paragraphs}
    used |= {cell.paragraphs[0].style.name for table in document.tables for cell in table._cells}
    assert {name: fonts[name] for name in used if name != "Normal"} == {
        "Title": "方正小标宋简体", "Heading 1": "黑体", "Caption": "黑体", "List Bullet": "仿宋_GB2312", "注释": "仿宋_GB2312",
        "表头": "仿宋_GB2312", "表格文字": "仿宋_GB2312",
    }  # fmt: skip
    assert fonts["Normal"] == "仿宋_GB2312"
    assert document.tables[1].cell(0, 0).paragraphs[0].style.font.bold
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for table in document.tables for row in table.rows)
    assert [table.cell(0, 0).text for table in document.tables] == ["列0", "名称"]
    assert document.tables[1].cell(1, 0).text == "<b>&"
    assert all(table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None for table in document.tables)
    # the wide table lies on a sheet turned sideways, with its heading
    assert [section.page_width > section.page_height for section in document.sections] == [False, True, False]
    assert len(document.inline_shapes) == 1
    assert "内部使用" in document.sections[0].footer.paragraphs[0].text
    again = write_review_docx(blocks, tmp_path / "b.docx", pictures, title="题", footer="内部使用")
    assert path.read_bytes() == again.read_bytes()


def test_the_page_escapes_and_asks_no_address(small: tuple[list[Any], dict[Path, bytes]], tmp_path: Path) -> None:
    blocks, pictures = small
    blocks = [*blocks, Paragraph("<img src=x onerror=alert(1)></script>")]
    text = write_review_page(blocks, tmp_path / "a.html", pictures, title="题", footer="脚", language="zh").read_text(
        encoding="utf-8"
    )
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
