"""Part h: both maps of a drawn town of 40,000 scored streets and 20,000 cells, opened in headless Chromium without a network."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import WORK, Measured, Tools, alternate, run_worker, say, worker
from benchmarks.report import Goal, Section

LARGEST_MB, LONGEST_S = 6.0, 3.0


def pages_at_scale(tools: Tools) -> Section:
    """Size of the pages, and seconds until each is painted."""
    say("h. maps of a drawn town (drawing them is not timed)")
    found: dict[str, Measured] = {}
    goals: list[Goal] = []
    for release in ("internal", "public"):
        seconds, _, facts = run_worker(tools.ours, "page_scale", "draw", WORK / f"pages_{release}", release)
        say(f"  {facts['streets']:,} streets, {facts['cells']:,} cells, {release}: drawn in {seconds:.0f} s")
        names = [(f"{Path(page).stem}, {release}", page) for page in facts["pages"]]
        found |= alternate(
            "h", [(name, worker(tools.ours, "page_scale", "open", page), tools.runs) for name, page in names]
        )
    for name, one in found.items():
        if not one.seconds:
            continue
        size, faults = one.facts["page_mb"], one.facts.pop("faults")
        goals += [
            Goal(f"{name}: at most {LARGEST_MB:g} MB", f"{size:.2f} MB", size <= LARGEST_MB),
            Goal(f"{name}: painted within {LONGEST_S:g} s", f"{one.median:.2f} s", one.median <= LONGEST_S),
            Goal(f"{name}: no request and no fault", str(len(faults)), not faults),
        ]
    notes = ["Seconds from the call for the file to the second frame after the page says that it is ready; peak MB is that of the "
             "process that drives Chromium, not Chromium's."]  # fmt: skip
    return Section(
        "h. Maps of 40,000 scored streets and 20,000 cells", found, goals, shows=("page_mb",), notes=notes, first=""
    )
