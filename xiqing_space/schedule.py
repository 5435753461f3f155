"""The order in which the stages of a run are made: each as soon as what it waits for is there, on as many places as there are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from xiqing_space.stage_list import Stage, waited_for
from xiqing_space.workplaces import Beside, Doubts, PlaceLostError, Record, RunFacts


class Place(Protocol):
    """Something that makes stages."""

    def make(self, stage: Stage, key: str, doubts: Doubts) -> Record:
        """Make a stage."""


class Schedule:
    """Hands out stages to places; what is made does not depend on who made it, or in which order.

    Parameters
    ----------
    stages : sequence of Stage
        The stages of a run in order; each only waits for earlier ones.
    make : callable
        Stage, the records so far by stage, place -> its record. Called for one stage in each place at a time.
    waits : callable
        Stage -> names of the stages that it waits for; those that are not in this run are taken to be done.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        make: Callable[[Stage, dict[str, Record], Place], Record],
        waits: Callable[[Stage], Sequence[str]] = waited_for,
    ) -> None:
        names = {stage.name for stage in stages}
        self._waits = {stage.name: names.intersection(waits(stage)) for stage in stages}
        self._open = list(stages)
        self._urgency = _ways(stages, self._waits)
        self._make = make
        self._changed = threading.Condition()
        self._made_at: dict[str, Place] = {}
        self._failed: BaseException | None = None
        self.records: dict[str, Record] = {}

    def left(self) -> int:
        """How many stages nobody has begun."""
        return len(self._open)

    def run(self, place: Place) -> None:
        """Make stages at a place until all are done; a fault of any place is raised here."""
        self.work(place)
        if self._failed is not None:
            raise self._failed

    def work(self, place: Place) -> None:
        """Make stages at a place until all are done, or one failed anywhere."""
        while (stage := self._take(place)) is not None:
            try:
                record = self._make(stage, self.records, place)
            except BaseException as error:
                self._put_back(stage, None if isinstance(error, PlaceLostError) else error)
                raise
            with self._changed:
                self.records = {**self.records, stage.name: record}  # others may be reading the one before
                self._made_at[stage.name] = place
                self._changed.notify_all()

    def _put_back(self, stage: Stage, fault: BaseException | None) -> None:
        with self._changed:
            self._open.append(stage)
            self._failed = self._failed or fault
            self._changed.notify_all()

    def _take(self, place: Place) -> Stage | None:
        """The stage to be made next at a place; waits until there is one."""
        with self._changed:
            while self._failed is None and len(self.records) < len(self._waits):
                ready = [one for one in self._open if self._waits[one.name] <= set(self.records)]
                if ready:
                    chosen = min(ready, key=lambda one: self._rank(one, place))
                    self._open.remove(chosen)
                    return chosen
                self._changed.wait(0.5)  # on Windows Ctrl-C does not end a wait without end
            return None

    def _rank(self, stage: Stage, place: Place) -> tuple[bool, int]:
        elsewhere = bool(stage.reuses) and self._made_at.get(stage.reuses) is not place
        return elsewhere, -self._urgency[stage.name]


def _ways(stages: Sequence[Stage], waits: dict[str, set[str]]) -> dict[str, int]:
    """How long the way is from the beginning of each stage to the end of the run, in shares."""
    longest: dict[str, int] = {}
    for stage in reversed(stages):
        later = [way for name, way in longest.items() if stage.name in waits[name]]
        longest[stage.name] = stage.share + max(later, default=0)
    return longest


class Helpers:
    """Processes beside this one that share the work of a schedule; a run with nothing to compute never calls them.

    A helper that the system ends (memory, a virus scanner) is missed by nobody: its stage is made by those that are left.
    """

    def __init__(self, facts: RunFacts, number: int) -> None:
        self._facts = facts
        self._wanted = number
        self._places: list[Beside] = []

    def call(self, schedule: Schedule) -> None:
        """Start them, once."""
        wanted, self._wanted = self._wanted, 0
        for _ in range(wanted):
            with suppress(PlaceLostError):
                place = Beside(self._facts)
                self._places.append(place)
                threading.Thread(target=_help, args=(schedule, place), daemon=True).start()

    def end(self) -> None:
        """End them, whatever they are doing."""
        for place in self._places:
            place.end()


def _help(schedule: Schedule, place: Place) -> None:
    with suppress(BaseException):  # the schedule knows of it, and raises it where the run was begun
        schedule.work(place)
