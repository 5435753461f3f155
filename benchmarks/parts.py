"""The parts of the comparison. Each runs its contenders in turn and hands back a section of the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import (
    AGREE_M,
    INNER,
    WORK,
    City,
    Contender,
    Measured,
    Tools,
    alternate,
    run_worker,
    say,
    times,
    whole,
    worker,
)  # fmt: skip
from benchmarks.report import Goal, Section

# what the script leaves; the catchments that it works out for each facility stand against our stage supply
ASKED_OF_SCRIPT = ("ingest", "network", "coverage", "supply", "indicators", "maps")
OURS_ALONE = "xiqing_space, one process"
LENGTHS_ONLY = "networkx, how far only"
OURS, OSMNX, NETWORKX, PANDANA = "xiqing_space", "osmnx", "networkx", "pandana"
# as a user calls it, pyrosm keeps the largest connected part; ours and osmnx's keep all parts here
PYROSM = {"pyrosm, igraph": ("igraph", "largest"), "pyrosm, networkx": ("networkx", "largest")}
PYROSM_ALL = {"pyrosm, igraph, all parts kept": ("igraph", "all")}


def _done(found: dict[str, Measured], name: str) -> Measured | None:
    one = found.get(name)
    return one if one and one.seconds else None


def _at_least(found: dict[str, Measured], rival: str, wanted: float) -> list[Goal]:
    """The goal that a rival takes `wanted` times our time."""
    ours, other = _done(found, OURS), _done(found, rival)
    if not ours or not other:
        return [Goal(f"at least {wanted:g} × {rival}", "not measured", None)]
    ratio = other.median / ours.median
    return [Goal(f"at least {wanted:g} × {rival}", f"{times(other.median, ours.median)} ×", ratio >= wanted)]


def convert(tools: Tools, city: City) -> tuple[Path, Path]:
    """The extract as XML, its streets alone and all of it; not timed."""
    streets, everything = WORK / f"{city.key}.streets.osm", WORK / f"{city.key}.osm"
    say(f"converting {city.title} to .osm (not timed)")
    run_worker(tools.ours, "prepare", "convert", city.path, streets, everything)
    return streets, everything


def graph_from_extract(tools: Tools, city: City, streets: Path) -> Section:
    """Part a."""
    say(f"a. {city.title}: from extract to walking graph")
    contenders: list[Contender] = [
        (OURS, worker(tools.ours, "ours", "graph", city.path, city.epsg), tools.runs),
        *(
            (name, worker(tools.rivals, "rivals", "pyrosm_graph", city.path, *how), tools.runs)
            for name, how in (PYROSM | PYROSM_ALL).items()
        ),
        (OSMNX, worker(tools.rivals, "rivals", "osmnx_graph", streets), tools.slow_runs),
    ]
    found = alternate("a", contenders)
    goals = []
    if city.key == "porto":
        goals = _at_least(found, OSMNX, 25)
        if done := [name for name in PYROSM if _done(found, name)]:
            goals += _at_least(found, min(done, key=lambda name: found[name].median), 8)
        if ours := _done(found, OURS):
            goals.append(Goal("at most 500 MB", f"{ours.memory:.0f} MB", ours.memory < 500))
    return Section(f"a. {city.title}: .osm.pbf to walking graph", found, goals, shows=("nodes", "edges"))


def graph_of_tiles(tools: Tools, city: City) -> Section:
    """Part a': ours on the extract and on the same 4 × 4."""
    target = WORK / f"{city.key}_16.osm.pbf"
    if not target.is_file() or target.stat().st_mtime < city.path.stat().st_mtime:
        say(f"writing 16 × {city.title} as .osm.pbf (a minute; not timed, kept for later runs)")
        half_done = WORK / "half_done.osm.pbf"
        run_worker(tools.ours, "prepare", "tile_pbf", city.path, half_done)
        half_done.replace(target)
    one, many = f"{OURS}, {city.title}", f"{OURS}, 16 × {city.title}"
    found = alternate(
        "a'",
        [
            (one, worker(tools.ours, "ours", "graph", city.path, city.epsg), tools.runs),
            (many, worker(tools.ours, "ours", "graph", target, city.epsg), tools.slow_runs),
        ],
    )
    return Section(f"a′. 16 × {city.title}: .osm.pbf to walking graph", found, _grows(found, one, many, 20),
                   shows=("nodes", "edges"), first=one)  # fmt: skip


def _grows(found: dict[str, Measured], one: str, many: str, wanted: float) -> list[Goal]:
    small, large = _done(found, one), _done(found, many)
    if not small or not large:
        return []
    ratio = large.median / small.median
    return [
        Goal(
            f"16 × takes at most {wanted:g} × the time of one",
            f"{times(large.median, small.median)} ×",
            ratio <= wanted,
        )
    ]


def export(tools: Tools, city: City, tiled: bool) -> tuple[Path, Path | None]:
    """Our graph as arrays for everyone; not timed."""
    graph = WORK / f"{city.key}.npz"
    many = WORK / f"{city.key}_16.npz" if tiled else None
    say(f"writing the graph of {city.title} for everyone (not timed)")
    run_worker(tools.ours, "prepare", "graph", city.path, city.epsg, graph, *([many] if many else []))
    return graph, many


def search(
    tools: Tools, title: str, graph: Path, task: str, rivals: tuple[str, ...], goals: dict[str, float]
) -> Section:
    """Parts b and c on one graph; every result is compared with networkx."""
    letter = {"nearest": "b", "catchments": "c"}[task]
    heading = {
        "nearest": "nearest of eight kinds for every node (how far, and which), 1,200 m",
        "catchments": "separate catchments of 300 places, 1,200 m",
    }[task]
    say(f"{letter}. {title}: {heading}")
    files = {name: WORK / f"{graph.stem}_{task}_{name}.npz" for name in (OURS, *rivals)}
    contenders: list[Contender] = [(OURS, worker(tools.ours, "ours", task, graph, files[OURS]), tools.runs)]
    contenders += [
        (name, worker(tools.rivals, "rivals", f"{name}_{task}", graph, files[name]), tools.runs) for name in rivals
    ]
    if task == "nearest":  # less than the others give: shown beside them, no goal
        spare = WORK / f"{graph.stem}_{task}_lengths.npz"
        contenders.append(
            (LENGTHS_ONLY, worker(tools.rivals, "rivals", "networkx_lengths_nearest", graph, spare), tools.runs)
        )
    found = alternate(f"{letter} {title}", contenders)
    notes, reached = _agreement(tools, found, task, files, rivals)
    for rival, wanted in goals.items():
        reached += _at_least(found, rival, wanted)
    shows = ("first", "building", "pairs") if task == "catchments" else ("first", "building")
    return Section(f"{letter}. {title}: {heading}", found, reached, shows=shows, notes=notes)


def _agreement(
    tools: Tools, found: dict[str, Measured], task: str, files: dict[str, Path], rivals: tuple[str, ...]
) -> tuple[list[str], list[Goal]]:
    """The worst difference between us and each rival, over every distance that was computed."""
    notes, goals = [], []
    for name in rivals:
        if not _done(found, OURS) or not _done(found, name):
            continue
        _, _, facts = run_worker(tools.ours, "prepare", "compare", task, files[OURS], files[name])
        worst = facts["worst_m"]
        say(f"  worst difference from {name}: {worst:.4f} m")
        notes.append(f"Against {name}: {facts['compared']:,} distances compared, worst difference {worst:.4f} m.")
        goals.append(Goal(f"agrees with {name} to {AGREE_M} m", f"{worst:.4f} m", worst <= AGREE_M))
    return notes, goals


def growth(one: Section, many: Section, title: str) -> None:
    """Adds to the section of the tiled graph what it took compared with a single tile."""
    small, large = _done(one.found, OURS), _done(many.found, OURS)
    if small and large:
        both = {"one": small, "many": large}
        many.goals += _grows(both, "one", "many", 1.5)
        many.notes.append(f"{title} alone: {small.median:.3f} s in the section above.")
        first = f"{times(large.facts['first'], small.facts['first'])} ×"
        many.notes.append(
            f"First search in a fresh process, before anything is kept for later ones: {first} that of one {title}."
        )


def whole_run(tools: Tools, city: City, streets: Path, everything: Path) -> list[Section]:
    """Part d, then the run repeated with nothing changed, and --help."""
    say(f"d. {city.title}: whole run")
    config, out = WORK / f"{city.key}.toml", WORK / "run"
    config.write_text(f'[area]\nname = "{city.title}"\n[sources]\nosm = "{city.path.as_posix()}"\n', encoding="utf-8")
    command = [tools.ours, "-m", "xiqing_space", "run", "--config", str(config), "--out", str(out)]

    def fresh(*more: str) -> Callable[[], tuple[float, float, dict[str, Any]]]:
        once = whole([*command, *more])

        def action() -> tuple[float, float, dict[str, Any]]:
            shutil.rmtree(out, ignore_errors=True)
            seconds, peak, facts = once()
            facts["page_mb"] = round(sum(path.stat().st_size for path in out.rglob("*.html")) / 1e6, 1)
            spent = json.loads((out / "data" / "processed" / "timing.json").read_text(encoding="utf-8"))["seconds"]
            if more:  # one stage after the other: the clocks of the stages add up
                facts["job"] = round(
                    seconds - sum(one for stage, one in spent.items() if stage not in ASKED_OF_SCRIPT), 2
                )
            return seconds, peak, facts

        return action

    plain, picked = "plain script, osmnx for all", "plain script, streets picked out first"
    script = [tools.rivals, "-m", "benchmarks.plain_script"]
    short = whole([*script, str(everything), str(WORK / "plain")])
    long = whole([*script, str(streets), str(WORK / "picked"), str(city.path)])
    found = alternate(
        "d",
        [
            (OURS, fresh(), tools.runs),
            (OURS_ALONE, fresh("--workers", "1"), tools.runs),
            (plain, short, tools.slow_runs),
            (picked, long, tools.slow_runs),
        ],
    )
    ours, alone, other = _done(found, OURS), _done(found, OURS_ALONE), _done(found, plain)
    goals, notes = [], []
    if ours and alone and other and city.key == "las_palmas":
        job = alone.facts["job"]
        goals = [
            Goal(
                "the script's own job in at most 1/8 of its time",
                f"1/{times(other.median, job)}",
                job * 8 <= other.median,
            ),
            Goal(
                "everything in at most 1/3 of its time",
                f"1/{times(other.median, ours.median)}",
                ours.median * 3 <= other.median,
            ),
            Goal(
                "at most 1/2 of its peak memory, in one process",
                f"1/{times(other.memory, alone.memory)}",
                alone.memory * 2 <= other.memory,
            ),
        ]
    if other:
        laps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in other.facts["laps"].items())
        notes.append(f"Seconds of the plain script: {laps}; the rest is starting Python and importing.")
    sections = [
        Section(f"d. {city.title}: whole run, from the shell", found, goals, shows=("job", "page_mb"), notes=notes)
    ]
    again = alternate(
        "e",
        [
            ("second run, nothing changed", whole(command), tools.runs),
            ("--help", whole([tools.ours, "-m", "xiqing_space", "--help"]), tools.runs),
        ],
    )
    goals = [
        Goal(f"{name} under {wanted:g} s", f"{one.median:.2f} s", one.median < wanted)
        for name, wanted in (("second run, nothing changed", 3.0), ("--help", 0.5))
        if (one := _done(again, name))
    ]
    sections.append(Section("e. Answers at once, from the shell", again, goals, first=""))
    return sections


def inner_note() -> str:
    """How one figure of b and c is come by."""
    return f"In b and c a process searches {INNER} times and its figure is the median of these; `first` is the first of them."
