"""A link leads to a view, and the view that is seen can be linked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from helpers import table
from screen import ACTION02, ACTION13, browser, centre, open_page, popup

__all__ = ["browser"]
pytestmark = pytest.mark.browser


def linked(page: Any) -> dict[str, str]:
    """What the address says after #."""
    return {key: one[0] for key, one in parse_qs(page.evaluate("location.hash.slice(1)")).items()}


def test_a_link_leads_to_kind_limit_measure_layers_and_language(browser: Any, district_run: Path) -> None:
    fragment = "#kind=park&limit=park_500m&measure=radius&layer=spots,homes&lang=en"
    page, _, errors = open_page(browser, district_run / ACTION02, fragment)
    chosen = page.evaluate("['#kind', '#limit'].map(one => document.querySelector(one).value)")
    assert chosen == ["park", "park_500m"]
    assert page.get_attribute("[data-measure=radius]", "aria-pressed") == "true"
    assert page.is_checked("#see-spots")
    assert not page.is_checked("#see-reach")
    assert page.get_attribute("html", "lang") == "en"
    assert page.inner_text("label[for=kind]") == "Facility kind"
    page.select_option("#kind", "kindergarten")
    page.check("#see-openings")
    written = linked(page)
    assert written["kind"] == "kindergarten"
    assert "openings" in written["layer"]
    again, _, _ = open_page(browser, district_run / ACTION02, page.evaluate("location.hash"))
    assert again.inner_text("#share") == page.inner_text("#share")
    assert again.is_checked("#see-openings")
    assert not errors
    again.close()
    page.close()


def test_a_link_leads_to_a_school(browser: Any, district_run: Path) -> None:
    schools = table(district_run, "schools").dropna(subset=["name", "share_acceptable"])
    row = schools[~schools["name"].duplicated(keep=False)].sort_values("school_id").iloc[1]
    for by in (row["school_id"], row["name"], f"{row['school_id']}|{row['kind']}"):
        fragment = f"#school={quote(by)}&layer=schools,fixes&mode=guess"
        page, _, errors = open_page(browser, district_run / ACTION13, fragment)
        assert page.inner_text("#school h2") == row["name"]
        assert page.get_attribute("[data-mode=guess]", "aria-pressed") == "true"
        assert not page.is_checked("#see-stretches")
        assert page.is_checked("#see-fixes")
        there = centre(page)
        assert not errors
        page.close()
    facilities = table(district_run, "facilities")
    same = facilities[facilities["name"] == row["name"]]["facility_id"].iloc[0]
    page, _, errors = open_page(browser, district_run / ACTION02, f"#school={quote(same)}")
    assert row["name"] in popup(page)
    assert centre(page) == pytest.approx(there, abs=0.01)
    assert not errors
    page.close()


def test_somebody_changes_the_address_of_an_open_page(browser: Any, district_run: Path) -> None:
    page, _, errors = open_page(browser, district_run / ACTION13)
    row = table(district_run, "schools").dropna(subset=["name"]).sort_values("school_id").iloc[0]
    page.evaluate("to => { location.hash = to; }", f"#school={quote(row['school_id'])}&lang=en&mode=guess")
    page.wait_for_selector("#school h2")
    assert page.inner_text("#school h2") == row["name"]
    assert page.get_attribute("html", "lang") == "en"
    page.evaluate("location.hash = '#lang=zh'")
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    assert page.query_selector("#school h2") is None
    assert page.get_attribute("[data-mode=risk]", "aria-pressed") == "true"
    assert not errors
    page.close()


@pytest.mark.parametrize("name", [ACTION02, ACTION13])
def test_what_a_link_says_wrongly_changes_nothing(browser: Any, district_run: Path, name: str) -> None:
    plain, _, _ = open_page(browser, district_run / name)
    hostile = "#kind=nothing&limit=%3Cimg%20src=x%3E&measure=worst&mode=x&school=%3Cscript%3E&lang=xx&zzz=1"
    page, asked, errors = open_page(browser, district_run / name, hostile)
    assert linked(page) == linked(plain)
    assert page.inner_text("#side") == plain.inner_text("#side")
    assert page.query_selector("img[src=x]") is None
    assert not asked
    assert not errors
    page.close()
    plain.close()
