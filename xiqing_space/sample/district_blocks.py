"""What stands on a block: compounds with gates and inner paths, villages, sites, parks, works, campuses, fields."""

from __future__ import annotations

from itertools import pairwise

from xiqing_space.sample.district import NEEDS, UNMATCHED, Compound, Plot, Site
from xiqing_space.sample.district_names import HOSTILE
from xiqing_space.sample.district_streets import Line, Tags

Box = tuple[float, float, float, float]
_FOOT: Tags = {"highway": "footway"}
_SERVICE: Tags = {"highway": "service"}
_OPEN, _PRIVATE = {"barrier": "gate"}, {"barrier": "gate", "access": "private"}
_SHORE = ((0.3, 0.0), (0.7, 0.05), (1.0, 0.3), (0.95, 0.7), (0.65, 1.0), (0.3, 0.9), (0.0, 0.7), (0.05, 0.3))
FLOOR_M2_PER_PERSON = 38.0
PERSONS_PER_HOUSE = 3.2


def fill(plot: Plot, numbers: dict[str, int]) -> None:
    """Draw what the block is used for; `numbers` counts the sites of each kind."""
    if plot.use == "village":
        _village(plot, numbers)
    elif plot.use in ("compound", "quarter"):
        _compounds(plot, *_sites(plot, plot.free[0], numbers))
    elif plot.use in ("park", "green"):
        _park(plot)
    elif plot.use in ("industry", "commerce", "university"):
        _works(plot)
    else:
        _field(plot)


def _building(plot: Plot, box: Box, tags: Tags) -> int:
    return plot.area(tags, box)[0]


def _home(plot: Plot, box: Box, tags: Tags, compound: Compound, persons: float) -> None:
    row = _building(plot, box, tags)
    compound.homes.append(row)
    plot.drawing.homes.append((row, plot.zone, persons))


def _sites(plot: Plot, x: float, numbers: dict[str, int]) -> tuple[float, float]:
    """Sites in a row along the southern street; returns how deep they reach, and where a lane passes between them."""
    south, deepest, lane = plot.free[1], plot.free[1], 0.0
    for kind in plot.wanted:
        width, depth = NEEDS[kind].ground
        _site(plot, kind, numbers[kind], (x, south, x + width, south + depth))
        numbers[kind] += 1
        x += width + 6
        if not lane and plot.use != "village":
            lane, x = x + 3, x + 12
        deepest = max(deepest, south + depth + 6)
    east = plot.free[2]
    while plot.wanted and x + 34 < east:
        _building(plot, (x, south + 4, x + 30, south + 20), {"building": "retail", "building:levels": "2"})
        x += plot.net.between(38, 60)
        deepest = max(deepest, south + 26)
    return deepest, lane


def _site(plot: Plot, kind: str, number: int, box: Box) -> None:
    """One site; two in three of the mapped ones as grounds, the others as points, as OSM has them."""
    net, need = plot.net, NEEDS[kind]
    west, south, east, north = box
    middle = plot.block.place((west + east) / 2, (south + north) / 2)
    mapped = net.chance(need.mapped) and not (kind == "kindergarten" and number in UNMATCHED)
    mapped |= (kind, number) in HOSTILE
    site = Site(kind, number, plot.zone, middle, mapped, plot.block.sides[0][0].tags.get("name", ""))
    plot.drawing.sites.append(site)
    if not site.mapped:
        return
    if need.ground[0] < 40 or (need.ground[0] < 60 and net.chance(0.3)):
        site.node = net.node(middle)
        _building(plot, (west + 3, south + 4, east - 3, north - 3), {"building": "public"})
        return
    shares = [net.between(0.25, 0.75)] if need.ground[0] < 120 else [net.between(0.15, 0.4), net.between(0.6, 0.85)]
    if kind == "sports":
        site.area, _ = plot.area({}, box)
        return
    site.area, gates = plot.area({}, box, {0: shares})
    for node in gates.get(0, ()):
        net.node_tags[node] = dict(_OPEN)
        if plot.join(node, 0, _FOOT):
            site.gates.append(node)
    if kind == "pocket_park":
        ends = (gates[0][0], net.node(plot.block.place(west + 20, north - 10)))
        net.ways.append((_FOOT, list(ends)))
    else:
        use = {"kindergarten": "kindergarten", "clinic": "clinic", "hospital": "hospital"}.get(kind, "school")
        tags = {"building": use, "building:levels": "3"}
        _building(plot, (west + 8, (south + north) / 2, east - 8, north - 6), tags)


def _compounds(plot: Plot, south: float, lane: float) -> None:
    """One walled compound, or two with an alley between them; an open quarter has no walls."""
    west, _, east, north = plot.free
    if north - south < 70 or east - west < 70:
        return
    front = (0,) if south < plot.free[1] + 1 else ()
    central = west + 110 < lane < east - 110  # the lane between the sites in front goes on as the alley
    if central or (east - west > 300 and plot.net.chance(0.6)):
        middle = lane if central else west + (east - west) * plot.net.between(0.4, 0.6)
        alley = _alley(plot, middle) if central or (front and plot.net.chance(0.7)) else None
        _compound(plot, (west, south, middle - 7, north), (*front, 2, 3), lane, alley, 1)
        _compound(plot, (middle + 7, south, east, north), (*front, 1, 2), lane, alley, 3)
    else:
        _compound(plot, (west, south, east, north), (*front, 1, 2, 3), lane, None, 0)


def _alley(plot: Plot, x: float) -> Line | None:
    """A lane between two compounds, from street to street."""
    (south, one), _, (north, two), _ = plot.block.sides
    ends = []
    for line, side, y in ((south, one, 0.0), (north, two, plot.block.size[1])):
        place = plot.block.place(x, y)
        if line.share(place) > line.end - 0.02:
            return None
        ends.append(plot.net.attach(line, place, side))
    tags = _SERVICE if plot.net.chance(0.4) else _FOOT
    return plot.net.line(plot.net.places[ends[0]], plot.net.places[ends[1]], tags, ends=(ends[0], ends[1]))


def _ring(plot: Plot, box: Box) -> list[Line]:
    """A path round the inside of a compound: lines south, east, north, west."""
    west, south, east, north = box
    corners = ((west, south), (east, south), (east, north), (west, north))
    nodes = [plot.net.node(plot.block.place(*one)) for one in corners]
    tags = _SERVICE if plot.net.chance(0.6) else _FOOT
    return [
        plot.walk(corners[k], corners[(k + 1) % 4], tags, (nodes[k], nodes[(k + 1) % 4])) for k in range(4)
    ]  # fmt: skip


def _gate_shares(plot: Plot, box: Box, fronts: tuple[int, ...], lane: float, beside: int) -> dict[int, list[float]]:
    """Where a compound's gates are, as shares along its sides: one to four on streets, one on a lane, one on an alley."""
    net, (west, _, east, _) = plot.net, box
    count = min(len(fronts) + 1, 1 + int(net.between(0.4, 3.6)))
    shares: dict[int, list[float]] = {}
    for k in range(count):
        taken = shares.setdefault(fronts[(k + int(net.between(0, len(fronts)))) % len(fronts)], [])
        taken.append(net.between(0.2, 0.45) if taken else net.between(0.5, 0.8))
    if west + 20 < lane < east - 20:
        shares[0] = [(lane - west) / (east - west)]
    if beside:  # near the southern end, where the sites are
        share = net.between(0.15, 0.4)
        shares[beside] = [share if beside == 1 else 1 - share]
    return {side: taken[:2] for side, taken in shares.items()}


def _compound(plot: Plot, box: Box, fronts: tuple[int, ...], lane: float, alley: Line | None, alley_side: int) -> None:
    net, quarter = plot.net, plot.use == "quarter"
    west, south, east, north = box
    shares = _gate_shares(plot, box, fronts, lane, alley_side if alley else 0)
    tags = {"landuse": "residential"} | ({} if quarter else {"barrier": "wall"})
    row, gates = plot.area(tags, box, shares)
    mapped = not quarter and net.chance(0.95)  # of some compounds nobody has mapped the gates
    middle = plot.block.place((west + east) / 2, (south + north) / 2)
    compound = Compound(plot.zone, row, middle, not quarter)
    plot.drawing.compounds.append(compound)
    inner = (west + 17.0, south + 17.0, east - 17.0, north - 17.0)
    ring = _ring(plot, inner)
    first = True
    for side, nodes in sorted(gates.items()):
        for node in nodes:
            # the first gate lets everybody in where any does
            kind = 0 if first and net.chance(0.85) else int(net.between(0, 4))
            status = ("open", "open", "residents", "shut")[kind]
            way = _SERVICE if net.chance(0.5) else _FOOT
            if alley and side == alley_side:
                net.ways.append((way, [node, net.attach(alley, net.places[node], 0)]))
            else:
                abreast = plot.block.place(lane, 0.0) if side == 0 and lane else None
                if not plot.join(node, side, way, 200.0 if abreast else 90.0, abreast):
                    continue
            first = False
            net.ways.append((_FOOT, [node, net.attach(ring[side], net.places[node], 0)]))
            if mapped:
                net.node_tags[node] = dict(_OPEN if status == "open" else _PRIVATE)
            compound.gates.append((node, status))
    _flats(plot, compound, ring, inner)


def _flats(plot: Plot, compound: Compound, ring: list[Line], box: Box) -> None:
    """Slabs in rows that look south, between paths; a garden or a playground here and there."""
    net = plot.net
    west, south, east, north = box
    # a large new estate has to build a kindergarten of its own
    heights = (11, 18, 18, 26) if "kindergarten" in plot.wanted else (6, 6, 6, 11, 11, 18)
    compound.levels = levels = heights[int(net.between(0, len(heights)))]
    step = {6: 42.0, 11: 55.0, 18: 72.0, 26: 84.0}[levels]
    columns = max(1, round((east - west) / net.between(88, 125)))
    edges = [west + (east - west) * k / columns for k in range(columns + 1)]
    for x in edges[1:-1]:
        a, b = plot.block.place(x, south), plot.block.place(x, north)
        ends = (net.attach(ring[0], a, 0), net.attach(ring[2], b, 0))
        if net.chance(0.85):
            plot.walk((x, south), (x, north), _FOOT if net.chance(0.7) else _SERVICE, ends)
    play = net.chance(0.4)
    for left, right in pairwise(edges):
        y = south + 10 + net.between(0, 14)
        margin = net.between(6, 12) + (14 if levels > 11 else 0)
        while y + 14 < north - 6:
            if net.chance(0.07):
                if play:
                    place = plot.block.place((left + right) / 2, y + 6)
                    net.node(place, {"leisure": "playground"} | ({"access": "private"} if net.chance(0.5) else {}))
                play = False
            else:
                shift = net.between(-3, 3)
                slab = (left + margin + shift, y, right - margin + shift, y + 12.5)
                persons = (slab[2] - slab[0]) * 12.5 * levels / FLOOR_M2_PER_PERSON
                said = (
                    levels * 10 if levels > 12 and net.chance(0.01) else levels
                )  # a slip of the keyboard now and then
                tags = {"building": "apartments" if net.chance(0.85) else "residential"}
                _home(plot, slab, tags | ({"building:levels": str(said)} if net.chance(0.9) else {}), compound, persons)
            y += step * net.between(0.95, 1.12)


def _village(plot: Plot, numbers: dict[str, int]) -> None:
    """Lanes and small houses beside the southern street of a large block; fields behind them."""
    net = plot.net
    west, south, east, north = plot.free
    line, _ = plot.block.sides[0]
    wide = min(net.between(190, 420), east - west - 60)
    deep = min(net.between(150, 330), north - south - 60)
    x = west + 40 + (east - west - 80 - wide) * net.between(0.1, 0.6)
    x = min(x, max(west, east - 20 - wide / 2 - sum(NEEDS[kind].ground[0] + 8 for kind in plot.wanted)))
    middle = x + wide / 2
    if line.share(plot.block.place(middle, 0)) > line.end - 0.05:
        middle = x = west + 30
        middle = x + wide / 2
    base = _sites(plot, middle + 10, numbers)[0] + 8
    row, _ = plot.area({"landuse": "residential"}, (x - 12, base - 8, x + wide + 12, base + deep + 16))
    compound = Compound(plot.zone, row, plot.block.place(middle, base + deep / 2), False, village=True, levels=2)
    plot.drawing.compounds.append(compound)
    foot = net.attach(line, plot.block.place(middle, 0), plot.block.sides[0][1])
    top = (middle + net.between(-25, 25), base + deep)
    main = net.line(net.places[foot], plot.block.place(*top), {"highway": "unclassified"},
                    ends=(foot, net.node(plot.block.place(*top))))  # fmt: skip
    y, ends = base + net.between(4, 12), []
    while y < base + deep - 6:
        for sign in (-1, 1):
            reach = wide / 2 * net.between(0.6, 1.0)
            tip = (middle + sign * reach, y + net.between(-9, 9))
            start = net.attach(main, plot.block.place(middle, y), 0)
            node = net.node(plot.block.place(*tip))
            net.ways.append(({"highway": "residential" if net.chance(0.5) else "path" if net.chance(0.2) else "service"},
                             [start, node]))  # fmt: skip
            ends.append((sign, y, node))
            _houses(plot, compound, (middle, y), tip)
        y += net.between(36, 52)
    for one, other in zip(ends[:-2], ends[2:], strict=True):
        if net.chance(0.45):
            net.ways.append((_FOOT if net.chance(0.3) else _SERVICE, [one[2], other[2]]))
    if net.chance(0.25):
        _pond(plot, (west + 20, base + deep + 60, east - 20, north - 20))


def _houses(plot: Plot, compound: Compound, a: tuple[float, float], b: tuple[float, float]) -> None:
    """Houses along the northern side of a lane."""
    net = plot.net
    run, x = abs(b[0] - a[0]), 10.0
    sign = 1 if b[0] > a[0] else -1
    while x + 12 < run:
        size = net.between(9, 13)
        if net.chance(0.72):
            left = a[0] + sign * x if sign > 0 else a[0] - x - size
            low = a[1] + (b[1] - a[1]) * x / run + net.between(6, 11)
            tags = {"building": "house" if net.chance(0.75) else "yes"}
            if net.chance(0.5):
                tags["building:levels"] = "1" if net.chance(0.5) else "2"
            _home(plot, (left, low, left + size, low + net.between(8, 12)), tags, compound, PERSONS_PER_HOUSE)
        x += size + net.between(4, 12)


def _park(plot: Plot) -> None:
    """A park over the whole block, with one to four gates and paths between them."""
    net = plot.net
    west, south, east, north = plot.free
    if min(east - west, north - south) < 40:
        return
    fronts = [side for side in range(4) if net.chance(0.7)] or [2]
    fenced = plot.use == "park" and net.chance(0.6)
    row, gates = plot.area({"leisure": "park"} | ({"barrier": "fence"} if fenced else {}), (west, south, east, north),
                           {side: [net.between(0.3, 0.7)] for side in fronts})  # fmt: skip
    centre = plot.block.place((west + east) / 2, (south + north) / 2)
    site = Site(
        "park", len([one for one in plot.drawing.sites if one.kind == "park"]), plot.zone, centre, True, area=row
    )
    plot.drawing.sites.append(site)
    hub = net.node(centre, {"leisure": "playground"} if net.chance(0.4) else None)
    for side, nodes in sorted(gates.items()):
        for node in nodes:
            if plot.join(node, side, _FOOT):
                net.node_tags[node] = dict(_OPEN)
                site.gates.append(node)
                bow = net.node(plot.block.place(west + (east - west) * net.between(0.3, 0.7),
                                                south + (north - south) * net.between(0.3, 0.7)))  # fmt: skip
                net.ways.append((_FOOT, [node, bow, hub]))
    if min(east - west, north - south) > 200 and net.chance(0.6):
        _pond(plot, (west + 30, south + 30, west + (east - west) * 0.45, south + (north - south) * 0.45))


def _pond(plot: Plot, box: Box) -> None:
    """Still water somewhere in a box."""
    west, south, east, north = box
    if east - west < 60 or north - south < 60:
        return
    width, depth = (min(plot.net.between(0.3, 0.8) * full, 420.0) for full in (east - west, north - south))
    x = west + (east - west - width) * plot.net.between(0, 1)
    y = south + (north - south - depth) * plot.net.between(0, 1)
    corners = ((x + width * u, y + depth * v) for u, v in _SHORE)
    ring = [plot.net.node(plot.block.place(u + plot.net.between(-0.1, 0.1) * width, v + plot.net.between(-0.1, 0.1) * depth))
            for u, v in corners]  # fmt: skip
    plot.drawing.areas.append(({"natural": "water"}, [*ring, ring[0]]))


def _fish_ponds(plot: Plot, box: Box) -> None:
    """Ponds in rows, dams between them."""
    west, south, east, north = box
    columns, rows = 1 + int(plot.net.between(1, 4)), 1 + int(plot.net.between(0, 3))
    wide, deep = plot.net.between(90, 160), plot.net.between(140, 260)
    for k in range(columns * rows):
        x, y = west + (k % columns) * (wide + 14), south + (k // columns) * (deep + 14)
        if x + wide < east and y + deep < north and plot.net.chance(0.9):
            plot.area({"natural": "water"}, (x, y, x + wide, y + deep))


def _works(plot: Plot) -> None:
    """Land where nobody lives: works, shops, a university with its hostels."""
    net = plot.net
    tags, kind, size = {
        "industry": ({"landuse": "industrial"}, "industrial", 62.0),
        "commerce": ({"landuse": "commercial"}, "commercial", 48.0),
        "university": ({"amenity": "university", "name": "示例大学（虚构）"}, "university", 44.0),
    }[plot.use]
    west, south, east, north = plot.free
    if min(east - west, north - south) < 60:
        return
    _, gates = plot.area(tags, (west, south, east, north), {2: [0.5]})
    drive = net.node(plot.block.place((west + east) / 2, (south + north) / 2))
    if plot.join(gates[2][0], 2, _SERVICE):
        shut = {"access": "private"} if plot.use == "industry" else {}
        net.ways.append((_SERVICE | shut, [gates[2][0], drive]))
    y = south + 14.0
    while y + size * 0.6 < north - 12:
        x = west + 14.0
        while x + size < east - 12:
            middle = abs(x + size / 2 - (west + east) / 2) < size / 2 + 4
            if net.chance(0.7) and not middle:
                hostel = plot.use == "university" and net.chance(0.3)
                _building(plot, (x, y, x + size, y + size * net.between(0.35, 0.6)),
                          {"building": "dormitory" if hostel else kind})  # fmt: skip
            x += size * net.between(1.3, 1.9)
        y += size * net.between(1.1, 1.5)


def _field(plot: Plot) -> None:
    """Farmland, a pond now and then; in town a lot that waits."""
    west, south, east, north = plot.free
    if min(east - west, north - south) < 60:
        return
    land = "farmland" if max(east - west, north - south) > 600 else "brownfield"
    plot.area({"landuse": land}, (west + 6, south + 6, east - 6, north - 6))
    wet = plot.zone in ("S11", "S12", "S08")
    if land == "farmland" and plot.net.chance(0.7 if wet else 0.2):
        (_fish_ponds if wet else _pond)(plot, (west + 30, south + 30, east - 30, north - 30))
