"""Datums: published vectors, distances worked out beforehand, round trips, names, axes, and grids that stay secret."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import pprint
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from xiqing_space.datums import (
    BD09,
    GCJ02,
    WGS84,
    Datum,
    check_axis,
    from_wgs84,
    gauss_twin,
    parse_datum,
    to_wgs84,
)  # fmt: skip
from xiqing_space.errors import ConfigError, CrsError, InputFileError, XiqingError
from xiqing_space.gcj02 import CHINA, bd09_to_wgs84, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from xiqing_space.local_grid import LABEL

GEOD = Geod(ellps="GRS80")


# ---- GCJ-02 and BD-09


def test_vectors_that_open_converters_publish() -> None:
    assert np.allclose(wgs84_to_gcj02(116.404, 39.915), (116.41024449916938, 39.91640428150164), rtol=0, atol=1e-12)
    # BD-09 of the GCJ-02 place 116.404, 39.915: its WGS-84 place is asked for first
    there = gcj02_to_wgs84(116.404, 39.915)
    assert np.allclose(wgs84_to_bd09(*there), (116.41036949371029, 39.92133699351021), rtol=0, atol=1e-10)


def test_displacement_in_xiqing_is_that_of_the_literature() -> None:
    """545 to 570 m toward 77 to 79 degrees round 117.1, 39.05; BD-09 1345 to 1380 m."""
    lon, lat = np.meshgrid(np.linspace(117.05, 117.15, 9), np.linspace(39.0, 39.1, 9))
    lon, lat = lon.ravel(), lat.ravel()
    azimuth, _, distance_m = GEOD.inv(lon, lat, *wgs84_to_gcj02(lon, lat))
    assert distance_m.min() > 540
    assert distance_m.max() < 575
    assert azimuth.min() > 76.5
    assert azimuth.max() < 79.5
    _, _, distance_m = GEOD.inv(lon, lat, *wgs84_to_bd09(lon, lat))
    assert distance_m.min() > 1335
    assert distance_m.max() < 1390


@given(st.floats(116.0, 118.0), st.floats(38.0, 40.0))
@settings(max_examples=60, deadline=None)
def test_round_trip_is_below_a_centimetre_round_tianjin(lon: float, lat: float) -> None:
    for datum in (GCJ02, BD09):
        back = to_wgs84(datum, *from_wgs84(datum, lon, lat))
        assert GEOD.inv(lon, lat, back[0][0], back[1][0])[2] < 0.01
        assert np.allclose((back[0][0], back[1][0]), (lon, lat), rtol=0, atol=1e-9)


@given(st.floats(73.0, 137.0), st.floats(1.5, 55.0))
@settings(max_examples=60, deadline=None)
def test_round_trip_is_below_a_centimetre_in_all_china(lon: float, lat: float) -> None:
    for datum in (GCJ02, BD09):
        back = to_wgs84(datum, *from_wgs84(datum, lon, lat))
        assert GEOD.inv(lon, lat, back[0][0], back[1][0])[2] < 0.01


def test_the_fixed_point_agrees_with_bisection() -> None:
    """A plain second method: narrow the box that holds the place, axis by axis, until it is tiny."""
    for lon, lat in ((117.1, 39.05), (105.0, 35.0), (86.2, 44.0)):
        wanted = wgs84_to_gcj02(lon, lat)
        low, high = np.array([lon - 0.02, lat - 0.02]), np.array([lon + 0.02, lat + 0.02])
        for _ in range(200):
            for axis in (0, 1):
                middle = (low + high) / 2
                over = wgs84_to_gcj02(*middle)[axis] > wanted[axis]
                (high if over else low)[axis] = middle[axis]
            low, high = low - (high - low) * 0.1, high + (high - low) * 0.1  # the other axis moved meanwhile
        assert np.allclose((low + high) / 2, gcj02_to_wgs84(*wanted), rtol=0, atol=1e-9)


def test_outside_china_nothing_moves_and_missing_stays_missing() -> None:
    for lon, lat in ((24.94, 60.17), (-15.43, 28.12), (CHINA[0] - 0.1, 30.0), (120.0, CHINA[3] + 0.1)):
        for move in (wgs84_to_gcj02, gcj02_to_wgs84, wgs84_to_bd09, bd09_to_wgs84):
            assert move(lon, lat) == (lon, lat)
    for datum in (WGS84, GCJ02, BD09, parse_datum("EPSG:4548")):
        lon, lat = to_wgs84(datum, [np.nan, 117.1], [39.0, np.inf])
        assert np.isnan(lon).all()
        assert np.isnan(lat).all()


# ---- names


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("WGS84", "WGS-84"), ("wgs-84", "WGS-84"), ("GPS", "WGS-84"), ("84坐标", "WGS-84"), ("ＷＧＳ８４", "WGS-84"),
        ("EPSG:4326", "WGS-84"), ("GCJ02", "GCJ-02"), ("gcj-02", "GCJ-02"), ("高德", "GCJ-02"), ("高德地图", "GCJ-02"),
        ("腾讯", "GCJ-02"), ("火星坐标", "GCJ-02"), ("火星坐标系", "GCJ-02"), ("BD09", "BD-09"), ("百度坐标", "BD-09"),
        ("CGCS2000", "EPSG:4490"), ("国家2000", "EPSG:4490"), ("大地2000坐标系", "EPSG:4490"), ("2000国家大地坐标系", "EPSG:4490"),
        ("EPSG:4490", "EPSG:4490"), ("epsg 4548", "EPSG:4548"), ("4527", "EPSG:4527"), ("urn:ogc:def:crs:EPSG::4509", "EPSG:4509"),
        ("EPSG:3857", "EPSG:3857"), ("EPSG：4498", "EPSG:4498"),
    ],
)  # fmt: skip
def test_names_that_planners_write(text: str, key: str) -> None:
    assert parse_datum(text).key == key == str(parse_datum(text))
    assert not parse_datum(text).is_secret


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GCJ03", "GCJ-02"), ("WGS86", "WGS"), ("高德德", "高德"), ("", "unknown"), ("EPSG:1", "unknown"), ("EPSG:999999", "no EPSG"),
        ("EPSG:5773", "neither"), ("西安80", "EPSG"), ("天津90", "params:"), ("天津90坐标系", "params:"), ("BD09MC", "degrees"),
        ("x" * 100_000, "unknown"), ("<script>\x1b[31m", "unknown"),
    ],
)  # fmt: skip
def test_other_words_are_refused_with_near_names(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_datum(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 700
    assert "\x1b" not in str(caught.value)


def test_systems_without_a_known_transformation_say_so() -> None:
    assert parse_datum("EPSG:2390").approximate
    assert parse_datum("EPSG:4610").approximate
    assert not any(parse_datum(f"EPSG:{code}").approximate for code in (4490, 4548, 4527, 4498, 4509, 3857, 32650))


# ---- projected systems


def test_the_test_point() -> None:
    for text, east in (
        ("EPSG:4548", 508656.541),
        ("EPSG:4527", 39508656.541),
        ("EPSG:4509", 508656.541),
        ("EPSG:4498", 20508656.541),
    ):
        x, y = from_wgs84(parse_datum(text), 117.1, 39.05)
        assert abs(x[0] - east) < 0.001
        assert abs(y[0] - 4324059.542) < 0.001
        lon, lat = to_wgs84(parse_datum(text), east, 4324059.542)
        assert GEOD.inv(lon[0], lat[0], 117.1, 39.05)[2] < 0.002


def test_twins_differ_by_the_prefix_alone() -> None:
    for family, first, zones in (
        (4534, 25, 21),
        (4502, 13, 11),
        (2370, 25, 21),
        (2338, 13, 11),
        (2422, 25, 21),
        (21453, 13, 11),
    ):
        for position in range(zones):
            plain, zone = family + position, first + position
            twin = gauss_twin(plain, zone)
            assert twin is not None
            assert gauss_twin(twin, None) == plain
            one, other = (CRS.from_epsg(code).coordinate_operation for code in (plain, twin))
            mine = {item.name: item.value for item in one.params}
            theirs = {item.name: item.value for item in other.params}
            assert theirs.pop("False easting") - mine.pop("False easting") == zone * 1e6
            assert mine == theirs
    assert gauss_twin(32650, 39) is None
    assert gauss_twin(4548, 99) is None


# ---- axes and prefixes

EAST, NORTH = np.array([508656.5, 509000.0, 507000.0]), np.array([4324059.5, 4325000.0, 4322000.0])


@pytest.mark.parametrize(
    ("declared", "x", "y", "kind", "swap", "read_as"),
    [
        ("EPSG:4548", EAST, NORTH, "ok", False, "EPSG:4548"),
        ("EPSG:4548", NORTH, EAST, "swapped", True, "EPSG:4548"),
        ("EPSG:4548", EAST + 39e6, NORTH, "prefix", False, "EPSG:4527"),
        ("EPSG:4527", EAST, NORTH, "prefix", False, "EPSG:4548"),
        ("EPSG:4527", EAST + 39e6, NORTH, "ok", False, "EPSG:4527"),
        ("EPSG:4527", NORTH, EAST, "prefix", True, "EPSG:4548"),
        ("EPSG:4548", NORTH, EAST + 39e6, "prefix", True, "EPSG:4527"),
        ("EPSG:4509", EAST + 20e6, NORTH, "prefix", False, "EPSG:4498"),
        ("WGS84", np.array([117.1, 117.2]), np.array([39.0, 39.1]), "ok", False, "WGS-84"),
        ("GCJ02", np.array([39.0, 39.1]), np.array([117.1, 117.2]), "swapped", True, "GCJ-02"),
        ("EPSG:4490", np.array([39.0, 39.1]), np.array([117.1, 117.2]), "swapped", True, "EPSG:4490"),
        ("EPSG:4548", np.array([117.1, 117.2]), np.array([39.0, 39.1]), "out_of_range", False, "EPSG:4548"),
        ("WGS84", EAST, NORTH, "out_of_range", False, "WGS-84"),
    ],
)  # fmt: skip
def test_axes(declared: str, x: np.ndarray, y: np.ndarray, kind: str, swap: bool, read_as: str) -> None:
    found = check_axis(parse_datum(declared), x, y)
    assert (found.kind, found.swap, found.read_as.key) == (kind, swap, read_as)
    assert found.rows == (tuple(range(len(x))) if kind == "out_of_range" else ())


def test_single_rows_are_named_and_missing_ones_are_not() -> None:
    x, y = [117.1, 39.0, 117.2, np.nan, 0.0], [39.0, 117.1, 39.1, 39.0, 200.0]
    found = check_axis(WGS84, x, y)
    assert (found.kind, found.rows, found.rows_swapped) == ("out_of_range", (1, 4), (1,))
    assert check_axis(WGS84, [], []).kind == "ok"


def test_an_extent_shows_what_ranges_cannot() -> None:
    lon, lat = [24.93, 24.95], [60.16, 60.17]
    extent = (24.0, 59.5, 25.5, 60.5)
    assert check_axis(WGS84, lat, lon).kind == "ok"
    assert check_axis(WGS84, lat, lon, extent).kind == "swapped"
    assert check_axis(WGS84, lon, lat, extent).kind == "ok"
    assert check_axis(WGS84, [10.0, 24.94], [50.0, 60.16], extent).rows == (0,)


# ---- parameter files

# invented numbers that occur nowhere else
FOUR = {"dx_m": 400123.457, "dy_m": 4000765.231, "theta_seconds": 61.8349, "scale": 1.00002371}
FOUR_TEXT = 'type = "four"\ntarget = 4548\naxes = "east_north"\n' + "".join(f"{k} = {v}\n" for k, v in FOUR.items())
SEVEN = {"dx_m": -12.3457, "dy_m": 118.7731, "dz_m": 63.1179, "rx_seconds": 1.2347, "ry_seconds": -0.8719, "rz_seconds": 3.1173,
         "scale_ppm": -4.7193}  # fmt: skip
SOURCE = {"central_meridian_deg": 117.1667, "false_easting_m": 90111.37, "false_northing_m": -4000321.19}
SEVEN_TEXT = (
    'type = "seven"\ntarget = 4548\nconvention = "coordinate_frame"\n' + "".join(f"{k} = {v}\n" for k, v in SEVEN.items())
    + '[source]\nellipsoid = "krass"\n' + "".join(f"{k} = {v}\n" for k, v in SOURCE.items())
)  # fmt: skip


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "local.toml").write_text(text, encoding="utf-8")
    return tmp_path


def control(points: list[tuple[float, float, float, float]], tolerance_m: float) -> str:
    rows = "".join(f"[[control]]\nlocal = [{a}, {b}]\nknown = [{c}, {d}]\n" for a, b, c, d in points)
    return f"tolerance_m = {tolerance_m}\n{rows}"


def four_by_hand(x: float, y: float) -> tuple[float, float]:
    theta = np.deg2rad(FOUR["theta_seconds"] / 3600)
    turn = FOUR["scale"] * np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    east, north = turn @ (x, y) + (FOUR["dx_m"], FOUR["dy_m"])
    return float(east), float(north)


def test_four_parameters(tmp_path: Path) -> None:
    datum = parse_datum("params:local.toml", write(tmp_path, FOUR_TEXT))
    assert datum.is_secret
    assert datum.is_projected
    assert datum.grid is not None
    assert datum.grid.n_control == 0
    x, y = np.array([108000.0, 109321.5]), np.array([323500.0, 322777.7])
    there = np.array([four_by_hand(*one) for one in zip(x, y, strict=True)])
    wanted = Transformer.from_crs(4548, 4326, always_xy=True).transform(there[:, 0], there[:, 1])
    assert np.allclose(to_wgs84(datum, x, y), wanted, rtol=0, atol=1e-10)
    assert np.allclose(from_wgs84(datum, *wanted), (x, y), rtol=0, atol=1e-4)


def test_north_first_is_the_same_grid_with_its_numbers_as_surveyors_write_them(tmp_path: Path) -> None:
    east_first = parse_datum("params:local.toml", write(tmp_path, FOUR_TEXT))
    swapped = {"dx_m": FOUR["dy_m"], "dy_m": FOUR["dx_m"], "theta_radians": -np.deg2rad(FOUR["theta_seconds"] / 3600),
               "scale_ppm": (FOUR["scale"] - 1) * 1e6}  # fmt: skip
    text = 'type = "four"\ntarget = 4548\naxes = "north_east"\n' + "".join(
        f"{k} = {float(v)!r}\n" for k, v in swapped.items()
    )
    north_first = parse_datum("参数：local.toml", write(tmp_path, text))
    place = ([108000.0], [323500.0])
    assert np.allclose(to_wgs84(east_first, *place), to_wgs84(north_first, *place), rtol=0, atol=1e-11)


def test_seven_parameters_agree_with_matrices_by_hand(tmp_path: Path) -> None:
    datum = parse_datum("params:local.toml", write(tmp_path, SEVEN_TEXT))
    x, y = 95000.0, 322000.0
    own = CRS.from_proj4(
        f"+proj=tmerc +lat_0=0 +lon_0={SOURCE['central_meridian_deg']} +k=1 +x_0={SOURCE['false_easting_m']} "
        f"+y_0={SOURCE['false_northing_m']} +ellps=krass +units=m"
    )
    lon, lat = np.deg2rad(Transformer.from_crs(own, own.geodetic_crs, always_xy=True).transform(x, y))
    a, flat = 6378245.0, 1 / 298.3
    e2 = flat * (2 - flat)
    normal = a / np.sqrt(1 - e2 * np.sin(lat) ** 2)
    geocentric = normal * np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), (1 - e2) * np.sin(lat)])
    rx, ry, rz = (np.deg2rad(SEVEN[key] / 3600) for key in ("rx_seconds", "ry_seconds", "rz_seconds"))
    frame = np.array([[1, rz, -ry], [-rz, 1, rx], [ry, -rx, 1]])
    moved = (1 + SEVEN["scale_ppm"] * 1e-6) * frame @ geocentric + (SEVEN["dx_m"], SEVEN["dy_m"], SEVEN["dz_m"])
    wanted = Transformer.from_crs(4978, 4979, always_xy=True).transform(*moved)
    found = to_wgs84(datum, x, y)
    assert GEOD.inv(found[0][0], found[1][0], wanted[0], wanted[1])[2] < 0.001
    assert np.allclose(np.ravel(from_wgs84(datum, *found)), (x, y), rtol=0, atol=0.01)


def test_control_points_that_fit_and_that_do_not(tmp_path: Path) -> None:
    good = [(x, y, *four_by_hand(x, y)) for x, y in ((108000.0, 323500.0), (109000.0, 324000.0), (107000.0, 322000.0))]
    datum = parse_datum("params:local.toml", write(tmp_path, FOUR_TEXT + control(good, 0.05)))
    assert datum.grid is not None
    assert datum.grid.n_control == 3
    bad = [*good[:2], (107000.0, 322000.0, good[2][2] + 0.2, good[2][3])]
    with pytest.raises(CrsError, match="control point 3") as caught:
        parse_datum("params:local.toml", write(tmp_path, FOUR_TEXT + control(bad, 0.05)))
    assert "control point 1" not in str(caught.value)
    parse_datum("params:local.toml", write(tmp_path, FOUR_TEXT + control(bad, 0.25)))


def numbers(text: str) -> list[str]:
    """Every number of a parameter file of more than three digits, as written."""
    return [one for one in text.replace("=", " ").replace("[", " ").replace("]", " ").replace(",", " ").split()
            if sum(map(str.isdigit, one)) > 3 and one != "4548"]  # fmt: skip


FAULTY = {
    "unknown type": FOUR_TEXT.replace('"four"', '"nine1234"'),
    "unknown key": FOUR_TEXT + "secret87654 = 12345.678\n",
    "no TOML": FOUR_TEXT + "dx 98765.4321 ==\n",
    "value as text": FOUR_TEXT.replace("400123.457", '"400123.457"'),
    "infinite": FOUR_TEXT.replace("400123.457", "inf"),
    "boolean": FOUR_TEXT.replace("400123.457", "true"),
    "two angles": FOUR_TEXT + "theta_radians = 0.000299\n",
    "scale as ppm": FOUR_TEXT.replace("1.00002371", "23.7135"),
    "no axes": FOUR_TEXT.replace('axes = "east_north"', ""),
    "no such target": FOUR_TEXT.replace("4548", "987654"),
    "target in degrees": FOUR_TEXT.replace("4548", "4490"),
    "target of another datum": FOUR_TEXT.replace("4548", "2390"),
    "control without tolerance": FOUR_TEXT
    + "[[control]]\nlocal = [10811.11, 32322.22]\nknown = [50833.33, 43244.44]\n",
    "control of one number": FOUR_TEXT + "tolerance_m = 0.0512\n[[control]]\nlocal = [10811.11]\nknown = 43244.44\n",
    "control no list": FOUR_TEXT + "tolerance_m = 0.0512\ncontrol = 12344.5\n",
    "control too far": FOUR_TEXT + control([(108001.5, 323500.7, 50833.33, 43244.44)], 0.0512),
    "no convention": SEVEN_TEXT.replace('convention = "coordinate_frame"', ""),
    "no source": SEVEN_TEXT.split("[source]")[0],
    "unknown ellipsoid": SEVEN_TEXT.replace('"krass"', '"krass98765"'),
    "seven too large": SEVEN_TEXT.replace("1.2347", "41234.7"),
    "empty": "",
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_file_is_refused_without_a_word_of_it(fault: str, tmp_path: Path) -> None:
    text = FAULTY[fault]
    with pytest.raises(XiqingError) as caught:
        parse_datum("params:local.toml", write(tmp_path, text))
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args) + repr(vars(error))
    assert LABEL in str(error)
    for one in numbers(text):
        assert one not in shown
    assert error.__cause__ is None
    for word in ("nine1234", "secret87654", "krass98765", "local.toml"):
        assert word not in str(error) + repr(error.args) + repr(vars(error))


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_datum("params:local.toml", write(tmp_path, 'type = "four"\nx = 1\n'))
    assert {"dx_m", "theta_seconds", "scale", "axes", "target"} <= {
        word
        for line in caught.value.first
        for word in ("dx_m", "theta_seconds", "scale", "axes", "target")
        if word in line
    }


def test_a_missing_file_and_one_too_large(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="not there"):
        parse_datum("params:nowhere.toml", tmp_path)
    with pytest.raises(ConfigError, match="too large"):
        parse_datum("params:local.toml", write(tmp_path, "#" * 1_000_001))


@pytest.mark.parametrize("text", [FOUR_TEXT, SEVEN_TEXT])
def test_no_text_form_of_a_local_grid_holds_a_value(text: str, tmp_path: Path) -> None:
    datum = parse_datum("params:local.toml", write(tmp_path, text))
    finding = check_axis(datum, [95000.0], [322000.0])
    forms = [
        repr(datum), str(datum), f"{datum}", datum.key, datum.zh, pprint.pformat(datum), repr(dataclasses.asdict(datum)),
        repr(vars(datum)), repr(datum.grid), str(datum.grid), repr(copy.deepcopy(datum)), repr(finding), repr([datum]),
        str(dataclasses.astuple(datum)), repr(datum.__reduce_ex__(4)),
    ]  # fmt: skip
    for form in forms:
        assert "local.toml" not in form
        for one in numbers(text):
            assert one not in form
            assert one.rstrip("0") not in form
    assert str(datum) == LABEL
    with pytest.raises(CrsError):
        pickle.dumps(datum)


def test_datums_of_one_name_are_equal() -> None:
    assert parse_datum("高德") == GCJ02 == Datum("GCJ-02")
    assert parse_datum("EPSG:4548") == parse_datum("4548")


def test_many_coordinates_are_projected_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from xiqing_space import crs

    places = np.random.default_rng(3).uniform([116.9, 38.9], [117.3, 39.2], (1001, 2))
    one = crs.project(places, 4326, 4548)
    monkeypatch.setattr(crs, "_BLOCK", 100)
    assert (crs.project(places, 4326, 4548) == one).all()
