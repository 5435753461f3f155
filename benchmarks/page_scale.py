"""Part h, each task in a process of its own: `draw` makes both pages of the drawn town, `open` times one in headless Chromium.

`python -m benchmarks.page_scale draw FOLDER [internal|public]`, `python -m benchmarks.page_scale open PAGE`; each prints one line of JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ARGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync")  # fmt: skip
# from the call for the page to the second frame after it says that it is ready: what a reader waits until the map is painted
_READY = """() => new Promise(done => { const look = () => document.documentElement.dataset.ready
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000))) : setTimeout(look, 5); look(); })"""


def draw(folder: str, release: str = "internal") -> dict[str, Any]:
    """Both pages of the town, and where they are."""
    import pandas as pd

    from benchmarks.page_town import draw_town
    from xiqing_space.catalog import load_catalogue
    from xiqing_space.maps import draw_action02, draw_action13
    from xiqing_space.release import tables
    from xiqing_space.sections import OutputConfig

    catalogue = load_catalogue()
    town: Any = draw_town(catalogue)
    output = OutputConfig.model_validate({"release": release, "map_approval": "示例 0" if release == "public" else ""})
    shown = tables(town, catalogue, output)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    doubts = pd.DataFrame({"severity": [], "check": [], "what_zh": [], "what_en": []})
    began = time.perf_counter()
    pages = [draw_one(shown, shown.catalogue, output, target, doubts) for draw_one in (draw_action02, draw_action13)]
    return {
        "seconds": time.perf_counter() - began,
        "streets": len(town.get("segment_scores")),
        "cells": len(town.get("demand")),
        "pages": [str(page) for page in pages],
    }


def opened(page: str) -> dict[str, Any]:
    """Seconds until a page stands, its size, and what it asked for or complained of."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    faults: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=list(ARGS))
        view = browser.new_page(viewport={"width": 1400, "height": 900})
        view.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else faults.append(r.url))
        view.on("pageerror", lambda error: faults.append(str(error)))
        view.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
        view.goto(Path(page).resolve().as_uri(), wait_until="commit")
        seconds = float(view.evaluate(_READY))
        browser.close()
    return {"seconds": seconds, "page_mb": Path(page).stat().st_size / 1e6, "faults": faults}


if __name__ == "__main__":
    task: Callable[..., dict[str, Any]] = draw if sys.argv[1] == "draw" else opened
    print(json.dumps(task(*sys.argv[2:])))
