"""From lines to OSM ways: carriageways, crossings for walkers, and how each street gets over water, rails and motorways."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from xiqing_space.sample.district_streets import ACROSS_SHARE, SHAPE_M, STRIP_M, Line, Net, Point, Tags

_MAIN = ("primary", "secondary")
_WATER_M = {"river": 62.0, "canal": 17.0}  # from the axis to the bank
# least distance from one small passage to the next, and how they get over by turns
_PASSAGES = {
    "river": (2600.0, ("bridge", "foot")),
    "canal": (1300.0, ("bridge", "foot", "path")),
    "rail": (900.0, ("level", "tunnel", "foot", "level")),
    "motorway": (1000.0, ("tunnel", "foot")),
}
_FOOTWAY: Tags = {"highway": "footway"}


def add_passages(net: Net) -> None:
    """Small bridges, underpasses, level crossings and trodden paths from bank to bank, here and there."""
    for kind, one, two in net.banks:
        apart, ways = _PASSAGES[kind]
        last, count = 0.0, 0
        places, nodes = one.places[0], one.nodes[0]
        meets = [t for t, node in zip(places, nodes, strict=True) if node in net.meets]
        for t, node in list(zip(places, nodes, strict=True)):
            if node in net.meets:
                last = t
                continue
            if (t - last) * one.length < apart or any(0 < (m - t) * one.length < 350 for m in meets):
                continue
            if net.chance(0.75):
                last = t
                how = ways[count % len(ways)]
                count += 1
                far = net.attach(two, net.places[node], 0, 60.0)
                road = (
                    {"highway": "path"}
                    if how == "path"
                    else dict(_FOOTWAY)
                    if how == "foot"
                    else {"highway": "tertiary"}
                )
                net.line(net.places[node], net.places[far], road | {"over": how}, ends=(node, far))


def add_crossings(net: Net) -> None:
    """Zebras and signals beside junctions of larger roads, and a few footbridges over dual carriageways."""
    for line in list(net.lines):
        kind = line.tags.get("highway")
        share = {"primary": 0.55, "secondary": 0.4, "tertiary": 0.2}.get(kind or "", 0.0)
        side = line.sides[0]
        places = list(line.places.get(side, ()))
        last = 0.0
        for here, after in pairwise(places):
            room = (after - here) * line.length
            if room < 90 or (here - last) * line.length < 150 or not net.chance(share):
                continue
            last = here
            if line.half and net.chance(0.12):
                _bridge(net, line, here + 40 / line.length)
            else:
                _cross_road(net, line, here + 16 / line.length, signals=net.chance(0.6 if kind == "primary" else 0.25))


def _cross_road(net: Net, line: Line, t: float, *, signals: bool) -> None:
    tags = {"highway": "crossing", "crossing": "traffic_signals" if signals else "zebra"}
    nodes = []
    for side in line.sides:
        if line.near(side, t, 6.0):
            return
    for side in line.sides:
        nodes.append(net.node(line.at(t, line.half * side), tags))
        line.put(side, t, nodes[-1])
    if len(nodes) == 2:
        net.ways.append((_FOOTWAY | {"footway": "crossing"}, nodes))


def _bridge(net: Net, line: Line, t: float) -> None:
    """A footbridge with stairs: road, pavement, steps, deck, steps, pavement, road."""
    if line.near(1, t, 8.0) or line.near(-1, t, 8.0):
        return
    nodes = []
    for side, left in ((1, 11.0), (0, 18.0), (0, 24.0), (0, -24.0), (0, -18.0), (-1, -11.0)):
        nodes.append(net.node(line.at(t, left)))
        if side:
            line.put(side, t, nodes[-1])
    deck = _FOOTWAY | {"bridge": "yes", "layer": "1", "name": "示例天桥"}
    for k, tags in enumerate((_FOOTWAY, {"highway": "steps"}, deck, {"highway": "steps"}, _FOOTWAY)):
        net.ways.append((tags, nodes[k : k + 2]))


def _offset(axis: Line, place: Point) -> float:
    """Metres to the left of an axis."""
    dx, dy = axis.b[0] - axis.a[0], axis.b[1] - axis.a[1]
    return (dx * (place[1] - axis.a[1]) - dy * (place[0] - axis.a[0])) / axis.length


def _over(net: Net, kind: str, tags: Tags) -> Tags | None:
    """Tags with which a street gets over a barrier; None where it does not."""
    main = tags["highway"] in _MAIN
    if how := tags.get("over"):
        plain = {key: value for key, value in tags.items() if key != "over"}
        if how == "path":
            return plain
        if how == "level":
            return plain | {"level": "crossing"}
        tunnel = how == "tunnel" or (how == "foot" and kind == "rail")
        return plain | ({"tunnel": "yes", "layer": "-1"} if tunnel else {"bridge": "yes", "layer": "1"})
    if not main and not net.chance(ACROSS_SHARE[kind]):
        # trodden paths that nobody said anything about
        return {"highway": "path"} if kind in ("canal", "river") and net.chance(0.12) else None
    if kind in ("river", "canal") or (main and net.chance(0.5)):
        return tags | {"bridge": "yes", "layer": "1"}
    if kind == "rail" and not main and net.chance(0.6):
        return tags | {"level": "crossing"}
    return tags | {"tunnel": "yes", "layer": "-1"}


def _stretch(net: Net, a: Point, b: Point) -> list[int]:
    """Vertices between two places that lie far apart."""
    length = float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)
    pieces = int(length / SHAPE_M) + 1
    return [net.node((a[0] + (b[0] - a[0]) * k / pieces, a[1] + (b[1] - a[1]) * k / pieces)) for k in range(1, pieces)]


def street_ways(net: Net, near: Any) -> list[tuple[Tags, list[int]]]:
    """All lines and links as ways, and the barriers' own lines; level crossings become nodes of both.

    What lies outside `near`, a polygon of the sheet, is left out.
    """
    import shapely

    kept = shapely.contains_xy(near, np.asarray(net.places))
    found: list[tuple[Tags, list[int]]] = []
    levels: dict[int, list[tuple[float, int]]] = {}
    for line in net.lines:
        for side in line.sides:
            nodes = line.nodes.get(side, [])
            tags = line.tags | ({"oneway": "yes"} if line.half else {})
            ways: list[tuple[Tags, list[int]]] = []
            for a, b in pairwise(nodes):
                if kept[a] or kept[b]:
                    _add_piece(net, ways, levels, tags, a, b)
            # traffic keeps to the right: the left carriageway of a line runs back
            found += [(used, way[::-1] if side == 1 else way) for used, way in ways]
    found += net.ways
    return found + _barrier_ways(net, levels, near)


def _add_piece(net: Net, ways: list[tuple[Tags, list[int]]], levels: dict[int, list[tuple[float, int]]], tags: Tags,
               a: int, b: int) -> None:  # fmt: skip
    p, q = net.places[a], net.places[b]
    used: Tags | None = tags
    between: list[int] | None = None
    for row, (kind, axis) in enumerate(net.barriers):
        here, there = _offset(axis, p), _offset(axis, q)
        if (here > 0) == (there > 0):
            continue
        used = _over(net, kind, tags)
        if used is None:
            return
        if "level" in used:
            used = {key: value for key, value in used.items() if key != "level"}
            t = here / (here - there)
            node = net.node((p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t), {"railway": "level_crossing"})
            levels.setdefault(row, []).append((axis.share(net.places[node]), node))
            between = [node]
    if between is None:
        between = _stretch(net, p, q)
    assert used is not None
    if ways and ways[-1][0] == used and ways[-1][1][-1] == a:
        ways[-1][1].extend([*between, b])
    else:
        ways.append((used, [a, *between, b]))


def _barrier_ways(net: Net, levels: dict[int, list[tuple[float, int]]], near: Any) -> list[tuple[Tags, list[int]]]:
    found: list[tuple[Tags, list[int]]] = []
    for row, (kind, axis) in enumerate(net.barriers):
        rail = sorted([(t, -1) for t in _run(axis, near)] + levels.get(row, []))
        if kind == "motorway":
            for left in (13.0, -13.0):
                nodes = [net.node(axis.at(t, left)) for t, _ in rail]
                road = {"highway": "motorway", "oneway": "yes", "lanes": "3", "maxspeed": "100", **axis.tags}
                found.append((road, nodes[::-1] if left > 0 else nodes))
            continue
        nodes = [net.node(axis.at(t)) if node < 0 else node for t, node in rail]
        found.append(({"railway": "rail"} if kind == "rail" else {"waterway": kind}, nodes))
        found[-1][0].update(axis.tags)
    return found


def _run(axis: Line, near: Any) -> list[float]:
    """Vertices of a barrier, as shares of its length, from where it enters a polygon to where it leaves."""
    import shapely

    pieces = int(axis.length / SHAPE_M)
    inside = np.flatnonzero([shapely.contains_xy(near, *axis.at(k / pieces)) for k in range(pieces + 1)])
    return [k / pieces for k in range(int(inside.min()), int(inside.max()) + 1)]


def water_rings(net: Net, near: Any) -> list[list[int]]:
    """The water of rivers and canals as rings: narrower and wider by turns."""
    rings = []
    for kind, axis in net.barriers:
        if kind not in _WATER_M:
            continue
        run, half = _run(axis, near), _WATER_M[kind]
        banks: list[list[int]] = []
        for sign in (1, -1):
            wide = [half * (1 if kind == "canal" else net.between(0.6, 1.0)) for _ in run]
            banks.append([net.node(axis.at(t, sign * one)) for t, one in zip(run, wide, strict=True)])
        assert half < STRIP_M[kind]
        rings.append([*banks[0], *banks[1][::-1], banks[0][0]])
    return rings
