"""The sample district: an invented district as large as Xiqing, laid out block by block. Nothing in it is a real place.

Counting of schools, by campus: 37 primary schools and 20 secondary ones (11 junior, 3 nine-year, 4 complete, 2 senior) and
1 special school make 58 campuses. A nine-year school counts as secondary, as education statistics have it, and its site carries
the kinds primary and junior; a complete secondary school carries junior and senior.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xiqing_space.sample.district_streets import Block, Line, Net, Point, Tags

SEED = 118_880
NAME = "示例区（虚构）Sample district (synthetic)"
SIZE = 1.02983  # scale of the outline about the sheet's middle, so that the area is 565.37 km²
OUTLINE_KM = (
    (5.2, 1.6), (8.0, 1.2), (11.0, 1.9), (13.6, 1.3), (16.8, 1.5), (18.2, 2.4), (21.0, 2.6), (22.0, 4.2), (23.9, 5.0),
    (24.4, 8.0), (23.2, 9.4), (23.5, 11.8), (24.8, 12.6), (24.6, 15.5), (25.0, 18.2), (24.3, 20.0), (24.9, 22.4),
    (24.1, 24.2), (23.0, 26.2), (20.6, 26.7), (19.0, 26.1), (16.4, 26.9), (14.0, 26.4), (11.8, 26.8), (10.2, 25.7),
    (7.6, 26.6), (5.0, 25.9), (3.4, 26.3), (1.9, 24.0), (1.3, 21.2), (2.1, 19.4), (1.2, 16.6), (1.6, 13.7), (2.8, 12.3),
    (1.9, 9.6), (2.3, 6.8), (1.4, 4.6), (3.1, 3.2),
)  # fmt: skip
ZONES = (  # letter, id, name, settlement
    ("A", "S01", "示例·柳岸街道", "urban"), ("B", "S02", "示例·云杉街道", "urban"), ("C", "S03", "示例·明湖街道", "urban"),
    ("D", "S04", "示例·和畅街道", "urban"), ("E", "S05", "示例·东晟街道", "urban"), ("F", "S06", "示例·桃霞镇", "rural"),
    ("G", "S07", "示例·画坊镇", "mixed"), ("H", "S08", "示例·白鹭镇", "rural"), ("I", "S09", "示例·知行镇", "mixed"),
    ("J", "S10", "示例·松影镇", "mixed"), ("K", "S11", "示例·稻香镇", "rural"), ("L", "S12", "示例·荷塘镇", "rural"),
)  # fmt: skip
CELLS = (  # zone of each cell between the lines that run right across, southernmost row first
    "LLLLKKK", "LLLKKKK", "LLLKJJJ", "LLIIJJJ", "HHIIJJE", "HHIIDDE", "HHGIDCE", "FFGGACB", "FFGGAAB",
)  # fmt: skip
UNMATCHED = (20, 66, 104)  # kindergartens that stand on the bureau's roster alone
# where the district is dense: place in km, and radius
CORES = ((21.0, 23.2, 3.6), (23.2, 18.6, 1.7), (14.0, 23.2, 1.5), (5.2, 23.8, 0.8), (5.3, 18.3, 0.8), (13.4, 17.0, 1.2),
         (20.2, 16.6, 1.8), (20.0, 10.0, 1.0), (11.0, 8.6, 0.7), (18.4, 4.7, 0.55))  # fmt: skip


@dataclass(frozen=True)
class Need:
    """How many sites of a kind there are, their ground in metres, OSM tags and the share that OSM holds."""

    count: int
    ground: tuple[float, float]
    tags: Tags
    mapped: float
    rural: float  # weight of a village block against a town block


NEEDS: dict[str, Need] = {
    "kindergarten": Need(115, (58, 54), {"amenity": "kindergarten"}, 0.7, 0.5),
    "primary": Need(37, (130, 105), {"amenity": "school"}, 0.95, 0.5),
    "junior": Need(11, (140, 115), {"amenity": "school"}, 0.95, 0.3),
    "nine_year": Need(3, (160, 120), {"amenity": "school"}, 1.0, 0.8),
    "complete": Need(4, (170, 125), {"amenity": "school"}, 1.0, 0.1),
    "senior": Need(2, (170, 130), {"amenity": "school"}, 1.0, 0.0),
    "special": Need(1, (90, 70), {"amenity": "school", "school": "special_education_needs"}, 1.0, 0.0),
    "childcare": Need(60, (30, 30), {"amenity": "childcare"}, 0.6, 0.15),
    "clinic": Need(12, (54, 48), {"amenity": "clinic"}, 0.85, 0.4),
    "health_station": Need(60, (24, 22), {"amenity": "clinic"}, 0.5, 1.3),
    "hospital": Need(3, (150, 120), {"amenity": "hospital"}, 1.0, 0.0),
    "pocket_park": Need(36, (70, 56), {"leisure": "park"}, 1.0, 0.1),
    "library": Need(12, (34, 28), {"amenity": "library"}, 0.9, 0.2),
    "culture": Need(8, (52, 46), {"amenity": "arts_centre"}, 0.9, 0.2),
    "sports": Need(30, (90, 56), {"leisure": "pitch"}, 1.0, 0.6),
    "childrens_place": Need(40, (24, 22), {"amenity": "community_centre"}, 0.7, 0.8),
    "community_service": Need(60, (26, 24), {"amenity": "community_centre"}, 0.7, 1.2),
    "family_school": Need(30, (22, 20), {"amenity": "community_centre"}, 0.6, 0.5),
}


@dataclass(eq=False)
class Site:
    """A campus, clinic, park …: one place that a list would have one row for."""

    kind: str
    number: int
    zone: str
    place: Point
    mapped: bool
    street: str = ""
    area: int = -1  # row of the drawing's areas
    node: int = -1  # node, where OSM has a point only
    gates: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Compound:
    """A 小区, or a village, that is one drawn area."""

    zone: str
    area: int
    middle: Point
    walled: bool
    village: bool = False
    levels: int = 0
    homes: list[int] = field(default_factory=list)
    gates: list[tuple[int, str]] = field(default_factory=list)  # node, open / residents / shut


@dataclass(eq=False)
class District:
    """The drawing: the net, areas as (tags, ring of nodes), homes with persons' weight, compounds, sites."""

    net: Net
    areas: list[tuple[Tags, list[int]]] = field(default_factory=list)
    homes: list[tuple[int, str, float]] = field(default_factory=list)  # area, zone, weight
    compounds: list[Compound] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)


class Plot:
    """A block with its frame, its free land and what has been put on it."""

    def __init__(self, drawing: District, block: Block, zone: str) -> None:
        self.drawing, self.block, self.zone, self.net = drawing, block, zone, drawing.net
        width, depth = block.size
        south, east, north, west = (11.0 + line.half for line, _ in block.sides)
        self.free = (west, south, width - east, depth - north)
        self.use = ""
        self.wanted: list[str] = []

    @property
    def room(self) -> float:
        """Length left for sites along one street, metres."""
        return self.free[2] - self.free[0] - 30 - sum(NEEDS[kind].ground[0] + 6 for kind in self.wanted)

    def area(self, tags: Tags, box: tuple[float, float, float, float], gates: dict[int, list[float]] | None = None,
             ) -> tuple[int, dict[int, list[int]]]:  # fmt: skip
        """Draw a four-sided area in the block's frame; gates as shares along the sides south, east, north, west.

        Returns its row and the gates' nodes by side.
        """
        west, south, east, north = box
        corners = ((west, south), (east, south), (east, north), (west, north))
        ring: list[int] = []
        made: dict[int, list[int]] = {}
        for side, (x, y) in enumerate(corners):
            ring.append(self.net.node(self.block.place(x, y)))
            u, v = corners[(side + 1) % 4]
            for share in sorted((gates or {}).get(side, ())):
                node = self.net.node(self.block.place(x + (u - x) * share, y + (v - y) * share))
                ring.append(node)
                made.setdefault(side, []).append(node)
        self.drawing.areas.append((tags, [*ring, ring[0]]))
        return len(self.drawing.areas) - 1, made

    def join(self, node: int, side: int, tags: Tags, most_m: float = 90.0, abreast: Point | None = None) -> bool:
        """A way from a node to the street on a side; none where that street ends too early."""
        line, where = self.block.sides[side]
        (x, y), foot = self.net.places[node], abreast or self.net.places[node]
        u, v = line.at(min(max(line.share(foot), 0.0), line.end))
        if (x - u) ** 2 + (y - v) ** 2 > most_m**2:
            return False
        self.net.ways.append((tags, [node, self.net.attach(line, foot, where)]))
        return True

    def walk(self, a: Point, b: Point, tags: Tags, ends: tuple[int, int]) -> Line:
        """A path inside the block between two nodes at places of its frame."""
        return self.net.line(self.block.place(*a), self.block.place(*b), tags, ends=ends)
