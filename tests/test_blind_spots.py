"""Blind spots: by hand, DBSCAN in plain loops and scikit-learn's beside ours, and what must hold for any homes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.blind_spots import BlindSpotRules, load_blind_spots
from xiqing_space.coverage import clusters
from xiqing_space.coverage.blind_spots import SpotInputs, find_blind_spots, lack_of
from xiqing_space.coverage.clusters import cluster, split_long
from xiqing_space.crs import project_geometry, to_degrees
from xiqing_space.tables import empty, finish

HERE, EPSG, ORIGIN = Path(__file__).parent, 4548, np.array([500_000.0, 4_327_000.0])
CATALOGUE, RULES = load_catalogue(), load_blind_spots()
BANDS = ("pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17")


def lonlat(xy: Any) -> np.ndarray:
    return to_degrees(shapely.points(np.asarray(xy, dtype=float).reshape(-1, 2) + ORIGIN), EPSG)


# ---- the town by hand


@pytest.fixture(scope="session")
def town(town_run: Path) -> SpotInputs:
    folder = town_run / "data/processed"

    def get(name: str) -> pd.DataFrame:
        return (pd.read_parquet if name in ("access", "unlocated") else gpd.read_parquet)(folder / f"{name}.parquet")

    bridge = pd.DataFrame(
        [("osm:w308", "kindergarten", 300.0, "walk", "pattern"), ("osm:w301", "kindergarten", 300.0, "walk", "wall"),
         *(("osm:w30" + home, "park", 300.0, profile, "wall") for home in "56" for profile in ("walk", "pram")),
         ("osm:w309", "park", 500.0, "walk", "water")],  # of another limit: not asked for
        columns=["demand_id", "kind", "limit_m", "profile", "cause"],
    ).assign(straight_m=100.0, distance_m=np.nan, lifted_m=np.nan)  # fmt: skip
    tables = (get("demand"), get("zones"), get("access"), finish("bridge", bridge), get("facilities"), get("unlocated"),
              get("compounds"), get("streets"))  # fmt: skip
    return SpotInputs(*tables, int(get("area")["metric_epsg"].iloc[0]))


def test_the_town_by_hand(town: SpotInputs) -> None:
    hand = pd.read_csv(HERE / "town/expected_blind_spots.csv", dtype=str, keep_default_na=False)
    found = finish("blind_spots", find_blind_spots(town, CATALOGUE, RULES))
    places = dict(zip(town.demand["demand_id"], town.demand["geometry"], strict=True))
    counts = found.groupby("kind").size()
    for kind, rows in hand.groupby("kind"):
        assert counts[kind] == len(rows), kind
    wrong = []
    for row in hand.to_dict("records"):
        mine = found[(found["kind"] == row["kind"]) & found.geometry.covers(places[row["home"]])]
        assert len(mine) == 1, row
        got = mine.iloc[0].to_dict()
        want = {
            "zone_id": row["zone_id"], "near_name": row["near_name"], "near_what": row["near_what"], "cause": row["cause"],
            "missing_kinds": row["missing_kinds"],
            "spot_id": "?" if row["farthest"] == "?" else f"{row['zone_id']}:{row['kind']}:{row['farthest']}",
        }  # fmt: skip
        for column, value in want.items():
            have = got[column] if isinstance(got[column], str) else ""
            if value not in ("?", have):
                wrong.append(f"{row['kind']} {row['home']} {column}: {value} by hand, {have} by the program")
        assert got["homes"] == int(row["homes"]), row
        assert got["children"] == pytest.approx(float(row["children"]), abs=0.001), row
        if row["nearest_m"] != "?":
            assert got["nearest_m"] == pytest.approx(float(row["nearest_m"]), abs=0.5), row
        assert not got["held"]
    assert not wrong, "\n".join(wrong)
    # nobody mapped a junior school or a sports ground: no blind spot of theirs, and no circle fails for want of them
    assert set(counts.index) == {*hand["kind"], "childcare", "primary_school", "playground", "clinic", "library"}
    assert not found["missing_kinds"].dropna().str.contains("junior|sports").any()
    # H12 and H13 are not linked: unknown, not uncovered; H16 lies outside the area
    for home in ("osm:w312", "osm:w313", "osm:w316"):
        assert not found.geometry.covers(places[home]).any()


def test_children_of_the_spots_are_those_beyond_the_limit(town: SpotInputs) -> None:
    """In plain pandas, straight from `access`."""
    found = find_blind_spots(town, CATALOGUE, RULES)
    access = town.access.merge(pd.DataFrame(town.demand.drop(columns=["geometry", "reason"])), on="demand_id").query(
        "inside"
    )
    for kind in ("kindergarten", "park", "library", "clinic"):
        want = 0.0
        for band in CATALOGUE.target_bands(kind):
            mine = access[(access["kind"] == kind) & (access["profile"] == band.profile)]
            limit = CATALOGUE.standards_of(kind)[0].limit_m(band)
            want += mine.loc[(mine["distance_m"] > limit) | mine["reason"].eq("beyond_search_limit"), band.column].sum()
        assert found.loc[found["kind"] == kind, "children"].sum() == pytest.approx(want, abs=1e-9)


# ---- small drawn places


def drawn(
    homes: list[tuple[float, float]], children: list[float], walks: list[float | None], *, zone: list[str | None] | None = None,
    inside: list[bool] | None = None, reason: list[str | None] | None = None, kind: str = "kindergarten",
    straight: float = 1000.0, weight: str = "persons", **tables: Any,
) -> SpotInputs:  # fmt: skip
    """Homes, what they have of one kind, and nothing else unless given."""
    count = len(homes)
    ids = [f"h{row:03d}" for row in range(count)]
    demand = pd.DataFrame(
        {
            "demand_id": ids, "zone_id": zone or ["z"] * count, "compound_id": None, "inside": inside or [True] * count,
            "weight_kind": weight, "geometry": lonlat(homes), **dict.fromkeys(BANDS, 0.0), "pop_3_5": children,
        }
    )  # fmt: skip
    access = pd.DataFrame({"demand_id": ids, "kind": kind, "profile": "walk", "distance_m": np.array(walks, dtype=float),
                           "straight_m": straight, "reason": reason or [None] * count})  # fmt: skip
    facilities = pd.DataFrame({"facility_id": ["f"], "kind": [kind], "name": [None], "status": "operating", "serves": "everyone",
                               "geometry": lonlat([(9e3, 9e3)])})  # fmt: skip
    given_tables = {
        "demand": demand, "zones": empty("zones"), "access": access, "bridge": empty("bridge"), "facilities": facilities,
        "unlocated": empty("unlocated"), "compounds": empty("compounds"), "streets": empty("streets"),
    } | tables  # fmt: skip
    return SpotInputs(**given_tables, metric_epsg=EPSG)


def spots_of(inputs: SpotInputs, rules: BlindSpotRules = RULES, kind: str = "kindergarten") -> pd.DataFrame:
    found = finish("blind_spots", find_blind_spots(inputs, CATALOGUE, rules))
    return found[found["kind"] == kind].reset_index(drop=True)


def test_covered_unknown_and_outside_homes_are_in_no_spot() -> None:
    row = [(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.0), (40.0, 0.0), (50.0, 0.0)]
    inputs = drawn(row, [30.0] * 6, [300.0, 300.01, None, None, None, 900.0], inside=[True] * 5 + [False],
                   reason=[None, None, "home_not_linked", "home_not_placed", "beyond_search_limit", None])  # fmt: skip
    found = spots_of(inputs)
    assert found["homes"].tolist() == [2]
    assert found["children"].tolist() == [60.0]
    assert found["nearest_m"].tolist() == [300.0]  # of the one that is known, rounded to a decimal
    assert found["spot_id"].tolist() == [
        "z:kindergarten:h004"
    ]  # nothing within the search limit is farther than anything


def test_facilities_that_could_not_be_linked_leave_everybody_unknown() -> None:
    inputs = drawn([(0.0, 0.0)], [99.0], [None], reason=["facility_not_linked"])
    assert find_blind_spots(inputs, CATALOGUE, RULES).empty


def test_a_kind_that_nobody_mapped_has_no_spots() -> None:
    inputs = drawn([(0.0, 0.0)], [99.0], [None], reason=["no_facility_mapped"])
    closed = inputs.facilities.assign(status="closed")
    assert find_blind_spots(drawn([(0.0, 0.0)], [99.0], [None], facilities=closed), CATALOGUE, RULES).empty


def test_the_floor_is_in_persons_or_in_shares() -> None:
    pair = [(0.0, 0.0), (150.0, 0.0), (5000.0, 0.0)]
    assert spots_of(drawn(pair, [10.0, 10.0, 19.9], [900.0] * 3))["children"].tolist() == [20.0]
    assert spots_of(drawn(pair, [10.0, 9.9, 19.9], [900.0] * 3)).empty
    # a chain of homes counts as a whole, and is carried on by homes round which a quarter of the floor lives
    chain = [(140.0 * step, 0.0) for step in range(8)]
    assert spots_of(drawn(chain, [2.5] * 8, [900.0] * 8))["children"].tolist() == [20.0]
    # round the third home live 3.9, round the fourth 2.1: they end a blind spot; 5.7 live to the west, 26.4 to the east
    lone = [2.5, 2.5, 0.7, 0.7, 0.7, 20.0, 2.5, 2.5]
    assert spots_of(drawn(chain, lone, [900.0] * 8))["children"].tolist() == [26.4]
    # 0.05 % of all children of the kind, covered ones too
    relative = drawn(pair, [0.0005, 0.0004, 0.9991], [900.0, 900.0, 100.0], weight="relative")
    assert spots_of(relative)["children"].tolist() == pytest.approx([0.0009])
    assert spots_of(drawn(pair, [0.0003, 0.0001, 0.9996], [900.0, 900.0, 100.0], weight="relative")).empty


def test_zones_are_never_joined_and_homes_of_no_zone_stand_apart() -> None:
    row = [(0.0, 0.0), (50.0, 0.0), (100.0, 0.0), (150.0, 0.0)]
    halves = [
        shapely.MultiPolygon([shapely.box(-500, -500, 75, 500)]),
        shapely.MultiPolygon([shapely.box(75, -500, 125, 500)]),
    ]
    halves = to_degrees(
        np.array([shapely.transform(half, lambda xy: xy + ORIGIN) for half in halves], dtype=object), EPSG
    )
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=list(halves), crs=4326)
    found = spots_of(drawn(row, [30.0] * 4, [900.0] * 4, zone=["a", "a", "b", None], zones=zones))
    assert found["spot_id"].tolist() == ["-:kindergarten:h003", "a:kindergarten:h000", "b:kindergarten:h002"]
    assert found["zone_id"].fillna("-").tolist() == ["-", "a", "b"]
    shapes = project_geometry(found.geometry.to_numpy(), 4326, EPSG)
    assert shapely.bounds(shapes)[1, 2] - ORIGIN[0] == pytest.approx(75, abs=0.02)  # drawn within its zone
    assert shapely.bounds(shapes)[2, [0, 2]] - ORIGIN[0] == pytest.approx([75, 125], abs=0.02)


def test_causes_are_counted_by_children() -> None:
    row = [(0.0, 0.0), (10.0, 0.0), (20.0, 0.0)]
    bridge = pd.DataFrame({"demand_id": ["h000", "h001", "h002"], "kind": "kindergarten", "profile": "walk", "limit_m": 300.0,
                           "straight_m": 100.0, "distance_m": 900.0, "lifted_m": np.nan,
                           "cause": ["water", "rail", "water"]})  # fmt: skip
    inputs = drawn(row, [20.0, 50.0, 25.0], [900.0] * 3, straight=100.0, bridge=finish("bridge", bridge))
    assert spots_of(inputs)["cause"].tolist() == ["rail"]
    inputs = drawn(row, [30.0, 50.0, 25.0], [900.0] * 3, straight=100.0, bridge=finish("bridge", bridge))
    assert spots_of(inputs)["cause"].tolist() == ["water"]
    assert spots_of(drawn(row, [30.0] * 3, [900.0] * 3, straight=300.01))["cause"].tolist() == ["far"]
    assert spots_of(drawn(row, [30.0] * 3, [900.0] * 3, straight=300.0))["cause"].isna().all()  # no bridge: no cause


def test_held_where_a_place_or_a_level_is_to_be_verified() -> None:
    lost = pd.DataFrame(
        {"facility_id": ["u"], "kind": ["kindergarten"], "status": ["operating"], "serves": ["everyone"]}
    )
    assert spots_of(drawn([(0.0, 0.0)], [99.0], [900.0], unlocated=lost))["held"].tolist() == [True]
    for change in ({"kind": "park"}, {"status": "planned"}, {"serves": "residents"}):
        assert spots_of(drawn([(0.0, 0.0)], [99.0], [900.0], unlocated=lost.assign(**change)))["held"].tolist() == [
            False
        ]
    for walk, held in ((500.0, True), (500.01, False)):  # a school of unknown level within 500 m, or not
        inputs = drawn([(0.0, 0.0)], [99.0], [900.0], kind="primary_school")
        demand = inputs.demand.assign(pop_6_11=99.0)
        other = inputs.access.assign(kind="school_unknown_level", distance_m=walk)
        access = pd.concat([inputs.access, other], ignore_index=True)
        found = spots_of(drawn([(0.0, 0.0)], [99.0], [900.0], kind="primary_school", demand=demand, access=access),
                         kind="primary_school")  # fmt: skip
        assert found["held"].tolist() == [held]


def test_the_circle_is_held_only_where_all_that_is_missing_may_be_there() -> None:
    base = drawn([(0.0, 0.0)], [99.0], [900.0])
    lost = pd.DataFrame(
        {"facility_id": ["u"], "kind": ["kindergarten"], "status": ["operating"], "serves": ["everyone"]}
    )
    facilities = pd.concat([base.facilities, base.facilities.assign(facility_id="p", kind="park")])
    for park, held in ((200.0, True), (400.0, False)):
        access = pd.concat([base.access, base.access.assign(kind="park", distance_m=park)], ignore_index=True)
        inputs = drawn([(0.0, 0.0)], [99.0], [900.0], facilities=facilities, access=access, unlocated=lost)
        assert spots_of(inputs, kind="circle")["held"].tolist() == [held]


def test_names() -> None:
    compounds = gpd.GeoDataFrame({"compound_id": ["c1", "c2", "c3"], "name": ["甲里", "乙里", None]},
                                 geometry=[shapely.MultiPolygon()] * 3, crs=4326)  # fmt: skip
    streets = gpd.GeoDataFrame(
        {"edge_id": ["e1", "e2", "e3"], "name": ["东路", None, "西路"], "walk": [True, True, False]},
        geometry=[shapely.LineString(lonlat([(-100, y), (200, y)])) for y in (-60.0, -10.0, -5.0)], crs=4326,
    )  # fmt: skip
    school = pd.DataFrame({"facility_id": ["f", "g"], "kind": ["kindergarten"] * 2, "name": ["示例园", "旧园"],
                           "status": ["operating", "closed"], "serves": "everyone", "geometry": lonlat([(0, 50), (0, 5)])})  # fmt: skip
    row = [(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.0)]

    def named(of: list[str | None], **tables: Any) -> tuple[Any, Any]:
        base = drawn(row, [30.0] * 4, [900.0] * 4)
        inputs = drawn(
            row, [30.0] * 4, [900.0] * 4, demand=base.demand.assign(compound_id=of), compounds=compounds, **tables
        )
        found = spots_of(inputs)
        return found["near_name"].iloc[0], found["near_what"].iloc[0]

    assert named(["c1", "c2", "c2", None]) == ("乙里", "compound")
    assert named(["c1", "c2", None, None]) == ("乙里", "compound")  # as many in either: the first by name
    # no name, or too few homes in a compound: what lies nearest, and is there for all to see
    assert named(["c3", "c3", "c3", "c1"], streets=streets) == ("东路", "street")
    assert named([None] * 4, streets=streets, facilities=school) == ("示例园", "facility")
    assert pd.isna(named([None] * 4)[0])


def test_the_circle_counts_each_band_by_the_kinds_that_it_needs() -> None:
    base = drawn([(0.0, 0.0), (10.0, 0.0)], [40.0, 40.0], [900.0, 100.0])
    demand = base.demand.assign(pop_6_11=[100.0, 100.0], pop_0_2=[7.0, 7.0])
    park = base.access.assign(kind="park", distance_m=[200.0, 200.0])
    school = base.access.assign(kind="primary_school", distance_m=[800.0, 400.0])
    pram = base.access.assign(kind="park", profile="pram", distance_m=[250.0, 350.0])
    facilities = pd.concat(
        [base.facilities.assign(facility_id=kind, kind=kind) for kind in ("kindergarten", "park", "primary_school")]
    )
    inputs = drawn([(0.0, 0.0), (10.0, 0.0)], [40.0, 40.0], [900.0, 100.0], demand=demand, facilities=facilities,
                   access=pd.concat([base.access, park, school, pram], ignore_index=True))  # fmt: skip
    found = spots_of(inputs, kind="circle")
    # h000: no kindergarten for 40, no primary school for 100; its infants have their park. h001: only the prams lack the park
    assert found["children"].tolist() == [147.0]
    assert found["missing_kinds"].tolist() == ["primary_school|kindergarten|park"]
    assert found["nearest_m"].tolist() == [round((40 * 900 + 100 * 800 + 7 * 350) / 147, 1)]
    lack = lack_of(inputs, CATALOGUE, {band: tuple(CATALOGUE.circle_of(band)) for band in CATALOGUE.bands.values()})
    assert lack.children.tolist() == [
        147.0,
        147.0,
    ]  # where kinds that nobody mapped were asked for, everybody would lack them


# ---- clusters


def plain_dbscan(xy: np.ndarray, weight: np.ndarray, near_m: float, floor: float) -> list[set[int]]:
    """The textbook in loops; homes at an edge go to the nearest core."""
    count = len(xy)
    far = [[float(np.hypot(*(xy[one] - xy[other]))) for other in range(count)] for one in range(count)]
    core = [
        round(sum(weight[other] for other in range(count) if far[one][other] <= near_m), 9) >= floor
        for one in range(count)
    ]
    found: list[set[int]] = []
    seen: set[int] = set()
    for start in range(count):
        if not core[start] or start in seen:
            continue
        here, todo = set(), [start]
        while todo:
            one = todo.pop()
            if one not in here:
                here.add(one)
                todo += [other for other in range(count) if core[other] and far[one][other] <= near_m]
        seen |= here
        found.append(here)
    for one in range(count):
        cores = [(far[one][other], other) for other in range(count) if core[other] and far[one][other] <= near_m]
        if not core[one] and cores:
            next(group for group in found if min(cores)[1] in group).add(one)
    return found


crowds = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 500), st.integers(1, 30)),
    min_size=1,
    max_size=40,
    unique_by=lambda h: h[:2],
)


@settings(max_examples=80, deadline=None)
@given(crowds, st.sampled_from((1.0, 20.0, 45.0)), st.sampled_from((3, 4_000)))
def test_clusters_are_those_of_plain_loops(homes: list[tuple[int, int, int]], floor: float, chunk: int) -> None:
    xy, weight = np.array([home[:2] for home in homes], dtype=float), np.array([home[2] for home in homes], dtype=float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "_CHUNK", chunk)
        patch.setattr(clusters, "_KEPT", chunk)
        label = cluster(xy, weight, 150.0, floor)
    want = plain_dbscan(xy, weight, 150.0, floor)
    got = [set(np.flatnonzero(label == one).tolist()) for one in range(int(label.max(initial=-1)) + 1)]
    if (
        sorted(map(min, want)) == sorted(map(min, got)) and want != got
    ):  # two cores equally near to a home: either will do
        assert sum(map(len, want)) == sum(map(len, got))
    else:
        assert sorted(got, key=min) == sorted(want, key=min)
    assert [min(group) for group in got] == sorted(min(group) for group in got)


def test_clusters_have_the_cores_of_scikit_learn() -> None:
    from sklearn.cluster import DBSCAN

    rng = np.random.default_rng(5)
    xy, weight = rng.random((800, 2)) * 4000, rng.random(800) * 8
    other = DBSCAN(eps=150.0, min_samples=20).fit(xy, sample_weight=weight)
    label = cluster(xy, weight, 150.0, 20.0)
    core = other.core_sample_indices_
    pairs = set(zip(label[core].tolist(), other.labels_[core].tolist(), strict=True))
    assert len(core) > 100
    assert len(pairs) == len(set(label[core].tolist())) == len(set(other.labels_[core].tolist())) > 5
    assert ((label < 0) == (other.labels_ < 0)).all()


@settings(max_examples=80, deadline=None)
@given(crowds, st.sampled_from((60.0, 200.0, 1000.0)))
def test_long_clusters_are_halved_until_none_is_longer(homes: list[tuple[int, int, int]], longest: float) -> None:
    xy, weight = np.array([home[:2] for home in homes], dtype=float), np.array([home[2] for home in homes], dtype=float)
    parts = split_long(xy, weight, longest)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(homes)))
    for part in parts:
        assert len(part)
        apart = xy[part][:, None] - xy[part][None]
        assert np.hypot(apart[..., 0], apart[..., 1]).max() <= longest


def test_halves_have_alike_many_children() -> None:
    xy = np.column_stack([np.arange(0.0, 1200.0, 100.0), np.zeros(12)])
    # 12 homes over 1100 m: two halves of six; with most children at one end the cut moves there
    assert [part.tolist() for part in split_long(xy, np.ones(12), 1000.0)] == [[*range(6)], [*range(6, 12)]]
    weight = np.array([11.0, 11.0, *[1.0] * 10])
    assert [part.tolist() for part in split_long(xy, weight, 1000.0)] == [
        [0],
        [*range(1, 12)],
    ]  # 11 of 32 is nearer to half than 22
    assert len(split_long(xy, np.ones(12), 1100.0)) == 1


@settings(max_examples=15, deadline=None)
@given(crowds, st.integers(0, 2**32 - 1))
def test_every_child_of_a_cluster_is_in_one_spot_whatever_the_order(
    homes: list[tuple[int, int, int]], seed: int
) -> None:
    xy, children = [home[:2] for home in homes], [float(home[2]) for home in homes]
    zone = ["w" if x < 450 else "e" for x, _ in xy]
    inputs = drawn(xy, children, [900.0] * len(xy), zone=zone)  # type: ignore[arg-type]
    rules = RULES.model_copy(update={"longest_m": RULES.longest_m.model_copy(update={"value": 300.0})})
    found = finish("blind_spots", find_blind_spots(inputs, CATALOGUE, rules))
    place = project_geometry(inputs.demand["geometry"].to_numpy(), 4326, EPSG)
    want = 0.0
    for name in ("w", "e"):
        rows = [row for row, one in enumerate(zone) if one == name]
        here = shapely.get_coordinates(place[rows])
        for group in plain_dbscan(here, np.array(children)[rows], 150.0, 5.0):
            total = sum(children[rows[one]] for one in group)
            want += total if total >= 20.0 else 0.0
    mine = found[found["kind"] == "kindergarten"]
    assert mine["children"].sum() == pytest.approx(want)
    assert set(mine["zone_id"]) <= {"w", "e"}
    order = np.random.default_rng(seed).permutation(len(xy))
    mixed = SpotInputs(inputs.demand.iloc[order], inputs.zones, inputs.access.iloc[order[::-1]], inputs.bridge, inputs.facilities,
                       inputs.unlocated, inputs.compounds, inputs.streets, EPSG)  # fmt: skip
    again = finish("blind_spots", find_blind_spots(mixed, CATALOGUE, rules))
    pd.testing.assert_frame_equal(
        pd.DataFrame(found).drop(columns="geometry"), pd.DataFrame(again).drop(columns="geometry")
    )
    assert [shape.wkb for shape in found.geometry] == [shape.wkb for shape in again.geometry]


def test_the_rules_say_why() -> None:
    for name in BlindSpotRules.model_fields:
        number = getattr(RULES, name)
        assert number.value > 0
        assert number.zh
        assert number.en
    assert RULES.floor("persons", 1e6) == RULES.floor_children.value
    assert RULES.floor("relative", 2.0) == pytest.approx(2 * RULES.floor_share.value)
