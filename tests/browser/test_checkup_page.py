"""The data check-up in headless Chromium with the network refused, on screen, on a phone and on A4."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import call, write_config
from screen import browser, open_page

__all__ = ["browser"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkup")
    config = write_config(folder / "c.toml", {"area": {"name": "某区 <b>"}})
    for _ in range(2):  # the second one compares
        assert call("check", "--config", config, "--out", folder / "out").code == 0
    return folder / "out/reports/data_checkup.html"


def test_it_asks_no_address_and_shows_its_parts(browser: object, sample_page: Path) -> None:
    page, asked, errors = open_page(browser, sample_page)
    assert not asked
    assert not errors
    text = page.inner_text("main")
    for words in ("示例数据", "数据源", "街道完整度", "请各单位核实", "与上次体检相比", "区教育局", "有缺口", "Gaps"):
        assert words in text
    assert page.query_selector_all(".light")
    page.close()


@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_runs_out_of_the_page(browser: object, sample_page: Path, width: int) -> None:
    page, _, _ = open_page(browser, sample_page)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_it_prints_on_a4(browser: object, sample_page: Path) -> None:
    page, _, _ = open_page(browser, sample_page)
    printed = page.pdf(prefer_css_page_size=True)
    assert b"/MediaBox [0 0 595" in printed or b"/MediaBox [0 0 594" in printed
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 710, "height": 1000})  # A4 less its margins, at 96 dots an inch
    assert page.evaluate("document.documentElement.scrollWidth") <= 710
    assert page.is_visible("#stamp")
    page.close()
