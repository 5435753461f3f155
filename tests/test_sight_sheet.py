"""The measuring sheet of lines of sight: what it lists, how it is read back, and that what was measured becomes a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from planner_files import write_table
from report_tables import small_run
from test_sightlines import ORIGIN, VERGE

from xiqing_space.catalog import load_catalogue
from xiqing_space.crs import to_degrees
from xiqing_space.errors import InputDataError
from xiqing_space.gcj02 import gcj02_to_wgs84
from xiqing_space.ingest.field_columns import key_of, load_sheet_words
from xiqing_space.ingest.field_sheets import Known, read_field_sheets
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.sight_sheets import SightSheets
from xiqing_space.report.field_sheet import keep_filled
from xiqing_space.report.field_styles import HEADER_ROW, FieldStyles
from xiqing_space.report.geopackage import layers_of
from xiqing_space.report.planner_tables import planner_sheets
from xiqing_space.report.sight_items import sight_items
from xiqing_space.report.sight_sheet import SIGHT_SHEET, add_sight_sheet
from xiqing_space.report.styles import styles_of
from xiqing_space.schemas import TABLES
from xiqing_space.stage_list import NOT_REPORTED
from xiqing_space.stages.look_along import sightlines
from xiqing_space.store import Store

EPSG = 4548
SOUTH = "c1/e1/right"
KNOWN = Known({"e1"}, {"e1": ("n1", "n2")}, {"c1", "c2"}, {"g1"}, set())
HEAD = [
    "[sightline_id]",
    "[obstacle_id]",
    "[obstacle_height_m]",
    "[obstacle_there]",
    "[seen_child_m]",
    "[photo]",
    "[surveyed_on]",
]


def read(paths: Sequence[Path] | Path) -> tuple[pd.DataFrame, Quality, dict[str, int]]:
    quality, sheets = Quality(), SightSheets(KNOWN, {"h1", "h2"})
    paths = [paths] if isinstance(paths, Path) else list(paths)
    _, counts = read_field_sheets(paths, KNOWN, lambda *_: None, quality, other=sheets)
    found = sheets.table().sort_values(["sightline_id", "obstacle_id"], ignore_index=True)
    return found.astype(object).where(found.notna(), None), quality, counts


def sheet(tmp_path: Path, *rows: Sequence[object], name: str = "回.csv") -> Path:
    return write_table(tmp_path / name, [HEAD, *rows])


def problems(*paths: Path) -> tuple[str, ...]:
    with pytest.raises(InputDataError) as fault:
        read(paths)
    return fault.value.first


def test_what_is_measured_holds_in_every_row_of_the_obstacle(tmp_path: Path) -> None:
    found, quality, counts = read(sheet(
        tmp_path, [SOUTH, "h1", "0.75米", "还在", "", "12", "2026年3月1日"], ["g1/e1/left", "h1", "", "", 31.5, "", ""],
        ["block/e1/e1/left", "parking/e1/left/5", "", "已不在", "", "", ""], ["c2/e1/left", "h2", "", "", "", "7", "2026-03-01"],
    ))  # fmt: skip
    assert found.values.tolist() == [
        ["block/e1/e1/left", "parking/e1/left/5", None, True, None, None, None, "回.csv!A4"],
        [SOUTH, "h1", 0.75, False, None, "12", "2026-03-01", "回.csv!A2"],
        ["g1/e1/left", "h1", 0.75, False, 31.5, None, None, "回.csv!A3"],
    ]
    assert not quality.rows
    assert counts == {"回.csv": 4}, "a photo alone is no measurement"


def test_every_fault_is_told_with_its_cell(tmp_path: Path) -> None:
    found = problems(sheet(tmp_path, [SOUTH, "h1", "120", "也许", "很远", "", "昨天"], ["", "h1", 1, "", "", "", ""], [SOUTH, "", "", "", 5, "", ""],
                           [SOUTH, "h2", 1.2, "已不在", "", "", ""]))  # fmt: skip
    assert [one.partition("：")[0] for one in found] == [
        "回.csv!G2", "回.csv!C2", "回.csv!D2", "回.csv!E2", "回.csv!A3", "回.csv!B4", "回.csv!D5“已不在”、回.csv!C5“1.2”",
    ]  # fmt: skip
    assert "0.1–30" in found[1]
    assert "还在、已不在" in found[2]


def test_of_two_visits_the_later_holds_and_undated_ones_contradict(tmp_path: Path) -> None:
    one = sheet(tmp_path, [SOUTH, "h1", 1.1, "", 20, "", ""], name="甲.csv")
    other = sheet(tmp_path, ["g1/e1/left", "h1", 1.3, "", "", "", "2026-01-01"], name="乙.csv")
    assert "甲.csv!C2“1.1”" in problems(one, other)[0]
    one = sheet(tmp_path, [SOUTH, "h1", "", "已拆", 40, "", "2026-02-01"], name="甲.csv")
    found, _, _ = read([one, other])
    assert found[["sightline_id", "height_m", "gone", "seen_child_m"]].values.tolist() == [
        [SOUTH, None, True, 40.0], ["g1/e1/left", None, True, None],
    ]  # fmt: skip


@pytest.mark.parametrize("sight", ["c9/e1/right", "c1/e9/right", "c1/e1/up", "c1", "/"])
def test_ids_that_are_gone_are_listed_and_not_fatal(sight: str, tmp_path: Path) -> None:
    found, quality, _ = read(sheet(tmp_path, [sight, "h1", 0.8, "", 30, "", ""], [SOUTH, "h9", 0.5, "", 25, "", ""]))
    rows = found.set_index("sightline_id")[["height_m", "seen_child_m"]]
    assert rows.loc[sight].tolist() == [0.8, None], "the obstacle is known"
    assert rows.loc[SOUTH].tolist() == [None, 25.0], "the sightline is known"
    assert sorted((one["check"], one["id"], one["row"]) for one in quality.rows) == sorted(
        [("field_item_unknown", "h9", "回.csv!B3"), ("field_item_unknown", sight, "回.csv!A2")]
    )


def test_words_that_are_offered_are_understood() -> None:
    (there,) = (one for one in load_sheet_words().sights if one.words)
    assert there.offered == ("还在", "已不在")
    assert len({word for words in there.words.values() for word in words}) == sum(map(len, there.words.values()))


# ---- the round trip, on a road of 7 m with a hedge on its south side: see test_sightlines


def town(folder: Path, survey: pd.DataFrame | None = None) -> SimpleNamespace:
    """A store with a street, a crossing that 12 pupils pass, one that 40 pass, and a hedge without a height."""
    store, geo = Store(folder), lambda *shapes: to_degrees(pd.Series(shapes, dtype=object).to_numpy(), EPSG)
    folder.mkdir(parents=True, exist_ok=True)

    def at(shape: Any) -> Any:
        return shapely.affinity.translate(shape, *ORIGIN)

    rows: dict[str, Any] = {
        "area": pd.DataFrame({"metric_epsg": [EPSG]}),
        "streets": pd.DataFrame({"edge_id": ["e1"], "osm_id": ["w1"], "u": ["n1"], "v": ["n2"], "name": ["育才路"], "ref": [None],
                                 "geometry": geo(at(shapely.LineString([(0, 0), (400, 0)])))}),
        "street_tags": pd.DataFrame({"osm_id": ["w1"], "tags": ["{}"]}),
        "street_attributes": pd.DataFrame({"edge_id": ["e1"], "road_class": ["residential"], "beside_edge_id": [None], "carriageway_width_m": [7.0],
                                           "oneway": [False], "pair_id": [None], "pair_gap_m": [float("nan")], "speed_kmh": [50.0],
                                           "speed_kmh_from": ["tag"], "parking": ["none"], "parking_from": ["default"]}),
        "crossings": pd.DataFrame({"crossing_id": ["c1", "c2"], "road_edge_ids": ["e1", "e1"], "control": ["marked", "none"],
                                   "geometry": geo(at(shapely.Point(100, 0)), at(shapely.Point(300, 0)))}),
        "pupil_flows": pd.DataFrame({"item_id": ["c1", "c2"], "item_type": ["crossing"] * 2, "children": [12.0, 40.0]}),
        "obstacles": pd.DataFrame({"obstacle_id": ["h1", "h2"], "what": ["hedge"] * 2, "height_m": [1.2] * 2, "height_from": ["default"] * 2,
                                   "width_m": [0.8] * 2, "cost_class": ["low"] * 2,
                                   "geometry": geo(*(shapely.MultiPolygon([at(shapely.affinity.translate(VERGE, step, 0))]) for step in (0, 200)))}),
        "facilities": pd.DataFrame(columns=["kind", "status", "site_id", "geometry"]),
        "schools": pd.DataFrame({"school_id": pd.Series(dtype=object)}),
        "access_links": pd.DataFrame({"owner_type": [], "linked": pd.Series(dtype=bool), "profile": [], "owner_id": [], "gate_id": [], "edge_id": [],
                                      "geometry": []}),
        "zones": pd.DataFrame({"zone_id": [], "geometry": []}),
        "obstacle_survey": survey if survey is not None else pd.DataFrame(
            {one.name: pd.Series(dtype={"flag": bool, "number": float}.get(one.dtype, object)) for one in TABLES["obstacle_survey"].columns}),
    }  # fmt: skip
    store._held.update(rows)
    return SimpleNamespace(store=store, catalogue=load_catalogue(), quality=Quality())


def looked(folder: Path, survey: pd.DataFrame | None = None) -> pd.DataFrame:
    context = town(folder, survey)
    assert sightlines(context) == {"rows": {"sightlines": 4}}
    return pd.DataFrame(context.store.get("sightlines")).set_index("sightline_id")


def test_what_is_to_be_measured_most_pupils_first(tmp_path: Path) -> None:
    context = town(tmp_path)
    sightlines(context)
    found = sight_items(context.store, context.catalogue)
    assert found[["sightline_id", "obstacle_id", "children", "what", "street", "default_m"]].values.tolist() == [
        ["c2/e1/right", "h2", 40.0, "绿篱", "育才路", 1.2], [SOUTH, "h1", 12.0, "绿篱", "育才路", 1.2],
    ]  # fmt: skip
    # the child stands south of the road, the car comes from the west, the hedge stands 9 m west
    assert found["stand"].tolist() == ["南侧路缘，望西方来车"] * 2
    assert found["obstacle_at"].tolist() == ["西9 m"] * 2
    assert found[["needed_m", "seen_m"]].values.tolist() == [[59.3, 26.0]] * 2
    lon, lat = gcj02_to_wgs84(found["gcj_lon"].to_numpy(), found["gcj_lat"].to_numpy())
    assert abs(lon - found["lon"]).max() < 2e-6
    assert abs(lat - found["lat"]).max() < 2e-6
    assert len(sight_items(context.store, context.catalogue, top=1)) == 1


def written(folder: Path) -> Path:
    context = town(folder)
    sightlines(context)
    book = openpyxl.Workbook()
    add_sight_sheet(
        book, sight_items(context.store, context.catalogue), FieldStyles(book), "村", synthetic=True, relative=True
    )
    book.save(folder / "表.xlsx")
    return folder / "表.xlsx"


def fill(path: Path, cells: Mapping[tuple[str, str], object]) -> Path:
    book = openpyxl.load_workbook(path)
    page = book[SIGHT_SHEET]
    at = {key_of(str(cell.value)): cell.column for cell in page[HEADER_ROW]}
    row = {str(page.cell(one, 2).value): one for one in range(HEADER_ROW + 1, page.max_row + 1)}
    for (item, key), value in cells.items():
        page.cell(row[item], at[key]).value = value
    book.save(path.with_name("回.xlsx"))
    return path.with_name("回.xlsx")


def test_three_filled_cells_turn_screening_into_findings(tmp_path: Path) -> None:
    before = looked(tmp_path / "a")
    assert before.loc[[SOUTH, "c2/e1/right"], "verdict"].tolist() == ["to_verify"] * 2
    path = written(tmp_path / "b")
    page = openpyxl.load_workbook(path)[SIGHT_SHEET]
    head = " ".join(str(page.cell(row, 1).value) for row in (1, 2, 3))
    assert all(one in head for one in ("示例数据", "内部使用", "相对权重", "待核实"))
    assert keep_filled(path) is None
    back = fill(
        path,
        {
            (SOUTH, "obstacle_height_m"): 1.1,
            ("c2/e1/right", "obstacle_there"): "已不在",
            (SOUTH, "surveyed_on"): "2026-03-01",
        },
    )
    survey, quality, counts = read(back)
    assert not quality.rows
    assert counts == {"回.xlsx": 2}
    now = looked(tmp_path / "c", survey.assign(height_m=survey["height_m"].astype(float), gone=survey["gone"].astype(bool),
                                               seen_child_m=survey["seen_child_m"].astype(float)))  # fmt: skip
    # 1.1 m: still above the child's line of 1.06 m there, so it is a finding now
    assert now.loc[SOUTH, ["evidence", "verdict", "blocked_by", "seen_child_m"]].tolist() == [
        "measured",
        "too_short",
        "h1",
        26.0,
    ]
    assert now.loc["c2/e1/right", ["evidence", "verdict", "seen_child_m"]].tolist() == ["screening", "enough", 58.0]
    assert keep_filled(back) is not None, "what somebody wrote is kept"


@pytest.mark.parametrize(("walked", "verdict"), [(70.0, "enough"), (59.3, "too_short"), (12.0, "too_short")])
def test_a_distance_found_on_site_stands_in_the_table(walked: float, verdict: str, tmp_path: Path) -> None:
    survey = pd.DataFrame({"sightline_id": [SOUTH], "obstacle_id": ["h1"], "height_m": [float("nan")], "gone": [False], "seen_child_m": [walked],
                           "photo": [None], "surveyed_on": [None], "source": ["回.csv!A2"]})  # fmt: skip
    row = looked(tmp_path, survey).loc[SOUTH]
    # needed 59.31 m
    assert (row["seen_child_m"], row["evidence"], row["verdict"]) == (walked, "measured", verdict)
    assert pd.isna(row["child_gap_m"]), "nobody measured the adult's"
    assert row["seen_low_m"] <= walked <= row["seen_high_m"] <= row["seen_adult_m"]
    assert pd.isna(row["blocked_by"]) == (verdict == "enough")


def test_a_surveyed_sightline_that_is_gone_is_listed(tmp_path: Path) -> None:
    survey = pd.DataFrame({"sightline_id": ["c9/e1/left"], "obstacle_id": ["h1"], "height_m": [float("nan")], "gone": [False], "seen_child_m": [9.0],
                           "photo": [None], "surveyed_on": [None], "source": ["回.xlsx[视线测量]!B5"]})  # fmt: skip
    context = town(tmp_path, survey)
    sightlines(context)
    assert [(one["check"], one["id"], one["source"]) for one in context.quality.rows] == [
        ("field_item_unknown", "c9/e1/left", "回.xlsx")
    ]


def test_the_workbook_shows_what_is_short_or_to_verify_and_the_geopackage_all(tmp_path: Path) -> None:
    context = town(tmp_path)
    sightlines(context)
    found = context.store.get("sightlines")
    run = small_run()
    run = replace(run, frames={**run.frames, "sightlines": found})
    (page,) = (one for one in planner_sheets(run) if one.table == "sightlines")
    assert page.zh == "儿童视线"
    assert page.rows["verdict"].tolist() == ["待核实"] * 2
    assert page.rows["blocked_what"].tolist() == ["绿篱"] * 2
    assert page.rows["children"].tolist() == [40.0, 12.0]
    assert page.columns[0].zh == "结果"
    layer, _ = layers_of(run)["sightlines"]
    assert len(layer) == 4
    (style,) = styles_of("sightlines", found, run.catalogue, run.words)
    assert [rule.label for rule in style.rules] == ["视线不足（实测或标注高度）", "视线待核实（默认高度）", "视线足够"]
    assert {"obstacles", "obstacle_survey"} <= set(NOT_REPORTED)
