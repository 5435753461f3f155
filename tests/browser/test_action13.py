"""The Action 13 page against the tables of its run: stretches, crossings, schools, repairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from helpers import table
from screen import ACTION13, browser, centre, click_at, inked, open_page, popup

__all__ = ["browser"]
pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Any, district_run: Path) -> Any:
    opened, asked, errors = open_page(browser, district_run / ACTION13)
    yield opened
    assert not asked
    assert not errors
    opened.close()


def shapes(out: Path, name: str) -> gpd.GeoDataFrame:
    return gpd.read_parquet(out / f"data/processed/{name}.parquet")


def hundredths(value: float) -> str:
    return f"{np.round(value * 100) / 100:.2f}"


def test_a_stretch_says_what_its_row_says(page: Any, district_run: Path) -> None:
    scores, streets = table(district_run, "segment_scores"), shapes(district_run, "streets")
    flows = table(district_run, "pupil_flows").set_index("item_id")["children"]
    edges = streets[streets["walk"]].merge(scores, on="edge_id")
    edges["children"] = edges["edge_id"].map(flows)
    longest = edges[edges["highway"] == "residential"].dropna(subset=["children"])
    longest = longest[longest["along"] > 0].sort_values(["length_m", "edge_id"]).tail(3)
    assert len(longest) == 3
    page.uncheck("#see-crossings")
    for row in longest.itertuples(index=False):
        at = row.geometry.interpolate(0.37, normalized=True)
        said = click_at(page, at.x, at.y)
        assert row.osm_id in said
        assert f"评分 {hundredths(row.along)}（{hundredths(row.low_along)} – {hundredths(row.high_along)}）" in said
        assert ("< 1" if row.children < 1 else f"{row.children:,.0f}") + " 名学生" in said
        assert {"low": "低风险", "medium": "中等风险", "high": "较高风险", "very_high": "高风险"}[row.risk] in said


def test_a_crossing_says_what_its_row_says(page: Any, district_run: Path) -> None:
    crossings = shapes(district_run, "crossings").merge(table(district_run, "crossing_scores"), on="crossing_id")
    flows = table(district_run, "pupil_flows").set_index("item_id")["children"]
    crossings["children"] = crossings["crossing_id"].map(flows)
    used = crossings.dropna(subset=["children"]).sort_values(["children", "crossing_id"], ascending=[False, True])
    told = 0
    page.uncheck("#see-fixes")  # a repair stands on the crossing that it mends
    page.uncheck("#see-schools")
    for row in used.head(6).itertuples(index=False):
        said = click_at(page, row.geometry.x, row.geometry.y, zoom=19)
        if row.crossing_id not in said:  # another one lies on top
            continue
        told += 1
        assert f"评分 {hundredths(row.cross)}" in said
        assert f"{row.children:,.0f} 名学生" in said
        assert f"{int(row.lanes_crossed)} 车道" in said
        assert f"{row.speed_kmh:.0f} km/h" in said
    assert told >= 4


def test_a_school_says_what_its_row_says(page: Any, district_run: Path) -> None:
    schools = table(district_run, "schools")
    mine = schools[schools["share_acceptable"].notna() & schools["name"].notna()].sort_values("school_id").head(3)
    for row in mine.itertuples(index=False):
        page.select_option("#pick", f"{row.school_id}|{row.kind}")
        said = page.inner_text("#school")
        for wanted in (row.name, f"{row.children:,.0f}", f"{row.children_routed:,.0f}", f"{row.route_score_mean:.1f}", f"{row.route_score_p10:.1f}",
                       f"{row.share_acceptable * 100:.1f} %", f"{row.length_mean_m:,.0f} m", row.worst_zh):  # fmt: skip
            assert wanted in said
        forest = table(district_run, "school_forest")
        forest = forest[
            (forest["school_id"] == row.school_id) & forest["next_crossing_id"].notna() & (forest["children"] > 0)
        ]
        scores = table(district_run, "crossing_scores").set_index("crossing_id")["cross"]
        weight = forest.groupby("next_crossing_id")["children"].sum()
        worst = (weight * scores.reindex(weight.index)).idxmax()
        page.click("#problems button.go")
        assert worst in popup(page)
    gate = table(district_run, "gate_rules")
    count = gate[gate["site_id"] == row.school_id]["gate_id"].nunique()
    assert len(page.query_selector_all("#school details")) == count
    # a rule that says which gates lack a guard stands on no page
    page.eval_on_selector_all("#school details", "all => all.forEach(one => { one.open = true; })")
    assert "护学岗人员" not in page.inner_text("#school")


def test_search_finds_a_school_and_lands_on_it(page: Any, district_run: Path) -> None:
    schools = shapes(district_run, "schools").dropna(subset=["name"])
    row = schools[~schools["name"].duplicated(keep=False)].sort_values("school_id").iloc[2]
    page.fill("#search", row["name"])
    page.click("#hits button")
    assert popup(page) == ""  # the click is the list's, not the map's below it
    assert page.inner_text("#school h2") == row["name"]
    assert centre(page) == pytest.approx((row.geometry.x, row.geometry.y), abs=2e-5)


def test_repairs_are_the_list_of_the_table_and_lead_to_their_place(page: Any, district_run: Path) -> None:
    fixes = shapes(district_run, "fixes")
    ranked = fixes[fixes["rank"].notna()].sort_values("rank").head(20)
    rows = page.query_selector_all("#fixes li")
    assert len(rows) == len(ranked) > 3
    assert [item.query_selector(".name").inner_text() for item in rows] == ranked["place_zh"].tolist()
    for number in (0, 2):
        wanted = ranked.iloc[number]
        rows[number].query_selector("button.go").click()
        said = popup(page)
        assert f"惠及 {wanted['children_helped']:,.0f} 名学生" in said
        if pd.notna(wanted["risk_before"]):
            assert f"{wanted['risk_before']:.2f} → {wanted['risk_after']:.2f}" in said
        assert centre(page) == pytest.approx((wanted.geometry.x, wanted.geometry.y), abs=2e-5)


def test_layers_go_and_come_back(page: Any) -> None:
    marks = "document.querySelectorAll('.repair').length"
    for name, look in (("stretches", lambda: inked(page, "result")), ("crossings", lambda: inked(page, "limits")), ("schools", lambda: inked(page, "marks")),
                       ("fixes", lambda: page.evaluate(marks))):  # fmt: skip
        there = look()
        assert there > 0, name
        page.uncheck(f"#see-{name}")
        page.wait_for_timeout(60)
        assert look() < there, name
        page.check(f"#see-{name}")
        page.wait_for_timeout(60)
        assert look() == there, name


def test_how_sure_a_score_is_has_colours_and_words_of_its_own(page: Any) -> None:
    page.click("[data-mode=guess]")
    assert page.evaluate("document.activeElement.dataset.mode") == "guess"  # the keyboard stays
    assert "100 % 的核心属性按默认值" in page.inner_text(".result")
    assert "高风险" not in page.inner_text(".result")
    page.click("[data-mode=risk]")
    assert "高风险" in page.inner_text(".result")


def test_the_figures_are_those_of_the_indicators(page: Any, district_run: Path) -> None:
    figures = table(district_run, "indicators")
    mine = figures[
        (figures["zone_id"] == "*") & figures["indicator_id"].str.startswith("A13-") & (figures["basis"] != "reported")
    ]
    said = page.inner_text("#figures")
    assert len(mine)
    for row in mine[mine["value"].notna() & (mine["unit"] == "share")].itertuples(index=False):
        assert f"{row.value * 100:.1f} %" in said, row.label_zh
