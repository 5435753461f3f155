"""What a run rests on: hashes of inputs and code, the stage manifest, run.json, and the swap that puts a run in place whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from xiqing_space import __version__
from xiqing_space.errors import OutputError

LIBRARIES = ("folium", "geopandas", "numpy", "osmium", "pandas", "pyarrow", "pyogrio", "pyproj", "scipy", "shapely")
RUN_PARTS = ("data/processed", "maps", "reports")
_WORK = ".xiqing_space"
_FILLED = "（已填写）"  # what a user wrote into one of our workbooks, kept beside the new one
_BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".sbn", ".sbx"),
    ".tif": (".tfw", ".prj"), ".tiff": (".tfw", ".tifw", ".prj"),
}  # fmt: skip


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parts_of(path: Path) -> list[Path]:
    """The files that an input consists of: all of a folder (.gdb), a file and what belongs to it beside it (.dbf, .prj …)."""
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file() and one.suffix.lower() != ".lock")
    ends = {path.name.lower() + end for end in (".aux.xml", "-wal")}
    ends |= {path.stem.lower() + end for end in _BESIDE.get(path.suffix.lower(), ())}
    return [path, *sorted(one for one in path.parent.iterdir() if one != path and one.name.lower() in ends)]


def sha256_of_parts(path: Path) -> str:
    """SHA-256 of an input with all its parts; that of the file where it is one file."""
    parts = parts_of(path)
    if parts == [path]:
        return sha256_of(path)
    base = path if path.is_dir() else path.parent
    lines = [f"{one.relative_to(base).as_posix()} {sha256_of(one)}" for one in parts]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def hash_of(value: Any) -> str:
    """A short hash of anything that JSON can hold."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code_hash() -> str:
    """Hash of the package's own files, so that another version never takes over earlier stages."""
    root = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml", ".csv", ".js", ".css"):
            found.update(path.relative_to(root).as_posix().encode())
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that figures depend on."""
    return {name: metadata.version(name) for name in LIBRARIES}


def write_json(path: Path, value: Any) -> None:
    """Readable, sorted, the same bytes for the same value."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where the file is absent or broken (then nothing is taken over)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class RunFolder:
    """A run's folder: written beside the old run and swapped in whole.

    Parameters
    ----------
    out : Path
        Holds `data/processed`, `maps` and `reports`. Files in them that no run wrote are kept.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.work = out / _WORK
        self.new = self.work / "new"
        self.old = self.work / "old"
        self._marker = self.work / "swapping"

    def open(self) -> None:
        """Make an empty folder for the new run; mend a swap that was cut short."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._mend()
            shutil.rmtree(self.new, ignore_errors=True)
            for part in RUN_PARTS:
                (self.new / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.out, error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: a second run on it at the same time would mix two districts.

        The operating system lets go of the lock when the program dies.

        Raises
        ------
        OutputError
            Another run holds it, or the folder cannot be written.
        """
        path = self.out / ".xiqing_space.lock"
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            file = path.open("a")
        except OSError as error:
            raise cannot_write(self.out, error) from error
        with file:
            try:
                if sys.platform == "win32":
                    import msvcrt

                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OutputError(
                    "另一个运行正在使用该文件夹 / another run is using this folder",
                    where=str(self.out),
                    todo="等它结束，或换一个 --out / wait for it, or name another --out",
                ) from error
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file; an empty one left over does no harm
                    path.unlink()

    def close(self) -> None:
        """Remove the working folder; where a swap could not be undone it stays, and the next `open` mends it."""
        if not self._marker.exists():
            shutil.rmtree(self.work, ignore_errors=True)

    def swap(self) -> list[str]:
        """Put the new run in place of the old one; on a failure the old one stays.

        Returns
        -------
        list of str
            Names under which reports were kept that the user had changed.
        """
        written = self.written()
        kept: list[str] = []
        try:
            for part in RUN_PARTS:
                if (self.out / part).exists() and not (self.out / part).is_dir():
                    raise FileExistsError(f"{part} 是文件，应为文件夹 / {part} is a file where a folder is needed")
                kept += self._keep_foreign(part, written)
            self._marker.write_text("", encoding="utf-8")
            for part in RUN_PARTS:
                if (self.out / part).exists():
                    (self.old / part).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(self.out / part, self.old / part)
                (self.out / part).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.new / part, self.out / part)
            self._marker.unlink()
        except OSError as error:
            self._put_back()
            raise cannot_write(self.out, error) from error
        except BaseException:  # Ctrl-C in the middle of it
            self._put_back()
            raise
        self.close()
        return kept

    def written(self) -> dict[str, str]:
        """Files of the run that is in place, with the hashes that they were written with."""
        files = read_json(self.out / "data/processed/manifest.json").get("files", {})
        return dict(files) if isinstance(files, dict) else {}

    def _put_back(self) -> None:
        """Undo a swap, however far it got: a part that left `new` is in place, and its forerunner, if any, is in `old`."""
        if not self._marker.exists():
            return
        for part in RUN_PARTS:
            if (self.old / part).exists():
                shutil.rmtree(self.out / part, ignore_errors=True)
                os.replace(self.old / part, self.out / part)
            elif not (self.new / part).exists():
                shutil.rmtree(self.out / part, ignore_errors=True)
        self._marker.unlink(missing_ok=True)

    def _mend(self) -> None:
        self._put_back()
        shutil.rmtree(self.old, ignore_errors=True)

    def _keep_foreign(self, part: str, written: dict[str, str]) -> list[str]:
        """Take along what a user put into the folder: what the earlier run did not write, and reports changed since.

        An office fills in the workbook of questions where it finds it; the new one must not bury the answers.
        """
        source, kept = self.out / part, []
        for path in sorted(source.rglob("*")) if source.exists() else []:
            name = path.relative_to(self.out).as_posix()
            target = self.new / name
            if part == "reports" and written.get(name) and path.is_file() and not path.is_symlink():
                if (digest := sha256_of(path)) not in (written[name], sha256_of(target) if target.is_file() else ""):
                    kept += self._keep_filled(path, target, digest)
                continue
            if name in written or target.exists():
                continue
            if path.is_dir() and not path.is_symlink():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target, follow_symlinks=False)
        return kept

    def _keep_filled(self, path: Path, target: Path, digest: str) -> list[str]:
        """A changed report under a name of its own; none twice."""
        number = 1
        while True:
            name = f"{path.stem}{_FILLED}{number if number > 1 else ''}{path.suffix}"
            earlier, place = path.with_name(name), target.with_name(name)
            if earlier.is_file() and sha256_of(earlier) == digest:
                return []
            if not earlier.exists() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)
                return [place.relative_to(self.new).as_posix()]
            number += 1


def cannot_write(out: Path, error: OSError) -> OutputError:
    """An operating system's error while writing, as something that the user can mend."""
    return OutputError(
        f"无法写入结果 / results cannot be written: {error.strerror or error}",
        where=str(out),
        todo="检查文件夹权限与磁盘空间，关闭正在打开的结果文件 / check rights and space, and close result files that are open",
    )


def run_record(config: dict[str, Any], inputs: list[dict[str, Any]], synthetic: bool) -> dict[str, Any]:
    """The head of run.json: version, configuration as resolved, inputs with hashes, libraries."""
    return {
        "program": "xiqing_space",
        "version": __version__,
        "code": code_hash(),
        "config": config,
        "inputs": inputs,
        "synthetic": synthetic,
        "libraries": library_versions(),
    }
