"""Facility lists in a whole run of the hamlet: where each row ends up, and what the figures make of it, worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from helpers import Drawing, degrees, files_of, table
from planner_files import Office, fill_in, gcj, write_book, write_layer, write_table
from pyproj import Geod

from xiqing_space.ingest.match_workbook import ACCEPTED_SHEET, ASK_SHEET

# row 1 is a title and row 2 the header, as offices write them; the hamlet's map has 第一幼儿园 (180 places) and 示例小学
ROSTER = [
    ["西村教育名录"],
    ["学校名称", "地址", "街镇", "类别", "性质", "状态", "服务对象", "学位数", "班数", "举办者"],
    ["第一幼儿园", "西1路2号", "西片", "幼儿园", "公办", "在营", "", "360", "12", "村教育局"],  # 3: accepted
    ["示例小学", "", "西片", "小学", "公办", "在营", "", "900", "24", "村教育局"],  # 4: accepted
    ["云杉幼儿园", "", "东片", "幼儿园", "民办", "在营", "", "90", "3", ""],  # 5: no place is near in name
    ["第一幼儿园分园", "", "西片", "幼儿园", "公办", "在营", "", "60", "2", ""],  # 6: a branch of it? asked
    ["东方幼儿园", "", "东片", "幼儿园", "普惠民办", "规划", "", "270", "9", ""],  # 7: accepted at the POI's place
    ["机关幼儿园", "", "西片", "幼儿园", "公办", "在营", "内部职工", "120", "4", ""],  # 8: the same
]
# name, kind, place in metres; the two 东方 are 20 m apart; 南开 lies beyond the area but in its buffer
POI = [
    ("东方幼儿园", "幼儿园", 700, 300),
    ("东方幼儿园", "幼儿园", 720, 300),
    ("九年一贯制实验学校", "九年一贯制学校", 150, 650),
    ("南开幼儿园", "幼儿园", 100, -1000),
    ("机关幼儿园", "幼儿园", 30, 390),
]
LISTS: dict[str, Any] = {
    "facilities": [{"file": "roster.xlsx", "date": "2024-09"}, {"file": "poi.csv", "datum": "GCJ-02", "trust": 4}],
    "stated": [
        {"label": "幼儿园", "kinds": ["kindergarten"], "total": 115},
        {"label": "小学", "kinds": ["primary_school"], "total": 2},
    ],
}


def poi_rows() -> list[list[object]]:
    return [["名称", "类别", "经度", "纬度"], *([name, kind, *gcj(x, y)] for name, kind, x, y in POI)]


def make_office(folder: Path, hamlet: Drawing) -> Office:
    office = Office(folder, hamlet)
    write_table(folder / "roster.xlsx", ROSTER)
    write_table(folder / "poi.csv", poi_rows())
    return office


@pytest.fixture(scope="module")
def office(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A folder in which `out` holds the run of `LISTS`; tests run elsewhere."""
    made = make_office(tmp_path_factory.mktemp("lists"), hamlet)
    made.run(LISTS, "--only", "indicators")
    return made


def facilities(office: Office, out: str = "out") -> pd.DataFrame:
    return table(office.folder / out, "facilities").set_index("facility_id")


def away_m(geometry: bytes, x: float, y: float) -> float:
    """Metres on the ellipsoid between a point of a table and a place of the drawing."""
    point = shapely.from_wkb(geometry)
    return float(abs(Geod(ellps="WGS84").inv(point.x, point.y, *degrees(x, y))[2]))


def test_every_row_of_every_list_is_somewhere(office: Office) -> None:
    found = set(facilities(office).index)
    assert {one for one in found if one.startswith("file:")} == {
        "file:roster:3", "file:roster:4", "file:roster:7", "file:roster:8",
        "file:poi:4", "file:poi:4#junior_school", "file:poi:5",
    }  # fmt: skip
    assert set(table(office.folder / "out", "unlocated")["facility_id"]) == {"file:roster:5", "file:roster:6"}
    merges = table(office.folder / "out", "merges").set_index("merged_row_id")
    assert merges["kept_row_id"].to_dict() == {
        "file:poi:2": "file:roster:7", "file:poi:3": "file:roster:7", "file:poi:6": "file:roster:8",
        "osm:n118": "file:roster:3", "osm:w1044": "file:roster:4",
    }  # fmt: skip
    assert merges.loc["file:poi:3", "distance_m"] == pytest.approx(20.0, abs=0.2)
    assert not {"osm:n118", "osm:w1044"} & found


def test_places_are_right_to_a_metre(office: Office) -> None:
    found = facilities(office)
    for identity, x, y in (
        ("file:poi:4", 150, 650), ("file:poi:4#junior_school", 150, 650), ("file:poi:5", 100, -1000),
        ("file:roster:8", 30, 390), ("file:roster:7", 700, 300), ("file:roster:3", 20, 220),
    ):  # fmt: skip
        assert away_m(found.loc[identity, "geometry"], x, y) < 1.0, identity
    assert found.loc["file:poi:5", "datum_in"] == "GCJ-02"
    assert found.loc[["file:roster:3", "file:roster:8"], "located_by"].eq("matched").all()
    assert found["inside"].to_dict()["file:poi:5"] is False


def test_what_a_list_states_is_carried_along(office: Office) -> None:
    found = facilities(office)
    columns = [
        "operator",
        "status",
        "serves",
        "capacity_places",
        "classes",
        "capacity_from",
        "legal_person",
        "source_row",
    ]
    told = {one: found.loc[one, columns].tolist() for one in ("file:roster:3", "file:roster:7", "file:roster:8")}
    assert told["file:roster:3"] == ["public", "operating", "everyone", 360.0, 12.0, "file", "村教育局", "3"]
    assert told["file:roster:7"][:4] == ["inclusive_private", "planned", "everyone", 270.0]
    assert told["file:roster:8"][:4] == ["public", "operating", "employees", 120.0]
    doubts = office.quality()
    clash = doubts[(doubts["check"] == "merge_conflict") & (doubts["id"] == "file:roster:3")]
    assert clash["what_zh"].str.contains("360").all()
    assert clash["what_zh"].str.contains("180").all()
    assert len(clash) == 1


def test_a_nine_year_school_is_two_kinds_of_one_site(office: Office) -> None:
    found = facilities(office)
    both = found.loc[["file:poi:4", "file:poi:4#junior_school"]]
    assert both["kind"].tolist() == ["primary_school", "junior_school"]
    assert both["site_id"].tolist() == ["file:poi:4", "file:poi:4"]


def test_rows_without_a_place_stay_in_the_counts(office: Office) -> None:
    """Kindergartens inside, operating, for everyone: 第一; 云杉 exists somewhere; 分园 may be 第一 itself. So 2, at most 3."""
    rows = table(office.folder / "out", "indicators")
    mine = rows[rows["kind"] == "kindergarten"]
    count = mine[mine["indicator_id"] == "A02-count"].iloc[0]
    assert (count["value"], count["value_low"], count["value_high"], count["n_unknown"]) == (2.0, 2.0, 3.0, 2.0)
    assert count["reason"] == "positions_unknown"
    shares = mine[mine["indicator_id"] == "A02-coverage"]
    assert shares["value_high"].isna().all(), "two kindergartens may stand anywhere"
    judged = shares[(shares["measure"] == "radius") & (shares["standard_id"] == "kindergarten_300m")]
    assert set(judged["verdict"]) == {"unknown"}
    # the first of primary schools is all placed: 示例小学 and the nine-year school
    schools = rows[(rows["kind"] == "primary_school") & (rows["indicator_id"] == "A02-count")].iloc[0]
    assert (schools["value"], schools["value_high"]) == (2.0, 2.0)


def test_the_share_within_300_m_by_hand(office: Office) -> None:
    """Only 第一幼儿园 at (20, 220) counts: 东方 is planned, 机关 for staff, 南开 a kilometre off. Floor areas 18 × 20 × levels."""
    homes = {(200.0 * c + 69, 200.0 * r + 40): 360.0 * (3 + c) for c in range(4) for r in range(4)}
    del homes[269.0, 440.0]  # in the ground of 示例小学: no home
    near = sum(area for (x, y), area in homes.items() if ((x - 20) ** 2 + (y - 220) ** 2) ** 0.5 <= 300 and x < 500)
    west = sum(area for (x, _), area in homes.items() if x < 500)
    rows = table(office.folder / "out", "indicators").query("indicator_id == 'A02-coverage'")
    mine = rows[(rows["standard_id"] == "kindergarten_300m") & (rows["measure"] == "radius") & (rows["zone_id"] == "w")]
    assert mine["value"].iloc[0] == pytest.approx(near / west, abs=1e-3)


def test_stated_totals_are_held_against_the_lists(office: Office) -> None:
    """Operating kindergartens inside: 第一, 机关, and the two without a place. Primary schools fit and raise no doubt."""
    doubts = office.quality()
    told = doubts[doubts["check"] == "stated_total_differs"]
    assert told["id"].tolist() == ["幼儿园"]
    assert "上报 115，按校区（园区）4，按法人 4" in told["what_zh"].iloc[0]


def test_answers_of_the_office_move_and_free_and_place(office: Office) -> None:
    """分园 typed at (380, 30) in GCJ-02, 第一 taken back, 云杉 answered with none of them."""
    answers = {
        (ASK_SHEET, "roster:6"): dict(zip(("lon", "lat"), gcj(380, 30), strict=True)) | {"datum": "GCJ-02"},
        (ACCEPTED_SHEET, "roster:3"): {"revoke": "是"},
        (ASK_SHEET, "roster:5"): {"choice": "都不是"},
    }
    fill_in(office.workbook(), office.folder / "answers.xlsx", answers)
    office.run(LISTS | {"matching": {"answers": ["answers.xlsx"]}}, "--only", "ingest", out="out2")
    found = facilities(office, "out2")
    assert away_m(found.loc["file:roster:6", "geometry"], 380, 30) < 1.0
    assert found.loc["file:roster:6", ["located_by", "datum_in"]].tolist() == ["file", "GCJ-02"]
    assert {"osm:n118", "file:roster:4"} <= set(found.index)
    assert found.loc["osm:n118", "capacity_places"] == 180.0
    lost = table(office.folder / "out2", "unlocated").set_index("facility_id")["asked"]
    assert lost.to_dict() == {"file:roster:3": False, "file:roster:5": False}


def test_a_candidate_is_chosen_by_its_number(hamlet: Drawing, tmp_path: Path) -> None:
    """Two places of one name, 640 m apart: a question. The office says 2: the row stands there, and that place is no second one."""
    office = Office(tmp_path, hamlet)
    write_table(tmp_path / "row.csv", [["名称", "类别", "学位数"], ["春芽幼儿园", "幼儿园", "150"]])
    places = {2: (50.0, 250.0), 3: (690.0, 250.0)}
    write_table(tmp_path / "two.csv", [["名称", "类别", "经度", "纬度"],
                                       *(["春芽幼儿园", "幼儿园", *gcj(*place)] for place in places.values())])  # fmt: skip
    lists = {"facilities": [{"file": "row.csv"}, {"file": "two.csv", "datum": "高德"}]}
    office.run(lists, "--only", "ingest")
    assert table(tmp_path / "out", "unlocated")[["facility_id", "asked"]].to_numpy().tolist() == [["file:row:2", True]]
    sheet = openpyxl.load_workbook(office.workbook())[ASK_SHEET]
    at = {str(cell.value).rsplit("[", 1)[1].rstrip("]"): cell.column - 1 for cell in sheet[1]}
    second = next(
        row[at["candidate_id"]] for row in sheet.iter_rows(min_row=2, values_only=True) if row[at["rank"]] == 2
    )
    fill_in(office.workbook(), tmp_path / "choice.xlsx", {(ASK_SHEET, "row:2"): {"choice": 2}})
    office.run(lists | {"matching": {"answers": ["choice.xlsx"]}}, "--only", "ingest", out="out2")
    found = facilities(office, "out2")
    chosen = places[int(str(second).rsplit(":", 1)[1])]
    assert away_m(found.loc["file:row:2", "geometry"], *chosen) < 1.0
    assert second not in found.index
    assert (found["name"] == "春芽幼儿园").sum() == 2


# ---- datums that are wrong, unclear or missing


def shifted(office: Office, **more: Any) -> dict[str, Any]:
    """A POI list in GCJ-02 of what the map has too, declared as WGS-84: half a kilometre off."""
    places = [
        ("第一幼儿园", 20, 220), ("托育园", 30, 10), ("示例小学", 270, 450), ("初级中学", 390, 590),
        ("社区卫生服务中心", 620, 210), ("医院", 790, 20), ("图书馆", 10, 610), ("村卫生室", 210, 610),
    ]  # fmt: skip
    write_table(
        office.folder / "shifted.csv", [["名称", "经度", "纬度"], *([name, *gcj(x, y)] for name, x, y in places)]
    )
    return {"facilities": [{"file": "shifted.csv", "datum": "WGS-84", **more}]}


def test_a_wrong_datum_is_refused_and_earlier_results_stay(office: Office) -> None:
    before = files_of(office.folder / "out")
    result = office.run(shifted(office), ok=False)
    assert result.code == 1
    assert "GCJ-02" in result.err
    assert "shifted.csv" in result.err
    assert "Traceback" not in result.err
    assert files_of(office.folder / "out") == before


def test_a_written_reason_overrides_it_with_a_doubt(office: Office) -> None:
    office.run(shifted(office, datum_reason="现场实测核对过"), "--only", "ingest", out="out4")
    doubts = office.quality("out4")
    told = doubts[doubts["check"] == "datum_overridden"]
    assert told["what_zh"].str.contains("现场实测核对过").tolist() == [True]
    assert away_m(facilities(office, "out4").loc["file:shifted:2", "geometry"], 20, 220) > 300.0


def test_coordinates_without_a_datum_are_refused(office: Office) -> None:
    result = office.run({"facilities": [{"file": "poi.csv"}]}, out="none", ok=False)
    assert result.code == 1
    assert "坐标系" in result.err
    assert "poi.csv" in result.err
    assert "GCJ-02" in result.err
    assert not (office.folder / "none/data").exists()


# ---- records


def test_each_list_stands_in_the_record_of_the_run(office: Office) -> None:
    record = json.loads((office.folder / "out/data/processed/run.json").read_text("utf-8"))
    by_role = {one["role"]: one for one in record["inputs"]}
    assert by_role["facilities-1"]["date"] == "2024-09"
    assert (by_role["facilities-1"]["rows"], by_role["facilities-2"]["rows"]) == (6, 5)
    assert all(one["sha256"] and one["bytes"] for one in record["inputs"])


def test_a_second_run_changes_nothing(office: Office) -> None:
    before = files_of(office.folder / "out")
    assert "没有变化" in office.run(LISTS, "--only", "indicators").out
    assert files_of(office.folder / "out") == before


def test_ids_hold_two_lists_of_one_stem_apart(office: Office) -> None:
    for place, x in (("甲", 100.0), ("乙", 650.0)):
        (office.folder / place).mkdir()
        write_layer(office.folder / place / "园.geojson", [{"name": f"{place}幼儿园", "at": (x, 100.0)}])
    write_book(office.folder / "园.xlsx", {"a": [["名称"], ["丙幼儿园"]]})
    files = ["甲/园.geojson", "乙/园.geojson", "园.xlsx"]
    office.run({"facilities": [{"file": one} for one in files]}, "--only", "ingest", out="out5")
    found = set(facilities(office, "out5").index) | set(table(office.folder / "out5", "unlocated")["facility_id"])
    assert {one for one in found if one.startswith("file:")} == {
        "file:甲/园.geojson:1", "file:乙/园.geojson:1", "file:园.xlsx:2",
    }  # fmt: skip


def test_a_list_named_twice_is_refused_in_one_message(office: Office) -> None:
    result = office.run({"facilities": [{"file": "roster.xlsx"}, {"file": "roster.xlsx"}]}, out="none2", ok=False)
    assert result.code == 1
    assert "写了两次" in result.err
    assert "roster.xlsx" in result.err


def test_a_stated_status_beats_a_silent_list(hamlet: Drawing, tmp_path: Path) -> None:
    """The bureau's roster (trust 2) does not say whether 东方 is open; the map service (trust 4) says closed. 西方: 在营 and 停办."""
    office = Office(tmp_path, hamlet)
    head = ["名称", "类别", "状态", "经度", "纬度"]
    write_table(
        tmp_path / "a.csv",
        [head, ["东方幼儿园", "幼儿园", "", *gcj(700, 300)], ["西方幼儿园", "幼儿园", "在营", *gcj(100, 300)]],
    )
    write_table(
        tmp_path / "b.csv",
        [head, ["东方幼儿园", "幼儿园", "停办", *gcj(700, 300)], ["西方幼儿园", "幼儿园", "停办", *gcj(100, 300)]],
    )
    lists = [{"file": "a.csv", "trust": 2, "datum": "GCJ-02"}, {"file": "b.csv", "trust": 4, "datum": "GCJ-02"}]
    office.run({"facilities": lists}, "--only", "ingest")
    found = facilities(office)
    assert found.loc[["file:a:2", "file:a:3"], "status"].tolist() == ["closed", "operating"]
    clash = office.quality().query("check == 'merge_conflict'")
    assert clash[["id", "source"]].to_numpy().tolist() == [["file:a:3", "b.csv"]], (
        "a list that is silent contradicts nobody"
    )
    assert "状态：现状运营（a.csv）≠ 已关闭（b.csv）" in clash["what_zh"].item()
    assert "status: operating (a.csv) ≠ closed (b.csv)" in clash["what_en"].item()


def test_a_row_that_may_be_a_facility_of_its_town_lowers_the_count(hamlet: Drawing, tmp_path: Path) -> None:
    """云杉 (西片) is near nothing in name. The map's 第一幼儿园 stands in 西片 and no row of the list is it: one or two there.

    A second list row that is 第一 itself takes it away: then 云杉 is another, two for certain.
    """
    office = Office(tmp_path, hamlet)
    head = ["名称", "街镇", "类别"]
    for name, rows in {"one": [], "two": [["第一幼儿园", "西片", "幼儿园"]], "east": []}.items():
        town = "东片" if name == "east" else "西片"
        write_table(tmp_path / f"{name}.csv", [head, ["云杉幼儿园", town, "幼儿园"], *rows])
        office.run({"facilities": [{"file": f"{name}.csv"}]}, "--only", "ingest", out=name)
    asked = {name: table(tmp_path / name, "unlocated")["asked"].tolist() for name in ("one", "two", "east")}
    assert asked == {"one": [True], "two": [False], "east": [False]}
