"""The field sheet of the ways to school: what it lists, that its bytes are fixed, and that what is filled in comes back as survey."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from field_files import nothing
from helpers import Drawing, Result, call, degrees, table, write_config
from planner_files import write_table

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import read_config
from xiqing_space.gcj02 import gcj02_to_wgs84
from xiqing_space.ingest.field_columns import key_of, load_sheet_words
from xiqing_space.ingest.field_sheets import Known, read_field_sheets
from xiqing_space.ingest.quality import Quality
from xiqing_space.report.field_items import FieldItems, FieldTables
from xiqing_space.report.field_sheet import HEADER_ROW, write_field_sheet
from xiqing_space.schemas import TABLES
from xiqing_space.store import Store

FILE = load_sheet_words().file
# the first stretch of 西0路, which runs east
STREET = "osm:w1001:n1-n2"


# ---- writing


@pytest.fixture(scope="module")
def finished(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the hamlet as far as its scores, and routes of two schools that were made by hand."""
    base = tmp_path_factory.mktemp("field")
    hamlet.write(base / "hamlet.osm.pbf")
    config = write_config(base / "c.toml", {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}})
    result = call("run", "--config", config, "--out", base / "out", "--only", "safety")
    assert result.code == 0, result.err
    put_routes(base / "out")
    return base


def put_routes(out: Path) -> None:
    """Thirty pupils of 示例小学 walk along STREET and over the zebra; three of 初级中学 along STREET alone; with a formula for a name."""
    store = Store(out / "data/processed")
    sites = {one.name: one for one in table(out, "facilities").itertuples() if isinstance(one.name, str)}
    schools = [
        (sites["示例小学"].site_id, "=示例小学", "primary_school", 30.0),
        (sites["初级中学"].site_id, "初级中学", "junior_school", 3.0),
    ]
    forest, routes, rows = [], [], []
    for site, name, kind, children in schools:
        forest.append((site, "safest", "osm:n1", 0, STREET, None, "persons", children))
        if kind == "primary_school":
            forest.append((site, "safest", "osm:n26", 0, None, zebra(out), "persons", children))
        gate = table(out, "gates").set_index("owner_id").loc[[site], "gate_id"].iloc[0]
        routes.append({"demand_id": f"home-{kind}", "school_id": site, "kind": kind, "gate_id": gate, "children": children, "weight_kind": "persons",
                       "inside": True, "acceptable": False})  # fmt: skip
        rows.append({"school_id": site, "name": name, "kind": kind, "inside": True, "weight_kind": "persons", "children": children,
                     "children_routed": children, "geometry": shapely.Point(degrees(270, 450))})  # fmt: skip
    store.put("school_forest", pd.DataFrame(forest, columns=[one.name for one in TABLES["school_forest"].columns]))
    for name, data in (("school_routes", routes), ("schools", rows)):
        store.put(name, pd.DataFrame(data).reindex(columns=[one.name for one in TABLES[name].columns]))


def zebra(out: Path) -> str:
    crossings = table(out, "crossings")
    return str(crossings.loc[crossings["mapped"], "crossing_id"].item())


def command(base: Path, *more: object, out: str = "out") -> Result:
    return call("field-sheet", "--config", base / "c.toml", "--out", base / out, *more)


@pytest.fixture(scope="module")
def written(finished: Path) -> Path:
    result = command(finished)
    assert result.code == 0, result.err
    assert "2 所学校" in result.out
    return finished / "out/reports" / FILE


def rows_of(path: Path, title: str) -> dict[str, dict[str, Any]]:
    """Cells of a school's sheet by item and by key, else by the first word of the title."""
    found = openpyxl.load_workbook(path)[title]
    keys = {cell.column: key_of(str(cell.value)) or str(cell.value).split()[0] for cell in found[HEADER_ROW]}
    lines = (found[row] for row in range(HEADER_ROW + 1, found.max_row + 1) if found.cell(row, 2).value)
    return {str(line[1].value): {keys[cell.column]: cell.value for cell in line} for line in lines}


def test_a_sheet_for_each_school_the_weightiest_first(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    assert book.sheetnames == ["填写说明", "01 =示例小学", "02 初级中学"]
    assert all(len(book[name]._images) == 1 for name in book.sheetnames[1:])


def test_items_are_ranked_by_pupils_and_width(finished: Path) -> None:
    out = finished / "out"
    items = FieldItems(FieldTables.read(Store(out / "data/processed")), load_catalogue())
    site = next(one.site_id for one in table(out, "facilities").itertuples() if one.name == "示例小学")
    found = items.of(site, 10).set_index("item_id")
    segment, crossing = (
        table(out, "segment_scores").set_index("edge_id").loc[STREET],
        table(out, "crossing_scores").set_index("crossing_id"),
    )
    length = table(out, "streets").set_index("edge_id").loc[STREET, "length_m"]
    assert found.loc[STREET, "weight"] == pytest.approx(
        30 * (segment["high_along"] - segment["low_along"]) * length / 100
    )
    one = crossing.loc[zebra(out)]
    assert found.loc[zebra(out), "weight"] == pytest.approx(30 * (one["high_cross"] - one["low_cross"]))
    assert found["item_type"].iloc[0] == "gate"
    assert found["weight"].iloc[1:].is_monotonic_decreasing
    assert len(items.of(site, 1)) == 2, "gates come on top"
    # 西0路 runs east: north is on its left
    assert found.loc[STREET, "side"] == "面向东：左=北侧，右=南侧"
    assert "限速 km/h 30（默认）；" in found.loc[STREET, "now"]
    assert "过街形式 斑马线（地图）" in found.loc[zebra(out), "now"]
    lon, lat = gcj02_to_wgs84(found["gcj_lon"].to_numpy(dtype=float), found["gcj_lat"].to_numpy(dtype=float))
    assert abs(lon - found["lon"].to_numpy(dtype=float)).max() < 2e-6
    assert abs(lat - found["lat"].to_numpy(dtype=float)).max() < 2e-6


def test_a_footway_beside_a_road_is_surveyed_on_the_road(finished: Path) -> None:
    found = FieldTables.read(Store(finished / "out/data/processed"))
    road = next(one for one in found["street_attributes"]["edge_id"] if one.startswith("osm:w1002:"))
    attributes = found["street_attributes"].copy()
    attributes.loc[(attributes["edge_id"] == STREET).to_numpy(), "beside_edge_id"] = road
    changed = FieldTables({**found.tables, "street_attributes": attributes}, found.metric_epsg, False, "村")
    site = changed["schools"]["school_id"].iloc[0]
    ids = set(FieldItems(changed, load_catalogue()).of(site, 10)["item_id"])
    assert road in ids
    assert STREET not in ids


def test_no_name_of_a_file_is_a_formula(written: Path) -> None:
    cell = openpyxl.load_workbook(written)["01 =示例小学"]["A1"]
    assert str(cell.value).startswith("=示例小学")
    assert cell.data_type == "s"
    assert cell.quotePrefix


def test_cells_to_fill_are_empty_and_offer_their_words(written: Path) -> None:
    book = openpyxl.load_workbook(written)
    rows = rows_of(written, "02 初级中学")
    street = rows[STREET]
    asked = {one.key for one in load_sheet_words().fields if "edge" in one.of}
    assert all(street[key] is None for key in (*asked, "surveyed_on", "note"))
    assert all(street[one.key] == "／" for one in load_sheet_words().fields if "edge" not in one.of), "grey"
    offered = {check.formula1 for check in book["02 初级中学"].data_validations.dataValidation if check.type == "list"}
    assert '"无,斑马线,信号灯,天桥或地道"' in offered
    assert len(offered) == 4


def test_an_empty_sheet_says_nothing_and_fixed_bytes(written: Path, finished: Path) -> None:
    before = written.read_bytes()
    assert command(finished).code == 0
    assert written.read_bytes() == before
    out = finished / "out"
    known = Known(set(table(out, "streets")["edge_id"]), {}, {zebra(out)}, set(table(out, "gates")["gate_id"]), set())
    frame, counts = read_field_sheets([written], known, nothing, Quality())
    assert frame.empty
    assert counts == {FILE: 0}


def test_a_filled_in_sheet_is_not_buried(written: Path, finished: Path) -> None:
    book = openpyxl.load_workbook(written)
    page = book["02 初级中学"]
    page.cell(HEADER_ROW + 1, page.max_column).value = "看过"
    book.save(written)
    result = command(finished)
    assert "已另存" in result.out
    kept = written.with_name("上学路径踏勘表（已填写）.xlsx")
    assert openpyxl.load_workbook(kept)["02 初级中学"].cell(HEADER_ROW + 1, page.max_column).value == "看过"
    assert openpyxl.load_workbook(written)["02 初级中学"].cell(HEADER_ROW + 1, page.max_column).value is None
    kept.unlink()


def test_one_school_by_a_part_of_its_name(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "b")
    assert "1 所学校" in command(tmp_path / "b", "--school", "初级", "--top", 1).out
    wrong = command(tmp_path / "b", "--school", "高级")
    assert wrong.code == 1
    assert "初级中学" in wrong.err, "it names those that there are"


def test_without_routes_it_says_what_to_run(hamlet_osm: Path, tmp_path: Path) -> None:
    write_config(tmp_path / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}})
    result = command(tmp_path)
    assert result.code == 1
    assert "xiqing-space run" in result.err


def test_an_input_is_never_written_over(written: Path, finished: Path) -> None:
    settings = {
        "area": {"name": "村"},
        "sources": {"osm": "hamlet.osm.pbf"},
        "routes": {"field_sheets": [f"out/reports/{FILE}"]},
    }
    config = write_config(finished / "in.toml", settings)
    result = call("field-sheet", "--config", config, "--out", finished / "out")
    assert result.code == 1
    assert "data/raw" in result.err


def test_a_synthetic_run_says_so_on_every_sheet(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "b")
    store = Store(tmp_path / "b/out/data/processed")
    store.put("area", store.get("area").assign(synthetic=True))
    done = write_field_sheet(read_config(tmp_path / "b/c.toml"), tmp_path / "b/out")
    for page in openpyxl.load_workbook(done.path):
        texts = [str(cell.value) for row in page.iter_rows(max_row=3) for cell in row if cell.value]
        assert any("示例数据" in one for one in texts), page.title
        assert any("内部使用" in one for one in texts), page.title


# ---- the round trip


def fill(source: Path, target: Path, title: str, cells: Mapping[tuple[str, str], object]) -> None:
    book = openpyxl.load_workbook(source)
    page = book[title]
    at = {key_of(str(cell.value)): cell.column for cell in page[HEADER_ROW]}
    row = {str(page.cell(one, 2).value): one for one in range(HEADER_ROW + 1, page.max_row + 1)}
    for (item, key), value in cells.items():
        page.cell(row[item], at[key]).value = value
    book.save(target)


def test_three_filled_cells_come_back_as_survey(written: Path, finished: Path) -> None:
    out = finished / "out"
    cells = {
        (STREET, "speed_kmh"): 30,
        (STREET, "sidewalk_left"): "与车道相距1至3米",
        (zebra(out), "control"): "信号灯",
    }
    fill(written, finished / "回.xlsx", "01 =示例小学", cells)
    write_table(finished / "岗.csv", [["学校"], ["初级中学"]])
    read_back = {"field_sheets": ["回.xlsx"], "guards": [{"file": "岗.csv"}]}
    settings = {"area": {"name": "村"}, "sources": {"osm": "hamlet.osm.pbf"}, "routes": read_back}
    config = write_config(finished / "back.toml", settings)
    result = call("run", "--config", config, "--out", finished / "back", "--only", "safety")
    assert result.code == 0, result.err
    street, was = (table(one, "street_attributes").set_index("edge_id").loc[STREET] for one in (finished / "back", out))
    # 30 km/h was the default: to have seen it is more than to have guessed it
    assert (was["speed_kmh"], was["speed_kmh_from"]) == (30.0, "default")
    assert (street["speed_kmh"], street["speed_kmh_from"]) == (30.0, "survey")
    assert (street["sidewalk_left"], street["sidewalk_left_from"]) == ("separated_1_3m", "survey")
    assert street["lit_from"] == was["lit_from"] == "default"
    crossing = table(finished / "back", "crossings").set_index("crossing_id").loc[zebra(out)]
    assert (crossing["control"], crossing["control_from"]) == ("signals", "survey")
    # the school stands 14 m from the junction at (400, 600): its crossings are guarded, and no others
    guarded = table(finished / "back", "crossings").set_index("crossing_id")["guard"]
    junction = {one for one in guarded.index if "/" in one and shapely.from_wkb(
        table(finished / "back", "crossings").set_index("crossing_id").loc[one, "geometry"]).distance(shapely.Point(degrees(400, 600))) < 1e-6}  # fmt: skip
    assert set(guarded.index[guarded]) == junction != set()
    # what is known narrows the range
    now, before = (table(one, "segment_scores").set_index("edge_id").loc[STREET] for one in (finished / "back", out))
    assert now["high_along"] - now["low_along"] < before["high_along"] - before["low_along"]
    assert now["share_defaulted"] < before["share_defaulted"]
    # the zebra was mapped: both stay visible
    survey = table(finished / "back", "street_survey").set_index(["item_id", "field"])
    assert survey.loc[(zebra(out), "control"), ["value", "tag_value", "conflict"]].tolist() == [
        "signals",
        "marked",
        True,
    ]
    quality = pd.read_csv(finished / "back/data/processed/quality.csv", dtype=str, keep_default_na=False)
    assert quality.loc[quality["check"] == "field_conflict", "id"].tolist() == [zebra(out)]
    record = (finished / "back/data/processed/run.json").read_text("utf-8")
    assert '"role": "routes.field_sheets-1",\n   "rows": 3' in record
