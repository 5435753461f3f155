"""The datum detector: a drawn town whose answer is plain, cases that must stay unclear, and its error rates on Helsinki."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from benchmarks.datum_rates import SIZES, City, measure, rates, read_city, write
from xiqing_space.crs import GEOGRAPHIC, TIANJIN_GK, project, project_geometry
from xiqing_space.datums import BD09, GCJ02, WGS84, Datum, from_wgs84, parse_datum
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.datum_check import FEWEST, DatumFinding, Reference, build_reference, check_datum
from xiqing_space.ingest.datum_evidence import find_groups, weigh

EAST, NORTH = 508656.541, 4324059.542
REACH = 3000.0


def town(
    middle: tuple[float, float] = (EAST, NORTH), epsg: int = TIANJIN_GK
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Streets 200 m apart with every third left out in an uneven way; houses 25 m north of them; their middles in metres."""
    lines, houses = [], []
    for number, offset in enumerate(np.arange(-REACH, REACH + 1, 200.0)):
        wiggle = 37.0 * np.sin(number * 1.7)
        if number % 3 != 2:
            lines.append([(-REACH, offset + wiggle), (REACH, offset + wiggle)])
            houses += [(x + 23.0 * (number % 5), offset + wiggle + 25.0) for x in np.arange(-REACH + 100, REACH, 310.0)]
        if number % 4 != 1:
            lines.append([(offset - wiggle, -REACH), (offset - wiggle, REACH)])
    centres = np.asarray(houses) + middle
    shapes = shapely.box(centres[:, 0] - 12, centres[:, 1] - 12, centres[:, 0] + 12, centres[:, 1] + 12)
    streets = [shapely.LineString(np.asarray(line) + middle) for line in lines]
    frame = pd.DataFrame(
        {"highway": "residential", "tunnel": False, "geometry": project_geometry(np.asarray(streets), epsg, GEOGRAPHIC)}
    )
    return frame, project_geometry(shapes, epsg, GEOGRAPHIC), centres


@pytest.fixture(scope="module")
def reference() -> Reference:
    streets, houses, _ = town()
    return build_reference(streets, TIANJIN_GK, houses)


def some(count: int, spread: float = 900.0) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of houses round the middle, far enough from the edge that every reading stays in town."""
    _, _, centres = town()
    near = centres[np.abs(centres - (EAST, NORTH)).max(axis=1) < spread]
    chosen = near[np.linspace(0, len(near) - 1, count).astype(int)]
    lonlat = project(chosen, TIANJIN_GK, GEOGRAPHIC)
    return lonlat[:, 0], lonlat[:, 1]


# ---- evidence, worked out by hand


def test_evidence_of_places_whose_surroundings_are_known(reference: Reference) -> None:
    """A house stands 25 m from its road; the first street of the town runs at y = -3000 + 37 sin 0."""
    place = np.array([[[EAST - 2900.0 + 5, NORTH - 3000.0 + 25.0]]])
    found = weigh(reference, np.concatenate([place, place + 1e5]), 1, None, [""])
    assert abs(found.road_median_m[0] - 25.0) < 0.3
    assert found.road_median_m[1] == 400.0
    assert found.sums.shape == (3, 2)
    assert (found.sums[:, 0] > found.sums[:, 1]).all()
    assert found.near_known.tolist() == [0, 0]


def test_distances_agree_with_exact_ones(reference: Reference) -> None:
    streets = shapely.union_all(project_geometry(town()[0]["geometry"].to_numpy(), GEOGRAPHIC, TIANJIN_GK))
    places = np.stack(np.meshgrid(np.linspace(-700, 700, 9), np.linspace(-700, 700, 9)), axis=-1).reshape(-1, 1, 1, 2)
    for place in places + np.array([EAST, NORTH]):
        found = weigh(reference, np.concatenate([place, place]), 1, None, [""]).road_median_m[0]
        exact = shapely.distance(shapely.Point(place[0, 0]), streets)
        assert exact - 1e-6 <= found <= np.hypot(exact, 3.0) + 1e-6


def test_groups_prefer_names() -> None:
    streets, _, centres = town()
    known = pd.DataFrame(
        {"kind": ["kindergarten", "park"], "name": ["第一 幼儿园", None],
         "geometry": shapely.points(project(centres[:2], TIANJIN_GK, GEOGRAPHIC))}
    )  # fmt: skip
    reference = build_reference(streets, TIANJIN_GK, facilities=known)
    kinds, names = ["kindergarten", "kindergarten", "park", "clinic", None], ["第一幼儿园", "第二幼儿园", None, "x", ""]
    assert find_groups(reference, kinds, names, 5) == ["name:第一幼儿园", "kind:kindergarten", "kind:park", "", ""]
    assert find_groups(reference, None, None, 2) == ["", ""]


# ---- verdicts


@pytest.mark.parametrize("truth", [WGS84, GCJ02, BD09])
@pytest.mark.parametrize("declared", [WGS84, GCJ02, BD09])
def test_sixty_houses_of_the_drawn_town(reference: Reference, truth: Datum, declared: Datum) -> None:
    found = check_datum(*from_wgs84(truth, *some(60)), declared, reference)
    if truth == declared:
        assert (found.verdict, found.better) == ("fits", None)
    else:
        assert found.verdict == "plainly_better"
        assert found.better is not None
        assert found.better.datum == truth
        assert found.better.p_value < 0.003


def test_cgcs2000_metres_worked_out_of_displaced_degrees_are_found(reference: Reference) -> None:
    metres = parse_datum("EPSG:4548")
    lon, lat = some(60)
    honest = check_datum(*from_wgs84(metres, lon, lat), metres, reference)
    assert honest.verdict in ("fits", "unclear")
    found = check_datum(*from_wgs84(metres, *from_wgs84(GCJ02, lon, lat)), metres, reference)
    assert found.verdict == "plainly_better"
    assert found.better is not None
    assert found.better.datum == GCJ02


def test_few_points_are_never_an_alarm(reference: Reference) -> None:
    for count in range(FEWEST):
        lon, lat = some(60)
        found = check_datum(*from_wgs84(GCJ02, lon[:count], lat[:count]), WGS84, reference)
        assert (found.verdict, found.n_points) == ("unclear", count)
    missing = check_datum([np.nan] * 50, [39.0] * 50, WGS84, reference)
    assert (missing.verdict, missing.n_points) == ("unclear", 0)


def test_swapped_columns_are_found(reference: Reference) -> None:
    lon, lat = some(30)
    found = check_datum(lat, lon, WGS84, reference)
    assert found.verdict == "plainly_better"
    assert found.better is not None
    assert found.better.swapped
    assert "x and y swapped" in str(found.error("list.csv"))


def test_a_list_from_elsewhere_is_unclear(reference: Reference) -> None:
    lon, lat = some(30)
    assert check_datum(lon + 3.0, lat - 5.0, WGS84, reference).verdict == "unclear"


def test_outside_china_readings_are_one_and_nothing_is_said() -> None:
    streets, houses, centres = town((386000.0, 6672000.0), 32635)
    reference = build_reference(streets, 32635, houses)
    lonlat = project(centres[::20], 32635, GEOGRAPHIC)
    found = check_datum(lonlat[:, 0], lonlat[:, 1], GCJ02, reference)
    assert (found.verdict, found.better) == ("unclear", None)


def test_order_of_rows_does_not_matter_nor_do_missing_ones(reference: Reference) -> None:
    lon, lat = from_wgs84(GCJ02, *some(60))
    kinds = ["school"] * 30 + ["park"] * 30
    turn = np.argsort(np.sin(np.arange(60) * 12.9))
    one = check_datum(lon, lat, WGS84, reference, kinds)
    with_gaps = np.append(lon[turn], np.nan), np.append(lat[turn], 39.0)
    other = check_datum(*with_gaps, WGS84, reference, [*(kinds[place] for place in turn), "clinic"])
    assert one == other


def test_many_points_are_thinned_evenly_and_in_any_order() -> None:
    streets, _, _ = town()
    reference = build_reference(streets, TIANJIN_GK)
    grid = np.stack(np.meshgrid(np.linspace(-900, 900, 30), np.linspace(-900, 900, 30)), axis=-1).reshape(-1, 2)
    lonlat = project(grid + np.array([EAST, NORTH]), TIANJIN_GK, GEOGRAPHIC)
    one = check_datum(lonlat[:, 0], lonlat[:, 1], WGS84, reference)
    assert one == check_datum(lonlat[::-1, 0], lonlat[::-1, 1], WGS84, reference)
    assert one.n_points == 400
    assert one.verdict != "plainly_better"


def test_the_message_names_both_readings_and_the_remedy(reference: Reference) -> None:
    found = check_datum(*from_wgs84(BD09, *some(60)), GCJ02, reference)
    error = found.error("poi.csv")
    assert isinstance(error, InputDataError)
    text = str(error)
    for word in ("poi.csv", "GCJ-02", "BD-09", "60 points", "→", "声明为"):
        assert word in text


def test_a_local_grid_is_checked_without_being_shown(reference: Reference, tmp_path: Path) -> None:
    text = 'type="four"\ntarget=4548\naxes="east_north"\ndx_m=400123.457\ndy_m=4000765.231\ntheta_seconds=61.8349\nscale=1.0000237\n'
    (tmp_path / "grid.toml").write_text(text, encoding="utf-8")
    grid = parse_datum("params:grid.toml", tmp_path)
    found = check_datum(*from_wgs84(grid, *from_wgs84(GCJ02, *some(60))), grid, reference)
    assert found.verdict == "plainly_better"
    shown = repr(found) + "".join(found.words) + str(found.error("list.csv"))
    assert "local grid" in shown
    for value in ("400123", "4000765", "61.83", "1.0000237", "grid.toml"):
        assert value not in shown


# ---- measured on real data


@pytest.fixture(scope="module")
def city(helsinki: Path) -> City:
    return read_city("Helsinki (centre)", helsinki)


def test_error_rates_on_helsinki_moved_to_xiqing(city: City) -> None:
    """A small version of docs/datum_rates.md: the extract is 1.0 by 1.7 km, a hard case for streets alone."""
    evidences = {"streets, buildings": build_reference(city.streets, TIANJIN_GK, city.buildings)}
    found = rates(measure(city, {5: 3, 20: 2, 100: 1}, evidences))
    whole = found[found["city"] == "all"]
    assert whole["n_right"].sum() >= 45
    assert whole["false_alarm"].sum() <= 0.02 * whole["n_right"].sum()
    assert whole["wrong_name"].sum() <= 0.02 * whole["n_wrong"].sum()
    hundred = whole[whole["n"] == 100]
    assert hundred["n_wrong"].tolist() == [6]
    assert hundred["missed"].sum() <= 2


def test_the_page_counts_what_was_judged(tmp_path: Path) -> None:
    rows = [("X", "points", "streets", 5, "WGS-84", "WGS-84", "false alarm"), ("X", "points", "streets", 5, "WGS-84", "WGS-84", "fits"),
            ("X", "points", "streets", 5, "GCJ-02", "WGS-84", "missed"), ("X", "points", "streets", 5, "GCJ-02", "WGS-84", "said to fit"),
            ("X", "points", "streets", 5, "GCJ-02", "BD-09", "wrong name"), ("X", "points", "streets", 5, "GCJ-02", "BD-09", "named")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["city", "list", "evidence", "n", "truth", "declared", "outcome"])
    table = rates(frame)
    assert table.iloc[0].tolist() == [5, "streets", "X", "points", 2, 1, 1, 4, 2, 1, 1]
    write(frame, ["a note"], tmp_path / "rates.md")
    text = (tmp_path / "rates.md").read_text(encoding="utf-8")
    assert "| 5 | streets | all | all | 50.0% (1/2) | 50.0% (1/2) | 50.0% (2/4) | 25.0% (1/4) | 25.0% (1/4) |" in text
    assert max(SIZES) == 100
    assert DatumFinding("unclear", WGS84, 0, ()).words[1] == "0 points; "
