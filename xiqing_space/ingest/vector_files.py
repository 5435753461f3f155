"""Opens vector files from anywhere: what kind a file truly is, zipped ones unpacked safely, text in its own encoding."""

from __future__ import annotations

import codecs
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import shapely

from xiqing_space.errors import InputDataError, InputFileError, printable
from xiqing_space.ingest.vector_text import Notes, beside, codec_of, decode_columns, dxf_text, shapefile_text, utf8_copy
from xiqing_space.ingest.vector_zip import FORMATS, too_large, unpack

MAX_FEATURES = 2_000_000
MAX_BYTES = 500_000_000  # of a file, and of everything that a zip unpacks to
_SNIFFED = 65_536
_DRIVERS = {
    ".geojson": ("GeoJSON",), ".json": ("GeoJSON",), ".gpkg": ("GPKG",), ".shp": ("ESRI Shapefile",),
    ".gdb": ("OpenFileGDB",), ".dxf": ("DXF",), ".kml": ("LIBKML", "KML"), ".zip": (),
}  # fmt: skip
_DXF = {"INLINE_BLOCKS": "NO", "CLOSED_LINE_AS_POLYGON": "YES"}  # blocks as points, closed outlines as land


@dataclass
class Opened:
    """What a file held: features as they stand, the system and encoding it states, remarks made while reading."""

    frame: gpd.GeoDataFrame
    crs: Any
    layer: str
    driver: str
    closed_rings: int = 0
    notes: Notes = field(default_factory=list)


def open_vector(path: Path, layer: str | None, encoding: str | None) -> Opened:
    """The features of one layer, nothing checked but that it is a file of its kind; remarks come with it.

    Raises
    ------
    InputFileError, InputDataError
        It is absent, of no known kind, something else than its name says, too large, or has several layers.
    """
    if not path.exists():
        raise InputFileError("找不到文件 / no such file", where=path.name, todo="检查路径 / check the path")
    suffix = path.suffix.lower()
    if suffix not in _DRIVERS or path.is_dir() != (suffix == ".gdb"):
        raise InputDataError(
            f"无法读取矢量文件：不支持 {suffix or '此格式'} / cannot read the vector file: this is no known format",
            where=path.name,
            todo=f"应为 / give {FORMATS}",
        )
    if _size(path) > MAX_BYTES:
        raise too_large(path.name, f"{_size(path) / 1e6:.0f} MB > {MAX_BYTES / 1e6:.0f} MB")
    if encoding is not None:
        codec_of(encoding, path.name)
    with tempfile.TemporaryDirectory() as folder:
        real = unpack(path, Path(folder), MAX_BYTES) if suffix == ".zip" else path
        if re.search(r"[!;?#%]", str(real)):  # characters that the reader would take for part of an address
            real = _copied(real, Path(folder) / "copy")
        return _open(real, path.name, layer, encoding, Path(folder))


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size


def _copied(real: Path, folder: Path) -> Path:
    folder.mkdir()
    target = folder / f"source{real.suffix}"
    if real.is_dir():
        shutil.copytree(real, target)
        return target
    shutil.copyfile(real, target)
    for suffix, one in beside(real).items():
        shutil.copyfile(one, target.with_suffix(suffix))
    return target


def _sniff(real: Path, where: str) -> None:
    """Refuse what is something else than its name: some formats would make the reader open other files or addresses."""
    suffix = real.suffix.lower()
    if suffix == ".gdb":
        good = any(real.glob("*.gdbtable"))
    else:
        with real.open("rb") as stream:
            head = stream.read(_SNIFFED)
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        lower = text.lower()
        if suffix in (".geojson", ".json"):
            good = text[:1] == b"{" and b"gdal_streamed_alg" not in lower
        elif suffix == ".kml":
            good = b"<kml" in lower and b"<!doctype" not in lower and b"<!entity" not in lower
            good = good and text[:1] == b"<" and b"<ogrvrt" not in lower
        elif suffix == ".gpkg":
            good = head[:16] == b"SQLite format 3\x00"
        elif suffix == ".shp":
            good = head[:4] == b"\x00\x00\x27\x0a"
        else:
            good = _whole_drawing(real.read_bytes())
    if not good:
        raise InputDataError(
            f"无法读取矢量文件：内容不是 {suffix} / cannot read the vector file: its content is no {suffix}",
            where=where,
            todo="在 GIS 中重新导出 / export it again from a GIS",
        )


def _whole_drawing(raw: bytes) -> bool:
    """Whether a DXF is complete: the reader would look for the end of a drawing that was cut off for ever."""
    if raw.startswith(b"AutoCAD Binary DXF"):
        return raw.rstrip(b"\x00\r\n").endswith(b"EOF") and raw.count(b"SECTION\x00") == raw.count(b"ENDSEC\x00") > 0
    lines = [one.strip() for one in raw.removeprefix(codecs.BOM_UTF8).rstrip().split(b"\n")]
    codes, values = lines[0::2], lines[1::2]
    if len(codes) != len(values) or (codes[-1], values[-1]) != (b"0", b"EOF"):
        return False
    if not all(re.fullmatch(rb"-?\d{1,4}", one) for one in set(codes)):
        return False
    named = [value for code, value in zip(codes, values, strict=True) if code == b"0"]
    pairs = ((b"SECTION", b"ENDSEC"), (b"BLOCK", b"ENDBLK"), (b"TABLE", b"ENDTAB"))
    return all(named.count(start) == named.count(end) for start, end in pairs) and named.count(b"SECTION") > 0


@contextmanager
def _settings(**options: str) -> Iterator[None]:
    """Settings of the reader, put back afterwards."""
    before: dict[str, Any] = {key: pyogrio.get_gdal_config_option(key) for key in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _open(real: Path, where: str, layer: str | None, encoding: str | None, folder: Path) -> Opened:
    _sniff(real, where)
    suffix = real.suffix.lower()
    result = Opened(gpd.GeoDataFrame(), None, "", "")
    options: dict[str, Any] = dict(_DXF) if suffix == ".dxf" else {}
    settings: dict[str, str] = {}
    text: str | None = None
    if suffix == ".shp":
        text = shapefile_text(real, where, encoding, result.notes)
        options["encoding"] = "ISO-8859-1"  # bytes as they are; decoded below, cell by cell
    elif suffix in (".geojson", ".json"):
        real = utf8_copy(real, where, encoding, folder, result.notes)
    elif suffix == ".dxf":
        if (found := encoding or dxf_text(real)) is not None:
            settings["DXF_ENCODING"] = "CP936" if codec_of(found, where) in ("gb18030", "gbk", "gb2312") else found
    elif encoding is not None:
        raise InputDataError(
            f"{suffix} 文件自带编码，不能另设 encoding / {suffix} files state their own encoding",
            where=where,
            todo="删去 encoding / remove encoding",
        )
    with warnings.catch_warnings(record=True) as caught, _settings(**settings):
        warnings.simplefilter("always")
        try:
            _read(real, where, layer, options, result)
        except (InputDataError, InputFileError):
            raise
        except Exception as error:  # each driver has its own ways to fail on broken bytes
            raise InputDataError(
                f"无法读取矢量文件 / cannot read the vector file: {_tidy(str(error), real, where)}",
                where=where,
                todo=f"应为 / give {FORMATS}",
            ) from error
    said = {_tidy(str(one.message), real, where) for one in caught if "Non closed ring" not in str(one.message)}
    said = {one for one in said if "encountered in" not in one}  # NaN coordinates, told by row later
    result.notes += [("reader_remark", {"text": one}) for one in sorted(said)[:5]]
    if text is not None:
        result.frame = decode_columns(result.frame, text)
    return result


def _tidy(message: str, real: Path, where: str) -> str:
    """A reader's message without the folders of this computer."""
    return printable(message.replace(str(real), where).replace(str(real.parent), "").replace("\n", " "))[:200]


def _read(real: Path, where: str, layer: str | None, options: dict[str, Any], result: Opened) -> None:
    is_dxf = real.suffix.lower() == ".dxf"
    chosen = "entities" if is_dxf else _choose_layer(real, where, layer)
    info = pyogrio.read_info(real, layer=chosen, force_feature_count=True, **options)
    if info["driver"] not in _DRIVERS[real.suffix.lower()]:
        raise InputDataError(
            f"内容是 {info['driver']} / the content is {info['driver']}",
            where=where,
            todo="在 GIS 中重新导出 / export it again from a GIS",
        )
    if info["features"] > MAX_FEATURES:
        raise too_large(where, f"{info['features']} > {MAX_FEATURES} 个要素 / features")
    frame = pyogrio.read_dataframe(real, layer=chosen, on_invalid="ignore", use_arrow=False, **options)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise InputDataError(
            "文件没有几何要素 / the file holds no features",
            where=where,
            todo="检查文件与图层 / check the file and its layer",
        )
    if "geometry" in list(info["fields"]):
        result.notes.append(("reader_remark", {"text": "属性列 geometry 未读取 / attribute geometry was not read"}))
    result.crs, result.layer, result.driver = frame.crs, chosen, info["driver"]
    if frame.geometry.isna().any():
        # what the strict reading refused: rings left open are closed, the rest stays missing
        wkb = pyogrio.raw.read(real, layer=chosen, columns=[], **options)[2]
        mended = shapely.from_wkb(wkb, on_invalid="fix")
        lost = frame.geometry.isna().to_numpy()
        result.closed_rings = int((lost & ~shapely.is_missing(mended)).sum())
        frame = frame.set_geometry(gpd.GeoSeries(mended, index=frame.index, crs=None), crs=None)
    result.frame = frame.set_crs(None, allow_override=True)
    if is_dxf:
        _keep_drawing(result, where, layer)


def _choose_layer(real: Path, where: str, layer: str | None) -> str:
    layers = [str(name) for name, kind in pyogrio.list_layers(real) if kind is not None]
    if layer is None and len(layers) == 1:
        return layers[0]
    if layer is not None and (layer in layers or real.suffix.lower() in (".shp", ".geojson", ".json")):
        return layer if layer in layers else layers[0]
    raise _layer_error(where, layer, layers)


def _layer_error(where: str, layer: str | None, layers: Iterable[str]) -> InputDataError:
    found = sorted(layers)
    what = "文件没有空间图层 / the file holds no spatial layer"
    if found:
        what = "文件含多个图层，须指明 layer / the file holds several layers: name one with layer"
    if found and layer is not None:
        what = f"没有图层 {layer!r} / there is no layer {layer!r}"
    return InputDataError(
        what,
        where=where,
        first=[one[:80] for one in found],
        todo="在设置中写明 layer，或把该图层另存为单独的文件 / state layer in the configuration, or save that layer alone",
    )


def _keep_drawing(result: Opened, where: str, layer: str | None) -> None:
    """Of a drawing, the model space of one drawing layer."""
    frame = result.frame
    paper = (frame["PaperSpace"] == 1).to_numpy() if "PaperSpace" in frame else None
    if paper is not None and paper.any():
        result.notes.append(("paper_space", {"n": str(int(paper.sum()))}))
        frame = frame[~paper]
    names = sorted({str(one) for one in frame["Layer"]})
    if layer is None and len(names) == 1:
        layer = names[0]
    if layer is None or layer not in names:
        raise _layer_error(where, layer, names)
    result.layer, result.frame = layer, frame[(frame["Layer"] == layer).to_numpy()]
