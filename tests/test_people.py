"""People onto homes: the answers by hand, then what must hold for any input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.people import OUT, spread_people
from xiqing_space.ingest.people_sources import (
    Basis,
    CompoundPeople,
    DistrictPeople,
    PeopleSources,
    RasterPeople,
    ZonePeople,
)
from xiqing_space.ingest.people_steps import columns
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.raster import RasterCells
from xiqing_space.tables import finish

EPSG = 4548
EAST, NORTH = 500_000.0, 4_330_000.0
BASIS = Basis("resident", 2020)
BANDS = columns()[1:]
CHILDREN = {"pop_0_2": 30.0, "pop_3_5": 30.0, "pop_6_11": 60.0, "pop_12_14": 30.0, "pop_15_17": 30.0}


def rect(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def lonlat(shape: Any) -> Any:
    return project_geometry(shape, EPSG, GEOGRAPHIC)


def area_of(shape: Any, buffer_m: float = 500.0) -> Area:
    return Area("区", lonlat(shape), EPSG, shape, shape.buffer(buffer_m))


def zones_of(shapes: Mapping[str, Any], parents: Mapping[str, str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "zone_id": list(shapes), "name": [f"{one}镇" for one in shapes],
            "parent_id": [(parents or {}).get(one) for one in shapes],
            "geometry": [shapely.MultiPolygon([lonlat(one)]) for one in shapes.values()],
        }
    )  # fmt: skip


def homes_of(rows: Sequence[tuple[str, str | None, str | None, bool, float, float, float]]) -> pd.DataFrame:
    """id, zone, compound, inside, weight, x, y."""
    frame = pd.DataFrame(rows, columns=["demand_id", "zone_id", "compound_id", "inside", "weight", "x", "y"])
    points = shapely.points(EAST + frame.pop("x").to_numpy(dtype=float), NORTH + frame.pop("y").to_numpy(dtype=float))
    return frame.assign(geometry=lonlat(points))


def zone_table(rows: Sequence[Mapping[str, Any]], basis: Basis = BASIS) -> ZonePeople:
    frame = pd.DataFrame([{"row": str(place + 2), **row} for place, row in enumerate(rows)])
    return ZonePeople(frame, basis, "zones.xlsx")


def compound_table(rows: Sequence[Mapping[str, Any]]) -> CompoundPeople:
    return CompoundPeople(
        pd.DataFrame([{"row": str(place + 2), **row} for place, row in enumerate(rows)]), BASIS, "c.xlsx"
    )


TWO = {"a": rect(0, 0, 1000, 1000), "b": rect(1000, 0, 2000, 1000)}
AREA = area_of(rect(0, 0, 2000, 1000))
HOMES = homes_of(
    [
        ("h1", "a", None, True, 100.0, 100, 100), ("h2", "a", None, True, 300.0, 300, 100),
        ("h3", "b", None, True, 50.0, 1200, 100), ("h4", None, None, False, 40.0, 2100, 100),
    ]
)  # fmt: skip


def spread(
    homes: pd.DataFrame, sources: PeopleSources, zones: Any = None, area: Area = AREA, masked: Any = None
) -> Any:
    quality = Quality()
    frame = spread_people(homes, sources, zones_of(TWO) if zones is None else zones, area, quality, masked_land=masked)
    assert tuple(frame.columns) == OUT
    assert frame["demand_id"].is_unique
    doubts: dict[str, Any] = {}
    for row in quality.rows:
        doubts.setdefault(row["check"], row)
    return frame.set_index("demand_id"), doubts


def both(**more: Any) -> list[dict[str, Any]]:
    return [{"zone_id": "a", "pop_total": 1000.0, **CHILDREN}, {"zone_id": "b", "pop_total": 200.0, **CHILDREN, **more}]


# ---- by hand


def test_zone_totals_go_by_floor_area_and_the_buffer_gets_the_mean() -> None:
    table, doubts = spread(HOMES, PeopleSources(zones=zone_table(both())))
    assert table["pop_total"].to_dict() == pytest.approx({"h1": 250, "h2": 750, "h3": 200, "h4": 40 * 1200 / 450})
    assert table.loc["h2", "pop_6_11"] == pytest.approx(45)
    assert table["from"].to_dict() == {"h1": "zone", "h2": "zone", "h3": "zone", "h4": "density"}
    assert set(table["weight_kind"]) == {"persons"}
    assert table["ages_from"].to_dict() == {"h1": "stated", "h2": "stated", "h3": "stated", "h4": "parent"}
    assert table["placed"].all()
    assert set(doubts) == {"people_buffer_density"}


def test_the_buffer_takes_its_own_zones_people_where_the_table_has_them() -> None:
    homes = HOMES.assign(zone_id=["a", "a", "b", "c"])
    zones = zones_of({**TWO, "c": rect(2000, 0, 3000, 1000)})
    rows = [*both(), {"zone_id": "c", "pop_total": 70.0, **dict.fromkeys(BANDS, 1.0)}]
    table, doubts = spread(homes, PeopleSources(zones=zone_table(rows)), zones)
    assert table.loc["h4", ["pop_total", "from", "inside"]].tolist() == [70.0, "zone", False]
    assert doubts == {}


def test_without_any_source_weights_are_relative() -> None:
    table, _ = spread(HOMES, PeopleSources())
    assert table["pop_total"].to_dict() == pytest.approx(
        {"h1": 100 / 450, "h2": 300 / 450, "h3": 50 / 450, "h4": 40 / 450}
    )
    assert table.loc["h3", "pop_6_11"] == pytest.approx(50 / 450 * 6 / 18)
    assert set(table["weight_kind"]) == {"relative"}
    assert set(table["from"]) == {"weights"}


def test_totals_without_any_ages_are_relative_too() -> None:
    rows = [{"zone_id": "a", "pop_total": 300.0}, {"zone_id": "b", "pop_total": 100.0}]
    table, doubts = spread(HOMES, PeopleSources(zones=zone_table(rows)))
    assert table["pop_total"].to_dict() == pytest.approx({"h1": 75 / 400, "h2": 225 / 400, "h3": 0.25, "h4": 40 / 450})
    assert table.loc["h3", "pop_0_2"] == pytest.approx(0.25 * 3 / 18)
    assert set(table["weight_kind"]) == {"relative"}
    assert set(table["ages_from"]) == {"missing"}
    assert "people_no_ages" in doubts


def test_a_zone_without_homes_keeps_its_people_unplaced() -> None:
    table, doubts = spread(HOMES.iloc[:2], PeopleSources(zones=zone_table(both())))
    row = table.loc["unplaced:b"]
    assert [row["pop_total"], row["pop_6_11"], row["placed"], row["inside"], row["reason"]] == [
        200, 60, False, True, "no_home_in_zone",
    ]  # fmt: skip
    assert row["zone_id"] == "b"
    assert zones_of(TWO)["geometry"][1].contains(row["geometry"])
    assert doubts["people_unplaced"]["what_zh"].startswith("b镇：200 人")


def test_compounds_come_first_and_the_rest_goes_to_other_homes() -> None:
    homes = HOMES.assign(compound_id=[None, "c1", None, None])
    compounds = compound_table([{"compound_id": "c1", "pop_total": 600.0, **CHILDREN, "pop_0_2": 25.0}])
    table, doubts = spread(homes, PeopleSources(compounds, zone_table(both())))
    assert table.loc["h2", ["pop_total", "pop_0_2", "from"]].tolist() == [600.0, 25.0, "compound"]
    assert table.loc["h1", ["pop_total", "pop_0_2", "from"]].tolist() == [400.0, 5.0, "zone"]
    assert table.loc["h1", "pop_3_5"] == 0
    assert "people_compounds_exceed" not in doubts


def test_compounds_that_exceed_their_zone_are_reduced_and_both_numbers_told() -> None:
    homes = HOMES.assign(compound_id=["c2", "c1", None, None])
    rows = [{"compound_id": "c1", "pop_total": 900.0}, {"compound_id": "c2", "pop_total": 300.0}]
    table, doubts = spread(homes, PeopleSources(compound_table(rows), zone_table(both())))
    assert table.loc[["h1", "h2"], "pop_total"].tolist() == pytest.approx([250, 750])
    assert "1200" in doubts["people_compounds_exceed"]["what_zh"]
    assert "1000" in doubts["people_compounds_exceed"]["what_zh"]


def test_households_become_people_by_the_zones_own_mean_size() -> None:
    homes = HOMES.assign(compound_id=[None, "c1", None, None])
    zones = [{**row, "households": row["pop_total"] / 2.5} for row in both()]
    sources = PeopleSources(compound_table([{"compound_id": "c1", "households": 100.0}]), zone_table(zones))
    table, doubts = spread(homes, sources)
    assert table.loc["h2", "pop_total"] == pytest.approx(250)
    assert table.loc["h2", "pop_6_11"] == pytest.approx(250 * 60 / 1000)  # the zone's age structure
    assert table.loc["h2", "ages_from"] == "parent"
    assert table.loc["h1", "pop_6_11"] == pytest.approx(45)
    assert "2.50" in doubts["people_households_inferred"]["what_zh"]


def test_children_alone_of_a_compound_go_by_the_zones_ages() -> None:
    homes = HOMES.assign(compound_id=[None, "c1", None, None])
    sources = PeopleSources(compound_table([{"compound_id": "c1", "children": 90.0}]), zone_table(both()))
    table, _ = spread(homes, sources)
    assert table.loc["h2", list(BANDS)].tolist() == pytest.approx([15, 15, 30, 15, 15])
    assert table.loc["h1", "pop_total"] == pytest.approx(250)  # the compound does not say how many people it has in all


def test_a_listed_compound_without_homes_is_a_place_of_its_own() -> None:
    rows = [{"compound_id": "c9", "pop_total": 280.0, "geometry": lonlat(rect(500, 500, 600, 600)), **CHILDREN}]
    sources = PeopleSources(compound_table(rows), zone_table([{**row, "pop_0_2": 40.0} for row in both()]))
    table, _ = spread(HOMES, sources)
    assert table.loc["compound:c9", ["pop_total", "zone_id", "pop_0_2", "placed"]].tolist() == [280.0, "a", 30.0, True]
    assert table.loc[["h1", "h2"], "pop_total"].sum() == pytest.approx(720)


def test_ages_of_a_zone_with_only_a_total_come_from_its_parent_then_the_district() -> None:
    zones = zones_of(TWO, {"a": "p", "b": "p"})
    rows = [{"zone_id": "a", "pop_total": 1000.0}, {"zone_id": "b", "pop_total": 500.0},
            {"zone_id": "p", "pop_total": 1500.0, **CHILDREN}]  # fmt: skip
    table, doubts = spread(HOMES, PeopleSources(zones=zone_table(rows)), zones)
    assert table.loc["h3", "pop_6_11"] == pytest.approx(20)
    assert table.loc[["h1", "h2", "h3"], "pop_total"].sum() == pytest.approx(1500)  # the parent is not counted again
    assert set(table["ages_from"]) == {"parent"}
    assert "people_ages_inferred" in doubts
    district = DistrictPeople({"pop_total": 3000.0, **CHILDREN}, BASIS, "d")
    table, _ = spread(HOMES, PeopleSources(zones=zone_table(rows[:2]), district=district))
    assert table.loc["h3", "pop_6_11"] == pytest.approx(10)


def test_the_rest_of_a_parent_goes_to_its_children_that_no_row_states() -> None:
    zones = zones_of(TWO, {"a": "p", "b": "p"})
    rows = [{"zone_id": "a", "pop_total": 1000.0, **CHILDREN},
            {"zone_id": "p", "pop_total": 1500.0, **{one: 2 * value for one, value in CHILDREN.items()}}]  # fmt: skip
    table, _ = spread(HOMES, PeopleSources(zones=zone_table(rows)), zones)
    assert table.loc["h3", ["pop_total", "pop_0_2"]].tolist() == [500.0, 30.0]


def test_the_district_fills_what_zones_leave_open_and_contradictions_are_told() -> None:
    district = DistrictPeople({"pop_total": 1200.0, **{one: 2 * value for one, value in CHILDREN.items()}}, BASIS, "d")
    table, _ = spread(HOMES, PeopleSources(zones=zone_table(both()[:1]), district=district))
    assert table.loc["h3", ["pop_total", "pop_0_2", "from"]].tolist() == [200.0, 30.0, "district"]
    table, doubts = spread(HOMES, PeopleSources(zones=zone_table(both()), district=district))
    assert "people_totals_differ" not in doubts
    _, doubts = spread(HOMES, PeopleSources(zones=zone_table(both(pop_total=300.0)), district=district))
    assert "1300" in doubts["people_totals_differ"]["what_zh"]
    table, _ = spread(HOMES, PeopleSources(district=district))
    assert table.loc[["h1", "h2", "h3"], "pop_total"].tolist() == pytest.approx(
        [1200 * one / 450 for one in (100, 300, 50)]
    )


def test_a_neighbour_without_homes_is_never_reported() -> None:
    zones = zones_of({**TWO, "c": rect(2000, 0, 3000, 1000)})
    rows = [*both(), {"zone_id": "c", "pop_total": 70.0, **dict.fromkeys(BANDS, 1.0)}]
    table, _ = spread(HOMES, PeopleSources(zones=zone_table(rows)), zones)
    assert table.loc["unplaced:c", ["pop_total", "inside", "placed"]].tolist() == [70.0, False, False]
    assert math.fsum(table.loc[table["inside"], "pop_total"]) == 1200


def test_rows_fit_the_demand_table_as_it_is() -> None:
    homes = HOMES.iloc[:3].assign(compound_id=[None, "c1", None])
    sources = PeopleSources(compound_table([{"compound_id": "c1", "children": 9.0}]), zone_table(both()))
    table, _ = spread(homes, sources)
    finished = finish("demand", table.reset_index())
    assert finished["pop_total"].tolist() == pytest.approx([250, 750, 200])
    assert finished["from"].tolist() == ["zone", "compound", "zone"]


def test_masked_homes_take_a_share_only_through_their_compound() -> None:
    homes = HOMES.assign(masked=[False, True, False, False])
    table, doubts = spread(homes, PeopleSources(zones=zone_table(both())))
    assert "h2" not in table.index
    assert table.loc["h1", "pop_total"] == 1000
    assert "people_masked" in doubts
    homes = homes.assign(compound_id=[None, "dorm", None, None])
    sources = PeopleSources(compound_table([{"compound_id": "dorm", "pop_total": 10.0, **dict.fromkeys(BANDS, 1.0)}]),
                            zone_table(both()))  # fmt: skip
    table, _ = spread(homes, sources)
    assert table.loc["h2", ["pop_total", "pop_0_2"]].tolist() == [10, 1]


def test_rows_of_unknown_zones_stay_with_the_district() -> None:
    rows = [*both(), {"zone_id": "zz", "pop_total": 5.0, **dict.fromkeys(BANDS, 1.0)}]
    table, doubts = spread(HOMES, PeopleSources(zones=zone_table(rows)))
    assert table.loc["unplaced:*", ["pop_total", "reason", "placed"]].tolist() == [5.0, "zone_unknown", False]
    assert pd.isna(table.loc["unplaced:*", "zone_id"])
    assert "zz" in doubts["people_zone_unknown"]["what_zh"]


def test_ways_of_counting_and_years_are_never_mixed() -> None:
    district = DistrictPeople({"pop_total": 1.0, **dict.fromkeys(BANDS, 0.0)}, Basis("registered", 2022), "全区")
    with pytest.raises(InputDataError, match="口径或年份") as caught:
        spread(HOMES, PeopleSources(zones=zone_table(both()), district=district))
    assert caught.value.first == ("zones.xlsx: 常住 resident, 2020", "全区: 户籍 registered, 2022")


def test_a_zone_that_no_source_tells_of_is_refused() -> None:
    with pytest.raises(InputDataError, match="b b镇"):
        spread(HOMES, PeopleSources(zones=zone_table(both()[:1])))


# ---- raster


def raster_of(
    values: Sequence[Sequence[float]], *, west: float = 0, north: float = 1000, size: float = 500.0
) -> RasterPeople:
    """A grid in the metric system; NaN is no data. Each cell states people and half as many, in equal bands, as children."""
    from pyproj import CRS

    grid = np.asarray(values, dtype=float)
    row, col = np.nonzero(grid > 0)
    people = grid[row, col]
    ages = {"0-2": 3, "3-5": 3, "6-11": 6, "12-14": 3, "15-17": 3}
    frame = pd.DataFrame({"row": row, "col": col, "pop_total": people, **{
        key: people / 2 * many / 18 for key, many in ages.items()}})  # fmt: skip
    transform = (size, 0.0, EAST + west, 0.0, -size, NORTH + north)
    cells = RasterCells(frame, transform, CRS.from_epsg(EPSG).to_wkt(), (0, 0), ~np.isnan(grid), "people.tif")
    return RasterPeople(cells, BASIS, "people.tif")


def test_cells_share_by_weight_stay_apart_when_equal_and_stand_alone_without_homes() -> None:
    # row 0 is the north; h1 (100, 100) and h2 (300, 100) lie in row 1, column 0; h3 (1200, 100) in row 1, column 2
    table, doubts = spread(HOMES, PeopleSources(raster=raster_of([[8, 8, 8, 8], [80, 0, 80, math.nan]])))
    assert table.loc[["h1", "h2", "h3"], "pop_total"].tolist() == pytest.approx([20, 60, 80])
    assert table.loc["h3", "pop_6_11"] == pytest.approx(80 / 2 / 3)
    lonely = table.loc[[f"raster:r0c{one}" for one in range(4)]]
    assert lonely["pop_total"].tolist() == pytest.approx([8, 8, 8, 8])
    assert lonely["zone_id"].tolist() == ["a", "a", "b", "b"]
    assert len(table) == 7
    assert "h4" not in table.index  # beyond the raster: nobody knows
    assert "homes_without_people" in doubts


def test_boundary_cells_are_apportioned_by_area_and_noughts_are_observed() -> None:
    # one row of cells from x = 1500 to 2500: the area ends at 2000, so 60 % of the first lies... its own half of the second
    homes = homes_of([("in", "b", None, True, 1.0, 1990, 700), ("out", None, None, False, 1.0, 2100, 700),
                      ("nought", "b", None, True, 1.0, 100, 200)])  # fmt: skip
    raster = raster_of([[100.0]], west=1700, size=500, north=1000)
    values = raster_of([[0.0] * 5, [0.0] * 5], west=0)
    table, _ = spread(homes, PeopleSources(raster=raster))
    assert table.loc["in", "pop_total"] == pytest.approx(60)  # 300 m of 500 m lie inside
    assert table.loc["out", "pop_total"] == pytest.approx(40)
    table, _ = spread(homes, PeopleSources(raster=raster, district=None))
    assert "nought" not in table.index
    cells = RasterCells(raster.cells.frame.assign(row=0, col=3), values.cells.transform, values.cells.crs, (0, 0),
                        np.ones((2, 5), dtype=bool), "p")  # fmt: skip
    table, _ = spread(homes, PeopleSources(raster=RasterPeople(cells, BASIS, "p")))
    assert table.loc["nought", ["pop_total", "from"]].tolist() == [0.0, "raster"]


def test_cells_on_masked_land_without_homes_stay_unplaced() -> None:
    raster = raster_of([[8, 8, 8, 8], [80, 0, 80, 0]])
    table, _ = spread(HOMES, PeopleSources(raster=raster), masked=rect(1000, 500, 2000, 1000))
    assert table.loc["unplaced:b", ["pop_total", "reason"]].tolist() == [16.0, "masked_land"]
    assert {one for one in table.index if one.startswith("raster")} == {"raster:r0c0", "raster:r0c1"}


def test_a_cell_with_only_masked_homes_stays_unplaced() -> None:
    homes = HOMES.assign(masked=[False, False, True, False])
    table, _ = spread(homes, PeopleSources(raster=raster_of([[0, 0, 0, 0], [80, 0, 80, 0]])))
    assert table.loc["unplaced:b", ["pop_total", "reason", "placed"]].tolist() == [80.0, "masked_land", False]
    assert table.loc[["h1", "h2"], "pop_total"].sum() == pytest.approx(80)


def test_zone_totals_hold_where_stated_and_the_raster_fills_the_other_zone() -> None:
    raster = raster_of([[8, 8, 8, 8], [80, 0, 80, 0]])
    table, _ = spread(HOMES, PeopleSources(zones=zone_table(both()[:1]), raster=raster))
    assert table.loc[["h1", "h2"], "pop_total"].sum() == pytest.approx(1000)
    assert table.loc["h3", "pop_total"] == pytest.approx(80)
    assert table[table["zone_id"] == "b"]["pop_total"].sum() == pytest.approx(96)


def test_compounds_replace_what_the_raster_has_for_their_homes() -> None:
    homes = HOMES.assign(compound_id=[None, "c1", None, None])
    compounds = compound_table([{"compound_id": "c1", "pop_total": 100.0, **dict.fromkeys(BANDS, 1.0)}])
    table, doubts = spread(homes, PeopleSources(compounds, raster=raster_of([[0, 0, 0, 0], [80, 0, 80, 0]])))
    assert table.loc[["h1", "h2"], "pop_total"].tolist() == pytest.approx([20, 100])
    assert "60" in doubts["people_raster_replaced"]["what_zh"]


# ---- whatever the input

people = st.floats(0, 1e6, allow_subnormal=False)
weights = st.floats(1e-3, 1e6)


@st.composite
def districts(draw: Any) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    many = draw(st.integers(0, 12))
    rows = []
    for one in range(many):
        zone = draw(st.sampled_from("ab"))
        x = draw(st.integers(1, 990)) + (1000 if zone == "b" else 0)
        compound = draw(st.sampled_from([None, None, f"{zone}1"]))
        rows.append((f"h{one}", zone, compound, True, draw(weights), float(x), float(draw(st.integers(1, 990)))))
    table = []
    for zone in "ab":
        bands = {one: draw(people) for one in BANDS}
        table.append({"zone_id": zone, "pop_total": sum(bands.values()) + draw(people), **bands})
    return homes_of(rows), table


def close(found: float, wanted: float) -> bool:
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def by_loops(homes: pd.DataFrame, compounds: list[dict[str, Any]], zones: list[dict[str, Any]]) -> dict[str, float]:
    """All people of each home, home by home: the second method."""
    found: dict[str, float] = {}
    records = homes.to_dict("records")
    stated = {one["compound_id"]: one["pop_total"] for one in compounds}
    for zone in zones:
        mine = [one for one in records if one["zone_id"] == zone["zone_id"]]
        left = zone["pop_total"]
        for key in sorted({one["compound_id"] for one in mine if one["compound_id"] in stated}):
            inner = [one for one in mine if one["compound_id"] == key]
            gets = min(stated[key], zone["pop_total"])  # each zone of these drawings has one compound
            for one in inner:
                found[one["demand_id"]] = gets * one["weight"] / sum(other["weight"] for other in inner)
            left -= gets
        free = [one for one in mine if one["demand_id"] not in found]
        for one in free:
            found[one["demand_id"]] = left * one["weight"] / sum(other["weight"] for other in free)
    return found


@settings(max_examples=15, deadline=None)
@given(districts(), st.lists(people, min_size=2, max_size=2))
def test_every_zone_keeps_its_total_and_nobody_is_negative(drawn: Any, compounds: list[float]) -> None:
    homes, rows = drawn
    listed = [{"compound_id": key, "pop_total": people} for key, people in zip(("a1", "b1"), compounds, strict=True)
              if key in set(homes["compound_id"])]  # fmt: skip
    table, _ = spread(homes, PeopleSources(compound_table(listed) if listed else None, zone_table(rows)))
    assert (table[list(columns())].to_numpy() >= 0).all()
    plain = by_loops(homes, listed, rows)
    assert all(close(table.loc[key, "pop_total"], value) for key, value in plain.items())
    for row in rows:
        mine = table[table["zone_id"] == row["zone_id"]]
        for column in columns():
            assert close(math.fsum(mine[column]), row[column]), (row["zone_id"], column)


def test_a_compound_of_next_to_nobody_leaves_its_zone_s_total_alone() -> None:
    homes = homes_of([("h0", "a", "a1", True, 1.0, 100, 100), ("h1", "a", None, True, 1.0, 300, 100)])
    zones = [
        {"zone_id": zone, "pop_total": people, **dict.fromkeys(BANDS, 0.0)} for zone, people in (("a", 9e5), ("b", 0.0))
    ]
    table, _ = spread(
        homes, PeopleSources(compound_table([{"compound_id": "a1", "pop_total": 1e-303}]), zone_table(zones))
    )
    assert close(table.loc["h0", "pop_total"], 0.0)
    assert close(table.loc["h1", "pop_total"], 9e5)


@settings(max_examples=15, deadline=None)
@given(districts(), st.randoms(use_true_random=False))
def test_the_order_of_rows_leaves_no_trace(drawn: Any, random: Any) -> None:
    homes, rows = drawn
    first, _ = spread(homes, PeopleSources(zones=zone_table(rows)))
    order = list(range(len(homes)))
    random.shuffle(order)
    sources = PeopleSources(zones=zone_table(rows[::-1]))
    second, _ = spread(homes.iloc[order], sources, zones_of(dict(reversed(TWO.items()))))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@settings(max_examples=15, deadline=None)
@given(districts(), st.sampled_from(columns()), people)
def test_more_people_in_a_zone_never_lower_any_home(drawn: Any, column: str, more: float) -> None:
    homes, rows = drawn
    inflated = [{**rows[0], column: rows[0][column] + more, "pop_total": rows[0]["pop_total"] + more}, rows[1]]
    before, _ = spread(homes, PeopleSources(zones=zone_table(rows)))
    after, _ = spread(homes, PeopleSources(zones=zone_table(inflated)))
    for name in columns():
        assert (after[name].reindex(before.index) >= before[name]).all()


@settings(max_examples=15, deadline=None)
@given(
    districts(),
    st.lists(st.sampled_from([0.0, 7.0, 7.0, 1e-3, 12345.678]), min_size=32, max_size=32),
    st.integers(0, 400),
)
def test_people_of_cells_inside_are_kept(drawn: Any, values: list[float], shift: int) -> None:
    """Against a plain loop over the cells: value × the share of the cell's area inside; equal neighbours included."""
    homes, _ = drawn
    raster = raster_of(np.reshape(values, (4, 8)).tolist(), west=-300 + shift, north=1100, size=300)
    table, _ = spread(homes, PeopleSources(raster=raster))
    wanted = []
    for place, value in enumerate(values):
        row, col = divmod(place, 8)
        west, top = -300 + shift + 300 * col, 1100 - 300 * row
        wide = max(0.0, min(west + 300, 2000) - max(west, 0))
        high = max(0.0, min(top, 1000) - max(top - 300, 0))
        wanted.append(value * wide * high / 300**2)
    assert close(math.fsum(table.loc[table["inside"], "pop_total"]), math.fsum(wanted))
    assert close(math.fsum(table.loc[table["inside"], list(BANDS)].to_numpy().ravel()), math.fsum(wanted) / 2)
