"""The field sheet of the ways to school: what it lists, that its bytes are fixed, and that what is filled in comes back as survey."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from helpers import Drawing, Result, call, degrees, table, write_config
from hypothesis import given
from hypothesis import strategies as st
from planner_files import write_table

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import read_config
from xiqing_space.errors import InputDataError
from xiqing_space.gcj02 import gcj02_to_wgs84
from xiqing_space.ingest.field_columns import is_blank, key_of, load_sheet_words
from xiqing_space.ingest.field_sheets import Known, read_field_sheets, with_guards
from xiqing_space.ingest.quality import Quality
from xiqing_space.report.field_items import FieldItems, FieldTables
from xiqing_space.report.field_sheet import HEADER_ROW, write_field_sheet
from xiqing_space.schemas import TABLES
from xiqing_space.store import Store

FILE = load_sheet_words().file
# the first stretch of 西0路, which runs east
STREET = "osm:w1001:n1-n2"
KNOWN = Known({"e1", "e2"}, {"e1": ("n1", "n2"), "e2": ("n2", "n3")}, {"z1", "x"}, {"g1", "x"}, {"s1"})


# ---- reading what comes back


def sheet(tmp_path: Path, rows: Sequence[Sequence[object]], name: str = "回.csv") -> Path:
    return write_table(tmp_path / name, rows)


def nothing(item: str, item_type: str, name: str) -> str | None:
    return None


def read(paths: Sequence[Path] | Path, tagged: Any = nothing) -> tuple[list[tuple[Any, ...]], Quality]:
    quality = Quality()
    paths = [paths] if isinstance(paths, Path) else list(paths)
    frame, _ = read_field_sheets(paths, KNOWN, tagged, quality)
    return sorted(
        frame[["item_id", "item_type", "field", "value", "surveyed_on"]].itertuples(index=False, name=None)
    ), quality


def problems(paths: Sequence[Path] | Path) -> tuple[str, ...]:
    with pytest.raises(InputDataError) as fault:
        read(paths)
    return fault.value.first


def test_words_and_numbers_become_values(tmp_path: Path) -> None:
    head = [
        "编号 [item_id]",
        "[speed_kmh]",
        "车道［lanes］",
        "[sidewalk_left]",
        "[width_m]",
        "[lit]",
        "[parking]",
        "[flag_ebikes]",
        "[surveyed_on]",
    ]
    rows = [
        head,
        ["e1", "30 km/h", 2, "紧邻车道", "7.5米", "有", "两侧", "√", "2026年3月1日"],
        ["e2", "", "", "无", "", "×", "无", "—", ""],
    ]
    day = "2026-03-01"
    assert read(sheet(tmp_path, rows))[0] == [
        ("e1", "edge", "carriageway_width_m", "7.5", day), ("e1", "edge", "flag_ebikes", "yes", day), ("e1", "edge", "lanes_total", "2", day),
        ("e1", "edge", "lit", "yes", day), ("e1", "edge", "parking", "both", day), ("e1", "edge", "sidewalk_left", "separated_0_1m", day),
        ("e1", "edge", "speed_kmh", "30", day), ("e2", "edge", "lit", "no", None), ("e2", "edge", "parking", "none", None),
        ("e2", "edge", "sidewalk_left", "none", None),
    ]  # fmt: skip


def test_an_id_tells_what_it_is(tmp_path: Path) -> None:
    head = ["[item_id]", "[item_type]", "[control]", "[lanes]", "[guard]"]
    rows = [head, ["z1", "", "信号灯", 4, ""], ["n1/e1", "", "斑马线", "", ""], ["block/e2", "", "无", "", ""], ["over/e2", "", "天桥或地道", "", ""],
            ["g1", "", "", "", "有"], ["s1@b00100", "", "", "", "无"], ["x", "校门 gate", "", "", "有"], ["x2", "", "", "", "有"]]  # fmt: skip
    rows[7][1] = "校门"
    found, quality = read(sheet(tmp_path, rows))
    assert {(item, kind, name, value) for item, kind, name, value, _ in found} == {
        ("z1", "crossing", "control", "signals"), ("z1", "crossing", "lanes_crossed", "4"), ("n1/e1", "crossing", "control", "marked"),
        ("block/e2", "crossing", "control", "none"), ("over/e2", "crossing", "control", "grade_separated"), ("g1", "gate", "guard", "yes"),
        ("s1@b00100", "gate", "guard", "no"), ("x", "gate", "guard", "yes"),
    }  # fmt: skip
    assert [(one["check"], one["id"], one["row"]) for one in quality.rows] == [
        ("field_item_unknown", "x2", "回.csv!A9")
    ]


@pytest.mark.parametrize("item", ["n3/e1", "n1/e9", "block/e9", "e1/e1", "@s1", "/", "block/"])
def test_an_id_that_nothing_bears_any_more_is_listed_and_not_fatal(item: str, tmp_path: Path) -> None:
    found, quality = read(sheet(tmp_path, [["[item_id]", "[lit]"], [item, "有"], ["e1", "有"]]))
    assert [one[0] for one in found] == ["e1"]
    assert [one["id"] for one in quality.rows] == [item]


def test_every_fault_is_listed_with_its_cell_and_nothing_is_read(tmp_path: Path) -> None:
    head = ["[item_id]", "[speed_kmh]", "[lanes]", "[control]", "[parking]", "[surveyed_on]"]
    rows = [
        head,
        ["e1", "很快", "2.5", "", "到处", "昨天"],
        ["e2", 500, "", "信号灯", "", ""],
        ["", 30, "", "", "", ""],
    ]
    found = problems(sheet(tmp_path, rows))
    assert [one.partition("：")[0] for one in found] == [
        "回.csv!F2",
        "回.csv!B2",
        "回.csv!C2",
        "回.csv!E2",
        "回.csv!B3",
        "回.csv!D3",
        "回.csv!A4",
    ]
    assert "5–130" in found[1]
    assert "整数" in found[2]
    assert "无、一侧、两侧" in found[3]
    assert "路段不填" in found[5]


def test_contradictions_need_dates(tmp_path: Path) -> None:
    head = ["[item_id]", "[lit]", "[surveyed_on]"]
    one, other = (
        sheet(tmp_path, [head, ["e1", "有", ""]], "甲.csv"),
        sheet(tmp_path, [head, ["e1", "无", "2026-01-01"]], "乙.csv"),
    )
    (line,) = problems([one, other])
    assert "甲.csv!B2“有”" in line
    assert "乙.csv!B2“无”" in line
    one = sheet(tmp_path, [head, ["e1", "有", "2026-02-01"]], "甲.csv")
    found, quality = read([one, other])
    assert found == [("e1", "edge", "lit", "yes", "2026-02-01")]
    assert [row["check"] for row in quality.rows] == ["field_later"]
    assert read([one, one])[0] == found, "the same file twice says the same"


def test_a_conflict_with_the_map_stays_visible(tmp_path: Path) -> None:
    said = {
        ("e1", "speed_kmh"): "50",
        ("e1", "lit"): "yes",
        ("e1", "sidewalk_left"): "separated_0_1m",
        ("e1", "sidewalk_right"): "separated_0_1m",
    }
    rows = [["[item_id]", "[speed_kmh]", "[lit]", "[sidewalk_left]", "[sidewalk_right]", "[parking]"],
            ["e1", 30, "有", "与车道相距3米以上", "无人行道只能走车道", "一侧"]]  # fmt: skip
    quality = Quality()
    frame, counts = read_field_sheets(
        [sheet(tmp_path, rows)], KNOWN, lambda item, _, name: said.get((item, name)), quality
    )
    found = frame.set_index("field")
    assert counts == {"回.csv": 5}
    # the map's sidewalk may well lie 3 m away; that there is none contradicts it
    assert found["conflict"].to_dict() == {
        "lit": False,
        "parking": False,
        "sidewalk_left": False,
        "sidewalk_right": True,
        "speed_kmh": True,
    }
    assert found.loc["speed_kmh", ["value", "tag_value", "source"]].tolist() == ["30", "50", "回.csv!B2"]
    assert found.loc["parking", "tag_value"] is None
    assert sorted(one["check"] for one in quality.rows) == ["field_conflict"] * 2
    assert any("踏勘为“30”" in one["what_zh"] and "“50”" in one["what_zh"] for one in quality.rows)


def test_formulas_and_hostile_text_are_no_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["[item_id]", "[lit]", "[speed_kmh]"],
        ["e1", '=HYPERLINK("http://x")', "=1+29"],
        ["e2", "'=cmd|' /c calc'!A0", "<b>30</b>"],
    ):
        book.active.append(row)
    book.save(tmp_path / "回.xlsx")
    found = problems(tmp_path / "回.xlsx")
    assert len(found) == 4
    assert all("回.xlsx" in one for one in found)
    assert any("公式" in one for one in found)


def test_what_is_no_field_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    found = problems([sheet(tmp_path, [["a", "b"], ["1", "2"]]), tmp_path / "坏.xlsx"])
    assert len(found) == 2
    assert any("没有踏勘表" in one for one in found)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "[lit] 出现两次" in problems(sheet(tmp_path, [["[item_id]", "[lit]", "夜 [lit]"], ["e1", "有", "有"]]))[0]


@given(st.text(max_size=20))
def test_no_cell_breaks_the_reader(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = sheet(
            Path(folder), [["[item_id]", "[parking]"], ["e1", text.replace("\0", "").replace("\r", "")], ["e2", "无"]]
        )
        try:
            found, _ = read(path)
        except InputDataError:
            return
        assert {value for *_, value, _ in found} <= {"none", "one", "both"}


def test_a_field_sheet_stands_before_a_list_of_guards() -> None:
    columns = ["item_id", "item_type", "field", "value", "tag_value", "conflict", "surveyed_on", "source"]
    said = pd.DataFrame([("g1", "gate", "guard", "no", None, False, None, "回.csv!B2")], columns=columns)
    listed = pd.DataFrame(
        [(one, "gate", "guard", "yes", None, False, None, f"岗.csv:{row}") for row, one in enumerate(("g1", "s2"), 2)],
        columns=columns,
    )
    quality = Quality()
    found = with_guards(said, listed, quality)
    assert found.set_index("item_id")["value"].to_dict() == {"g1": "no", "s2": "yes"}
    assert [(one["check"], one["row"]) for one in quality.rows] == [("guard_contradicted", "岗.csv:2")]
    assert with_guards(said[:0], listed, Quality())["item_id"].tolist() == ["g1", "s2"]


def test_words_that_are_offered_are_understood_and_each_means_one_thing() -> None:
    for one in load_sheet_words().fields:
        assert not any(is_blank(word) for word in one.offered)
        assert len({word for words in one.words.values() for word in words}) == sum(map(len, one.words.values()))
        assert len(",".join(one.offered)) < 250, "a list of choices holds 255 characters"
        assert not any("," in word for word in one.offered)
    assert key_of("限速 km/h [speed_kmh]") == "speed_kmh"


def test_fields_are_those_of_the_tables() -> None:
    attributes = {column.name for column in TABLES["street_attributes"].columns}
    crossing = {column.name for column in TABLES["crossings"].columns}
    for one in load_sheet_words().fields:
        for kind, name in one.of.items():
            assert name.startswith("flag_") or kind == "gate" or name in (attributes if kind == "edge" else crossing), (
                name
            )
    for group, column in (("sidewalk_left", "sidewalk_left"), ("parking", "parking")):
        words = next(one.words for one in load_sheet_words().fields if one.key == group)
        among = next(one.among for one in TABLES["street_attributes"].columns if one.name == column)
        assert set(words) == set(among)


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
