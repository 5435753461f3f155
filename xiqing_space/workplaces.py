"""Where a stage is made: in this process, or in one beside it. Both leave their tables in the run's folder."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiqing_space.config import Config
from xiqing_space.memory import collection_paused, give_back
from xiqing_space.provenance import sha256_of
from xiqing_space.stage_list import Stage

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from xiqing_space.stages import Context

PROCESSED = "data/processed"
Record = dict[str, Any]  # of a stage: its key, files with hashes, doubts, and what run.json says of it
Doubts = list[dict[str, str]]


class PlaceLostError(Exception):
    """The process beside this one is gone: it could not be started, or the system ended it."""


@dataclass(frozen=True)
class RunFacts:
    """What every stage of a run may know; small enough to be sent to another process."""

    config: Config
    records: list[dict[str, Any]]
    synthetic: bool
    run_key: str
    folder: Path


def open_context(facts: RunFacts) -> Context:
    """What the stages of one process share: the tables that it has read, and the doubts that it found."""
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.stages import Context
    from xiqing_space.store import Store

    return Context(facts.config, facts.config.catalogue(), Store(facts.folder / PROCESSED), Quality(), facts.synthetic,
                   facts.run_key, facts.folder / "maps", facts.folder / "reports", facts.records, [])  # fmt: skip


class Here:
    """Stages made in the process that asks for them."""

    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        self._context: Context | None = None

    def make(self, stage: Stage, key: str, doubts: Doubts) -> Record:
        """Make a stage; `doubts`: those of the stages before it."""
        from xiqing_space import stages

        context = self._context = self._context or open_context(self._facts)
        context.doubts[:] = doubts
        folder, found = self._facts.folder, len(context.quality.rows)
        with context.store.written_meanwhile():
            info = getattr(stages, stage.name)(context)
        give_back()
        files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in _files(stage, folder)}
        return {"key": key, "files": files, "quality": context.quality.rows[found:], "info": info}


def _files(stage: Stage, folder: Path) -> list[Path]:
    """The files of a stage, by name: another one may be writing its own now, and a process that was lost may have left half of these."""
    patterns = (*(f"{PROCESSED}/{name}.parquet" for name in stage.leaves), *stage.writes)
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


class Beside:
    """A process beside this one, which makes one stage after another; it is started at once, so that it is ready when asked.

    Started afresh (`spawn`) on every system: a copy of a process with threads may hang.
    """

    def __init__(self, facts: RunFacts) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._ours, theirs = fresh.Pipe()
        self._process = fresh.Process(target=_serve, args=(theirs, facts), daemon=True)
        try:
            self._process.start()
        except OSError as error:
            raise PlaceLostError from error
        theirs.close()

    def make(self, stage: Stage, key: str, doubts: Doubts) -> Record:
        """Make a stage there; a fault of the stage is raised here.

        Raises
        ------
        PlaceLostError
            The process is gone.
        """
        try:
            self._ours.send((stage, key, doubts))
            found = self._ours.recv()
        except (EOFError, OSError) as error:
            raise PlaceLostError from error
        if isinstance(found, BaseException):
            raise found
        return dict(found)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.terminate()
        self._process.join()
        self._ours.close()


def _serve(asked: Connection, facts: RunFacts) -> None:
    """The process beside: make what is asked for until nobody asks any more."""
    import signal
    import traceback
    import warnings

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the user sees; it ends this one
    here = Here(facts)
    with collection_paused(), warnings.catch_warnings():
        import matplotlib.figure  # noqa: F401  (what takes long to import, while the extract is being read next door)

        from xiqing_space import maps, stages  # noqa: F401

        while True:
            try:
                stage, key, doubts = asked.recv()
            except EOFError:
                return
            try:
                asked.send(here.make(stage, key, doubts))
            except Exception as error:
                error.add_note(
                    traceback.format_exc()
                )  # the lines are lost on the way, and a user is asked to report them
                asked.send(error)
