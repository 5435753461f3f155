"""Part g: the safest ways to 20 schools with what adds up along them, beside networkx; and streets scored per second."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import WORK, City, Tools, alternate, run_worker, say, times, worker
from benchmarks.report import Goal, Section

OURS, PATHS, HANDED_ON = "xiqing_space", "networkx", "networkx, sums handed on"
AGREE = 1e-6  # relative, of costs, lengths, sums and maxima
WANTED = 30.0  # × networkx on Porto


def routes(tools: Tools, city: City, title: str, graph: Path) -> Section:
    """The forest of 20 schools on one graph; every cost, sum and maximum is compared with networkx."""
    heading = "safest ways of every node to 20 schools, with sums and maxima along each"
    say(f"g. {title}: {heading}")
    scored = WORK / f"{graph.stem}_scored.npz"
    run_worker(tools.ours, "routes", "draw", graph, scored)
    files = {name: WORK / f"{graph.stem}_forest_{number}.npz" for number, name in enumerate((OURS, PATHS, HANDED_ON))}
    runs = tools.runs if title == city.title else tools.slow_runs
    tasks = (
        (OURS, tools.ours, "ours"),
        (PATHS, tools.rivals, "networkx_paths"),
        (HANDED_ON, tools.rivals, "networkx_handed_on"),
    )
    found = alternate(f"g {title}", [(name, worker(python, "routes", task, scored, files[name]), runs)
                                     for name, python, task in tasks])  # fmt: skip
    section = Section(f"g. {title}: {heading}", found, shows=("first", "building", "pairs"))
    mine, rival = found.get(OURS), found.get(PATHS)
    for name in (PATHS, HANDED_ON):
        if mine and mine.seconds and name in found and found[name].seconds:
            _, _, facts = run_worker(tools.ours, "routes", "compare", files[OURS], files[name])
            section.notes.append(f"Against {name}: {facts['compared']:,} figures compared, worst difference {facts['worst']:.1e} (relative), "
                                 f"{facts['missing']} ways that only one of the two has.")  # fmt: skip
            agrees = facts["worst"] <= AGREE and facts["missing"] == 0
            section.goals.append(
                Goal(f"costs, sums and maxima of {name} to {AGREE:g}", f"{facts['worst']:.1e}", agrees)
            )
    if city.key == "porto" and title == city.title:
        told = f"at least {WANTED:g} × networkx with paths"
        if mine and mine.seconds and rival and rival.seconds:
            ratio = rival.median / mine.median
            section.goals.append(Goal(told, f"{times(rival.median, mine.median)} ×", ratio >= WANTED))
        else:
            section.goals.append(Goal(told, "not measured", None))
    return section


def scoring(tools: Tools, city: City) -> Section:
    """How many streets are scored in a second; nobody else does it."""
    say(f"g. {city.title}: streets scored")
    found = alternate(
        f"g {city.title}", [(OURS, worker(tools.ours, "routes", "score", city.path, city.epsg), tools.runs)]
    )
    section = Section(f"g. {city.title}: streets scored", found, shows=("edges", "per_second", "building"), first="")
    section.notes.append("`building`: attributes of every street from its tags and the catalogue's defaults.")
    return section
