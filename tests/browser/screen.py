"""Headless Chromium for the tests of pages: the network watched, faults kept, and a few looks at what stands on the screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import call, write_config

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
ACTION02, ACTION13 = "maps/action02_child_space_review.html", "maps/action13_school_routes_review.html"
BOTH = [ACTION02, ACTION13]
MAP = "window[Object.keys(window).find(name => name.startsWith('map_'))]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A session of Chromium for a file of tests; each look is a page of its own."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt install chromium fonts-noto-cjk)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        context = chromium.new_context()
        context.new_page()  # while one page is open, the process behind it stays, and takes the next page too
        yield context
        chromium.close()


def open_page(
    browser: Any, path: Path, fragment: str = "", width: int = 1400, height: int = 900
) -> tuple[Any, list[str], list[str]]:
    """A page, the addresses that it asked for, and its faults; both lists go on filling."""
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": height})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda c: errors.append(c.text) if c.type == "error" else None)
    page.on("dialog", lambda d: (errors.append("dialog: " + d.message), d.dismiss()))
    page.goto(path.resolve().as_uri() + fragment, wait_until="load")
    return page, asked, errors


def maps_of(folder: Path, drawing: Any, **settings: Any) -> Path:
    """The --out folder of a run of a drawing, as far as the maps."""
    osm = drawing.write(folder / "drawn.osm.pbf")
    config = write_config(folder / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}, **settings})
    result = call("run", "--config", config, "--out", folder / "out", "--only", "maps")
    assert result.code == 0, result.err[-300:]
    return folder / "out"


def click_at(page: Any, lon: float, lat: float, zoom: int = 18) -> str:
    """Click a place of the map; what the popup says, empty where none opens."""
    page.evaluate(f"at => {{ {MAP}.closePopup(); {MAP}.setView(at, {zoom}, {{animate: false}}); }}", [lat, lon])
    x, y = page.evaluate(f"at => {{ const p = {MAP}.latLngToContainerPoint(at); return [p.x, p.y]; }}", [lat, lon])
    page.mouse.click(x, y)
    return popup(page)


def popup(page: Any) -> str:
    """Text of the open popup."""
    opened = page.query_selector_all(".leaflet-popup-content")  # the last one; one that was closed still fades
    return opened[-1].inner_text() if opened else ""


def centre(page: Any) -> tuple[float, float]:
    """Longitude and latitude of the middle of the map."""
    return tuple(page.evaluate(f"() => {{ const c = {MAP}.getCenter(); return [c.lng, c.lat]; }}"))


def inked(page: Any, pane: str) -> int:
    """How many points of a pane's canvases hold colour."""
    return int(
        page.evaluate(
            """pane => [...document.querySelectorAll(`.leaflet-${pane}-pane canvas`)].reduce((n, c) => {
                if (!c.width || c.style.visibility === 'hidden') return n;
                const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
                for (let i = 3; i < d.length; i += 4) if (d[i]) n++;
                return n; }, 0)""",
            pane,
        )
    )


# every text that a reader sees, with what it stands in
SEEN = """inside => { const root = document.querySelector(inside), found = []; if (!root) return found;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const node = walk.currentNode, at = node.parentElement, text = node.textContent.trim();
    if (!text || at.closest('script,style,noscript')) continue;
    const option = at.closest('option'); const look = getComputedStyle(at), box = (option ? at.closest('select') : at).getBoundingClientRect();
    if (look.visibility === 'hidden' || look.display === 'none' || !box.width || !box.height) continue;
    let back = at.closest('.leaflet-popup') ? document.querySelector('.leaflet-popup-content-wrapper') : at, ground = null;
    while (back) { const c = getComputedStyle(back).backgroundColor; if (c && !/, 0\\)$/.test(c)) { ground = c; break; } back = back.parentElement; }
    found.push({text, tag: at.tagName, name: Boolean(at.closest('.name,[translate=no]')), option: Boolean(option), id: at.closest('[id]') ? at.closest('[id]').id : '',
      language: Boolean(at.closest('#language')), small: Boolean(at.closest('small')), colour: look.color, ground: ground || 'rgb(255, 255, 255)', size: parseFloat(look.fontSize),
      disabled: Boolean(at.closest(':disabled')), halo: look.textShadow !== 'none'}); }
  return found; }"""


def read(page: Any, inside: str = "body") -> list[dict[str, Any]]:
    """Every text that can be seen inside an element."""
    return list(page.evaluate(SEEN, inside))


def look_round(page: Any) -> list[dict[str, Any]]:
    """What stands on the page with every layer on, a school chosen and the first places of each list opened."""
    for tick in page.query_selector_all("#layers input"):
        if tick.is_visible():
            tick.check()
    schools = page.eval_on_selector_all("#pick option", "all => all.map(one => one.value)")
    if len(schools) > 1:
        page.select_option("#pick", schools[1])
        page.eval_on_selector_all("#school details", "all => all.forEach(one => { one.open = true; })")
    seen = read(page)
    for where in ("#problems", "#fixes", "#spots", "#openings", "#sights"):
        for go in page.query_selector_all(f"{where} button.go")[:2]:
            go.click()
            seen += read(page, ".leaflet-popup:last-child")
    return seen
