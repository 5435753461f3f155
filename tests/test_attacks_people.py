"""Tables and rasters of people that look right and are not: refused with the reason, or counted once and as persons."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import rasterio
from attack_files import BASIS, Make, office, read
from helpers import table
from planner_files import Office, write_table
from pyproj import Transformer
from rasterio.transform import Affine

__all__ = ["office"]
AGES = ["0-2岁", "3-5岁", "6-11岁", "12-14岁", "15-17岁"]
WEST, EAST = [4400, 44, 88, 176, 88, 44], [2000, 20, 40, 80, 40, 20]


def sums(office: Office, out: str) -> dict[str, list[float]]:
    """People and children of 3–5 by zone, the unplaced with them."""
    demand = table(office.folder / out, "demand")
    inside = demand[demand["inside"]]
    keys = inside["zone_id"].astype(object).where(inside["zone_id"].notna(), "-")
    return {
        str(zone): [math.fsum(group["pop_total"]), math.fsum(group["pop_3_5"])] for zone, group in inside.groupby(keys)
    }


# ---- people


def percent_book(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["街镇", "总人口", *AGES])
    for name, total in (("西片", 4400), ("东片", 2000)):
        sheet.append([name, total, 0.01, 0.02, 0.04, 0.02, 0.01])
    for row in sheet["C2:G3"]:
        for cell in row:
            cell.number_format = "0.0%"
    book.save(path)


def people_rows(*rows: list[object], header: list[str] | None = None) -> Make:
    return lambda path: write_table(path, [header or ["街镇", "总人口", *AGES], *rows])


HERE, THERE = ["西片", *WEST], ["东片", *EAST]
REFUSED_PEOPLE: list[tuple[str, str, Make, str]] = [
    ("shares shown in per cent", "a.xlsx", percent_book, "“1%”不是人数"),
    ("per cent as plain numbers", "a.csv", people_rows(["西片", 4400, 1, 2, 4, 2, 1], ["东片", 2000, 1, 2, 4, 2, 1]),
     "0–17 岁合计 20 人，不足总人口 6400 的 1%"),
    ("万人 without saying so", "a.csv", people_rows(["西片", 0.44], ["东片", 0.2], header=["街镇", "常住人口"]),
     "像是以万人为单位"),
    ("万人 said above the table", "a.xlsx",
     lambda path: write_table(path, [["人口统计表", None, "单位：万人"], ["街镇", "总人口", "0-17岁"], ["西片", 0.44, 0.04], ["东片", 0.2, 0.02]]),
     "表头以上写明单位为万人"),
    ("one zone by two spellings", "a.csv", people_rows(HERE, ["西片街道", *WEST], THERE), "第 2、3 行都是“西片”"),
    ("one zone by id and by name", "a.csv", people_rows(["w", *WEST], HERE, THERE), "第 2、3 行都是“西片”"),
    ("ages that cross", "a.csv",
     people_rows(["西片", 4400, 60, 120, 300], ["东片", 2000, 30, 60, 150], header=["街镇", "总人口", "0-3岁", "3-6岁", "6-17岁"]),
     "年龄组“0-3岁”与“3-6岁”都含 3 岁"),
    ("two sums", "a.csv", people_rows(HERE, THERE, ["城区小计", *WEST], ["西青区合计", *WEST]), "合计行不止一行"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "make", "says"), [one[1:] for one in REFUSED_PEOPLE], ids=[one[0] for one in REFUSED_PEOPLE]
)
def test_figures_that_are_no_persons_are_refused(
    office: Office, tmp_path_factory: pytest.TempPathFactory, file: str, make: Make, says: str
) -> None:
    path = tmp_path_factory.mktemp("people") / file
    make(path)
    code, said = read(office, {"population": BASIS | {"zones": {"file": str(path)}}}, "refused")
    assert code == 1
    assert file in said
    assert says in said
    assert " / " in said


SUMS = [
    ("the district's own name", people_rows(["西青区", 6400, 64, 128, 256, 128, 64], HERE, THERE)),
    ("the area's name", people_rows(HERE, THERE, ["村", 6400, 64, 128, 256, 128, 64])),
    ("its name and 合计", people_rows(HERE, THERE, ["西青区合计", 6400, 64, 128, 256, 128, 64])),
    ("spaced out", people_rows(HERE, THERE, ["合　计", 6400, 64, 128, 256, 128, 64])),
    ("万人 in the headers", people_rows(
        ["西片", 0.44, 0.0044, 0.0088, 0.0176, 0.0088, 0.0044], ["东片", 0.2, 0.002, 0.004, 0.008, 0.004, 0.002],
        header=["街镇", "常住人口(万人)", *[f"{one}（万人）" for one in AGES]])),
    ("千人 in one header", people_rows(
        ["西片", 4.4, *WEST[1:]], ["东片", 2, *EAST[1:]], header=["街镇", "常住人口（千人）", *AGES])),
]  # fmt: skip


@pytest.mark.parametrize("make", [one[1] for one in SUMS], ids=[one[0] for one in SUMS])
def test_nobody_is_counted_twice_or_ten_thousandfold(
    office: Office, tmp_path_factory: pytest.TempPathFactory, make: Make
) -> None:
    path = tmp_path_factory.mktemp("sums") / "a.csv"
    make(path)
    assert read(office, {"population": BASIS | {"zones": {"file": str(path)}}}, "sums") == (0, "")
    found = sums(office, "sums")
    assert set(found) == {"w", "e"}
    assert found["w"] == pytest.approx([4400, 88], rel=1e-9)
    assert found["e"] == pytest.approx([2000, 40], rel=1e-9)


def test_a_row_of_totals_that_differs_is_said(office: Office) -> None:
    """6,400 people in two zones under a total of 7,400, whose word stands in the column of running numbers."""
    rows = [
        ["序号", "街镇", "总人口", "0-17岁"],
        [1, "西片", 4400, 440],
        [2, "东片", 2000, 200],
        ["合计", "", 7400, 640],
    ]
    write_table(office.folder / "differs.csv", rows)
    assert read(office, {"population": BASIS | {"zones": {"file": "differs.csv"}}}, "differs")[0] == 0
    doubts = office.quality("differs")
    mine = doubts[doubts["check"] == "people_totals_differ"]
    assert mine["what_zh"].tolist() == ["各部分合计 6400 人，全区总数为 7400 人（pop_total）；保留各部分"]
    assert math.fsum(one[0] for one in sums(office, "differs").values()) == pytest.approx(6400, rel=1e-9)


def test_a_row_of_totals_tells_of_the_zone_that_is_missing(office: Office) -> None:
    """6,400 in all and 4,400 in the west: the east's homes, and those in no zone, share 2,000."""
    rows = [["街镇", "总人口", "0-17岁"], ["西片", 4400, 440], ["合计", 6400, 640]]
    write_table(office.folder / "rest.csv", rows)
    assert read(office, {"population": BASIS | {"zones": {"file": "rest.csv"}}}, "rest")[0] == 0
    found = sums(office, "rest")
    assert found["w"][0] == pytest.approx(4400, rel=1e-9)
    assert math.fsum(one[0] for one in found.values()) == pytest.approx(6400, rel=1e-9)


def test_a_nought_is_said(office: Office) -> None:
    write_table(office.folder / "nought.csv", [["街镇", "总人口", "0-17岁"], ["西片", 0, 0], ["东片", 2000, 200]])
    assert read(office, {"population": BASIS | {"zones": {"file": "nought.csv"}}}, "nought")[0] == 0
    doubts = office.quality("nought")
    assert doubts.loc[doubts["check"] == "people_nought", "row"].tolist() == ["2"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["A镇", "B镇", "更名"], ["B镇", "A镇", "更名"]], "别名表循环"),
        ([["A镇", "西片", "拆分"]], "别名表第 2 行"),
        ([["", "西片", "更名"]], "旧名为空"),
    ],
    ids=["circle", "unknown change", "no old name"],
)
def test_a_table_of_old_names_at_fault_is_refused(office: Office, rows: list[list[str]], says: str) -> None:
    write_table(office.folder / "people.csv", [["街镇", "总人口", "0-17岁"], ["西片", 4400, 440], ["东片", 2000, 200]])
    write_table(office.folder / "aliases.csv", [["原名称", "现名称", "变更方式"], *rows])
    given = {"zones": {"file": "people.csv"}, "aliases": {"file": "aliases.csv"}}
    code, said = read(office, {"population": BASIS | given}, "aliases")
    assert code == 1
    assert says in said


@pytest.mark.parametrize("totals", [{"pop_total": 1e15, "0-17岁": 1e14}, {"pop_total": -5}], ids=["huge", "negative"])
def test_totals_that_no_district_has_are_refused(office: Office, totals: dict[str, float]) -> None:
    code, said = read(office, {"population": BASIS | {"totals": totals}}, "totals")
    assert code == 1
    assert "totals 中的数不是人数" in said


# ---- rasters

X0, Y0 = Transformer.from_crs(4326, 4548, always_xy=True).transform(117.0, 39.08)


def write_raster(path: Path, cells: Any, names: list[str] | None = None, nodata: float | None = None) -> None:
    """60 × 60 cells of 100 m round the hamlet."""
    bands = np.atleast_3d(np.asarray(cells)).reshape(-1, 60, 60)
    with rasterio.open(path, "w", driver="GTiff", height=60, width=60, count=len(bands), dtype=bands.dtype, nodata=nodata,
                       crs=4548, transform=Affine(100, 0, X0 - 2500, 0, -100, Y0 + 3500)) as target:  # fmt: skip
        target.write(bands)
        for number, name in enumerate(names or [], 1):
            target.set_band_description(number, name)


TEN = np.full((60, 60), 10.0)
RASTERS: list[tuple[str, Make, dict[str, object] | None, str]] = [
    ("nothing but nodata", lambda path: write_raster(path, np.full((60, 60), -9999.0), nodata=-9999), None, "全部无数据"),
    ("nothing but noughts", lambda path: write_raster(path, TEN * 0), None, "全部为 0"),
    ("two bands of one name", lambda path: write_raster(path, np.stack([TEN, TEN]), ["总人口", "population"]), None,
     "波段 1、2 都是“population”"),
    ("one band for two fields", lambda path: write_raster(path, TEN), {"pop_total": 1, "0-17岁": 1}, "是同一项或同一波段"),
    ("one age twice", lambda path: write_raster(path, np.stack([TEN, TEN])), {"0-4": 1, "0_4": 2}, "是同一项或同一波段"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "bands", "says"), [one[1:] for one in RASTERS], ids=[one[0] for one in RASTERS])
def test_a_raster_that_tells_nothing_or_twice_is_refused(
    office: Office, make: Make, bands: dict[str, object] | None, says: str
) -> None:
    make(office.folder / "p.tif")
    given = {"file": "p.tif", "unit": "persons_per_cell"} | ({"bands": bands} if bands else {})
    code, said = read(office, {"population": BASIS | {"raster": given}}, "raster")
    assert code == 1
    assert "p.tif" in said
    assert says in said


def test_an_undeclared_fill_is_a_doubt(office: Office) -> None:
    cells = np.full((60, 60), 10, dtype="uint8")
    cells[20:22, 20:22] = 255
    write_raster(office.folder / "fill.tif", cells)
    given = {"file": "fill.tif", "unit": "persons_per_cell"}
    assert read(office, {"population": BASIS | {"raster": given}}, "fill")[0] == 0
    doubts = office.quality("fill")
    said = doubts.loc[doubts["check"] == "raster_fill", "what_zh"].tolist()
    assert said == ["人口栅格有 4 个像元等于该数据类型的最大值 255，且未设 nodata，可能是填充值，现按人数计入"]
