"""A city's local grid, entered by a parameter file whose values no message, table or copy may show.

The file is TOML. Which convention its numbers follow is stated in it, for the same number with another sign is a kilometre off::

    type = "four"                 # or "seven"
    target = 4548                 # EPSG code that the transformation leads to; projected for "four"

    # four parameters: x' = dx + k (x cos t - y sin t), y' = dy + k (x sin t + y cos t)
    axes = "east_north"           # what x and y are here: "east_north", or "north_east" as Chinese surveyors write
    dx_m, dy_m, theta_seconds (or theta_radians), scale (a factor near 1) or scale_ppm

    # seven parameters: from the grid's own ellipsoid to that of the target, heights taken as zero
    convention = "coordinate_frame"   # or "position_vector"
    dx_m, dy_m, dz_m, rx_seconds, ry_seconds, rz_seconds, scale_ppm
    [source]                      # the grid's own projection (transverse Mercator)
    ellipsoid = "krass"           # krass (北京54) | IAU76 (西安80) | GRS80 (CGCS2000) | WGS84
    central_meridian_deg, false_easting_m, false_northing_m, latitude_of_origin_deg = 0, scale_factor = 1

    # optional, for both: points whose coordinates are known in both systems, east before north
    tolerance_m = 0.05
    [[control]]
    local = [x, y]
    known = [x, y]                # in the target system
"""

from __future__ import annotations

import contextlib
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.errors import ConfigError, CrsError, InputFileError

LABEL = "local grid (parameter file)"
LABEL_ZH = "地方独立坐标系（参数文件）"
_WHERE = f"{LABEL_ZH} / {LABEL}"
_LARGEST_BYTES = 1_000_000
_FOUR = {"axes", "dx_m", "dy_m", "theta_seconds", "theta_radians", "scale", "scale_ppm"}
_SEVEN = {"convention", "dx_m", "dy_m", "dz_m", "rx_seconds", "ry_seconds", "rz_seconds", "scale_ppm", "source"}
_COMMON = {"type", "target", "tolerance_m", "control"}
_SOURCE = {"ellipsoid", "central_meridian_deg", "false_easting_m", "false_northing_m", "latitude_of_origin_deg",
           "scale_factor"}  # fmt: skip
_ELLIPSOIDS = ("krass", "IAU76", "GRS80", "WGS84")

Floats = NDArray[np.float64]
Move = Callable[[Floats, Floats], tuple[Floats, Floats]]


def agrees_with_wgs84(crs: Any) -> bool:
    """Whether a pyproj CRS rests on a geodetic datum that agrees with WGS-84 to about a metre, as CGCS2000 does."""
    base = (crs.geodetic_crs or crs).name
    return any(word in base for word in ("WGS 84", "China Geodetic Coordinate System 2000", "ETRS89", "ITRF"))


class LocalGrid:
    """The transformation of a parameter file, both ways, to and from WGS-84 degrees.

    Its text forms hold the label alone; it can be neither pickled nor taken apart, so that no cache or log gets its values.
    """

    __slots__ = ("_forward", "_inverse", "n_control")

    def __init__(self, forward: Move, inverse: Move, n_control: int) -> None:
        self._forward, self._inverse, self.n_control = forward, inverse, n_control

    def to_wgs84(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Degrees of the grid's metres, x to the east."""
        return self._forward(x, y)

    def from_wgs84(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """The grid's metres of degrees, x to the east."""
        return self._inverse(lon, lat)

    def __repr__(self) -> str:
        return f"<{LABEL}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> LocalGrid:
        return self

    def __reduce__(self) -> NoReturn:
        raise CrsError(f"{LABEL_ZH}不可保存 / a {LABEL} cannot be saved")


def _fault(*problems: str) -> ConfigError:
    """One error for all problems; neither values nor texts of the file are repeated."""
    return ConfigError(
        "参数文件有误 / the parameter file is at fault",
        where=_WHERE,
        first=problems,
        todo="对照说明改正；此处不显示文件内容 / mend it after the description; its content is not shown here",
    )


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputFileError(
            "找不到参数文件 / the parameter file is not there",
            where=_WHERE,
            todo="检查 params: 后的路径（相对于配置文件）/ check the path after params:, relative to the config file",
        )
    if path.stat().st_size > _LARGEST_BYTES:
        raise _fault("文件过大 / the file is too large")
    found: dict[str, Any] | None = None
    # the parser's own words quote the file, so none of them is kept
    with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        found = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    if found is None:
        raise _fault("不是 UTF-8 编码的 TOML / not TOML in UTF-8")
    return found


def _number(
    table: dict[str, Any], key: str, low: float, high: float, problems: list[str], default: Any = None
) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        problems.append(f"{key} 缺少或不是数字 / {key} is missing or no number")
        return 0.0
    if not low <= value <= high:
        problems.append(f"{key} 超出合理范围，检查单位 / {key} is out of any sensible range: check its unit")
    return float(value)


def _one_of(table: dict[str, Any], one: str, other: str, problems: list[str]) -> str:
    if (one in table) == (other in table):
        problems.append(f"{one} 与 {other} 须且只须写一个 / give exactly one of {one} and {other}")
    return one if one in table else other


def _check_keys(table: dict[str, Any], allowed: set[str], problems: list[str]) -> None:
    if many := len(set(table) - allowed):
        problems.append(f"有 {many} 个不认识的字段；可用 / {many} unknown keys; known: {', '.join(sorted(allowed))}")


def _target(table: dict[str, Any], projected: bool, problems: list[str]) -> int:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    code, crs = table.get("target"), None
    with contextlib.suppress(CRSError):
        crs = CRS.from_epsg(code) if isinstance(code, int) and not isinstance(code, bool) else None
    if crs is None or not (crs.is_projected or (crs.is_geographic and not projected)):
        problems.append(
            "target 应为 EPSG 代码（四参数须为投影坐标系）/ target is an EPSG code, a projected one for four"
        )
        return GEOGRAPHIC
    if not agrees_with_wgs84(crs):
        problems.append(
            "target 须属于 CGCS2000 或 WGS-84，如 4548 / target belongs to CGCS2000 or WGS-84, as 4548 does"
        )
    assert isinstance(code, int)
    return code


def _four(table: dict[str, Any], target: int, problems: list[str]) -> tuple[Move, Move]:
    far = 1e8
    dx, dy = (_number(table, key, -far, far, problems) for key in ("dx_m", "dy_m"))
    angle_key = _one_of(table, "theta_seconds", "theta_radians", problems)
    turn = 648_000.0 if angle_key == "theta_seconds" else math.pi
    theta = _number(table, angle_key, -turn, turn, problems) * (math.pi / turn)
    if _one_of(table, "scale", "scale_ppm", problems) == "scale":
        scale = _number(table, "scale", 0.9, 1.1, problems)
    else:
        scale = 1.0 + _number(table, "scale_ppm", -1e5, 1e5, problems) * 1e-6
    if table.get("axes") not in ("east_north", "north_east"):
        problems.append("axes 应为 east_north 或 north_east / axes is east_north or north_east")
    if table.get("axes") == "north_east":
        dx, dy, theta = dy, dx, -theta
    cos, sin = math.cos(theta), math.sin(theta)

    def forward(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        there = np.column_stack([dx + scale * (x * cos - y * sin), dy + scale * (x * sin + y * cos)])
        found = project(there, target, GEOGRAPHIC)
        return found[:, 0], found[:, 1]

    def inverse(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        there = project(np.column_stack([lon, lat]), GEOGRAPHIC, target) - (dx, dy)
        east, north = there[:, 0] / scale, there[:, 1] / scale
        return east * cos + north * sin, north * cos - east * sin

    return forward, inverse


def _seven(table: dict[str, Any], problems: list[str]) -> tuple[Move, Move]:
    shift = [_number(table, key, -1e5, 1e5, problems) for key in ("dx_m", "dy_m", "dz_m")]
    turn = [_number(table, key, -3600.0, 3600.0, problems) for key in ("rx_seconds", "ry_seconds", "rz_seconds")]
    ppm = _number(table, "scale_ppm", -1e4, 1e4, problems)
    convention, source = table.get("convention"), table.get("source")
    if convention not in ("coordinate_frame", "position_vector"):
        problems.append("convention 应为 coordinate_frame 或 position_vector / convention is one of these two")
    if not isinstance(source, dict):
        problems.append("缺少 [source] / [source] is missing")
        source = {}
    _check_keys(source, _SOURCE, problems)
    if source.get("ellipsoid") not in _ELLIPSOIDS:
        problems.append(f"ellipsoid 应为其一 / ellipsoid is one of {', '.join(_ELLIPSOIDS)}")
    middle = _number(source, "central_meridian_deg", -180.0, 180.0, problems)
    east, north = (_number(source, key, -1e8, 1e8, problems) for key in ("false_easting_m", "false_northing_m"))
    origin = _number(source, "latitude_of_origin_deg", -90.0, 90.0, problems, 0.0)
    factor = _number(source, "scale_factor", 0.9, 1.1, problems, 1.0)
    if problems:
        raise _fault(*problems)
    ellipsoid = source["ellipsoid"]
    steps = (
        f"+proj=pipeline +step +inv +proj=tmerc +lat_0={origin!r} +lon_0={middle!r} +k_0={factor!r} +x_0={east!r} "
        f"+y_0={north!r} +ellps={ellipsoid} +step +proj=cart +ellps={ellipsoid} +step +proj=helmert +x={shift[0]!r} "
        f"+y={shift[1]!r} +z={shift[2]!r} +rx={turn[0]!r} +ry={turn[1]!r} +rz={turn[2]!r} +s={ppm!r} "
        f"+convention={convention} +step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    return _pipeline(steps)


def _pipeline(steps: str) -> tuple[Move, Move]:
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    made: Any = None
    with contextlib.suppress(ProjError):  # its words quote the parameters
        made = Transformer.from_pipeline(steps)
    if made is None:
        raise _fault("七参数无法使用 / the seven parameters cannot be used")

    def forward(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        found = made.transform(x, y, np.zeros(len(x)))
        return found[0], found[1]

    def inverse(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        found = made.transform(lon, lat, np.zeros(len(lon)), direction="INVERSE")
        return found[0], found[1]

    return forward, inverse


def _pairs(control: list[Any], key: str, problems: list[str]) -> Floats:
    rows = [one.get(key) if isinstance(one, dict) else None for one in control]
    good = [
        isinstance(row, list) and len(row) == 2
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in row)
        for row in rows
    ]  # fmt: skip
    for position in (place for place, fine in enumerate(good, 1) if not fine):
        problems.append(f"控制点 {position}：{key} 应为两个数 / control point {position}: {key} is two numbers")
    return np.asarray([row if fine else (0.0, 0.0) for row, fine in zip(rows, good, strict=True)], dtype=np.float64)


def _residuals_m(grid: LocalGrid, local: Floats, known: Floats, target: int) -> Floats:
    """Metres on the ground between where the transformation puts each control point and where it is known to be."""
    from pyproj import Geod

    lon, lat = grid.to_wgs84(local[:, 0], local[:, 1])
    there = project(known, target, GEOGRAPHIC)
    found = np.full(len(local), np.inf)
    fine = np.isfinite(lon) & np.isfinite(lat) & np.isfinite(there).all(axis=1)
    found[fine] = Geod(ellps="GRS80").inv(lon[fine], lat[fine], there[fine, 0], there[fine, 1])[2]
    return found


def read_local_grid(path: Path) -> LocalGrid:
    """Read a parameter file and check it against its control points.

    Parameters
    ----------
    path : Path
        TOML as described at the head of this module. It is neither hashed nor copied.

    Raises
    ------
    InputFileError
        There is no such file.
    ConfigError
        The file is at fault; every problem is told, none with a value of the file.
    CrsError
        A control point lies farther off than the tolerance; points are named by their order alone.

    Notes
    -----
    Without control points nothing shows that the parameters are right: `n_control` is then 0, and the run ought to say so.
    """
    table, problems = _load(path), []  # type: tuple[dict[str, Any], list[str]]
    kind = table.get("type")
    if kind not in ("four", "seven"):
        raise _fault("type 应为 four 或 seven / type is four or seven")
    _check_keys(table, _COMMON | (_FOUR if kind == "four" else _SEVEN), problems)
    target = _target(table, kind == "four", problems)
    control = table.get("control", [])
    if not isinstance(control, list):
        problems.append("control 应写作 [[control]] / write control points as [[control]]")
        control = []
    local, known = _pairs(control, "local", problems), _pairs(control, "known", problems)
    tolerance_m = _number(table, "tolerance_m", 0.0, 100.0, problems) if control else 0.0
    forward, inverse = _four(table, target, problems) if kind == "four" else _seven(table, problems)
    if problems:
        raise _fault(*problems)
    grid = LocalGrid(forward, inverse, len(control))
    if control:
        over = np.flatnonzero(~(_residuals_m(grid, local, known, target) <= tolerance_m)) + 1
        if len(over):
            raise CrsError(
                f"{len(over)} 个控制点（共 {len(control)} 个）残差超限 / {len(over)} of {len(control)} control points "
                "lie farther off than the tolerance",
                where=_WHERE,
                first=[f"控制点 {one} / control point {one}" for one in over.tolist()],
                todo="检查参数符号、单位与坐标顺序 / check signs, units and the order of coordinates",
            )
    return grid
