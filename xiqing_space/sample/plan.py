"""The drawing of the sample town, in metres: x to the east, y to the north of a corner near 117.00 E 39.08 N (EPSG:4548).

Everything is axis-parallel and every length is round, so that each distance can be worked out with a pencil. All names are
invented. The working is in tests/town/README.md; whoever moves a point here has to work the numbers out again.

::

     950         M                       22                                    C
     900         M                    H7 |  [203 factory]                      C
     850         +=======================21====================================+=======
     800         M        H12            |                                     C
     720         M                       |            71                       C
     700         M                       20-------37---38----32                C
     650         M         H11           | [202   H6]  x     |   [208          C
     600         M                       | [        ]  x     31--[208          C      51
     560         M                       | [ H5 42  ]  x     |   [208          C      |
     520         M           [401 school]|             x     |                 C      |
     500         M        33-------------19-----34-----35----30---------36~~~~~+~~~~~~50
     480         M                       |             #     |   H10    x      C      | H14
     440         M                       |             47    |          x      C      |
     420         M   28<<<<<<<<<<<<<<<<<<18<<<<<<<<<<<<+<<<<<27<<<<26   x      C      |
     400         M   23>>>>>>>>>>>>>>>>>>17>>>>>>>>>>>>+>>>>>24>>>>25   x      C      |
     380         M                       |             44    |          x      C      |
     340         M                [205]  |             #     |   H9     x      C      | 77H15   H16
     300    55   M   2-----------6-------7------8------9-----10--------11----12===13--14------------15
     260    |    M   | [--------]:       | [------40--------]                 C
     220    |    M   | [207 park]:       | [ H1 76 H]        |   [206          C
     180    |H13 M   | [        ]:       16-41      ]        |                 C
     150    |    M   | [--65----]:    H4 | [72      ]        |                 C
     130    |    M   |      H8   :       | [H3      ]        |                 C
     100    54   M   1-----------3-------4-------------------5                 C
      80         M                  73                 75                      C
       x    -200 -100 0    200    400     600    750    900   1000  1100 1200   1300   1400 1500     1800

Not to scale. M the motorway, where nobody walks; west of it the island 54-55 with home H13. C the canal, with the bridge 12-13.
= the railway, with a level crossing at 21. ~ a path over the canal of which nothing says how it gets over. > and < the two
carriageways, crossed by a zebra (17-18) and by the footbridge # (9-44-45-46-47-35; 44-45 and 46-47 are steps, 45-46 the
deck). : a cycleway open to walkers. x closed to walkers: a private service road (35-38), a cycleway (11-36). [ ] grounds:
compounds 201 (gates 40 and 41, the latter private) and 202 (no gate mapped), parks 207 (gate 65) and 208 (no gate mapped).
"""

from __future__ import annotations

ORIGIN = (500_000.0, 4_327_000.0)  # EPSG:4548, easting and northing of the drawing's (0, 0)
NOTE = "示例数据 synthetic sample"
NAME = "示例小镇（虚构）Sample town (synthetic)"
LICENCE = "示例数据，CC0 / synthetic sample, CC0"
DATA_DATE = "2026-01-01"
BUFFER_M = 500

Box = tuple[float, float, float, float]  # west, south, east, north
Tags = dict[str, str]

DATA_BOX: Box = (-1000, -700, 2200, 1600)  # what the extract claims to hold
AREA_BOX: Box = (-400, -100, 1600, 1000)
ZONES: tuple[tuple[str, str, str, Box], ...] = (
    ("Z1", "示例街道（城镇）", "urban", (-400, -100, 1300, 1000)),
    ("Z2", "示例村（乡村）", "rural", (1300, -100, 1600, 1000)),
)

# Nodes of streets, canal, railway; then gates on outlines, and facilities drawn as points.
NODES: dict[int, tuple[float, float]] = {
    1: (0, 100), 2: (0, 300), 3: (400, 100), 4: (600, 100), 5: (1000, 100),
    6: (400, 300), 7: (600, 300), 8: (750, 300), 9: (900, 300), 10: (1000, 300), 11: (1200, 300), 12: (1280, 300),
    13: (1320, 300), 14: (1400, 300), 15: (1800, 300),
    16: (600, 180), 17: (600, 400), 18: (600, 420), 19: (600, 500), 20: (600, 700), 21: (600, 850), 22: (600, 950),
    23: (0, 400), 24: (1000, 400), 25: (1100, 400), 26: (1100, 420), 27: (1000, 420), 28: (0, 420),
    30: (1000, 500), 31: (1000, 600), 32: (1000, 700), 33: (200, 500), 34: (750, 500), 35: (900, 500), 36: (1200, 500),
    37: (800, 700), 38: (900, 700),
    40: (750, 260), 41: (650, 180), 42: (750, 580), 43: (800, 640),
    44: (900, 380), 45: (900, 390), 46: (900, 430), 47: (900, 440), 48: (1050, 600),
    50: (1400, 500), 51: (1400, 600), 52: (-100, -200), 53: (-100, 1000), 54: (-200, 100), 55: (-200, 300),
    60: (1300, -200), 61: (1300, 1000), 62: (-400, 850), 63: (1600, 850),
    64: (400, 520), 65: (200, 150),
    71: (880, 720), 72: (700, 180), 73: (480, 80), 74: (700, 480), 75: (900, 80), 76: (750, 200), 77: (1450, 320),
}  # fmt: skip

NODE_TAGS: dict[int, Tags] = {
    17: {"highway": "crossing", "crossing": "zebra"},
    18: {"highway": "crossing", "crossing": "zebra"},
    21: {"railway": "level_crossing"},
    40: {"barrier": "gate"},
    41: {"barrier": "gate", "access": "private"},
    64: {"barrier": "gate"},
    65: {"barrier": "gate"},
    71: {"leisure": "playground", "name": "=1+2示例游戏场"},  # reads like a formula, which no table may run
    72: {"leisure": "playground", "name": "示例小区内游戏场", "access": "private"},
    73: {"amenity": "clinic", "name": "示例社区卫生服务中心"},
    74: {"amenity": "clinic", "name": "示例口腔诊所"},  # a dentist: no clinic for children
    75: {"amenity": "library", "name": '<b>示例</b>"图书室"'},  # looks like markup, which no page may obey
    76: {"amenity": "childcare", "name": "示例托育园", "capacity": "40"},
    77: {"construction:amenity": "kindergarten", "name": "示例在建幼儿园"},
}

_ROAD: Tags = {"highway": "secondary", "name": "示例大道", "oneway": "yes", "lanes": "3", "maxspeed": "60"}
_STREET: Tags = {"highway": "residential"}
_FOOTWAY: Tags = {"highway": "footway"}

LINES: dict[int, tuple[Tags, tuple[int, ...]]] = {
    101: (_STREET | {"name": "柳荫街"}, (1, 2)),
    102: ({"highway": "tertiary", "name": "南堤路", "maxspeed": "40"}, (1, 3, 4, 5)),
    103: (_STREET | {"name": "柳岸路"}, (2, 6, 7, 8, 9, 10, 11, 12)),
    104: (_STREET | {"name": "柳岸桥", "bridge": "yes", "layer": "1"}, (12, 13)),
    105: ({"highway": "unclassified", "name": "示例乡道"}, (13, 14, 15)),
    106: (_STREET | {"name": "槐荫街"}, (4, 16, 7, 17)),
    107: (_FOOTWAY | {"footway": "crossing"}, (17, 18)),
    108: (_STREET | {"name": "槐荫街"}, (18, 19, 20, 21, 22)),
    109: (_ROAD, (23, 17, 24, 25)),
    110: (_ROAD, (26, 27, 18, 28)),
    111: (_STREET | {"name": "桃花街"}, (5, 10, 24)),
    112: (_STREET | {"name": "桃花街"}, (27, 30, 31, 32)),
    113: (_STREET | {"name": "桃园路"}, (33, 19, 34, 35, 30, 36)),
    114: (_STREET | {"name": "北环路"}, (20, 37, 38, 32)),
    115: (_FOOTWAY, (40, 8)),
    116: (_FOOTWAY, (16, 41)),
    117: ({"highway": "service"}, (34, 42)),
    118: (_FOOTWAY, (37, 43)),
    119: (_FOOTWAY, (9, 44)),
    120: ({"highway": "steps"}, (44, 45)),
    121: (_FOOTWAY | {"bridge": "yes", "layer": "1", "name": "示例天桥"}, (45, 46)),
    122: ({"highway": "steps"}, (46, 47)),
    123: (_FOOTWAY, (47, 35)),
    124: (_FOOTWAY, (31, 48)),
    125: ({"highway": "cycleway", "foot": "designated", "name": "示例绿道"}, (3, 6)),
    126: ({"highway": "cycleway"}, (11, 36)),
    127: ({"highway": "service", "access": "private"}, (35, 38)),
    128: ({"highway": "path"}, (36, 50)),
    129: (_STREET | {"name": "示例村街"}, (14, 50, 51)),
    130: ({"highway": "motorway", "ref": "S0", "oneway": "yes"}, (52, 53)),
    131: (_STREET | {"name": "示例断头路"}, (54, 55)),
    140: ({"waterway": "canal", "name": "示例运河"}, (60, 61)),
    141: ({"railway": "rail", "name": "示例铁路"}, (62, 21, 63)),
}

# Rectangles on the ground, and the gates on their outlines: a gate's node follows the corner named
# (0 south-west, 1 south-east, 2 north-east, 3 north-west).
GROUNDS: dict[int, tuple[Tags, Box, dict[int, int]]] = {
    201: (
        {"landuse": "residential", "barrier": "wall", "name": "柳岸小区（示例）"},
        (650, 120, 850, 260),
        {2: 40, 3: 41},
    ),
    202: ({"landuse": "residential", "barrier": "wall", "name": "桃园小区（示例）"}, (650, 530, 850, 670), {}),
    203: ({"landuse": "industrial", "name": "示例工厂"}, (620, 880, 900, 940), {}),
    204: ({"landuse": "residential", "name": "示例村"}, (1340, 250, 1580, 610), {}),
    205: ({"amenity": "kindergarten", "name": "示例幼儿园", "capacity": "180"}, (430, 320, 470, 360), {}),
    206: ({"amenity": "school", "name": "示例实验学校"}, (1050, 180, 1130, 260), {}),
    207: ({"leisure": "park", "name": "柳岸公园（示例）"}, (100, 150, 300, 280), {0: 65}),
    208: ({"leisure": "park", "name": "桃园游园（示例）"}, (1005, 560, 1105, 660), {}),
    210: ({}, (300, 520, 500, 600), {0: 64}),
    211: ({}, (320, 550, 360, 580), {}),
}

# A school ground with a hole: outer ring 210, inner ring 211.
RELATIONS: dict[int, tuple[Tags, tuple[tuple[int, str], ...]]] = {
    401: ({"type": "multipolygon", "amenity": "school", "name": "示例小学"}, ((210, "outer"), (211, "inner"))),
}

_FLATS: Tags = {"building": "apartments", "building:levels": "6"}
_HOUSE: Tags = {"building": "house", "building:levels": "2"}

# Buildings: tags, centre, width (x) and depth (y).
BUILDINGS: dict[int, tuple[Tags, tuple[float, float], tuple[float, float]]] = {
    301: (_FLATS, (720, 220), (40, 10)),
    302: (_FLATS, (780, 220), (40, 10)),
    303: (_FLATS | {"building:levels": "11"}, (680, 140), (40, 10)),
    304: (_HOUSE | {"building:levels": "3"}, (580, 150), (10, 10)),
    305: (_FLATS, (720, 570), (40, 10)),
    306: (_FLATS, (770, 630), (40, 10)),
    307: (_HOUSE, (580, 920), (10, 10)),
    308: (_HOUSE, (300, 120), (10, 10)),
    309: (_FLATS | {"building:levels": "10"}, (1050, 370), (40, 10)),
    310: ({"building": "yes"}, (1050, 480), (20, 10)),  # counts as a home: nothing says otherwise; 1.5 levels assumed
    311: (_HOUSE, (250, 650), (10, 10)),
    312: (_HOUSE, (200, 800), (10, 10)),
    313: (_HOUSE, (-180, 200), (10, 10)),
    314: (_HOUSE, (1420, 480), (10, 10)),
    315: (_HOUSE, (1500, 320), (10, 10)),
    316: (_HOUSE, (1720, 320), (10, 10)),  # outside the area, inside its buffer
    321: ({"building": "yes"}, (700, 910), (60, 30)),  # on industrial land: no home
    322: ({"building": "yes", "shop": "supermarket"}, (1150, 470), (20, 10)),  # a shop: no home
}


def corners(box: Box) -> tuple[tuple[float, float], ...]:
    """The four corners of a rectangle, from the south-west counter-clockwise."""
    west, south, east, north = box
    return ((west, south), (east, south), (east, north), (west, north))


def building_box(way: int) -> Box:
    """The footprint of a building."""
    _, (x, y), (width, depth) = BUILDINGS[way]
    return (x - width / 2, y - depth / 2, x + width / 2, y + depth / 2)


def corner_id(way: int, corner: int) -> int:
    """Node id of a rectangle's corner: the way's id and the corner's number."""
    return way * 10 + corner
