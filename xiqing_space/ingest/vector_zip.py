"""Zipped data: sizes are looked up before anything is unpacked, and no name leaves the folder."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.vector_text import SIDECARS

MAX_ZIP_MEMBERS = 1_000
FORMATS = "GeoJSON (.geojson), GeoPackage (.gpkg), Shapefile (.shp, .zip), FileGDB (.gdb), DXF (.dxf), KML (.kml)"


def too_large(where: str, what: str) -> InputDataError:
    """The error for a file that is larger than this program reads."""
    return InputDataError(
        f"文件过大 / the file is too large: {what}",
        where=where,
        todo="裁剪到评估范围后再导出 / cut it to the study area and export it again",
    )


def unpack(path: Path, folder: Path, max_bytes: int) -> Path:
    """The one data set of a zip, unpacked; sizes are looked up first and names never leave the folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) > MAX_ZIP_MEMBERS or (total := sum(one.file_size for one in members)) > max_bytes:
                what = f"{len(members)} files" if len(members) > MAX_ZIP_MEMBERS else f"{total / 1e6:.0f} MB unpacked"
                raise too_large(path.name, what)
            wanted = [one for one in members if _plain(one.filename)]
            chosen = _only_source(wanted, path.name, [one.filename for one in members])
            for one in wanted:
                if (target := _target(one.filename, chosen, folder)) is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _copy_bounded(archive, one, target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, InputDataError):
            raise
        raise InputDataError(
            f"压缩包损坏或已加密 / the zip is broken or encrypted: {str(error)[:120]}",
            where=path.name,
            todo="解压后直接给出文件 / unpack it and name the file itself",
        ) from error
    except Exception as error:  # zlib.error, lzma.LZMAError and other decoders' own
        raise InputDataError(
            "压缩包损坏 / the zip is broken",
            where=path.name,
            todo="解压后直接给出文件 / unpack it and name the file itself",
        ) from error
    return folder / f"source{chosen.suffix.lower()}"


def _plain(name: str) -> bool:
    pure = PurePosixPath(name.replace("\\", "/"))
    outside = pure.is_absolute() or ".." in pure.parts or ":" in name or "\x00" in name
    return not outside and not any(part.startswith(("__MACOSX", "._")) for part in pure.parts)


def _source_of(name: str) -> PurePosixPath | None:
    pure = PurePosixPath(name.replace("\\", "/"))
    for parent in reversed(pure.parents):
        if parent.suffix.lower() == ".gdb":
            return parent
    return pure if pure.suffix.lower() in (".shp", ".gpkg", ".geojson", ".json", ".kml", ".dxf") else None


def _only_source(members: list[zipfile.ZipInfo], where: str, names: list[str]) -> PurePosixPath:
    found = sorted({source for one in members if (source := _source_of(one.filename)) is not None})
    if len(found) == 1:
        return found[0]
    shown = [str(one) for one in found] or sorted(names) or ["（空 / empty）"]
    what = "压缩包内有多个数据 / the zip holds several data sets" if found else (
        "压缩包内没有可读的数据 / the zip holds no readable data"
    )  # fmt: skip
    raise InputDataError(what, where=where, first=shown, todo=f"每个压缩包只放一个 / one in each zip: {FORMATS}")


def _target(name: str, chosen: PurePosixPath, folder: Path) -> Path | None:
    """Where a member goes: under a name of our own, or nowhere."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if chosen.suffix.lower() == ".gdb":
        inside = _source_of(name) == chosen and re.fullmatch(r"[A-Za-z0-9_.]{1,80}", pure.name) is not None
        return folder / "source.gdb" / pure.name if inside else None
    same = pure == chosen or (
        chosen.suffix.lower() == ".shp"
        and (pure.parent, pure.stem) == (chosen.parent, chosen.stem)
        and pure.suffix.lower() in SIDECARS
    )
    return folder / f"source{pure.suffix.lower()}" if same else None


def _copy_bounded(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    left = member.file_size  # a header may lie: no more is written than it said
    with archive.open(member) as source, target.open("wb") as out:
        while left > 0 and (block := source.read(min(left, 1 << 20))):
            out.write(block)
            left -= len(block)
