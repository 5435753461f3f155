"""The same data give the same bytes: in another folder, in another order, from a cache; and ids stay put."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import Drawing, call, convert, files_of, hamlet_zones, table, write_config

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.streets import read_osm_streets
from xiqing_space.stage_list import STAGES
from xiqing_space.tables import TABLES, finish

TIMING = "data/processed/timing.json"
LEFT = sorted({name for stage in STAGES for name in stage.leaves})


def run(folder: Path, osm: Path, *args: str, name: str = "c", **sections: dict[str, Any]) -> Path:
    """A run with its own folder; the configuration names the data by file only."""
    area = {"name": "x", **sections.pop("area", {})}
    config = write_config(folder / f"{name}.toml", {"area": area, "sources": {"osm": str(osm)}, **sections})
    result = call("run", "--config", config, "--out", folder / "out", *args)
    assert result.code == 0, result.err[-300:]
    return folder / "out"


@pytest.fixture(scope="module")
def forth(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hamlet as it is, run up to the figures."""
    base = tmp_path_factory.mktemp("forth")
    return run(base, hamlet.write(base / "hamlet.osm"), "--only", "indicators")


def without_timing(out: Path) -> dict[str, str]:
    files = files_of(out)
    files.pop(TIMING)
    return files


def same_tables(first: Path, second: Path) -> None:
    """Bytes of every table, but for what carries the input's hash: the ids of evidence."""
    left = [name for name in LEFT if (first / f"data/processed/{name}.parquet").exists()]
    assert len(left) >= 10
    for name in left:
        file = f"data/processed/{name}.parquet"
        if name == "indicators":
            pd.testing.assert_frame_equal(
                table(first, name).drop(columns="evidence_id"),
                table(second, name).drop(columns="evidence_id"),
                check_exact=True,
            )
        else:
            assert (first / file).read_bytes() == (second / file).read_bytes(), name
    quality = "data/processed/quality.csv"
    assert (first / quality).read_bytes() == (second / quality).read_bytes()


def test_two_runs_of_helsinki_give_the_same_bytes(helsinki_run: Path, helsinki: Path, tmp_path: Path) -> None:
    config = write_config(
        tmp_path / "elsewhere.toml", {"area": {"name": "Helsinki"}, "sources": {"osm": str(helsinki)}}
    )
    assert call("run", "--config", config, "--out", tmp_path / "another" / "folder").code == 0
    assert without_timing(tmp_path / "another" / "folder") == without_timing(helsinki_run)


def test_two_runs_of_the_hamlet_with_zones_give_the_same_bytes(hamlet: Drawing, tmp_path: Path) -> None:
    outs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        hamlet_zones(tmp_path / name / "zones.geojson")
        osm = hamlet.write(tmp_path / name / "hamlet.osm.pbf")
        outs.append(run(tmp_path / name, osm, "--only", "indicators", area={"zones": "zones.geojson"}))
    assert without_timing(outs[0]) == without_timing(outs[1])


def test_nothing_of_time_or_machine_stands_in_a_run(helsinki_run: Path, tmp_path: Path, helsinki: Path) -> None:
    for name in files_of(helsinki_run):
        if name != TIMING and name.endswith((".json", ".csv", ".html")):
            text = (helsinki_run / name).read_text("utf-8")
            assert str(helsinki_run.parent) not in text, name
            assert str(helsinki.parent) not in text, name
    assert {"host", "python", "seconds"} <= set(json.loads((helsinki_run / TIMING).read_text("utf-8")))


def test_the_order_of_ways_and_relations_changes_nothing(forth: Path, hamlet: Drawing, tmp_path: Path) -> None:
    back = hamlet.write(tmp_path / "hamlet.osm", backwards=True)
    same_tables(forth, run(tmp_path, back, "--only", "indicators"))


def test_the_order_of_members_and_tags_changes_nothing(forth: Path, hamlet: Drawing, tmp_path: Path) -> None:
    other = hamlet.copy()
    turned = {key: (members[::-1], dict(reversed(tags.items()))) for key, (members, tags) in other.relations.items()}
    other.relations = turned
    other.ways = {key: (refs, dict(reversed(tags.items()))) for key, (refs, tags) in other.ways.items()}
    other.nodes = {key: (lon, lat, dict(reversed(tags.items()))) for key, (lon, lat, tags) in other.nodes.items()}
    same_tables(forth, run(tmp_path, other.write(tmp_path / "hamlet.osm"), "--only", "indicators"))


def test_the_order_of_ways_changes_no_street(helsinki: Path, tmp_path: Path) -> None:
    lines = convert(helsinki, tmp_path / "helsinki.opl").read_text("utf-8").splitlines()
    nodes = [line for line in lines if line.startswith("n")]
    ways = [line for line in lines if line.startswith("w")]
    made = []
    for name, ordered in (("forth", ways), ("back", ways[::-1])):
        osm = tmp_path / f"{name}.opl"
        osm.write_text("\n".join([*nodes, *ordered]) + "\n", encoding="utf-8")
        made.append(finish("streets", read_osm_streets(osm, load_catalogue(), 32635, Quality())))
    assert made[0].to_wkb().equals(made[1].to_wkb())


def test_the_order_of_ways_and_relations_of_helsinki_changes_nothing(helsinki: Path, tmp_path: Path) -> None:
    lines = convert(helsinki, tmp_path / "helsinki.opl").read_text("utf-8").splitlines()
    kinds = {letter: [line for line in lines if line.startswith(letter)] for letter in "nwr"}
    assert all(kinds.values())
    outs = []
    for name, step in (("back", -1), ("forth", 1)):
        (tmp_path / name).mkdir()
        ordered = [*kinds["n"], *kinds["w"][::step], *kinds["r"][::step]]
        osm = tmp_path / name / "helsinki.opl"
        osm.write_text("\n".join(ordered) + "\n", encoding="utf-8")
        outs.append(run(tmp_path / name, osm, "--only", "network"))
    same_tables(*outs)


def test_a_run_on_cached_stages_equals_a_fresh_one(forth: Path, hamlet: Drawing, tmp_path: Path) -> None:
    osm = hamlet.write(tmp_path / "hamlet.osm")
    (tmp_path / "fresh").mkdir()
    (tmp_path / "cached").mkdir()
    short = without_timing(run(tmp_path / "fresh", osm, "--only", "indicators", walking={"max_leg_m": 30.0}))
    usual = without_timing(forth)
    assert usual != short
    shutil.copytree(forth, tmp_path / "cached" / "out")
    changed = run(tmp_path / "cached", osm, "--only", "indicators", walking={"max_leg_m": 30.0})
    assert without_timing(changed) == short
    back = run(tmp_path / "cached", osm, "--only", "indicators", walking={"max_leg_m": 100.0})
    assert without_timing(back) == usual


def test_stages_taken_one_by_one_equal_a_whole_run(forth: Path, hamlet: Drawing, tmp_path: Path) -> None:
    osm = hamlet.write(tmp_path / "hamlet.osm")
    for stage in STAGES[: [stage.name for stage in STAGES].index("indicators") + 1]:
        parts = run(tmp_path, osm, "--only", stage.name)
    assert without_timing(parts) == without_timing(forth)


def test_a_street_elsewhere_changes_no_id(forth: Path, hamlet: Drawing, tmp_path: Path) -> None:
    other = hamlet.copy()
    other.street([other.node(1200, 100), other.node(1200, 300)])  # ids come after all others
    other.way(
        [other.node(1190, 90), other.node(1180, 90)], {"highway": "footway"}, id=7
    )  # a way numbered before all others
    outs = (forth, run(tmp_path, other.write(tmp_path / "hamlet.osm"), "--only", "indicators"))
    for name in (
        "streets",
        "facilities",
        "demand",
        "gates",
        "mapped_crossings",
        "compounds",
        "barrier_crossings",
        "access_links",
    ):
        key = list(TABLES[name].key)
        first = {tuple(row) for row in table(outs[0], name)[key].to_numpy()}
        second = {tuple(row) for row in table(outs[1], name)[key].to_numpy()}
        assert first <= second, name
        assert second - first if name == "streets" else second == first, name
    both = table(outs[0], "streets").merge(table(outs[1], "streets"), on="edge_id")
    assert (both["geometry_x"] == both["geometry_y"]).all()
    assert (both["length_m_x"] == both["length_m_y"]).all()
