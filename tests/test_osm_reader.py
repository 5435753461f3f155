"""The reader of streets against a plain one that shares nothing with it, on a real extract and on drawn cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from helpers import Drawing

from xiqing_space.catalog import load_catalogue
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.osm_streets import StreetWays, read_street_ways
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.streets import read_osm_streets, streets_frame, walkability

GATES = ("gate", "lift_gate", "swing_gate", "sliding_gate", "entrance", "kissing_gate", "turnstile", "hampshire_gate")
Place = tuple[float, float]
Edge = tuple[int, int, int, tuple[Place, ...]]


class _Plain(osmium.SimpleHandler):  # type: ignore[misc]
    """Everything into dicts; nothing clever."""

    def __init__(self) -> None:
        super().__init__()
        self.cut: set[int] = set()
        self.stretches: list[tuple[int, list[tuple[int, Place]]]] = []
        self.absent = 0
        self.clipped = 0

    def node(self, node: Any) -> None:
        if node.tags.get("highway") == "crossing" or node.tags.get("barrier") in GATES:
            self.cut.add(node.id)

    def way(self, way: Any) -> None:
        if "highway" not in way.tags:
            return
        run: list[tuple[int, Place]] = []
        runs = [run]
        absent = 0
        for node in way.nodes:
            if node.location.valid():
                run.append((node.ref, (round(node.location.lon, 7), round(node.location.lat, 7))))
            else:
                absent += 1
                run = []
                runs.append(run)
        self.absent += absent
        self.clipped += absent > 0
        self.stretches += [(way.id, one) for one in runs if len(one) > 1]


def plain_edges(path: Path) -> tuple[Counter[Edge], _Plain]:
    """Edges by a dict of how often each node is used."""
    handler = _Plain()
    handler.apply_file(str(path), locations=True)
    uses = Counter(ref for _, stretch in handler.stretches for ref, _ in stretch)
    edges: Counter[Edge] = Counter()
    for way, stretch in handler.stretches:
        begin = 0
        for position in range(1, len(stretch)):
            ref = stretch[position][0]
            if position == len(stretch) - 1 or uses[ref] > 1 or ref in handler.cut:
                part = stretch[begin : position + 1]
                edges[(way, part[0][0], ref, tuple(place for _, place in part))] += 1
                begin = position
    return edges, handler


def edges_of(ways: StreetWays) -> Iterator[Edge]:
    for row in range(len(ways.way_id)):
        line = ways.lonlat[ways.start[row] : ways.start[row + 1]]
        places = tuple((round(lon, 7), round(lat, 7)) for lon, lat in line.tolist())
        yield int(ways.way_id[row]), int(ways.u[row]), int(ways.v[row]), places


def compare(path: Path) -> StreetWays:
    """Both readers give the same edges, however often each occurs."""
    ways = read_street_ways(path, GATES)
    expected, handler = plain_edges(path)
    found = Counter(edges_of(ways))
    assert not expected - found, f"{len(expected - found)} edges were not read, e.g. {list(expected - found)[:2]}"
    assert not found - expected, f"{len(found - expected)} edges are not in the file, e.g. {list(found - expected)[:2]}"
    assert (ways.clipped, ways.missing) == (handler.clipped, handler.absent)
    return ways


def pairs(ways: StreetWays) -> list[tuple[int, int]]:
    return sorted(zip(ways.u.tolist(), ways.v.tolist(), strict=True))


# ---- a real extract


def test_helsinki_agrees_with_the_plain_reader(helsinki: Path) -> None:
    ways = compare(helsinki)
    assert len(set(ways.way_id.tolist())) > 2000
    assert ways.missing > 0, "this extract is clipped"


def test_helsinki_cuts_streets_at_every_mapped_crossing_and_gate(helsinki: Path) -> None:
    ways = read_street_ways(helsinki, GATES)
    _, handler = plain_edges(helsinki)
    on_streets = {ref for _, stretch in handler.stretches for ref, _ in stretch}
    ends = set(ways.u.tolist()) | set(ways.v.tolist())
    lost = (handler.cut & on_streets) - ends
    assert not lost, f"{len(lost)} of {len(handler.cut & on_streets)} crossings and gates are no end of an edge"


def test_helsinki_edge_ids_are_unique_and_name_way_and_nodes(helsinki: Path) -> None:
    frame = read_osm_streets(helsinki, load_catalogue(), 32635, Quality())
    assert frame["edge_id"].is_unique
    assert frame["edge_id"].str.fullmatch(r"osm:w\d+:n\d+-n\d+(:[2-9]\d*)?").all()
    plain = frame["osm_id"] + ":" + frame["u"].str.removeprefix("osm:") + "-" + frame["v"].str.removeprefix("osm:")
    assert all(edge == base or edge.startswith(base + ":") for edge, base in zip(frame["edge_id"], plain, strict=True))
    first = shapely.get_point(frame["geometry"].to_numpy(), 0)
    places = {}
    for name, point in zip(frame["u"], first, strict=True):
        assert places.setdefault(name, (point.x, point.y)) == (point.x, point.y), "a node stands in two places"


def test_helsinki_lengths_are_those_of_the_metric_system(helsinki: Path) -> None:
    frame = read_osm_streets(helsinki, load_catalogue(), 32635, Quality())
    metric = gpd.GeoSeries(frame["geometry"].to_numpy(), crs=4326).to_crs(32635).length.to_numpy()
    assert np.abs(frame["length_m"].to_numpy() - metric).max() < 0.002


@pytest.mark.parametrize("block", [1 << 10, 1 << 14])
def test_helsinki_read_a_few_lines_at_a_time_is_the_same(
    helsinki: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smaller block is shorter than some ways, so that the whole text becomes one; the larger one makes dozens."""
    monkeypatch.setattr("xiqing_space.ingest.osm_streets._BLOCK", block)
    compare(helsinki)


# ---- drawn cases


def test_a_crossing_that_comes_after_the_first_way_cuts_the_second(tmp_path: Path) -> None:
    path = tmp_path / "mixed.opl"
    place = "x117.0{} y39.1"
    lines = [f"n{one} T {place.format(one)}" for one in (1, 2)] + ["w10 Thighway=residential Nn1,n2"]
    lines += [f"n{one} T{'highway=crossing' if one == 4 else ''} {place.format(one)}" for one in (3, 4, 5)]
    path.write_text("\n".join([*lines, "w11 Thighway=residential Nn3,n4,n5"]) + "\n", encoding="utf-8")
    assert pairs(compare(path)) == [(1, 2), (3, 4), (4, 5)]


def test_tags_are_told_apart_by_their_whole_key_and_keep_their_signs(tmp_path: Path) -> None:
    d = Drawing()
    name = "西青道 = Xiqing, Road 100% 1/2"
    d.street([(0, 0), (100, 0)], name=name, **{"name:en": "other", "old_ref": "old", "not:highway": "steps"})
    d.street([(0, 50), (100, 50)], "footway", ref="S 1,S 2", **{"ref:old": "x", "was:highway": "steps"})
    d.way([(0, 90), (100, 90)], {"was:highway": "residential", "barrier": "wall"})
    ways = compare(d.write(tmp_path / "a.osm"))
    tags = {key: column[ways.tag_row].tolist() for key, column in ways.tags.items()}
    assert (tags["highway"], tags["name"], tags["ref"]) == (["residential", "footway"], [name, None], [None, "S 1,S 2"])


@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf"])
def test_shared_node_joins(tmp_path: Path, suffix: str) -> None:
    d = Drawing()
    d.street([(0, 0), (100, 0), (200, 0)])
    d.street([(100, 0), (100, 80)])
    middle = d.at(100, 0)
    ways = compare(d.write(tmp_path / f"a{suffix}"))
    assert pairs(ways) == sorted([(d.at(0, 0), middle), (middle, d.at(200, 0)), (middle, d.at(100, 80))])


def test_shared_coordinate_alone_does_not_join(tmp_path: Path) -> None:
    d = Drawing()
    below = [d.node(0, 0), d.node(100, 0), d.node(200, 0)]
    above = [d.node(100, -50), d.node(100, 0), d.node(100, 50)]
    d.street(below)
    d.street(above, bridge="yes")
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == [(below[0], below[2]), (above[0], above[2])]


def test_two_ways_that_run_along_each_other_are_cut_at_each_shared_node(tmp_path: Path) -> None:
    d = Drawing()
    line = [d.node(0, 0), d.node(50, 0), d.node(100, 0), d.node(150, 0)]
    first, second = d.street(line), d.street(line[1:3], "footway")
    ways = compare(d.write(tmp_path / "a.osm"))
    assert Counter(ways.way_id.tolist()) == {first: 3, second: 1}


def test_a_way_that_visits_a_node_twice(tmp_path: Path) -> None:
    d = Drawing()
    a, b, c, e = d.node(0, 0), d.node(50, 0), d.node(100, 0), d.node(100, 50)
    d.street([a, b, c, e, b])
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == [(a, b), (b, b)]


def test_a_figure_of_eight_with_a_tail(tmp_path: Path) -> None:
    d = Drawing()
    hub, *rest = (d.node(x, y) for x, y in ((0, 0), (50, 30), (50, -30), (-50, 30), (-50, -30), (0, 90)))
    d.street([hub, rest[0], rest[1], hub, rest[2], rest[3], hub, rest[4]])
    ways = compare(d.write(tmp_path / "a.osm"))
    assert pairs(ways) == [(hub, hub), (hub, hub), (hub, rest[4])]
    frame = streets_frame(ways, load_catalogue(), 4548)
    base = f"osm:w1001:n{hub}-n{hub}"
    assert sorted(frame["edge_id"]) == [base, f"{base}:2", f"osm:w1001:n{hub}-n{rest[4]}"]


def test_a_closed_ring_of_its_own(tmp_path: Path) -> None:
    d = Drawing()
    ring = [d.node(x, y) for x, y in ((0, 0), (60, 0), (60, 60), (0, 60))]
    d.street([*ring, ring[0]])
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == [(ring[0], ring[0])]


def test_a_ring_and_its_way_in(tmp_path: Path) -> None:
    d = Drawing()
    ring = [d.node(x, y) for x, y in ((0, 0), (60, 0), (60, 60), (0, 60))]
    d.street([*ring, ring[0]])
    d.street([ring[2], (120.0, 60.0)])
    far = d.at(120.0, 60.0)
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == sorted(
        [(ring[0], ring[2]), (ring[2], ring[0]), (ring[2], far)]
    )


def test_a_clipped_way_keeps_its_stretches(tmp_path: Path) -> None:
    d = Drawing()
    here = [d.node(50.0 * step, 0) for step in range(7)]
    d.street([900, here[0], here[1], 901, 902, here[2], 903, here[3], here[4], here[5], 904])
    d.street([here[4], here[6]])
    ways = compare(d.write(tmp_path / "a.osm"))
    assert pairs(ways) == sorted([(here[0], here[1]), (here[3], here[4]), (here[4], here[5]), (here[4], here[6])])
    assert (ways.clipped, ways.missing) == (1, 5)


def test_crossing_and_gate_nodes_in_the_middle_of_a_street_cut_it(tmp_path: Path) -> None:
    d = Drawing()
    zebra = d.node(100, 0, {"highway": "crossing"})
    gate = d.node(200, 0, {"barrier": "gate"})
    bollard = d.node(300, 0, {"barrier": "bollard"})
    ends = d.node(0, 0), d.node(400, 0)
    d.street([ends[0], zebra, gate, bollard, ends[1]])
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == sorted([(ends[0], zebra), (zebra, gate), (gate, ends[1])])


def test_a_node_given_twice_in_a_row_leaves_no_edge_without_length(tmp_path: Path) -> None:
    d = Drawing()
    a, b = d.node(0, 0), d.node(100, 0)
    d.street([a, a, b, b])
    frame = streets_frame(compare(d.write(tmp_path / "a.osm")), load_catalogue(), 4548)
    assert list(frame["edge_id"]) == [f"osm:w1001:n{a}-n{b}"]
    assert frame["length_m"].to_list() == pytest.approx([100.0], abs=0.02)


def test_ways_of_one_node_and_ways_without_highway_are_no_streets(tmp_path: Path) -> None:
    d = Drawing()
    a, b, c = d.node(0, 0), d.node(100, 0), d.node(50, 50)
    d.street([a, b])
    d.street([c])
    d.way([a, c], {"waterway": "ditch"})
    assert pairs(compare(d.write(tmp_path / "a.osm"))) == [(a, b)]


def test_one_way_that_joins_the_same_nodes_twice_gets_a_repeat_index(tmp_path: Path) -> None:
    d = Drawing()
    a, b, c, e = d.node(0, 0), d.node(100, 0), d.node(50, 40), d.node(50, -40)
    d.street([a, c, b, a, e, b])
    d.street([a, (0.0, -90.0)])
    frame = streets_frame(compare(d.write(tmp_path / "a.osm")), load_catalogue(), 4548)
    mine = sorted(frame.loc[frame["osm_id"] == "osm:w1001", "edge_id"])
    assert mine == [f"osm:w1001:n{a}-n{b}", f"osm:w1001:n{a}-n{b}:2", f"osm:w1001:n{b}-n{a}"]


def test_clipped_ways_are_noted(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (100, 0), 999])
    quality = Quality()
    read_osm_streets(d.write(tmp_path / "a.osm"), load_catalogue(), 4548, quality)
    assert [row["check"] for row in quality.rows] == ["clipped_way"]
    assert "1 " in quality.rows[0]["what_en"]


@pytest.mark.parametrize(
    ("tags", "bridge", "tunnel"),
    [
        ({}, False, False),
        ({"bridge": "yes"}, True, False),
        ({"bridge": "viaduct"}, True, False),
        ({"bridge": "no", "tunnel": "no"}, False, False),
        ({"tunnel": "yes"}, False, True),
        ({"tunnel": "building_passage"}, False, False),
        ({"tunnel": "building_passage", "layer": "-1"}, False, False),
    ],
)
def test_bridges_and_tunnels(tmp_path: Path, tags: dict[str, str], bridge: bool, tunnel: bool) -> None:
    d = Drawing()
    d.street([(0, 0), (100, 0)], "tertiary", **tags)
    frame = streets_frame(read_street_ways(d.write(tmp_path / "a.osm"), GATES), load_catalogue(), 4548)
    assert (bool(frame["bridge"].iloc[0]), bool(frame["tunnel"].iloc[0])) == (bridge, tunnel)


def test_a_footway_through_a_house_is_no_tunnel_but_an_underpass_is(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0, 0), (100, 0)], "footway", tunnel="yes")
    d.street([(0, 50), (100, 50)], "footway", tunnel="yes", layer="-1")
    frame = streets_frame(read_street_ways(d.write(tmp_path / "a.osm"), GATES), load_catalogue(), 4548)
    assert frame.sort_values("osm_id")["tunnel"].tolist() == [False, True]


def test_a_file_without_streets_says_so(tmp_path: Path) -> None:
    d = Drawing()
    d.block(0, 0, 10, 10, {"building": "yes"})
    with pytest.raises(InputDataError, match=r"a\.osm.*(\n.*)*no street"):
        read_street_ways(d.write(tmp_path / "a.osm"), GATES)


# ---- who may walk, worked out from the method

WALK = [
    ({"highway": "residential"}, True, True, None),
    ({"highway": "residential", "sidewalk": "no"}, True, True, None),
    ({"highway": "trunk"}, True, True, None),
    ({"highway": "primary", "motorroad": "yes"}, False, False, "motorroad"),
    ({"highway": "primary", "motorroad": "yes", "foot": "yes"}, True, True, None),
    ({"highway": "primary", "motorroad": "no"}, True, True, None),
    ({"highway": "motorway"}, False, False, "motorway"),
    ({"highway": "motorway_link", "foot": "yes"}, False, False, "motorway"),
    ({"highway": "construction"}, False, False, "construction"),
    ({"highway": "construction", "foot": "yes"}, False, False, "construction"),
    ({"highway": "proposed"}, False, False, "not_a_street"),
    ({"highway": "footway"}, True, True, None),
    ({"highway": "footway", "foot": "no"}, False, False, "foot_no"),
    ({"highway": "residential", "foot": "private"}, False, False, "foot_no"),
    ({"highway": "tertiary", "foot": "use_sidepath"}, False, False, "foot_no"),
    ({"highway": "service", "access": "private"}, False, False, "access_private"),
    ({"highway": "service", "access": "no"}, False, False, "access_private"),
    ({"highway": "service", "access": "private", "foot": "yes"}, True, True, None),
    ({"highway": "service", "access": "no", "foot": "designated"}, True, True, None),
    ({"highway": "service", "access": "private", "foot": "private"}, False, False, "foot_no"),
    ({"highway": "service", "access": "destination"}, True, True, None),
    ({"highway": "cycleway"}, False, False, "cycleway_without_foot"),
    ({"highway": "cycleway", "foot": "designated"}, True, True, None),
    ({"highway": "cycleway", "foot": "yes"}, True, True, None),
    ({"highway": "cycleway", "foot": "no"}, False, False, "foot_no"),
    ({"highway": "steps"}, True, False, "steps"),
    ({"highway": "steps", "ramp": "yes"}, True, True, None),
    ({"highway": "steps", "ramp": "no"}, True, False, "steps"),
    ({"highway": "steps", "ramp:stroller": "yes"}, True, True, None),
    ({"highway": "steps", "ramp:wheelchair": "yes"}, True, True, None),
    ({"highway": "steps", "foot": "no"}, False, False, "foot_no"),
    ({"highway": "steps", "access": "private"}, False, False, "access_private"),
]


@pytest.mark.parametrize(("tags", "walk", "pram", "reason"), WALK, ids=lambda one: str(one))
def test_walkability(tags: dict[str, str], walk: bool, pram: bool, reason: str | None) -> None:
    row = walkability({key: [value] for key, value in tags.items()}, load_catalogue()).iloc[0]
    assert (bool(row["walk"]), bool(row["pram"]), row["blocked_reason"] or None) == (walk, pram, reason)


def test_walkability_of_many_is_that_of_each(tmp_path: Path) -> None:
    keys = sorted({key for tags, *_ in WALK for key in tags})
    together = walkability({key: [tags.get(key) for tags, *_ in WALK] for key in keys}, load_catalogue())
    assert together["walk"].tolist() == [walk for _, walk, _, _ in WALK]
    assert together["pram"].tolist() == [pram for _, _, pram, _ in WALK]


def test_walkability_through_a_file(tmp_path: Path) -> None:
    d = Drawing()
    for row, (tags, *_) in enumerate(WALK):
        d.way([(0.0, 20.0 * row), (50.0, 20.0 * row)], tags)
    frame = read_osm_streets(d.write(tmp_path / "a.osm"), load_catalogue(), 4548, Quality()).sort_values("osm_id")
    assert frame["walk"].tolist() == [walk for _, walk, _, _ in WALK]
    assert frame["pram"].tolist() == [pram for _, _, pram, _ in WALK]
