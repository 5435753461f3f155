"""Every file of a public run: what it may not name, and no number from which a few children could be told."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
from helpers import Drawing, box, call, polygon_feature, write_config, write_geojson
from planner_files import write_table
from release_rules import CATALOGUE, FLOOR, RULES

from xiqing_space.maps import Figure, list_figures
from xiqing_space.release import tables
from xiqing_space.release.suppress import is_small
from xiqing_space.sections import OutputConfig
from xiqing_space.stage_list import STAGES
from xiqing_space.store import Store

PLACES = {
    "特": "青禾特殊教育学校",
    "康": "青禾儿童康复中心",
    "军": "武警某部幼儿园",
    "所": "看守所路",
    "网": "飞鱼网吧",
}
BANNED = re.compile("|".join([*PLACES.values(), "特殊教育", "康复", "看守所", "武警", "残疾", "孤儿", "guard_50m", "internet_cafes_200m", "premises_200m", "设置护学岗", "内部使用",
                             "internal use"]))  # fmt: skip


def draw_place(d: Drawing) -> Drawing:
    d.node(600, 20, {"amenity": "school", "school": "special_education_needs", "name": PLACES["特"]})
    d.node(620, 500, {"healthcare": "rehabilitation", "amenity": "clinic", "name": PLACES["康"]})
    d.node(410, 20, {"amenity": "kindergarten", "name": PLACES["军"]})
    d.node(230, 410, {"amenity": "internet_cafe", "name": PLACES["网"]})
    d.street([(0.0, -100.0), (0.0, 0.0)], name=PLACES["所"])
    d.block(-80, -80, -60, -60, {"building": "house"})
    return d


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hamlet with persons, first internal and then public into the same folder."""
    base = tmp_path_factory.mktemp("release")
    draw_place(hamlet.copy()).write(base / "a.osm.pbf")
    write_geojson(base / "zones.geojson", [
        polygon_feature(box(-100, -120, 500, 900), {"zone_id": "w", "name": "西片", "settlement": "urban"}),
        polygon_feature(box(500, -120, 1000, 900), {"zone_id": "e", "name": "东片", "settlement": "urban"}),
    ])  # fmt: skip
    head = ["街镇", "总人口", "0-2岁", "3-5岁", "6-11岁", "12-14岁", "15-17岁"]
    write_table(base / "people.csv", [head, ["西片", 4400, 44, 88, 176, 88, 44], ["东片", 1200, 12, 24, 48, 24, 12]])
    config = {
        "area": {"name": "村", "zones": "zones.geojson"}, "sources": {"osm": "a.osm.pbf"},
        "population": {"counted": "resident", "base_year": 2023, "zones": {"file": "people.csv"}},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xiqing_space.maps.sheet.DPI", 40)
        # of the public run a sheet of reach and one of a school, of the internal one the pages and reports alone
        patch.setattr(
            "xiqing_space.maps.figures.list_figures",
            lambda *args: [] if not public else _one_of_each(list_figures(*args)),
        )
        for public in (False, True):
            more = {"release": "public", "map_approval": "津S(2026)001号"} if public else {}
            path = write_config(base / "c.toml", {**config, "output": {"organisation": "规划处", **more}})
            result = call("run", "--config", path, "--out", base / "out")
            assert result.code == 0, result.err[-500:]
            if not public:
                shutil.copytree(base / "out" / "maps", base / "internal_maps")
                shutil.copytree(base / "out" / "reports", base / "internal_reports")
    return base


def _one_of_each(figures: list[Figure]) -> list[Figure]:
    """One sheet of reach and one of a school."""
    return [next(one for one in figures if one.theme == "reach"), *[one for one in figures if one.what == "school"][:1]]


def payload(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', text, re.S).group(1))  # type: ignore[union-attr]


def texts_of(path: Path) -> Iterator[str]:
    """Every text that a file shows or holds."""
    if path.suffix == ".html":
        text = path.read_text("utf-8")
        yield re.sub(
            r'(?s)<script type="application/json" id="payload">.*?</script>|data:image/png;base64,[^"]*', "", text
        )
        if "payload" in text:
            shown = payload(path)
            shown.pop("words")
            yield json.dumps(shown, ensure_ascii=False)
    elif path.suffix == ".xlsx":
        for sheet in openpyxl.load_workbook(path):
            if sheet.title != "字段说明":  # it explains every code that the program knows
                for row in sheet.iter_rows(values_only=True):
                    yield " ".join(str(one) for one in row if one is not None)
    elif path.suffix == ".gpkg":
        for layer, _ in pyogrio.list_layers(path):
            if layer != "layer_styles":
                yield pyogrio.read_dataframe(path, layer=layer, read_geometry=False).to_csv()
        with sqlite3.connect(path) as book:
            yield str(book.execute("SELECT * FROM gpkg_contents").fetchall()) + str(
                book.execute("SELECT styleQML FROM layer_styles").fetchall()
            )
    elif path.suffix == ".docx":
        with zipfile.ZipFile(path) as parts:
            for name in parts.namelist():
                if name.endswith(".xml"):
                    yield re.sub(r"<[^>]+>", "", parts.read(name).decode("utf-8"))
    elif path.suffix == ".dbf":
        yield pyogrio.read_dataframe(path.with_suffix(".shp"), read_geometry=False).to_csv()
    elif path.suffix in (".csv", ".svg", ".json", ".prj", ".cpg", ".txt"):
        yield path.read_text("utf-8-sig")


def made(base: Path) -> list[Path]:
    return [path for part in ("maps", "reports") for path in sorted((base / "out" / part).rglob("*")) if path.is_file()]


def test_no_file_names_what_is_not_to_be_named(runs: Path) -> None:
    kinds = {path.suffix for path in made(runs)}
    assert kinds >= {".html", ".png", ".svg", ".docx", ".xlsx", ".gpkg", ".dbf", ".csv"}
    found = {(path.name, hit) for path in made(runs) for text in texts_of(path) for hit in BANNED.findall(text)}
    assert found == set()


def test_the_internal_files_do_name_them(runs: Path) -> None:
    """Else the test above would prove nothing."""
    files = [
        path
        for part in ("internal_maps", "internal_reports")
        for path in (runs / part).rglob("*")
        if path.suffix in (".html", ".xlsx", ".gpkg", ".docx")
    ]
    found = {hit for path in files for text in texts_of(path) for hit in BANNED.findall(text)}
    assert found >= {PLACES["特"], PLACES["康"], PLACES["军"], PLACES["所"], "内部使用"}


def home_places(runs: Path) -> tuple[set[tuple[float, float]], set[str]]:
    homes = gpd.read_parquet(runs / "out/data/processed/demand.parquet")
    return {(round(point.x, 5), round(point.y, 5)) for point in homes.geometry}, set(homes["demand_id"])


def test_no_home_is_a_point_or_an_id(runs: Path) -> None:
    points, ids = home_places(runs)
    assert len(ids) > 15
    page = payload(runs / "out/maps/action02_child_space_review.html")
    assert page["homes"] == []
    assert page["cells"]["rings"]
    assert payload(runs / "internal_maps/action02_child_space_review.html")["homes"]
    for path in made(runs):
        if path.suffix in (".gpkg", ".shp"):
            for layer, kind in pyogrio.list_layers(path):
                if kind and "Point" in kind:
                    shown = pyogrio.read_dataframe(path, layer=layer).to_crs(4326)
                    assert not points & {(round(one.x, 5), round(one.y, 5)) for one in shown.geometry}, layer
        # buildings may stand in a line of sight; they are named as what blocks it and not as homes
        for text in texts_of(path):
            named = {one for one in ids if re.search(re.escape(one) + r"(?![0-9])", text)}
            assert not named or "sightline" in text or path.suffix == ".html", (path.name, named)


def test_no_layer_or_sheet_of_single_homes_or_of_premises(runs: Path) -> None:
    layers = {name for name, _ in pyogrio.list_layers(runs / "out/reports/xiqing_space.gpkg")}
    assert layers >= {"zones", "cells", "facilities", "blind_spots", "indicators"}
    assert layers <= set(RULES.columns) | {"cells", "layer_styles", "school_forest"}
    sheets = openpyxl.load_workbook(runs / "out/reports/tables.xlsx").sheetnames
    assert not {"步行流失", "小区", "出入口"} & set(sheets)


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(one, f"{at}/{key}")
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one, at)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield at, float(value)


_CHILDREN = re.compile(r"/(persons|of|helped|acceptable|pupils|flow|children|routed)$")


def test_no_number_of_children_on_a_page_is_below_the_floor(runs: Path) -> None:
    seen = 0
    for name in ("action02_child_space_review.html", "action13_school_routes_review.html"):
        for at, number in numbers(payload(runs / "out/maps" / name)):
            if _CHILDREN.search(at):
                seen += 1
                assert number == 0 or number >= FLOOR, (name, at, number)
    assert seen > 50
    page = payload(runs / "out/maps/action13_school_routes_review.html")
    assert all(count >= FLOOR for school in page["schools"] for _, count in school["problems"])
    inside = [
        number
        for at, number in numbers(payload(runs / "internal_maps/action02_child_space_review.html"))
        if _CHILDREN.search(at)
    ]
    assert any(0 < number < FLOOR for number in inside), "the internal page has some, or this would prove nothing"


def test_no_number_of_children_in_a_table_is_below_the_floor(runs: Path) -> None:
    path, seen = runs / "out/reports/xiqing_space.gpkg", 0
    counts = re.compile(r"^(pop_.*|children.*|worst_children|numerator|denominator|n_unknown)$")
    for layer, _ in pyogrio.list_layers(path):
        frame = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
        if layer == "indicators":
            frame = frame[
                (frame["weight_kind"] == "persons") & (frame["basis"] == "children") & (frame["unit"] == "share")
            ]
        for column in frame.columns:
            if counts.match(column):
                values = frame[column].dropna().to_numpy(dtype=float)
                seen += len(values)
                assert not is_small(values, FLOOR).any(), (layer, column, values[is_small(values, FLOOR)])
    assert seen > 100


def test_cells_and_zones_do_not_give_each_other_away(runs: Path) -> None:
    path = runs / "out/reports/xiqing_space.gpkg"
    cells = pyogrio.read_dataframe(path, layer="cells")
    assert not (cells["children"].dropna() < FLOOR).any()
    homes = pd.read_parquet(runs / "out/data/processed/demand.parquet").query("inside and placed")
    bands = [column for column in homes if re.match(r"pop_\d", column)]
    for zone, mine in cells.groupby("zone_id"):
        total = homes.loc[homes["zone_id"] == zone, bands].to_numpy().sum()
        left = total - mine["children"].sum()
        assert (mine["withheld"]).sum() != 1 or len(mine) == 1
        assert abs(left) < 0.5 * len(mine) or left >= FLOOR - 0.5 * len(mine)
    assert cells["withheld"].any()
    assert (~cells["withheld"]).any()
    metric = cells.to_crs(4548)
    assert (metric.area <= 200 * 200 * 1.001).all()
    assert metric.area.max() == pytest.approx(40_000, rel=1e-3)


def test_internal_files_carry_watermark_unit_and_date_public_ones_the_number(runs: Path) -> None:
    mark = "内部使用，未经地图审核不得公开"
    for name in ("action02_child_space_review.html", "action13_school_routes_review.html"):
        inside, outside = (payload(runs / part / name)["facts"] for part in ("internal_maps", "out/maps"))
        assert (inside["stamp"][0], inside["organisation"]) == (mark, "规划处")
        assert outside["stamp"] == ["", ""]
        assert outside["note"] == ["审图号：津S(2026)001号", "Map review number: 津S(2026)001号"]
    index = (runs / "internal_maps/index.html").read_text("utf-8")
    assert "class='watermark'" in index
    assert mark in index
    assert "规划处" in index
    assert "审图号" not in index
    assert "审图号：津S(2026)001号" in (runs / "out/maps/index.html").read_text("utf-8")
    for file in ("review.docx", "review.html", "tables.xlsx"):
        assert any(mark in text for text in texts_of(runs / "internal_reports" / file)), file
        assert any("津S(2026)001号" in text for text in texts_of(runs / "out/reports" / file)), file


def test_working_data_stay_as_they_are(runs: Path) -> None:
    store = Store(runs / "out/data/processed")
    assert len(store.get("demand")) > 15
    internal = tables(store, CATALOGUE, OutputConfig())
    assert internal.get("demand") is store.get("demand")


def test_each_stage_reads_no_table_that_it_does_not_name(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests/test_pipeline.py has it for internal releases."""
    from xiqing_space.release import PublicTables

    store = Store(runs / "out/data/processed")
    for stage in STAGES:
        if stage.name not in ("school_map", "maps", "figures", "report", "review"):
            continue
        asked: set[str] = set()
        plain = Store.get
        monkeypatch.setattr(
            Store, "get", lambda self, name, asked=asked, plain=plain: (asked.add(name), plain(self, name))[1]
        )
        shown = PublicTables(store, CATALOGUE, 10)
        for name in (*(one for one in stage.needs if one in RULES.columns), "cells", "demand"):
            shown.get(name)
        monkeypatch.setattr(Store, "get", plain)
        assert asked <= set(stage.needs), stage.name
