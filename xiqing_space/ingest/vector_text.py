"""Which encoding the text of a vector file is in: stated, or told from its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd

from xiqing_space.errors import InputDataError

SIDECARS = (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".sbn", ".sbx")
_NAMES = {"936": "gb18030", "65001": "utf-8", "950": "big5", "1252": "cp1252", "88591": "latin-1"}
Notes = list[tuple[str, dict[str, str]]]  # doubts: the catalogue's key and its fields


def beside(real: Path) -> dict[str, Path]:
    """Files that belong to a Shapefile, whatever case their suffixes have."""
    if real.suffix.lower() != ".shp":
        return {}
    return {
        one.suffix.lower(): one
        for one in sorted(real.parent.iterdir())
        if one.stem == real.stem and one.suffix.lower() in SIDECARS
    }


def codec_of(name: str, where: str) -> str:
    """The name by which Python knows an encoding, for instance gb18030 for 936; `InputDataError` where it knows none."""
    plain = re.sub(r"[^0-9a-z]", "", name.strip().lower()).removeprefix("ansi").removeprefix("cp")
    try:
        return codecs.lookup(_NAMES.get(plain, name.strip())).name
    except (LookupError, ValueError) as error:
        raise InputDataError(
            f"未知的编码 {name[:40]!r} / unknown encoding",
            where=where,
            todo="常用 / usual: UTF-8, GBK, GB18030",
        ) from error


def _reads(cells: Iterable[bytes], codec: str) -> bool:
    """Whether all cells are text in an encoding; the last letter of a cell may be cut off by the column's width."""
    try:
        for cell in cells:
            codecs.getincrementaldecoder(codec)("strict").decode(cell)
    except UnicodeDecodeError:
        return False
    return True


def _dbf_cells(path: Path) -> list[bytes]:
    """Column names and text cells of the first records of a .dbf that are not plain ASCII."""
    with path.open("rb") as stream:
        head = stream.read(32)
        start, width = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
        described = stream.read(max(start - 32, 0))
        records = stream.read(min(width * 20_000, 50_000_000))
    fields, at = [], 1
    for offset in range(0, len(described) - 31, 32):
        one = described[offset : offset + 32]
        if one[:1] == b"\r":
            break
        fields.append((one[:11].split(b"\x00")[0], one[11:12], at, one[16]))
        at += one[16]
    cells = [name for name, *_ in fields]
    if width:
        for row in range(0, len(records) - width + 1, width):
            cells += [records[row + a : row + a + n].strip(b" \x00") for _, kind, a, n in fields if kind == b"C"]
    return [cell for cell in cells if not cell.isascii()]


def shapefile_text(real: Path, where: str, encoding: str | None, notes: Notes) -> str:
    """The encoding of a Shapefile's text: stated, else its .cpg, else what its bytes can be."""
    near = beside(real)
    absent = [suffix for suffix in (".shx", ".dbf") if suffix not in near]
    if absent:
        raise InputDataError(
            f"Shapefile 不完整，缺 {'、'.join(absent)} / the Shapefile is incomplete: {', '.join(absent)} missing",
            where=where,
            todo="把 .shp .shx .dbf .prj .cpg 一并复制 / copy .shp .shx .dbf .prj .cpg together",
        )
    if encoding is not None:
        return codec_of(encoding, where)
    cells = _dbf_cells(near[".dbf"])
    stated = ""
    if ".cpg" in near:
        try:
            stated = codec_of(near[".cpg"].read_bytes()[:40].decode("ascii", "replace"), where)
        except InputDataError:
            notes.append(("reader_remark", {"text": "无法识别 .cpg / the .cpg names no known encoding"}))
    if stated and _reads(cells, stated):
        return stated
    found = next((one for one in ("utf-8", "gb18030") if _reads(cells, one)), "")
    if cells:
        notes.append(("encoding_guessed", {"encoding": found or "gb18030"}))
    return found or stated or "gb18030"


def decode_columns(frame: gpd.GeoDataFrame, codec: str) -> gpd.GeoDataFrame:
    """Names and text that were read as bytes, in their own encoding; a letter cut off at a column's width is left out."""

    def text(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.encode("latin-1", "replace").decode(codec, "replace").rstrip("\N{REPLACEMENT CHARACTER}")

    for column in [one for one in frame.columns if one != "geometry"]:
        if frame[column].map(lambda value: isinstance(value, str)).any():
            frame[column] = frame[column].map(text)
    return frame.rename(columns={one: text(one) for one in frame.columns if one != "geometry"})


def utf8_copy(real: Path, where: str, encoding: str | None, folder: Path, notes: Notes) -> Path:
    """GeoJSON is UTF-8; one that is not is read through a copy."""
    raw = real.read_bytes()
    found = (
        codec_of(encoding, where) if encoding else next((one for one in ("utf-8", "gb18030") if _reads([raw], one)), "")
    )
    if found == "utf-8":
        return real
    try:
        text = raw.decode(found or "utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        raise InputDataError(
            "无法读取矢量文件：文字编码不明 / cannot read the vector file: its text is neither UTF-8 nor GB18030",
            where=where,
            todo="另存为 UTF-8 / save it as UTF-8",
        ) from error
    if encoding is None:
        notes.append(("encoding_guessed", {"encoding": found}))
    target = folder / f"utf8{real.suffix}"
    target.write_text(text, encoding="utf-8")
    return target


def dxf_text(real: Path) -> str | None:
    """The encoding of a drawing that does not say so; None where the reader's own rule holds."""
    raw = real.read_bytes()
    stated = re.search(rb"\$DWGCODEPAGE\s+3\s+(\S+)", raw[:65_536])
    if raw.isascii() or raw.startswith(b"AutoCAD Binary DXF") or (stated and stated[1].upper() != b"ANSI_1252"):
        return None
    return next((one for one in ("utf-8", "gb18030") if _reads([raw], one)), None)
