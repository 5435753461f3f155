"""Date and licence of every section: they change no figure and stand with their file in run.json."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from helpers import Drawing, box, polygon_feature, write_geojson
from planner_files import Change, Runs, merged, write_layer
from test_config_lists import POINTS, write_lists
from test_config_people import BASE, RASTER, TEXTS, write_rasters, write_texts
from test_config_routes import ON, ONE_OFF, routes, write_school_files

RECORD = "data/processed/run.json"
# a file of every section at once; each by the role that it plays in the record
EVERY: dict[str, Any] = {
    "facilities": [POINTS],
    "landuse": {"file": "land.geojson", "preset": "osm"},
    "compounds": {"file": "compounds.geojson"},
    "gates": {"file": "gates.geojson"},
    "population": TEXTS | RASTER,
    **routes(**ON),
}
ROLES = {one: one for one in ("landuse", "compounds", "gates", *(f"population.{one}" for one in (*TEXTS, "raster")))}
ROLES |= {"facilities": "facilities-1"}
ROLES |= {f"routes.{one}": f"routes.{one}" + ("" if one in ONE_OFF else "-1") for one in ON}


def setting(section: str, key: str, value: str) -> dict[str, Any]:
    """A configuration that sets one key of a section."""
    if section == "facilities":
        return {"facilities": [POINTS | {key: value}]}
    if section.startswith("routes."):
        name = section.removeprefix("routes.")
        return routes(**{name: ON[name] | {key: value}})
    return reduce(lambda inner, name: {name: inner}, reversed(section.split(".")), {key: value})


# every value is one of its own, so that none can stand in for another
VALUES = {
    f"{section}.{key}": f"{2000 + number}-12-31" if key == "date" else f"许可{number}"
    for number, section in enumerate(ROLES) for key in ("date", "licence")
}  # fmt: skip
CHANGES: dict[str, Change] = {
    key: Change(RECORD, setting(*key.rsplit(".", 1), value), EVERY) for key, value in VALUES.items()
}


@pytest.fixture(scope="module")
def runs(hamlet: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    made = Runs(tmp_path_factory.mktemp("records"), hamlet)
    write_lists(made.folder)
    write_texts(made.folder)
    write_rasters(made.folder)
    write_school_files(made.folder)
    write_geojson(made.folder / "land.geojson", [polygon_feature(box(40, 20, 120, 90), {"landuse": "residential"})])
    ring = [(40.0, 20.0), (100.0, 20.0), (100.0, 80.0), (40.0, 80.0)]
    write_layer(made.folder / "compounds.geojson", [{"name": "桃园", "enclosed": "yes", "ring": ring}])
    write_layer(made.folder / "gates.geojson", [{"owner": "示例公园", "status": "open", "at": (612.0, 700.0)}])
    return made


def records(out: Path) -> dict[str, dict[str, Any]]:
    """Input files of a run by their role."""
    return {one["role"]: one for one in json.loads((out / RECORD).read_text("utf-8"))["inputs"]}


@pytest.fixture(scope="module")
def pair(runs: Runs) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Records of a run in which no section states anything, and of one in which all do."""
    dated = {
        name: one | {key: VALUES[f"routes.{name}.{key}"] for key in ("date", "licence")} for name, one in ON.items()
    }
    lists = {
        "facilities": [POINTS | {key: VALUES[f"facilities.{key}"] for key in ("date", "licence")}],
        **routes(**dated),
    }
    stated = merged(BASE, EVERY, *(one.set for one in CHANGES.values()), lists)
    # ingest is the first stage; what it leaves is not looked at here
    return records(runs.run(merged(BASE, EVERY), "demand")), records(runs.run(stated, "demand"))


@pytest.mark.parametrize("key", list(CHANGES))
def test_each_stands_with_its_file(key: str, pair: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]) -> None:
    section, name = key.rsplit(".", 1)
    before, after = (one[ROLES[section]] for one in pair)
    assert (before[name], after[name]) == ("", VALUES[key])
    # both together touch nothing else of the file's record
    assert {one for one in before if before[one] != after[one]} == {"date", "licence"}


def test_one_alone_makes_the_record_anew(runs: Runs) -> None:
    """A run over the folder of an earlier one, with no other change at all."""
    change = CHANGES["population.raster.licence"]
    before = records(runs.run(merged(BASE, change.on), "demand"))
    after = records(runs.run(merged(BASE, change.on, change.set), "demand"))
    told = {(role, name) for role in before for name in before[role] if before[role][name] != after[role][name]}
    assert told == {("population.raster", "licence")}
