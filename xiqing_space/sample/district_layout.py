"""Where what goes in the sample district: outline, density, the use of each block, and which block gets which site."""

from __future__ import annotations

from xiqing_space.sample.district import CELLS, CORES, NEEDS, OUTLINE_KM, SEED, SIZE, ZONES, District, Plot
from xiqing_space.sample.district_blocks import fill
from xiqing_space.sample.district_streets import HEIGHT_M, WIDTH_M, Net, Point, lay_streets
from xiqing_space.sample.district_ways import add_crossings, add_passages


def _target(place: Point) -> float:
    """Size of blocks at a place, metres: small in the town, large among fields."""
    off = min(
        float(((place[0] - 1e3 * x) ** 2 + (place[1] - 1e3 * y) ** 2) ** 0.5) - 1e3 * radius for x, y, radius in CORES
    )
    return 370.0 if off <= 0 else min(370.0 + 0.8 * off, 1750.0)


def _choose_use(net: Net, plot: Plot, aim: float) -> str:
    west, south, east, north = plot.free
    small, large = min(east - west, north - south), max(east - west, north - south)
    if large > 800 or aim > 900:
        return "village" if small > 480 and net.chance(0.72) else "field"
    draw = float(net.rng.random())
    if small < 130:
        return "green"
    town = plot.zone in "ABCDE"
    for share, use in (
        (0.66 if town else 0.55, "compound"), (0.06, "quarter"), (0.05, "park"), (0.08, "commerce"),
        (0.07 if town else 0.15, "industry"), (0.02 if town else 0.01, "university"),
    ):  # fmt: skip
        if draw < share:
            return use
        draw -= share
    return "field"


def _give_sites(net: Net, plots: list[Plot]) -> None:
    """Hand each kind's sites to blocks: evenly over the people, in the order of the blocks, a little shaken."""
    for kind, need in sorted(NEEDS.items(), key=lambda pair: -pair[1].ground[0]):
        if kind == "clinic":  # one in the middle of each zone
            for letter, *_ in ZONES:
                own = [plot for plot in plots if plot.zone == letter and plot.room > need.ground[0]]
                own[len(own) // 2].wanted.append(kind)
            continue
        weights = [1.0 if plot.use in ("compound", "quarter") else need.rural for plot in plots]
        step, passed, k = sum(weights) / need.count, 0.0, 0
        aims = [step * (one + net.between(0.2, 0.8)) for one in range(need.count)]
        for row, weight in enumerate(weights):
            passed += weight
            while k < need.count and aims[k] <= passed:
                near = [o for off in range(60) for o in {row - off, row + off} if 0 <= o < len(plots)]
                fit = next(
                    o for o in near if weights[o] and plots[o].room > need.ground[0] and kind not in plots[o].wanted
                )
                plots[fit].wanted.append(kind)
                k += 1


def draw_district() -> District:
    """Draw the whole district on the sheet. The same on each call."""
    import shapely

    net = Net(SEED)
    drawing = District(net)
    outline = shapely.Polygon(outline_sheet())
    letters = {letter: zone for letter, zone, *_ in ZONES}
    near, inner = outline.buffer(750.0), outline.buffer(-120.0)
    plots, inside = [], []
    for block in lay_streets(net, _target):
        if not near.contains(shapely.Point(block.middle)):
            continue
        large = _target(block.middle) > 900
        block = block.turned(int(net.between(0, 4)) if large else 2 * int(net.between(0, 2)))
        plot = Plot(drawing, block, CELLS[block.cell[1]][block.cell[0]])
        plot.use = _choose_use(net, plot, _target(block.middle))
        plots.append(plot)
        if plot.use in ("compound", "quarter", "village") and inner.contains(shapely.Polygon(block.corners)):
            inside.append(plot)
    _give_sites(net, inside)
    add_passages(net)
    add_crossings(net)
    numbers = dict.fromkeys(NEEDS, 0)
    for plot in plots:
        plot.zone = letters[plot.zone]
        fill(plot, numbers)
    return drawing


def outline_sheet() -> list[Point]:
    """Outline of the district on the sheet, a corner every 250 m or less."""
    corners = [
        (WIDTH_M / 2 + (1e3 * x - WIDTH_M / 2) * SIZE, HEIGHT_M / 2 + (1e3 * y - HEIGHT_M / 2) * SIZE)
        for x, y in OUTLINE_KM
    ]
    found: list[Point] = []
    for (x, y), (u, v) in zip(corners, [*corners[1:], corners[0]], strict=True):
        pieces = int(((x - u) ** 2 + (y - v) ** 2) ** 0.5 / 250.0) + 1
        found += [(x + (u - x) * k / pieces, y + (v - y) * k / pieces) for k in range(pieces)]
    return found
