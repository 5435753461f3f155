"""Peers side by side: `python -m benchmarks.run_all --ours PYTHON --rivals PYTHON` writes RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import parts, parts_pages, parts_routes, parts_scale
from benchmarks.common import ROOT, WORK, City, Tools, find_cities, say
from benchmarks.report import Section, write_results

_ALL = ("a", "b", "c", "d", "f", "g", "h")
_GOALS = {"nearest": {"networkx": 18.0, "pandana": 20.0}, "catchments": {"networkx": 2.0, "pandana": 4.0}}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmarks side by side with peers; writes benchmarks/RESULTS.md.")
    parser.add_argument("--ours", default=sys.executable, help="Python with xiqing_space")
    parser.add_argument("--rivals", default=".venv-bench/bin/python", help="Python with benchmarks/requirements.txt")
    parser.add_argument("--runs", type=int, default=3, help="repeats of each contender")
    parser.add_argument("--slow-runs", type=int, default=1, help="repeats of those that take a minute and more")
    parser.add_argument("--parts", default="".join(_ALL), help="letters of the parts to run, e.g. bc")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    return parser.parse_args()


def _searches(tools: Tools, cities: dict[str, City], tasks: list[str]) -> list[Section]:
    """Parts b and c on every graph."""
    sections = []
    for city in cities.values():
        graph, many = parts.export(tools, city, tiled=city.key == "porto")
        for task in tasks:
            goals = _GOALS[task] if city.key == "porto" else {}
            one = parts.search(tools, city.title, graph, task, ("networkx", "pandana"), goals)
            sections.append(one)
            if many is None:
                continue
            title = f"16 × {city.title}"
            large = parts.search(tools, title, many, task, ("networkx",), {})
            if task == "catchments":
                parts.growth(one, large, city.title)
            sections.append(large)
    return sections


def _at_scale(tools: Tools, cities: dict[str, City], exported: bool) -> list[Section]:
    """Part f on Porto and on its sixteen tiles, else on what there is; the graphs of b and c are taken over."""
    city = cities.get("porto") or next(iter(cities.values()))
    graph, many = WORK / f"{city.key}.npz", WORK / f"{city.key}_16.npz"
    tiled = city.key == "porto"
    if not exported:
        parts.export(tools, city, tiled=tiled)
    sections = parts_scale.at_scale(tools, city.title, graph, 1)
    return sections + (parts_scale.at_scale(tools, f"16 × {city.title}", many, 16) if tiled else [])


def _routes(tools: Tools, cities: dict[str, City], exported: bool) -> list[Section]:
    """Part g on every graph, which is taken over from b and c."""
    sections = []
    for city in cities.values():
        tiled = city.key == "porto"
        if not exported:
            parts.export(tools, city, tiled=tiled)
        sections.append(parts_routes.routes(tools, city, city.title, WORK / f"{city.key}.npz"))
        if tiled:
            sections.append(parts_routes.routes(tools, city, f"16 × {city.title}", WORK / f"{city.key}_16.npz"))
        sections.append(parts_routes.scoring(tools, city))
    return sections


def _sections(tools: Tools, cities: dict[str, City], wanted: str) -> list[Section]:
    sections: list[Section] = []
    xml: dict[str, tuple[Path, Path]] = {}
    whole = cities.get("las_palmas") or cities.get("helsinki")
    for city in cities.values():
        if ("a" in wanted and city.key != "las_palmas") or ("d" in wanted and city == whole):
            xml[city.key] = parts.convert(tools, city)
    if "a" in wanted:
        sections += [
            parts.graph_from_extract(tools, city, xml[key][0]) for key, city in cities.items() if key != "las_palmas"
        ]
        if "porto" in cities:
            sections.append(parts.graph_of_tiles(tools, cities["porto"]))
    if tasks := [task for letter, task in (("b", "nearest"), ("c", "catchments")) if letter in wanted]:
        sections += _searches(tools, cities, tasks)
    if "f" in wanted:
        sections += _at_scale(tools, cities, exported=bool(tasks))
    if "g" in wanted:
        sections += _routes(tools, cities, exported=bool(tasks))
    if "h" in wanted:
        sections.append(parts_pages.pages_at_scale(tools))
    if "d" in wanted and whole:
        sections += parts.whole_run(tools, whole, *xml[whole.key])
    return sorted(sections, key=lambda section: section.title[0])


def main() -> int:
    given = _arguments()
    began = time.perf_counter()
    tools = Tools(*(str(_program(one)) for one in (given.ours, given.rivals)), given.runs, given.slow_runs)
    WORK.mkdir(parents=True, exist_ok=True)
    cities, missing = find_cities(tools.rivals)
    for line in missing:
        say(line)
    if not cities:
        say("No data: set XIQING_TEST_DATA to a folder with the extracts that benchmarks/README.md names.")
        return 1
    sections = _sections(tools, cities, given.parts)
    if given.parts != "".join(_ALL):
        missing.append(f"Only parts {', '.join(given.parts)} were asked for.")
    write_results(given.out, tools, sections, missing, parts.inner_note())
    say(f"{given.out.name} written, {time.perf_counter() - began:.0f} s")
    return 0


def _program(name: str) -> Path:
    """An interpreter as an absolute path; links are kept, for they say which environment it belongs to."""
    path = Path(name).absolute()
    if not path.is_file():
        raise SystemExit(f"no such interpreter: {name}")
    return path


if __name__ == "__main__":
    raise SystemExit(main())
