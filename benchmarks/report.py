"""Writes RESULTS.md from the sections."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import Measured, Tools, seconds_text, times, version_lines

_WORDS = {"nodes": "nodes", "edges": "edges", "first": "first search, s", "building": "building its graph, s",
          "pairs": "distances found", "page_mb": "pages, MB", "job": "of these for the script's job, s",
          "per_second": "edges scored per second"}  # fmt: skip
_OURS = ("xiqing-space", "osmium", "numpy", "scipy", "shapely", "pandas", "geopandas", "folium")
_RIVALS = ("osmnx", "pyrosm", "pandana", "networkx", "igraph", "access", "scikit-learn", "osmium", "numpy", "scipy", "pandas", "geopandas",
           "shapely", "folium")  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """What was to be reached, what was measured, and whether it was (None: not measured)."""

    wanted: str
    measured: str
    reached: bool | None


@dataclass
class Section:
    """One comparison. `first` is the contender that the others are compared with; empty: no comparison."""

    title: str
    found: dict[str, Measured]
    goals: list[Goal] = field(default_factory=list)
    shows: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    first: str = "xiqing_space"


def _table(section: Section) -> list[str]:
    base = section.found.get(section.first)
    shown = [key for key in section.shows if any(key in one.facts for one in section.found.values())]
    heads = ["contender", "seconds: median (least–greatest)", *(["× first row"] if base else []), "peak MB"]
    heads += [_WORDS[key] for key in shown]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for name, one in section.found.items():
        if not one.seconds:
            lines.append(f"| {name} | failed |" + " |" * (len(heads) - 2))
            continue
        ratio = [times(one.median, base.median) if base and base.seconds else "–"] if base else []
        facts = [_fact(one.facts.get(key)) for key in shown]
        lines.append("| " + " | ".join([name, seconds_text(one), *ratio, f"{one.memory:.0f}", *facts]) + " |")
    return lines


def _fact(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else "–"


def _goals(goals: list[Goal]) -> list[str]:
    lines = ["| goal | measured | reached |", "|---|---:|---|"]
    words = {True: "yes", False: "**no**", None: "not measured"}
    return lines + [f"| {one.wanted} | {one.measured} | {words[one.reached]} |" for one in goals]


def _setting(tools: Tools) -> list[str]:
    return [
        f"{os.cpu_count()} CPUs, {platform.machine()}, {platform.system()}, Python {platform.python_version()}.",
        "",
        f"- ours: {', '.join(version_lines(tools.ours, _OURS))}",
        f"- rivals: {', '.join(version_lines(tools.rivals, _RIVALS))}",
        f"- repeats: {tools.runs} of each, {tools.slow_runs} of those that take a minute; contenders in turn, "
        "each run in a process of its own.",
    ]


_HOW = """\
Absolute times move from machine to machine, and with whatever else runs on it; ratios within one table are what counts.
Seconds of a, b, c and f are taken inside the process, imports left out on every side; those of d and e from the shell, imports
included (g as a, b and c). Peak MB is the most memory that the process and those it started held at once, interpreter and libraries
included (pages that they share counted twice).

**What is not the same on both sides.** In a, ours cuts streets at shared nodes, crossings and gates and never merges across ways;
osmnx and pyrosm merge across ways at nodes of two edges, and keep each street once per direction. osmnx reads XML: the conversion
from .osm.pbf (streets only, absent nodes taken out) is not timed. All parts of the network are kept by everyone. In b and c
everyone searches the same simple graph, and building it is not in the seconds. In d the goals are held against the script that
leaves all reading to osmnx; a more careful one, with streets picked out beforehand (not timed) and pyosmium for the rest, stands
below it. Both walk one profile to the middle of each facility, and work out a catchment for each; ours does two profiles
(walking and pram), gates, barriers, checks, tables, supply, indicators and provenance. Everything is the whole review, by the two
processes that a run uses unless told otherwise; the script has one. Of a run in one process, the stages whose results the script does
not have (why children are lost, polygons, blind spots, the ways to school and their map, sightlines, sheets, documents, workbook and
GIS files) are left out of its own job, by the run's own clock. Modules lie compiled on both sides.
"""


def write_results(path: Path, tools: Tools, sections: list[Section], missing: list[str], inner: str) -> None:
    """RESULTS.md, whole."""
    every = [goal for section in sections for goal in section.goals if goal.reached is not None]
    missed = [(section.title, goal) for section in sections for goal in section.goals if goal.reached is False]
    lines = ["# Results", "", "Written by `make bench`; do not edit by hand. What each part does: README.md.", ""]
    lines += [f"**{len(every) - len(missed)} of {len(every)} goals reached.**", ""]
    if missed:
        lines += ["Missed:", "", *(f"- {title}: {goal.wanted}; measured {goal.measured}" for title, goal in missed), ""]
    if missing:
        lines += ["Left out for want of data:", "", *(f"- {one}" for one in missing), ""]
    lines += [*_setting(tools), "", _HOW, inner, ""]
    for section in sections:
        lines += [f"## {section.title}", "", *_table(section), ""]
        failed = [f"{name} failed: {one.failed}" for name, one in section.found.items() if one.failed]
        for note in (*section.notes, *failed):
            lines += [note, ""]
        if section.goals:
            lines += [*_goals(section.goals), ""]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
