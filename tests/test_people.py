"""People onto homes: the answers by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from people_tables import (
    BANDS,
    BASIS,
    CHILDREN,
    HOMES,
    TWO,
    both,
    compound_table,
    homes_of,
    lonlat,
    raster_of,
    rect,
    spread,
    zone_table,
    zones_of,
)

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.people_sources import Basis, DistrictPeople, PeopleSources, RasterPeople
from xiqing_space.ingest.raster import RasterCells
from xiqing_space.tables import finish

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
