"""The hand-worked town: what the program says against what a pencil says. The working is in README.md beside this file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import osmium
import pandas as pd
import pytest

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import read_config
from xiqing_space.coverage.access import AccessInputs
from xiqing_space.coverage.facility_reach import reach_of_kind, search_of
from xiqing_space.coverage.supply import known_places, measure_supply
from xiqing_space.network import build_graph
from xiqing_space.pipeline import run
from xiqing_space.sample import district, plan, write_sample

HERE = Path(__file__).parent
TOLERANCE_M = 0.05  # coordinates are rounded to about a centimetre
SHARE_TOLERANCE = 0.001  # a centimetre on a house of 10 m
KEY = ["demand_id", "kind", "profile"]
KINDS = ("kindergarten", "primary_school", "park", "playground", "clinic", "library")
Table = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="session")
def processed(town_run: Path) -> Path:
    return town_run / "data" / "processed"


@pytest.fixture(scope="session")
def table(processed: Path) -> Table:
    return lambda name: pd.DataFrame(pd.read_parquet(processed / f"{name}.parquet")).drop(
        columns="geometry", errors="ignore"
    )


def expected(name: str) -> pd.DataFrame:
    frame = pd.read_csv(HERE / f"expected_{name}.csv", dtype=str, keep_default_na=False)
    for column in frame.columns:
        if column.endswith("_m") or column in ("value", "value_low", "numerator", "denominator", "n_unknown"):
            frame[column] = pd.to_numeric(frame[column])
    return frame


def assert_agrees(hand: pd.DataFrame, program: pd.DataFrame, key: list[str], tolerance: float) -> None:
    """Same rows; numbers within the tolerance, missing where missing; text the same."""
    columns = [column for column in hand.columns if column not in key and column != "working"]
    left, right = hand.set_index(key).sort_index(), program.set_index(key).sort_index()
    assert left.index.is_unique
    assert right.index.is_unique
    assert list(left.index) == list(right.index)
    wrong = []
    for column in columns:
        mine, theirs = left[column], right[column]
        if pd.api.types.is_numeric_dtype(mine):
            differs = (mine.isna() != theirs.isna()) | ((mine - theirs).abs() > tolerance)
        else:
            differs = mine != theirs.astype(object).where(theirs.notna(), "").astype(str)
        wrong += [
            f"{place}: {column} {mine[place]!r} by hand, {theirs[place]!r} by the program"
            for place in left.index[differs]
        ]
    assert not wrong, "\n".join(wrong)


# --- the drawing as files


def test_same_bytes_on_every_call(tmp_path: Path) -> None:
    first, second = write_sample(tmp_path / "a").parent, write_sample(tmp_path / "b").parent
    write_sample(tmp_path / "b")  # writing over it changes nothing either
    names = sorted(path.name for path in first.iterdir())
    assert names == ["boundary.geojson", "sample.toml", "town.osm.pbf", "zones.geojson"]
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_another_drawing_gives_other_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (write_sample(tmp_path / "a").parent / "town.osm.pbf").read_bytes()
    monkeypatch.setitem(plan.NODES, 71, (880, 721))
    assert (write_sample(tmp_path / "b").parent / "town.osm.pbf").read_bytes() != before


def test_every_object_says_that_it_is_invented(tmp_path: Path) -> None:
    processor = osmium.FileProcessor(str(write_sample(tmp_path).parent / "town.osm.pbf"))
    assert processor.header.get("generator") == "xiqing_space synthetic sample"
    notes = [item.tags.get("note") for item in processor]
    assert len(notes) > len(plan.NODES) + len(plan.LINES)
    assert set(notes) == {"示例数据 synthetic sample"}
    for name in ("boundary.geojson", "zones.geojson"):
        for feature in json.loads((tmp_path / name).read_text(encoding="utf-8"))["features"]:
            assert feature["properties"]["note"] == plan.NOTE


def test_the_configuration_says_what_it_is(tmp_path: Path) -> None:
    config = read_config(write_sample(tmp_path))
    assert config.area.name == "示例小镇（虚构）Sample town (synthetic)"
    assert config.sources.licence == "示例数据，CC0 / synthetic sample, CC0"
    assert config.sources.data_date == "2026-01-01"
    assert sorted(config.files()) == ["boundary", "osm", "zones"]


def labels(processed: Path) -> tuple[bool, bool, set[bool]]:
    record = json.loads((processed / "run.json").read_text(encoding="utf-8"))
    area = pd.read_parquet(processed / "area.parquet", columns=["synthetic"])
    return bool(area["synthetic"].iloc[0]), record["synthetic"], {one["synthetic"] for one in record["inputs"]}


def test_a_run_without_sources_is_labelled_synthetic(district_run: Path) -> None:
    processed = district_run / "data/processed"
    assert labels(processed) == (True, True, {True})
    area = pd.read_parquet(processed / "area.parquet", columns=["name", "licence"])
    assert area.iloc[0].tolist() == [district.NAME, plan.LICENCE]


def test_a_run_on_the_written_sample_is_labelled_synthetic(processed: Path) -> None:
    assert labels(processed) == (True, True, {True})


# --- layers


def test_streets_have_their_drawn_lengths(table: Table) -> None:
    streets = table("streets").set_index("edge_id")
    for edge, row in streets.iterrows():
        way = int(str(row["osm_id"]).removeprefix("osm:w"))
        nodes = plan.LINES[way][1]
        ends = [nodes.index(int(row[end].removeprefix("osm:n"))) for end in ("u", "v")]
        places = [plan.NODES[node] for node in nodes[ends[0] : ends[1] + 1]]
        drawn = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in itertools.pairwise(places))
        assert row["length_m"] == pytest.approx(drawn, abs=0.02), edge
    assert set(streets["osm_id"]) == {f"osm:w{way}" for way, (tags, _) in plan.LINES.items() if "highway" in tags}
    # the level crossing is no junction of streets, so the street is not cut there
    assert "osm:w108:n20-n22" in streets.index


def test_closed_streets_say_why(table: Table) -> None:
    closed = table("streets").query("not pram")
    reasons = {row.osm_id: (row.walk, row.blocked_reason) for row in closed.itertuples()}
    assert reasons == {
        "osm:w120": (True, "steps"), "osm:w122": (True, "steps"), "osm:w126": (False, "cycleway_without_foot"),
        "osm:w127": (False, "access_private"), "osm:w130": (False, "motorway"),
    }  # fmt: skip


def test_homes_and_their_weights(table: Table) -> None:
    demand = table("demand").set_index("demand_id")
    floor = {1: 2400, 2: 2400, 3: 4400, 4: 300, 5: 2400, 6: 2400, 9: 4000, 10: 300}
    hand = {f"osm:w{300 + home}": floor.get(home, 200) / 20000 for home in range(1, 17)}
    # neither the works on industrial land nor the shop are homes
    assert set(demand.index) == set(hand)
    for home, weight in hand.items():
        assert demand.loc[home, "pop_total"] == pytest.approx(weight, rel=0.003), home
        assert demand.loc[home, "pop_3_5"] == pytest.approx(weight * 3 / 18, rel=0.003), home
        assert demand.loc[home, "pop_6_11"] == pytest.approx(weight * 6 / 18, rel=0.003), home
    assert demand.loc[demand["inside"], "pop_total"].sum() == pytest.approx(1.0, abs=1e-8)
    assert list(demand.index[~demand["inside"]]) == ["osm:w316"]
    zone = demand["zone_id"].where(demand["zone_id"].notna(), None)
    assert list(zone.index[zone == "Z2"]) == ["osm:w314", "osm:w315"]
    assert list(zone.index[zone.isna()]) == ["osm:w316"]
    compound = demand["compound_id"].dropna()
    walled = {**dict.fromkeys(("osm:w301", "osm:w302", "osm:w303"), "osm:w201"),
              **dict.fromkeys(("osm:w305", "osm:w306"), "osm:w202")}  # fmt: skip
    assert compound.to_dict() == walled


def test_only_walled_land_is_a_compound(table: Table) -> None:
    assert list(table("compounds")["compound_id"]) == ["osm:w201", "osm:w202"]


def test_facilities_and_their_kinds(table: Table) -> None:
    rows = table("facilities").set_index("facility_id")
    assert rows[["kind", "status", "serves"]].apply(tuple, axis=1).to_dict() == {
        "osm:n71": ("playground", "operating", "everyone"),
        "osm:n72": ("playground", "operating", "residents"),
        "osm:n73": ("clinic", "operating", "everyone"),
        "osm:n75": ("library", "operating", "everyone"),
        "osm:n76": ("childcare", "operating", "everyone"),
        "osm:n77": ("kindergarten", "building", "everyone"),
        "osm:r401": ("primary_school", "operating", "everyone"),
        "osm:w205": ("kindergarten", "operating", "everyone"),
        "osm:w206": ("school_unknown_level", "operating", "everyone"),
        "osm:w207": ("park", "operating", "everyone"),
        "osm:w208": ("park", "operating", "everyone"),
    }
    # names are data: kept as they are, and made harmless where they are written out
    assert rows.loc["osm:n75", "name"] == '<b>示例</b>"图书室"'
    assert rows.loc["osm:n71", "name"] == "=1+2示例游戏场"


def test_grounds_have_their_drawn_area_and_holes_are_cut_out(table: Table) -> None:
    area = table("grounds").set_index("site_id")["area_ha"]
    hand = {"osm:r401": 1.48, "osm:w205": 0.16, "osm:w206": 0.64, "osm:w207": 2.6, "osm:w208": 1.0}
    assert area.to_dict() == pytest.approx(hand, abs=0.001)


def test_zebras_are_crossings_of_the_carriageways(table: Table) -> None:
    rows = table("mapped_crossings").set_index("crossing_id")
    assert rows[["control", "road_highway"]].apply(tuple, axis=1).to_dict() == {
        "osm:n17": ("marked", "secondary"), "osm:n18": ("marked", "secondary"),
    }  # fmt: skip


def test_zones(table: Table) -> None:
    zones = table("zones").set_index("zone_id")
    assert zones["settlement"].to_dict() == {"Z1": "urban", "Z2": "rural"}


# --- network


def test_links_are_those_worked_out_by_hand(table: Table) -> None:
    links = table("access_links")
    # the childcare behind a private gate has a test of its own
    links = links[(links["owner_id"] != "osm:n76") | (links["gate_id"] != "osm:n41")]
    assert_agrees(expected("links"), links, ["owner_id", "gate_id", "profile"], TOLERANCE_M)


def test_barrier_crossings_are_those_worked_out_by_hand(table: Table) -> None:
    crossings = table("barrier_crossings")
    assert_agrees(expected("barrier_crossings"), crossings.astype({"verified": str}), ["barrier_id", "edge_id"], 0)


def test_a_path_cut_at_the_canal_still_crosses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan.NODES, 56, (1300, 500))
    monkeypatch.setitem(plan.LINES, 128, ({"highway": "path"}, (36, 56)))
    monkeypatch.setitem(plan.LINES, 132, ({"highway": "path"}, (56, 50)))
    monkeypatch.setitem(plan.LINES, 140, (plan.LINES[140][0], (60, 56, 61)))
    run(write_sample(tmp_path / "sample"), tmp_path / "out", only=["coverage"])
    processed = tmp_path / "out/data/processed"
    low = pd.read_parquet(processed / "access_low.parquet").set_index(KEY)["distance_m"]
    assert low["osm:w314", "primary_school", "walk"] == pytest.approx(1420, abs=TOLERANCE_M)


# --- access


@pytest.mark.parametrize("kind", KINDS)
def test_access_is_that_worked_out_by_hand(table: Table, kind: str) -> None:
    hand, program = expected("access"), table("access")
    assert_agrees(hand[hand["kind"] == kind], program[program["kind"] == kind], KEY, TOLERANCE_M)


def test_the_hand_worked_cases_are_complete(table: Table) -> None:
    hand = expected("access")
    assert len(hand) == 16 * len(KINDS) * 2
    assert set(hand["demand_id"]) == set(table("demand")["demand_id"])


def test_the_low_case_is_that_worked_out_by_hand(table: Table) -> None:
    low = table("access_low")
    assert_agrees(expected("low"), low[low["kind"].isin(KINDS)], KEY, TOLERANCE_M)


def distance(table: Table, home: str, kind: str, profile: str = "walk", which: str = "access") -> float:
    return float(table(which).set_index(KEY)["distance_m"][home, kind, profile])


def test_the_low_case_closes_the_unverified_crossing(table: Table) -> None:
    assert distance(table, "osm:w314", "primary_school") == pytest.approx(1060, abs=TOLERANCE_M)
    assert distance(table, "osm:w314", "primary_school", which="access_low") == pytest.approx(1420, abs=TOLERANCE_M)


def test_a_pram_goes_round_the_steps(table: Table) -> None:
    assert distance(table, "osm:w310", "library", "walk") == pytest.approx(790, abs=TOLERANCE_M)
    assert distance(table, "osm:w310", "library", "pram") == pytest.approx(1190, abs=TOLERANCE_M)


def test_unlinked_homes_have_a_reason_and_no_distance(table: Table) -> None:
    access, links = table("access"), table("access_links")
    for home, why in (("osm:w312", "no_street_within_250m"), ("osm:w313", "blocked_by_barrier")):
        mine = access[access["demand_id"] == home]
        mapped = mine["kind"].isin([*KINDS, "childcare", "school_unknown_level"])
        assert mine["distance_m"].isna().all()
        assert set(mine.loc[mapped, "reason"]) == {"home_not_linked"}
        assert set(mine.loc[~mapped, "reason"]) == {"no_facility_mapped"}
        link = links[(links["owner_type"] == "demand") & (links["owner_id"] == home)]
        assert set(link["reason"]) == {why}
        assert not link["linked"].any()


def test_what_is_being_built_and_the_dentist_are_not_counted(table: Table, processed: Path) -> None:
    assert not set(table("access")["facility_id"].dropna()) & {"osm:n72", "osm:n74", "osm:n77"}
    counts = table("indicators").query("indicator_id == 'A02-count'").set_index("kind")["value"]
    # one kindergarten, one clinic, one open playground; the school of unknown level is no primary school
    assert counts[list(KINDS)].to_dict() == dict.fromkeys(KINDS, 1.0) | {"park": 2.0}
    assert counts.isna()["hospital"]
    quality = pd.read_csv(processed / "quality.csv", encoding="utf-8-sig")
    assert quality.loc[quality["check"] == "name_excluded", "id"].tolist() == ["osm:n74"]


def test_outsiders_reach_a_site_in_a_compound_by_its_public_gate(table: Table) -> None:
    assert distance(table, "osm:w304", "childcare") == pytest.approx(420, abs=TOLERANCE_M)


# --- shares


def test_shares_are_those_worked_out_by_hand(table: Table) -> None:
    key = ["zone_id", "kind", "measure", "standard_id", "age_band"]
    hand, shares = expected("shares"), table("indicators").query("indicator_id == 'A02-coverage'")
    program = hand[key].merge(shares, on=key)
    assert_agrees(hand, program, key, SHARE_TOLERANCE)


def test_only_the_urban_zone_is_judged(table: Table) -> None:
    rows = table("indicators").query("standard_id == 'kindergarten_500m' and measure == 'radius'").set_index("zone_id")
    assert rows["verdict"].to_dict() == {
        "*": "unknown", "*urban": "below_recommended", "*rural": "unknown", "Z1": "below_recommended", "Z2": "unknown",
    }  # fmt: skip
    walk = table("indicators").query("standard_id == 'kindergarten_500m' and measure == 'walk'")
    assert walk["verdict"].isna().all()


# --- circle, bridge, equity, sensitivity


def figures_by_hand(name: str) -> pd.DataFrame:
    hand = expected(name)
    for column in ("value", "value_low", "value_high", "n_unknown", "changed"):
        if column in hand:
            hand[column] = pd.to_numeric(hand[column])
    return hand


def test_figures_are_those_worked_out_by_hand(table: Table) -> None:
    key = ["indicator_id", "zone_id", "kind", "measure", "standard_id", "age_band", "variant"]
    hand = figures_by_hand("figures")
    program = hand[key].merge(table("indicators"), on=key)
    # whether the causes of the bridge are known is no matter of its sums
    told = hand["reason"] != "*"
    assert_agrees(hand[told], hand.loc[told, key].merge(program, on=key), key, SHARE_TOLERANCE)
    sums = hand[~told].drop(columns="reason")
    assert_agrees(sums, sums[key].merge(program, on=key), key, SHARE_TOLERANCE)


def test_sensitivity_is_that_worked_out_by_hand(table: Table) -> None:
    key = ["zone_id", "kind", "measure", "scenario"]
    hand, rows = figures_by_hand("sensitivity"), table("sensitivity")
    assert_agrees(hand, hand[key].merge(rows, on=key), key, SHARE_TOLERANCE)
    known = rows[rows["changed"].notna()]
    assert (known["changed"] - known["value"] - known["difference"]).abs().max() <= 1e-6


def test_walks_without_legs_are_those_worked_out_by_hand(table: Table) -> None:
    rows = table("access_no_legs").query("kind == 'kindergarten'")
    assert_agrees(expected("no_legs"), rows, KEY, TOLERANCE_M)
    assert table("access_inside").empty  # every facility of the town stands inside it
    assert table("access_no_inferred").empty


# --- reach, supply, minutes


def assert_agrees_where_worked_out(
    name: str, program: pd.DataFrame, key: list[str], tolerance: dict[str, float]
) -> None:
    """As `assert_agrees`; a `?` was not worked out, and numbers have a tolerance by column."""
    hand = pd.read_csv(HERE / f"expected_{name}.csv", dtype=str, keep_default_na=False)
    if "limit_m" in hand:
        hand["limit_m"] = pd.to_numeric(hand["limit_m"])
    both = hand.merge(program, on=key, how="outer", suffixes=("_by_hand", ""), indicator=True)
    assert set(both["_merge"]) == {"both"}, both[both["_merge"] != "both"][key]
    wrong = []
    for column in (one for one in hand.columns if one not in (*key, "working")):
        for place, mine, theirs in zip(both[key].to_numpy(), both[f"{column}_by_hand"], both[column], strict=True):
            if mine == "?":
                continue
            if mine == "" or pd.isna(theirs):
                fits = mine == "" and pd.isna(theirs)
            else:
                fits = (
                    abs(float(mine) - float(theirs)) <= tolerance[column]
                    if column in tolerance
                    else mine == str(theirs)
                )
            if not fits:
                wrong.append(f"{place}: {column} {mine!r} by hand, {theirs!r} by the program")
    assert not wrong, "\n".join(wrong)


def test_facility_reach_is_that_worked_out_by_hand(table: Table) -> None:
    tolerance = dict.fromkeys(("children", "children_inside"), SHARE_TOLERANCE) | {"reached_m": 0.2}
    assert_agrees_where_worked_out(
        "facility_reach", table("facility_reach"), ["facility_id", "limit_m", "profile"], tolerance
    )


def test_minutes_are_those_worked_out_by_hand(table: Table) -> None:
    tolerance = dict.fromkeys(("children", "n_unknown"), SHARE_TOLERANCE) | {"speed_m_s": 0.0, "share_beyond": 0.0}
    tolerance |= dict.fromkeys(("median_min", "p90_min", "adult_median_min"), 0.011)
    assert_agrees_where_worked_out("walk_minutes", table("walk_minutes"), ["zone_id", "kind", "age_band"], tolerance)


def test_supply_of_relative_weights_has_reasons_only(table: Table) -> None:
    supply = table("supply")
    assert supply["places_per_child"].isna().all()
    assert supply["share_inferred"].isna().all()
    hand = expected("supply").set_index(["kind", "operators"])["reason"].to_dict()
    assert supply.groupby(["kind", "operators"])["reason"].unique().map(list).to_dict() == {
        place: [reason] for place, reason in hand.items()
    }
    assert len(supply) == 16 * len(hand) * 3


def test_supply_of_persons_is_that_worked_out_by_hand(processed: Path) -> None:
    read = {name: gpd.read_parquet(processed / f"{name}.parquet")
            for name in ("streets", "demand", "facilities", "gates", "access_links")}  # fmt: skip
    infants = {"osm:w301": 10.0, "osm:w302": 10.0, "osm:w303": 25.0, "osm:w304": 2.0}
    demand = read["demand"].assign(weight_kind="persons")
    demand["pop_0_2"] = demand["demand_id"].map(infants).fillna(0.0)
    inputs = AccessInputs(demand, read["facilities"], read["gates"], read["access_links"], 4548)
    links = inputs.of_profile(build_graph(read["streets"], "pram", 4548), "pram")
    rules = load_catalogue().capacity
    reach = reach_of_kind(inputs, links, search_of(inputs, links), "childcare", "pram", (500.0,))
    got = measure_supply(reach, demand, "pop_0_2", known_places(reach.facilities, rules), 500.0, rules)
    got = got[got["operators"] == "all"].set_index(["method", "demand_id"])
    value = got["places_per_child"]
    banded = {"osm:w301": 1.068376, "osm:w302": 1.068376, "osm:w303": 0.726496, "osm:w304": 0.235043, "osm:w305": 0.0}
    assert {home: value["e2sfca", home] for home in banded} == pytest.approx(banded, abs=1e-6)
    assert [value["2sfca", home] for home in infants] == pytest.approx([0.851064] * 4, abs=1e-6)
    assert set(got.loc[got["reason"] == "home_not_linked"].index.get_level_values("demand_id")) == {
        "osm:w312",
        "osm:w313",
    }
    assert value[got["reason"].notna()].isna().all()
    for method in ("2sfca", "e2sfca", "gaussian"):
        assert sum(value[method, home] * count for home, count in infants.items()) == pytest.approx(40, rel=1e-12)


def test_crossings_of_roads_are_those_worked_out_by_hand(table: Table) -> None:
    hand = expected("crossings")
    program = table("crossings").merge(table("crossing_scores"), on="crossing_id")
    hand = hand.assign(
        **{column: pd.to_numeric(hand[column]) for column in ("legs", "lanes_crossed", "share", "cross")}
    )
    program = program.assign(legs=program["legs"].astype(int), lanes_crossed=program["lanes_crossed"].astype(int))
    assert_agrees(hand, program, ["crossing_id"], 0.001)
