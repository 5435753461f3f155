"""`xiqing-space verify`: whether a run's files are as they were written, and whether the same data still give the same figures."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ValidationError

from xiqing_space import __version__
from xiqing_space.compare import PROCESSED, compare_indicators, shown_number
from xiqing_space.config import Config, plain
from xiqing_space.errors import InputDataError, InputFileError, XiqingError
from xiqing_space.local_grid import LABEL
from xiqing_space.provenance import code_hash, library_versions, parts_of, read_json, sha256_of, sha256_of_parts

Progress = Callable[[str], None]
_SEARCHED = 20_000  # files looked at in a folder, so that a whole disk is never hashed
_SKIPPED = {".git", ".venv", ".xiqing_space", "node_modules", "__pycache__"}


@dataclass
class Verification:
    """What was found.

    `files`: files of the run that are gone or not as they were written; `inputs`: inputs that are gone or changed; `figures`:
    what no longer comes out the same; `notes`: what explains it; `recomputed`: whether a fresh run was made. All bilingual lines.
    """

    files: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recomputed: bool = False
    checked: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything was checked and nothing differs."""
        return self.recomputed and not (self.files or self.inputs or self.figures)


def verify_run(
    folder: Path, *, config: Path | None = None, look_in: Sequence[Path] = (), progress: Progress = lambda _: None
) -> Verification:
    """Check a run's files against its manifest, and make the run again from its recorded configuration and inputs.

    That a run holds says that nobody changed it and that the same data give the same figures; not that the data are right.

    Parameters
    ----------
    folder : Path
        The --out folder of a run.
    config : Path, optional
        Its configuration file: tells where the inputs lie.
    look_in : sequence of Path
        Folders in which inputs are looked for by their hashes, besides the run's own data/raw and the configuration's folder.
    progress : callable
        Gets one line per step.

    Raises
    ------
    InputFileError
        There is no finished run in the folder.
    InputDataError
        Its record cannot be read.
    """
    home = folder / PROCESSED
    manifest, record = read_json(home / "manifest.json"), read_json(home / "run.json")
    if not home.is_dir() or not (home / "manifest.json").is_file():
        raise InputFileError(
            "这里没有完整的运行结果 / there is no finished run here",
            where=str(folder), todo="给出 run 的 --out 文件夹 / name the --out folder of a run",
        )  # fmt: skip
    if not isinstance(manifest.get("files"), dict) or not isinstance(manifest.get("stages"), dict):
        raise InputDataError(
            "manifest.json 已损坏，无法核对 / manifest.json is broken: nothing can be checked against it",
            where=str(home), todo="重新运行 / run again",
        )  # fmt: skip
    found = Verification()
    _check_files(folder, manifest, found)
    progress(
        f"文件 files: {found.checked}，不符 {len(found.files)} / checked {found.checked}, {len(found.files)} not as written"
    )
    if not isinstance(record.get("config"), dict) or not isinstance(record.get("inputs"), list):
        found.notes.append("run.json 已损坏，不能重新计算 / run.json is broken: the run cannot be made again")
        return found
    _note_versions(record, found)
    with tempfile.TemporaryDirectory(prefix="xiqing_verify_") as name:
        workshop = Path(name)
        paths = _find_inputs(record, workshop, _places(folder, config, look_in, record, workshop), config, found)
        progress(
            f"输入文件 inputs: {len(record['inputs'])}，不符 {len(found.inputs)} / {len(found.inputs)} gone or changed"
        )
        if paths is not None:
            _make_again(folder, manifest, record, workshop, paths, found, progress)
    return found


def _check_files(folder: Path, manifest: dict[str, Any], found: Verification) -> None:
    """Each file that the run wrote, against the hash that it was written with."""
    for name, digest in sorted(manifest["files"].items()):
        if not digest:
            continue
        found.checked += 1
        path = folder / name
        if not path.is_file():
            found.files.append(f"{name}: 文件不存在 / is gone")
        elif sha256_of(path) != digest:
            found.files.append(f"{name}: 内容已被改动 / was changed since it was written")


def _note_versions(record: dict[str, Any], found: Verification) -> None:
    if record.get("code") != code_hash():
        found.notes.append(
            f"程序已不同（{record.get('version')} / {record.get('code')} → {__version__} / {code_hash()}）：数值可能因此改变"
            " / the program is another one: figures may differ for that reason"
        )
    for name, version in library_versions().items():
        if (old := record.get("libraries", {}).get(name)) != version:
            found.notes.append(f"程序库 library {name}: {old} → {version}")


def _places(
    folder: Path, config: Path | None, look_in: Sequence[Path], record: dict[str, Any], workshop: Path
) -> list[Path]:
    """Folders to look for inputs in, the likeliest first. The sample is written anew: it needs no file of anybody."""
    places = [*look_in]
    if record.get("synthetic"):
        from xiqing_space.sample import write_district

        places.append(write_district(workshop / "sample").parent)
    places.append(folder / "data/raw")
    if config is not None:
        places += [config.resolve().parent, config.resolve().parent.parent / "data/raw"]
    places += [folder, folder.resolve().parent]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _find_inputs(
    record: dict[str, Any], workshop: Path, places: Sequence[Path], config: Path | None, found: Verification
) -> dict[str, Path] | None:
    """Role of each input -> a path with the recorded name and content; None where the run cannot be made again."""
    if LABEL in json.dumps(record["config"], ensure_ascii=False):
        found.notes.append(
            "名录使用地方独立坐标系：其参数从不记录，无法重新计算；只核对了文件"
            " / a list is in a local grid, whose parameters are never recorded: the run cannot be made again, only its files were checked"
        )
    named = _named_by(config)
    paths: dict[str, Path] = {}
    for one in record["inputs"]:
        role, name, digest = one["role"], one["file"], one["sha256"]
        path, stranger = _look_for(name, digest, int(one["bytes"]), [*([named[role]] if role in named else [])], places)
        if path is not None:
            paths[role] = path if path.name == name else _under_name(path, name, workshop / "inputs" / role)
        elif stranger is not None:
            found.inputs.append(f"{role}: {name} 内容已改变 / has changed ({stranger})")
        else:
            found.inputs.append(f"{role}: {name} 找不到 / not found (sha256 {digest[:12]}…)")
    if found.inputs:
        found.notes.append(
            "输入文件不全，没有重新计算；用 --inputs 指明文件所在文件夹，或用 --config 指明原设置"
            " / inputs are missing, so nothing was made again; name their folder with --inputs, or the configuration with --config"
        )
    secret = any("parameters are never recorded" in note for note in found.notes)
    return None if found.inputs or secret else paths


def _named_by(config: Path | None) -> dict[str, Path]:
    """Input files that a configuration names, by role; a broken configuration names none."""
    if config is None:
        return {}
    from xiqing_space.config import read_config

    return read_config(config).files()


def _look_for(
    name: str, digest: str, size: int, first: Sequence[Path], places: Sequence[Path]
) -> tuple[Path | None, Path | None]:
    """A file by its hash: where the configuration says, then by name, then under any name; and one that only bears the name."""
    stranger = None
    seen: set[Path] = set()
    for by_name in (True, False):
        for path in (*first, *_files(places)):
            if (path.name == name) != by_name and path not in first:
                continue
            if path in seen or not path.exists():
                continue
            seen.add(path)
            if by_name or _size(path) == size:
                if sha256_of_parts(path) == digest:
                    return path, None
                if by_name:
                    stranger = stranger or path
    return None, stranger


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in parts_of(path))


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """Files, and folders that are one layer (.gdb), in the places and below."""
    for place in places:
        left = _SEARCHED
        for folder, inner, names in os.walk(place):
            layers = [one for one in inner if one.lower().endswith(".gdb")]
            inner[:] = sorted(one for one in inner if one not in _SKIPPED and one not in layers)
            for one in sorted((*names, *layers)):
                yield Path(folder) / one
            left -= len(names)
            if left < 0:
                break


def _under_name(path: Path, name: str, folder: Path) -> Path:
    """An input under the name that it had: links to it and to what belongs to it."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, old = Path(name).stem, path.stem
    for part in [path] if path.is_dir() else parts_of(path):
        target = folder / (name if part == path else stem + part.name[len(old) :])
        try:
            target.symlink_to(part.resolve(), target_is_directory=part.is_dir())
        except OSError:  # Windows lets not everybody make links
            shutil.copytree(part, target) if part.is_dir() else shutil.copyfile(part, target)
    return folder / name


def _make_again(
    folder: Path, manifest: dict[str, Any], record: dict[str, Any], workshop: Path, paths: dict[str, Path], found: Verification,
    progress: Progress,
) -> None:  # fmt: skip
    """A fresh run in a folder of its own, and what differs from the old one."""
    from xiqing_space.pipeline import run
    from xiqing_space.stage_list import STAGES

    settings = {name: value for name, value in record["config"].items() if name in Config.model_fields}
    try:
        text = _toml(_with_paths(Config.model_validate(settings), paths))
    except ValidationError as error:
        found.notes.append(
            f"记录的设置已不被当前版本接受，无法重新计算 / this version no longer takes the recorded configuration: {error.error_count()}"
        )
        return
    written = workshop / "config" / "recorded.toml"
    written.parent.mkdir()
    written.write_text(text, encoding="utf-8")
    made = [stage.name for stage in STAGES if stage.name in manifest["stages"]]
    progress("重新计算 / making the run again")
    try:
        run(written, workshop / "out", only=made, progress=lambda line: progress(f"  {line}"))
    except XiqingError as error:
        found.notes.append(f"重新计算未能完成 / the run could not be made again: {error}")
        return
    found.recomputed = True
    _compare_files(folder, manifest, workshop / "out", found)


def _with_paths(value: Any, paths: dict[str, Path], role: str = "") -> Any:
    """The recorded configuration as plain values, with each file's path in place of its name; roles as `Config.named_files` has them."""
    from xiqing_space.sections import AreaConfig, SourcesConfig

    if isinstance(value, Path):
        return str(paths[role].absolute()) if role in paths else str(value)
    if isinstance(value, BaseModel):
        outer = "" if isinstance(value, (Config, AreaConfig, SourcesConfig)) else role
        fields = {}
        for name in type(value).model_fields:
            inner = outer if name == "file" else f"{outer}.{name}" if outer else name
            fields[name] = _with_paths(getattr(value, name), paths, inner)
        return {name: one for name, one in fields.items() if one is not None and one != {} and (one != [] or role)}
    if isinstance(value, tuple) and any(isinstance(one, (Path, BaseModel)) for one in value):
        return [_with_paths(one, paths, f"{role}-{number}") for number, one in enumerate(value, 1)]
    return plain(value)


def _toml(value: Any) -> str:
    """A configuration as TOML: sections of plain values, everything deeper inline."""
    lines = []
    for name, section in value.items():
        if name == "fetch":
            continue
        if isinstance(section, dict):
            lines += [f"[{name}]", *(f"{json.dumps(key)} = {_inline(one)}" for key, one in section.items())]
        else:
            lines.insert(0, f"{name} = {_inline(section)}")
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_inline(one)}" for key, one in value.items())
            + " }"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(one) for one in value) + "]"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _compare_files(folder: Path, manifest: dict[str, Any], fresh: Path, found: Verification) -> None:
    """Files that the fresh run wrote otherwise; of the table of figures, which."""
    new = read_json(fresh / PROCESSED / "manifest.json")["files"]
    old = manifest["files"]
    figures = f"{PROCESSED}/indicators.parquet"
    apart = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    for name in apart:
        if name not in new or name not in old:
            text = "重新计算后没有 / the fresh run has none" if name not in new else "原运行没有 / the old run has none"
            found.figures.append(f"{name}: {text}")
        elif name == figures:
            found.figures += _figures(folder / name, fresh / name)
        elif name.endswith(".parquet"):
            found.figures.append(f"{name}: {_rows(folder / name, fresh / name)}")
        elif name != f"{PROCESSED}/indicators.csv":
            found.figures.append(f"{name}: 重新生成后不同 / comes out otherwise")
    if not apart:
        found.notes.append("重新计算的每个文件逐字节相同 / every file came out byte for byte the same")


def _rows(old: Path, new: Path) -> str:
    counts = []
    for path in (old, new):
        rows = "?"
        with suppress(OSError, ValueError):
            rows = str(len(pd.read_parquet(path, columns=[])))
        counts.append(rows)
    return f"内容不同（{counts[0]} → {counts[1]} 行）/ differs ({counts[0]} → {counts[1]} rows)"


def _figures(old: Path, new: Path) -> list[str]:
    """Figures that are not what they were; ids of evidence name the whole run and are left aside."""
    try:
        rows = compare_indicators(pd.read_parquet(old), pd.read_parquet(new))
    except (OSError, ValueError, KeyError):
        return [f"{PROCESSED}/{old.name}: 无法读取 / cannot be read"]
    lines = [
        f"{row['label_zh']}（{row['zone_name']}）: {shown_number(row['value_a'], row['unit_a'])} → "
        f"{shown_number(row['value_b'], row['unit_b'])}"
        for row in rows[rows["state"] != "same"].to_dict("records")
    ]  # fmt: skip
    return [f"指标 figure: {line}" for line in lines] or [
        f"{PROCESSED}/{old.name}: 只有证据编号等不同 / only ids of evidence and the like differ"
    ]


def report_lines(found: Verification, most: int = 20) -> list[str]:
    """The outcome as lines of text."""
    lines = []
    parts = (("文件 files", found.files), ("输入 inputs", found.inputs), ("不再成立 no longer holds", found.figures))
    for head, mine in parts:
        lines += [f"{head}: {one}" for one in mine[:most]]
        if len(mine) > most:
            lines.append(f"{head}: … 共 {len(mine)} 项 / {len(mine)} in all")
    lines += [f"说明 note: {note}" for note in found.notes]
    if found.holds:
        lines.append(
            "结论：成立，文件未被改动，重新计算结果相同 / it holds: nothing was changed, and the same figures come out"
        )
    elif found.files or found.figures or found.inputs:
        lines.append("结论：不成立，见上 / it does not hold, see above")
    else:
        lines.append("结论：只核对了文件，未能重新计算 / only the files were checked; the run was not made again")
    return lines
