"""The Action 2 page against the tables of its run: shares, layers over the map, popups, search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import shapely
from helpers import table
from screen import ACTION02, browser, centre, open_page, popup

__all__ = ["browser"]
pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Any, district_run: Path) -> Any:
    opened, asked, errors = open_page(browser, district_run / ACTION02)
    yield opened
    assert not asked
    assert not errors
    opened.close()


def numbers(text: str) -> set[float]:
    return {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def test_every_kind_limit_and_measure_can_be_chosen(page: Any, district_run: Path) -> None:
    kinds = page.eval_on_selector_all("#kind option", "all => all.map(o => o.value)")
    figures = table(district_run, "indicators")
    figures = figures[(figures["zone_id"] == "*") & (figures["age_band"] == "*") & figures["indicator_id"].isin(["A02-coverage", "A02-circle"])]  # fmt: skip
    value = {(row.standard_id or row.kind, row.measure): row.value for row in figures.itertuples(index=False)}
    seen = 0
    for kind in kinds:
        page.select_option("#kind", kind)
        for limit in page.eval_on_selector_all("#limit option", "all => all.map(o => o.value)"):
            page.select_option("#limit", limit)
            for button in page.query_selector_all(".switch button:not([disabled])"):
                button.click()
                wanted = value.get((limit, button.get_attribute("data-measure")))
                share = page.inner_text("#share")
                if wanted is not None:
                    assert ("数据不足" if wanted != wanted else f"{wanted * 100:.1f} %") in share, (kind, limit)
                    seen += 1
    assert seen > len(kinds)


def test_a_home_is_drawn_in_the_colour_of_its_class(browser: Any, town_run: Path) -> None:
    page, _, errors = open_page(browser, town_run / ACTION02)
    count = """colour => { const c = document.querySelector('.leaflet-limits-pane canvas[aria-hidden]');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let i = 0; i < d.length; i += 4) if (d[i] === colour[0] && d[i+1] === colour[1] && d[i+2] === colour[2]) n++;
        return n; }"""
    covered, missing = [0x1F, 0x5F, 0xA8], [0xD9, 0x5F, 0x02]
    page.select_option("#kind", "park")
    page.select_option("#limit", "park_300m")
    near = page.evaluate(count, covered)
    page.select_option("#limit", "park_500m")
    assert page.evaluate(count, covered) >= near > 0
    assert page.evaluate(count, missing) > 0
    page.select_option("#kind", "sports")  # nobody mapped it: no home may look covered or uncovered
    assert page.evaluate(count, covered) == 0
    assert page.evaluate(count, missing) == 0
    assert not errors
    page.close()


def test_what_lies_over_the_map_is_what_the_tables_say(page: Any, district_run: Path) -> None:
    page.select_option("#kind", "kindergarten")
    figures = table(district_run, "indicators")
    lost = figures[
        (figures["indicator_id"] == "A02-bridge") & (figures["kind"] == "kindergarten") & (figures["zone_id"] == "*")
        & (figures["measure"] == "walk")
    ]  # fmt: skip
    for row in lost.itertuples(index=False):  # in all and by cause
        assert f"{row.numerator:,.0f} 人" in page.inner_text("#bridge")
    minutes = table(district_run, "walk_minutes").set_index(["zone_id", "kind", "age_band"])
    assert f"{minutes.loc[('*', 'kindergarten', 'preschool'), 'median_min']:.1f}" in page.inner_text("#minutes")
    drawn = "document.querySelectorAll('.leaflet-spots-pane path').length"
    assert page.evaluate(drawn) == 0
    page.check("#see-spots")
    assert page.evaluate(drawn) > 1
    page.uncheck("#see-spots")
    assert page.evaluate(drawn) == 0
    page.select_option("#kind", "circle")
    circle = figures[
        (figures["indicator_id"] == "A02-circle") & (figures["zone_id"] == "*") & (figures["age_band"] == "*")
    ]
    assert f"{circle['value'].iloc[0] * 100:.1f} %" in page.inner_text("#share")
    assert not page.is_visible("label[for=see-reach]")  # no one catchment stands for all kinds


def test_a_blind_spot_and_a_gate_say_what_their_rows_say(page: Any, district_run: Path) -> None:
    page.select_option("#kind", "kindergarten")
    spots = table(district_run, "blind_spots")
    first = spots[spots["kind"] == "kindergarten"].sort_values(["children", "spot_id"], ascending=[False, True]).iloc[0]
    page.click("#spots button.go")
    assert page.is_checked("#see-spots")  # a list leads to its layer
    said = popup(page)
    assert first["spot_id"] in said
    assert f"{first['children']:,.0f} 名儿童，{first['homes']:,} 处住宅" in said
    assert f"{first['nearest_m']:,.0f} m" in said
    gates = table(district_run, "gate_openings").sort_values("rank")
    page.click("#openings button.go")
    said = popup(page)
    assert gates["owner_name"].iloc[0] in said
    mine = gates[gates["rank"] == gates["rank"].iloc[0]]
    assert {round(value) for value in mine["metres_saved_mean"]} <= numbers(said)


def test_a_line_of_sight_says_what_its_row_says(page: Any, district_run: Path) -> None:
    lines = table(district_run, "sightlines").set_index("sightline_id")
    counts = lines["verdict"].value_counts()
    assert {len(lines), *counts.tolist()} <= numbers(page.inner_text("#sights"))
    page.click("#sights button.go")
    said = popup(page)
    row = lines.loc[said.strip().splitlines()[-1].split(" · ")[0]]
    for column in ("needed_m", "seen_child_m", "seen_adult_m", "child_gap_m", "speed_kmh"):
        assert round(row[column]) in numbers(said), column


def test_search_finds_a_facility_and_lands_on_it(page: Any, district_run: Path) -> None:
    facilities = table(district_run, "facilities")
    named = facilities[(facilities["kind"] == "primary_school") & facilities["name"].notna() & facilities["inside"]]
    wanted = named[~named["name"].duplicated(keep=False)].sort_values("facility_id").iloc[3]
    page.fill("#search", wanted["name"])
    page.keyboard.press("Enter")
    said = popup(page)
    assert wanted["name"] in said
    assert wanted["facility_id"] in said
    lon, lat = centre(page)
    point = shapely.from_wkb(wanted["geometry"])
    assert (lon, lat) == pytest.approx((point.x, point.y), abs=2e-5)
    assert page.eval_on_selector("#kind", "one => one.value") == "primary_school"
    page.fill("#search", "没有这样的名称")
    assert page.query_selector("#hits button") is None
    assert "没有" in page.inner_text("#hits")


def test_a_phone_and_a_keyboard_can_use_it(page: Any) -> None:
    page.set_viewport_size({"width": 420, "height": 800})
    page.focus("#kind")
    before = page.inner_text("#share")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#share") != before
