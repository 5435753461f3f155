"""Part f: a million homes on sixteen tiles of a city; pairs and supply with their memory, and PySAL's access beside ours."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import AGREE_M, WORK, Contender, Measured, Tools, alternate, run_worker, say, times, worker
from benchmarks.report import Goal, Section

HOMES, FACILITIES = 62_500, 1_225  # of one tile; sixteen of them hold a million homes and 19,600 facilities
LIMITS = ("300", "500", "1000")  # the last one only to see how memory grows
BYTES_A_PAIR = 100.0
ALONE, NEAREST = "graph and points alone", "nearest of eight kinds"
NETWORKX, PYSAL, SHARING = "networkx, 500 m", "PySAL access", "xiqing_space"


def _pairs(limit: str) -> str:
    return f"pairs and E2SFCA, {limit} m"


def _of(found: dict[str, Measured], name: str) -> Measured | None:
    one = found.get(name)
    return one if one and one.seconds else None


def draw_points(tools: Tools, graph: Path, tiles: int) -> Path:
    """Homes and facilities on a graph; not timed."""
    target = WORK / f"{graph.stem}_points.npz"
    say(f"drawing {HOMES * tiles:,} homes and {FACILITIES * tiles:,} facilities (not timed)")
    run_worker(tools.ours, "scale", "points", graph, target, HOMES * tiles, FACILITIES * tiles)
    return target


def at_scale(tools: Tools, title: str, graph: Path, tiles: int) -> list[Section]:
    """Part f on one graph: time and memory; on a single tile networkx and PySAL beside us."""
    say(f"f. {title}: homes and facilities as points on streets")
    made, single = draw_points(tools, graph, tiles), tiles == 1
    files = {name: WORK / f"{graph.stem}_f_{name}.npz" for name in ("nearest", "500", "networkx", "pysal")}
    runs = tools.runs if single else tools.slow_runs
    contenders: list[Contender] = [
        (ALONE, worker(tools.ours, "scale", "alone", graph, made), runs),
        (NEAREST, worker(tools.ours, "scale", "nearest", graph, made, files["nearest"]), runs),
        *((_pairs(limit), worker(tools.ours, "scale", "supply", graph, made, limit,
                                 files["500"] if single and limit == "500" else "-"), runs) for limit in LIMITS),
    ]  # fmt: skip
    if single:
        contenders.append(
            (NETWORKX, worker(tools.rivals, "scale", "networkx", graph, made, "500", files["networkx"]), tools.runs)
        )
    found = alternate(f"f {title}", contenders)
    heading = f"f. {title}: {HOMES * tiles:,} homes, {FACILITIES * tiles:,} facilities of eight kinds"
    section = Section(heading, found, [] if single else _memory(found), shows=("building", "pairs"), first="")
    section.notes.append(
        f"`{NEAREST}`: within 1,200 m, for every home. `{_pairs('500')}`: every pair of a facility and a home within the limit, all "
        "of them kept, and the two steps on them. Peaks are set against `"
        + ALONE
        + "`: what is above it is the work's own."
    )
    if not single:
        return [section]
    _agree(tools, section, "pairs", files["500"], files["networkx"], "networkx")
    _agree(tools, section, "nearest", files["500"], files["nearest"], "the search for the nearest")
    return [section, _beside_pysal(tools, title, found, files, made)]


def _memory(found: dict[str, Measured]) -> list[Goal]:
    """The goal that further pairs cost their own few bytes and nothing else grows."""
    short, long = _of(found, _pairs(LIMITS[0])), _of(found, _pairs(LIMITS[-1]))
    if not short or not long:
        return []
    more = long.facts["pairs"] - short.facts["pairs"]
    each = max(long.memory - short.memory, 0.0) * 1024**2 / max(more, 1)
    return [
        Goal(
            f"at most {BYTES_A_PAIR:g} bytes of peak memory for each further pair", f"{each:.0f}", each <= BYTES_A_PAIR
        )
    ]


def _agree(tools: Tools, section: Section, what: str, ours: Path, other: Path, name: str) -> None:
    if not ours.is_file() or not other.is_file():
        return
    _, _, facts = run_worker(tools.ours, "scale", "compare", what, ours, other, "500")
    say(f"  worst difference from {name}: {facts['worst']:.4f} m")
    section.notes.append(
        f"Against {name}: {facts['compared']:,} distances compared, worst difference {facts['worst']:.4f} m."
    )
    section.goals.append(
        Goal(f"agrees with {name} to {AGREE_M} m", f"{facts['worst']:.4f} m", facts["worst"] <= AGREE_M)
    )


def _beside_pysal(tools: Tools, title: str, found: dict[str, Measured], files: dict[str, Path], made: Path) -> Section:
    """E2SFCA alone, on the same pairs."""
    say(f"f. {title}: E2SFCA beside PySAL access, on our pairs")
    rival = alternate(
        "f", [(PYSAL, worker(tools.rivals, "scale", "pysal", made, files["500"], "500", files["pysal"]), tools.runs)]
    )
    ours, goals, notes = _of(found, _pairs("500")), [], []
    both: dict[str, Measured] = {}
    if ours:
        both[SHARING] = Measured([ours.facts["sharing"]], [ours.memory], {"pairs": ours.facts["pairs"]})
    both |= rival
    other = _of(rival, PYSAL)
    if ours and other:
        _, _, facts = run_worker(tools.ours, "scale", "compare", "at_home", files["500"], files["pysal"], "500")
        say(f"  worst difference from {PYSAL}: {facts['worst']:.2e} places per child")
        notes.append(
            f"{facts['compared']:,} figures compared (every home and kind), worst difference {facts['worst']:.2e} places per child. "
            f"{times(other.median, ours.facts['sharing'])} × our seconds. Our peak holds the graph and the searches too."
        )
        goals.append(Goal(f"agrees with {PYSAL} to 1e-9", f"{facts['worst']:.1e}", facts["worst"] <= 1e-9))
    return Section(f"f. {title}: E2SFCA on the same pairs", both, goals, shows=("pairs",), notes=notes, first=SHARING)
