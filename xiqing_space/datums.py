"""In which system a list's coordinates are, and the way to and from WGS-84 degrees."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
import warnings
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xiqing_space import gcj02
from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.errors import ConfigError
from xiqing_space.local_grid import LABEL, LABEL_ZH, LocalGrid, agrees_with_wgs84, read_local_grid

Floats = NDArray[np.float64]
_PARAMS = re.compile(r"\s*(?:params|参数文件|参数)\s*[:：]\s*(.+)", re.IGNORECASE | re.DOTALL)
_EPSG = re.compile(r"(?:URN:OGC:DEF:(?:CRS)?:*)?(?:EPSG)?:*(\d{4,6})")
_LONGEST = 400


@dataclass(frozen=True)
class Datum:
    """A coordinate system as declared for a source.

    Parameters
    ----------
    key : str
        What tables hold in `datum_in`: `WGS-84`, `GCJ-02`, `BD-09`, `EPSG:…`, or the label of a local grid.
    epsg : int or None
        Its code, where it has one.
    grid : LocalGrid or None
        The transformation of a parameter file; no text form shows it.
    approximate : bool
        The system rests on another geodetic datum and no public transformation is known: positions may be 100 m off.
    """

    key: str
    epsg: int | None = None
    grid: LocalGrid | None = field(default=None, repr=False)
    approximate: bool = False

    def __str__(self) -> str:
        return self.key

    @property
    def zh(self) -> str:
        """Its name in Chinese messages."""
        return LABEL_ZH if self.is_secret else self.key

    @property
    def is_secret(self) -> bool:
        """Whether its parameters may stand nowhere: provenance skips the file that it came from."""
        return self.grid is not None

    @property
    def is_projected(self) -> bool:
        """Whether coordinates are lengths and not degrees."""
        return self.is_secret or (self.epsg is not None and bool(_crs(self.epsg).is_projected))


WGS84, GCJ02, BD09 = Datum("WGS-84", GEOGRAPHIC), Datum("GCJ-02"), Datum("BD-09")


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(resources.files("xiqing_space.catalog").joinpath("datums.toml").read_text(encoding="utf-8"))


@cache
def _crs(epsg: int) -> Any:
    from pyproj import CRS

    return CRS.from_epsg(epsg)


def _fold(text: str) -> str:
    """A name without case, width, spaces, hyphens and filler words."""
    plain = re.sub(r"[\s_\-–—()（）]", "", unicodedata.normalize("NFKC", text)).upper()
    for word in _catalogue()["filler"]:
        short = plain.replace(word.upper(), "")
        plain = short or plain
    return plain


@cache
def _names() -> dict[str, str]:
    return {_fold(name): key for key, names in _catalogue()["names"].items() for name in (key, *names)}


def _unknown(text: str, why: str = "") -> ConfigError:
    names = sorted({name for names in _catalogue()["names"].values() for name in names} | set(_catalogue()["names"]))
    folded = {_fold(name): name for name in reversed(names)}
    near = [folded[one] for one in difflib.get_close_matches(_fold(text), list(folded), n=3, cutoff=0.4)]
    hint = f"；是否指 {'、'.join(near)}" if near else ""
    hint_en = f"; did you mean {', '.join(near)}" if near else ""
    return ConfigError(
        why or f"不认识的坐标系“{text[:60]}”{hint} / unknown coordinate system “{text[:60]}”{hint_en}",
        todo="可写 WGS-84、GCJ-02（高德、腾讯）、BD-09（百度）、CGCS2000、EPSG:4548 等代码，或 params:文件.toml / "
        "write WGS-84, GCJ-02, BD-09, CGCS2000, a code such as EPSG:4548, or params:file.toml",
    )


def _from_epsg(code: int, text: str) -> Datum:
    from pyproj.exceptions import CRSError

    try:
        crs = _crs(code)
    except CRSError:
        raise _unknown(text, f"没有 EPSG:{code} 这个代码 / there is no EPSG:{code}") from None
    if code == GEOGRAPHIC:
        return WGS84
    if not crs.is_projected and crs.type_name not in ("Geographic 2D CRS", "Geographic 3D CRS"):
        raise _unknown(
            text, f"EPSG:{code} 不是平面或经纬度坐标系 / EPSG:{code} is neither a projected nor a geographic system"
        )
    return Datum(f"EPSG:{code}", code, approximate=_approximate(crs))


def _approximate(crs: Any) -> bool:
    """Whether PROJ knows no transformation to WGS-84 and the datum is none of those that agree with it to a metre."""
    from pyproj.transformer import TransformerGroup

    if agrees_with_wgs84(crs):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a finer grid could be downloaded
        ways = TransformerGroup(crs, GEOGRAPHIC, always_xy=True).transformers
    return not any(way.accuracy >= 0 for way in ways)


def parameter_path(text: str) -> str | None:
    """The path in words that name a parameter file (`params:local.toml`), else None; it is as secret as the file."""
    match = _PARAMS.fullmatch(text)
    return match[1].strip() if match else None


def parse_datum(text: str, base: Path | None = None) -> Datum:
    """The coordinate system that a planner's words name.

    Parameters
    ----------
    text : str
        `WGS84`, `84坐标`, `高德`, `BD-09`, `国家2000`, `EPSG:4548`, `4548`, `params:local.toml`, …
    base : Path or None
        Folder of the config file, to which a parameter file's path is relative.

    Raises
    ------
    ConfigError
        Unknown words (near names are listed), words that name several systems, or a faulty parameter file.
    CrsError
        A parameter file does not fit its own control points.

    Notes
    -----
    `CGCS2000` alone means degrees (EPSG:4490). A planner may not take 天地图 downloads for GCJ-02: they are CGCS2000.
    """
    if (path := parameter_path(text)) is not None:
        return Datum(LABEL, grid=read_local_grid((base or Path()) / path))
    text = text[:_LONGEST]
    folded = _fold(text)
    for name, advice in _catalogue()["ambiguous"].items():
        if folded == _fold(name):
            raise _unknown(text, advice)
    if (key := _names().get(folded)) is not None:
        known = {"WGS-84": WGS84, "GCJ-02": GCJ02, "BD-09": BD09}
        return known[key] if key in known else Datum(key, int(key.removeprefix("EPSG:")))
    if match := _EPSG.fullmatch(folded):
        return _from_epsg(int(match[1]), text)
    raise _unknown(text)


def gauss_twin(epsg: int, zone: int | None) -> int | None:
    """The system of the same family whose eastings carry the prefix `zone`, or with None the one that carries none."""
    for family in _catalogue()["gauss"]:
        for first in (family["prefixed"], family["plain"]):
            position = epsg - first
            if 0 <= position < family["zones"]:
                if zone is None:
                    return int(family["plain"] + position)
                wanted = zone - family["first_zone"]
                return int(family["prefixed"] + wanted) if 0 <= wanted < family["zones"] else None
    return None


def _flat(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    one, other = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    one, other = np.broadcast_arrays(np.atleast_1d(one), np.atleast_1d(other))
    return one, other, np.isfinite(one) & np.isfinite(other)


def _move(datum: Datum, one: Floats, other: Floats, back: bool) -> tuple[Floats, Floats]:
    if datum.grid is not None:
        return datum.grid.from_wgs84(one, other) if back else datum.grid.to_wgs84(one, other)
    if datum.key == "GCJ-02":
        return gcj02.wgs84_to_gcj02(one, other) if back else gcj02.gcj02_to_wgs84(one, other)
    if datum.key == "BD-09":
        return gcj02.wgs84_to_bd09(one, other) if back else gcj02.bd09_to_wgs84(one, other)
    assert datum.epsg is not None
    ends = (GEOGRAPHIC, datum.epsg) if back else (datum.epsg, GEOGRAPHIC)
    found = project(np.column_stack([one, other]), *ends)
    return found[:, 0], found[:, 1]


def _converted(datum: Datum, x: ArrayLike, y: ArrayLike, back: bool) -> tuple[Floats, Floats]:
    one, other, known = _flat(x, y)
    found = np.full((2, len(one)), np.nan)
    if known.any():
        moved = np.asarray(_move(datum, one[known], other[known], back), dtype=np.float64)
        moved[:, ~np.isfinite(moved).all(axis=0)] = np.nan
        found[:, known] = moved
    return found[0], found[1]


def to_wgs84(datum: Datum, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """WGS-84 longitude and latitude of coordinates in a datum.

    Parameters
    ----------
    datum : Datum
    x, y : array_like of float64, one-dimensional or scalar
        Longitude and latitude, or easting and northing: x is always to the east.

    Returns
    -------
    lon, lat : float64 (n,)
        Degrees; NaN where a coordinate is missing or cannot be converted. CGCS2000 is taken as equal to WGS-84.
    """
    return _converted(datum, x, y, back=False)


def from_wgs84(datum: Datum, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Coordinates in a datum (x to the east) of WGS-84 degrees; NaN where there are none."""
    return _converted(datum, lon, lat, back=True)


Axis = Literal["ok", "swapped", "prefix", "out_of_range"]


@dataclass(frozen=True)
class AxisFinding:
    """How the numbers of a source sit with the declared system.

    Parameters
    ----------
    kind : str
        `ok`; `swapped`: x and y change places; `prefix`: the zone before the easting contradicts the code;
        `out_of_range`: neither remedy helps, or helps some rows only.
    swap : bool
        Whether x and y are to change places (also with `prefix`).
    read_as : Datum
        The system in which to read them: the declared one, or its twin with or without zone prefix.
    rows : tuple of int
        Positions, from 0, of coordinates that lie nowhere sensible even then.
    rows_swapped : tuple of int
        Those of `rows` that would be sensible with x and y the other way round.
    """

    kind: Axis
    swap: bool
    read_as: Datum
    rows: tuple[int, ...] = ()
    rows_swapped: tuple[int, ...] = ()


def check_axis(
    datum: Datum, x: ArrayLike, y: ArrayLike, extent: tuple[float, float, float, float] | None = None
) -> AxisFinding:
    """Whether coordinates can be what was declared, or are swapped, or carry another zone prefix.

    Parameters
    ----------
    datum : Datum
        As declared.
    x, y : array_like of float64 (n,)
        As read; missing ones are passed over.
    extent : (west, south, east, north), optional
        Degrees of where the points are expected, widened as the caller sees fit. Without it only the declared system's
        own area of use speaks, and swapped degrees show only where a longitude is no latitude (beyond 90 E).
    """
    one, other, known = _flat(x, y)
    declared = (False, datum)
    swaps = (False, True)
    tries = [
        declared,
        (True, datum),
        *((swap, twin) for swap in swaps for twin in _twins(datum, other if swap else one)),
    ]
    sensible = [
        _sensible(as_what, *((other, one) if swap else (one, other)), extent) & known for swap, as_what in tries
    ]
    counts = [int(found.sum()) for found in sensible]
    # the declared reading is left only for one that makes sense of more rows, and of at least half
    best = max(range(len(tries)), key=lambda place: (counts[place], -place))
    if counts[best] == counts[0] or 2 * counts[best] < known.sum():
        best = 0
    swap, read_as = tries[best]
    lost = known & ~sensible[best]
    turned = _sensible(read_as, *((one, other) if swap else (other, one)), extent) & lost
    kind: Axis = "prefix" if read_as is not datum else "swapped" if swap else "out_of_range" if lost.any() else "ok"
    rows, rows_swapped = np.flatnonzero(lost).tolist(), np.flatnonzero(turned).tolist()
    return AxisFinding(kind, swap, read_as, tuple(rows), tuple(rows_swapped))


def _twins(datum: Datum, east: Floats) -> list[Datum]:
    """The system of the same family that the eastings' own prefix names."""
    if datum.epsg is None or not datum.is_projected or not np.isfinite(east).any():
        return []
    prefixes, counts = np.unique(np.floor(east[np.isfinite(east)] / 1e6), return_counts=True)
    prefix = int(prefixes[np.argmax(counts)])
    code = gauss_twin(datum.epsg, prefix if prefix > 0 else None) if 0 <= prefix < 100 else None
    return [] if code is None or code == datum.epsg else [_from_epsg(code, str(code))]


def _sensible(
    datum: Datum, x: Floats, y: Floats, extent: tuple[float, float, float, float] | None
) -> NDArray[np.bool_]:
    """Rows that lie where the system is used and, if given, in the extent."""
    if not datum.is_projected:  # what PROJ would wrap round the globe is no degree
        degrees = (np.abs(x) <= 180.0) & (np.abs(y) <= 90.0)
        x, y = np.where(degrees, x, np.nan), np.where(degrees, y, np.nan)
    lon, lat = to_wgs84(datum, x, y)
    west, south, east, north = (-180.0, -90.0, 180.0, 90.0)
    if datum.epsg is None:
        west, south, east, north = gcj02.CHINA if datum.is_secret else (west, south, east, north)
    elif (used := _crs(datum.epsg).area_of_use) is not None and used.west <= used.east:
        spare = 1.5 if datum.is_projected else 5.0  # degrees; neighbouring zones are drawn in one system
        west, south, east, north = used.west - spare, used.south - spare, used.east + spare, used.north + spare
    if extent is not None:
        west, south = max(west, extent[0]), max(south, extent[1])
        east, north = min(east, extent[2]), min(north, extent[3])
    good: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return good
