"""Streets of the sample district: straight lines on an undistorted sheet, cut block by block, bent only when they are written.

Everything is laid out on a flat sheet in metres. `bend` then turns, curves and roughens the whole sheet at once, so that what
met on the sheet still meets, and nothing looks ruled. A `Line` is one street (or both carriageways of one) with the nodes that
lie on it; a `Block` is the quadrilateral between four of them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Tags = dict[str, str]

WIDTH_M, HEIGHT_M = 26_000.0, 28_000.0  # of the sheet; the district lies well inside
DUAL_M = 11.0  # from the axis of a road to either carriageway
SHAPE_M = 230.0  # longest stretch drawn without a vertex

# What runs right across the sheet: name, where it starts and ends (metres), kind. Strips have a street on either bank.
ACROSS = (  # from the west edge to the east edge
    ("", 0, 0, "unclassified"), ("南丰公路", 3300, 3700, "secondary"), ("清沙河", 6500, 8300, "river"),
    ("田园路", 10600, 11200, "primary"), ("示例南高速", 13300, 13000, "motorway"), ("知行大道", 15900, 15300, "dual"),
    ("示例铁路", 17500, 18300, "rail"), ("示例运河", 21200, 20300, "canal"), ("望云大道", 24600, 23300, "dual"),
    ("", HEIGHT_M, HEIGHT_M, "unclassified"),
)  # fmt: skip
ALONG = (  # from the south edge to the north edge
    ("", 0, 0, "unclassified"), ("西禾公路", 3900, 4700, "secondary"), ("白鹭河", 8700, 7300, "river"),
    ("中和大道", 12100, 11700, "primary"), ("示例环线高速", 16300, 14900, "motorway"), ("明湖大道", 18400, 18700, "dual"),
    ("东晟大道", 21700, 22100, "primary"), ("", WIDTH_M, WIDTH_M, "unclassified"),
)  # fmt: skip
STRIP_M = {"river": 95.0, "canal": 48.0, "rail": 42.0, "motorway": 50.0}  # axis to bank street
# share of small streets that get across, beside the main roads, which always do
ACROSS_SHARE = {"river": 0.15, "canal": 0.12, "rail": 0.35, "motorway": 0.35}
CLASSES: dict[str, Tags] = {
    "dual": {"highway": "primary", "lanes": "3", "maxspeed": "60", "lit": "yes", "sidewalk": "right"},
    "primary": {"highway": "primary", "lanes": "4", "maxspeed": "60"},
    "secondary": {"highway": "secondary", "lanes": "4", "maxspeed": "50"},
    "tertiary": {"highway": "tertiary", "lanes": "2", "maxspeed": "40"},
    "residential": {"highway": "residential"},
    "unclassified": {"highway": "unclassified"},
}  # fmt: skip


def _noise(x: NDArray[np.float64], y: NDArray[np.float64], step: float, seed: int) -> Any:
    """Smooth noise in [-1, 1]: lattice values from integer arithmetic, so that every machine gets the same."""
    column, row = np.floor(x / step), np.floor(y / step)
    fx, fy = x / step - column, y / step - row
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)

    def value(dx: int, dy: int) -> Any:
        mixed = (
            (column + dx).astype(np.int64) * 73_856_093 ^ (row + dy).astype(np.int64) * 19_349_663 ^ seed * 83_492_791
        )
        mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177 & 0x7FFFFFFF
        return (mixed >> 7 & 0xFFFF).astype(np.float64) / 32767.5 - 1.0

    low = value(0, 0) * (1 - fx) + value(1, 0) * fx
    high = value(0, 1) * (1 - fx) + value(1, 1) * fx
    return low * (1 - fy) + high * fy


def bend(sheet: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of the sheet, (n, 2), as metres from the sheet's middle: curved, roughened, turned; rounded to centimetres."""
    x, y = sheet[:, 0], sheet[:, 1]
    a, b = (x - WIDTH_M / 2) / 13_000.0, (y - HEIGHT_M / 2) / 13_000.0
    east = x - WIDTH_M / 2 + 1500.0 * b * b - 1100.0 * a * b + 500.0 * b * b * b
    north = y - HEIGHT_M / 2 - 1500.0 * a * a + 600.0 * a * b + 700.0 * a * a * a
    for step, height, seed in ((2600.0, 190.0, 1), (900.0, 44.0, 3)):
        east = east + height * _noise(x, y, step, seed)
        north = north + height * _noise(x, y, step, seed + 1)
    turned: NDArray[np.float64] = np.column_stack([0.9925 * east - 0.1222 * north, 0.1222 * east + 0.9925 * north])
    return np.round(turned, 2)


@dataclass(eq=False)
class Line:
    """A straight street of the sheet. Nodes by carriageway: side 0, or 1 (left) and -1 (right) of a dual one."""

    a: Point
    b: Point
    tags: Tags
    half: float = 0.0
    end: float = 1.0  # where a blind street stops
    places: dict[int, list[float]] = field(default_factory=dict)
    nodes: dict[int, list[int]] = field(default_factory=dict)

    @property
    def length(self) -> float:
        """Length in metres of the sheet."""
        return float(np.sqrt((self.b[0] - self.a[0]) ** 2 + (self.b[1] - self.a[1]) ** 2))

    @property
    def sides(self) -> tuple[int, ...]:
        """The carriageways."""
        return (1, -1) if self.half else (0,)

    def at(self, t: float, left: float = 0.0) -> Point:
        """The place at a share of the length, so many metres to the left."""
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        off = left / self.length if left else 0.0
        return (self.a[0] + dx * t - dy * off, self.a[1] + dy * t + dx * off)

    def share(self, place: Point) -> float:
        """The share of the length at which a place lies abreast."""
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        return ((place[0] - self.a[0]) * dx + (place[1] - self.a[1]) * dy) / (dx * dx + dy * dy)

    def beyond(self, place: Point) -> bool:
        """Whether a place lies to the left."""
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        return dx * (place[1] - self.a[1]) - dy * (place[0] - self.a[0]) > 0

    def put(self, side: int, t: float, node: int) -> None:
        """Put a node on a carriageway."""
        places = self.places.setdefault(side, [])
        row = bisect_left(places, t)
        places.insert(row, t)
        self.nodes.setdefault(side, []).insert(row, node)

    def near(self, side: int, t: float, within_m: float) -> tuple[float, int] | None:
        """Place and node of a carriageway that lie near, else None."""
        places = self.places.get(side, [])
        row = bisect_left(places, t)
        close = [
            (abs(places[i] - t) * self.length, places[i], i) for i in (row - 1, row) if 0 <= i < len(places)
        ]  # fmt: skip
        if close and min(close)[0] <= within_m:
            _, place, i = min(close)
            return place, self.nodes[side][i]
        return None


Side = tuple[Line, int]


def _far(a: Point, b: Point) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


@dataclass(eq=False)
class Block:
    """Land between four streets: corners sw, se, ne, nw; sides south, east, north, west, each with the block's side of it."""

    corners: tuple[Point, Point, Point, Point]
    sides: tuple[Side, Side, Side, Side]
    cell: tuple[int, int]

    @property
    def size(self) -> tuple[float, float]:
        """Mean width and depth, metres."""
        sw, se, ne, nw = self.corners
        return ((_far(sw, se) + _far(nw, ne)) / 2, (_far(sw, nw) + _far(se, ne)) / 2)

    @property
    def middle(self) -> Point:
        """Mean of the corners."""
        return (sum(one[0] for one in self.corners) / 4, sum(one[1] for one in self.corners) / 4)

    def turned(self, quarters: int) -> Block:
        """The same block with another side called south."""
        corner, side = (self.corners * 2)[quarters : quarters + 4], (self.sides * 2)[quarters : quarters + 4]
        return Block((corner[0], corner[1], corner[2], corner[3]), (side[0], side[1], side[2], side[3]), self.cell)

    def place(self, x: float, y: float) -> Point:
        """A place of the block's own frame, metres from its south-west corner, on the sheet."""
        width, depth = self.size
        s, r = x / width, y / depth
        sw, se, ne, nw = self.corners
        weights = ((sw, (1 - s) * (1 - r)), (se, s * (1 - r)), (ne, s * r), (nw, (1 - s) * r))
        return (sum(one[0] * w for one, w in weights), sum(one[1] * w for one, w in weights))


class Net:
    """Nodes, lines and short links of the sheet, growing."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.places: list[Point] = []
        self.node_tags: dict[int, Tags] = {}
        self.lines: list[Line] = []
        self.barriers: list[tuple[str, Line]] = []  # kind, axis
        self.banks: list[tuple[str, Line, Line]] = []  # kind, the streets on either side
        self.meets: set[int] = set()  # nodes where lines cross that run right across the sheet
        self.ways: list[tuple[Tags, list[int]]] = []

    def node(self, place: Point, tags: Tags | None = None) -> int:
        """A new node; returns its number."""
        self.places.append(place)
        if tags:
            self.node_tags[len(self.places) - 1] = tags
        return len(self.places) - 1

    def line(self, a: Point, b: Point, tags: Tags, *, half: float = 0.0, ends: tuple[int, int] | None = None) -> Line:
        """A new street, its ends at given nodes."""
        made = Line(a, b, tags, half)
        for t, node in zip((0.0, 1.0), ends or (), strict=False):
            made.put(0, t, node)
        self.lines.append(made)
        return made

    def attach(self, line: Line, place: Point, side: int, snap_m: float = 7.0) -> int:
        """A node on the carriageway of that side, abreast of a place: one that is near, else a new one."""
        side = side if line.half else 0
        t = min(max(line.share(place), 0.0), line.end)
        if line.half and (other := line.near(-side, t, snap_m)):
            t = other[0]
        if found := line.near(side, t, snap_m):
            return found[1]
        node = self.node(line.at(t, line.half * side))
        line.put(side, t, node)
        return node

    def chance(self, share: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """Any number between two."""
        return low + (high - low) * float(self.rng.random())


def _lay(net: Net, rows: tuple[tuple[str, float, float, str], ...], *, across: bool) -> list[tuple[Line, ...]]:
    """The lines that run right across the sheet, a strip's two bank streets together."""
    found: list[tuple[Line, ...]] = []
    for name, start, stop, kind in rows:

        def ends(off: float, start: float = start, stop: float = stop) -> tuple[Point, Point]:
            return (
                ((0.0, start + off), (WIDTH_M, stop + off)) if across else ((start + off, 0.0), (stop + off, HEIGHT_M))
            )

        named = {"name": name} if name else {}
        if kind in STRIP_M:
            net.barriers.append((kind, Line(*ends(0.0), named)))
            bank = (
                {"highway": "tertiary", "name": f"{name.removeprefix('示例')}堤路"}
                if kind in ("river", "canal")
                else CLASSES["unclassified"]
            )
            banks = tuple(net.line(*ends(off), bank) for off in (-STRIP_M[kind], STRIP_M[kind]))
            net.banks.append((kind, banks[0], banks[1]))
            found.append(banks)
        else:
            found.append((net.line(*ends(0.0), CLASSES[kind] | named, half=DUAL_M if kind == "dual" else 0.0),))
    return found


def meet(one: Line, other: Line) -> Point:
    """Where two lines cross."""
    (x, y), (p, q) = one.a, other.a
    dx, dy = one.b[0] - x, one.b[1] - y
    ex, ey = other.b[0] - p, other.b[1] - q
    t = ((p - x) * ey - (q - y) * ex) / (dx * ey - dy * ex)
    return (x + dx * t, y + dy * t)


def _cross(net: Net, one: Line, other: Line) -> None:
    """Nodes where each carriageway of a line meets each of another."""
    place = meet(one, other)
    for side in one.sides:
        for far in other.sides:
            x, y = one.at(one.share(place), one.half * side)
            u, v = other.at(other.share(place), other.half * far)
            node = net.node((x + u - place[0], y + v - place[1]))
            net.meets.add(node)
            one.put(side, one.share(net.places[node]), node)
            other.put(far, other.share(net.places[node]), node)


def _cut(net: Net, block: Block, target: Any, done: list[Block]) -> None:
    """Halve a block by a street until it is as small as `target` wants it at its place."""
    width, depth = block.size
    aim = target(block.middle)
    long = max(width, depth)
    if long < aim * 1.45:
        done.append(block)
        return
    sw, se, ne, nw = block.corners
    south, east, north, west = block.sides
    upright = width >= depth
    share = net.between(0.4, 0.6) if long < aim * 3 else net.between(0.44, 0.56)
    lean = 0.05
    first, second = ((sw, se), (nw, ne)) if upright else ((sw, nw), (se, ne))
    (one, one_side), (two, two_side) = (south, north) if upright else (west, east)
    ends = []
    for (p, q), line, side in ((first, one, one_side), (second, two, two_side)):
        s = share + net.between(-lean, lean)
        node = net.attach(line, (p[0] + (q[0] - p[0]) * s, p[1] + (q[1] - p[1]) * s), side, 48.0)
        ends.append((node, line.at(line.share(net.places[node]))))
    kind = (
        "secondary"
        if long > 3600
        else "tertiary"
        if long > 1500 or net.chance(0.15)
        else "residential"
        if aim < 700
        else "unclassified"
    )
    street = net.line(ends[0][1], ends[1][1], street_tags(net, kind), ends=(ends[0][0], ends[1][0]))
    if kind in ("residential", "unclassified") and net.chance(0.1):
        _make_blind(net, street)
    for line, side, (node, _) in ((one, one_side, ends[0]), (two, two_side, ends[1])):
        if line.half and (kind != "residential" or net.chance(0.3)):
            over = net.attach(line, net.places[node], -side, 1.0)
            net.ways.append((street.tags | {"lanes": "2"}, [node, over]))
    at, to = ends[0][1], ends[1][1]
    if upright:
        parts = [Block((sw, at, to, nw), (south, (street, 1), north, west), block.cell),
                 Block((at, se, ne, to), (south, east, north, (street, -1)), block.cell)]  # fmt: skip
    else:
        parts = [Block((sw, se, to, at), (south, east, (street, -1), west), block.cell),
                 Block((at, to, ne, nw), ((street, 1), east, north, west), block.cell)]  # fmt: skip
    for part in parts:
        _cut(net, part, target, done)


def street_tags(net: Net, kind: str) -> Tags:
    """Tags of a street of a class: some are tagged better than others."""
    tags = dict(CLASSES[kind])
    if kind in ("secondary", "tertiary") and net.chance(0.45):
        tags["sidewalk"] = "both" if net.chance(0.7) else "right"
    if kind == "residential" and net.chance(0.12):
        tags["sidewalk"] = "no"
    if net.chance(0.25):
        tags["lit"] = "yes"
    if kind != "unclassified" and (kind != "residential" or net.chance(0.6)):
        first, second = "柳槐桃杏梅兰竹菊枫榆松桐荷芦苇", "荫岸溪月霞露晴和安宁乐学文礼"
        tags["name"] = (
            first[int(net.rng.integers(len(first)))] + second[int(net.rng.integers(len(second)))]
            + ("街" if kind == "residential" else "道" if kind == "secondary" else "路")
        )  # fmt: skip
    return tags


def _make_blind(net: Net, street: Line) -> None:
    """End a street inside the block."""
    street.end = net.between(0.55, 0.8)
    street.places[0].pop()
    street.nodes[0].pop()
    street.put(0, street.end, net.node(street.at(street.end)))


def lay_streets(net: Net, target: Any) -> list[Block]:
    """Lay all streets; `target` gives the size of blocks wanted at a place. Returns the blocks, in a fixed order."""
    across, along = _lay(net, ACROSS, across=True), _lay(net, ALONG, across=False)
    for one in [line for lines in across for line in lines]:
        for other in [line for lines in along for line in lines]:
            _cross(net, one, other)
    blocks: list[Block] = []
    for row, (below, above) in enumerate(pairwise(across)):
        for column, (left, right) in enumerate(pairwise(along)):
            south, north, west, east = below[-1], above[0], left[-1], right[0]
            corners = (meet(south, west), meet(south, east), meet(north, east), meet(north, west))
            _cut(net, Block(corners, ((south, 1), (east, 1), (north, -1), (west, -1)), (column, row)), target, blocks)
    return blocks
