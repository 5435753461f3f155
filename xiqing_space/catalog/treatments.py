"""Reads treatments.toml: what may be done to a crossing, a stretch or a gate, and what that changes in the score."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.errors import CatalogueError

Control = Literal["none", "marked", "signals", "grade_separated"]
Sidewalk = Literal[
    "barrier", "separated_3m", "separated_1_3m", "separated_0_1m", "informal_wide", "informal_narrow", "none"
]
Target = Literal["crossing", "edge", "gate"]
_CHANGES: dict[str, frozenset[str]] = {  # what a treatment of each reach may set
    "place": frozenset({"control", "island", "raised", "guard", "step_free"}),
    "junction": frozenset({"control", "island", "raised", "guard"}),
    "gate": frozenset({"guard"}),
    "street": frozenset({"speed_kmh", "sidewalk", "lit", "calming"}),
    "none": frozenset(),
}
_REACHES: dict[str, tuple[str, ...]] = {
    "crossing": ("place", "junction"),
    "edge": ("street",),
    "gate": ("gate", "none"),
}
_CONDITIONS = {"edge": {"control", "island", "raised", "guard", "over_lanes", "over_width_m"}, "crossing": {"sidewalk"},
               "gate": {"sidewalk"}}  # fmt: skip


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Frozen):
    """Attributes after the work; None: as they are."""

    control: Control | None = None
    island: Literal[True] | None = None
    raised: Literal[True] | None = None
    guard: Literal[True] | None = None
    step_free: Literal[True] | None = None
    speed_kmh: float | None = Field(default=None, gt=0, le=60)
    sidewalk: Sidewalk | None = None
    lit: Literal[True] | None = None
    calming: Literal[True] | None = None

    @property
    def stated(self) -> dict[str, Any]:
        """What is set."""
        return self.model_dump(exclude_none=True)


class Only(_Frozen):
    """Where a work makes sense: every condition that is given must hold; empty: everywhere."""

    control: tuple[Control, ...] = ()
    sidewalk: tuple[Sidewalk, ...] = ()
    island: bool | None = None
    raised: bool | None = None
    guard: bool | None = None
    lit: bool | None = None
    arterial: bool | None = None
    most_speed_kmh: float | None = Field(default=None, gt=0)
    over_speed_kmh: float | None = Field(default=None, gt=0)
    over_lanes: int | None = Field(default=None, ge=1)
    over_width_m: float | None = Field(default=None, gt=0)
    roads: tuple[str, ...] = ()
    not_roads: tuple[str, ...] = ()

    @property
    def stated(self) -> set[str]:
        """Names of the conditions that are given."""
        return {name for name, value in self if value not in (None, ())}


class Treatment(_Frozen):
    """One work. `reach`: what is changed with the target; `note`: why, and where not."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    target: Target
    reach: Literal["place", "junction", "street", "gate", "none"]
    cost: Literal["low", "middle", "high"]
    term: Literal["near", "middle", "far"]
    status: Literal["proposal"]
    note: str = Field(min_length=1)
    sets: Change
    only: Only

    @model_validator(mode="after")
    def _fits(self) -> Treatment:
        if self.reach not in _REACHES[self.target]:
            raise ValueError(f"{self.id}: a work on a {self.target} cannot reach {self.reach!r}")
        if wrong := set(self.sets.stated) - _CHANGES[self.reach]:
            raise ValueError(f"{self.id}: it cannot set {sorted(wrong)}")
        if not self.sets.stated and self.reach != "none":
            raise ValueError(f"{self.id}: it changes nothing")
        if wrong := self.only.stated & _CONDITIONS[self.target]:
            raise ValueError(f"{self.id}: {sorted(wrong)} are no conditions for a {self.target}")
        low, high = self.only.over_speed_kmh, self.only.most_speed_kmh
        if low is not None and high is not None and low >= high:
            raise ValueError(f"{self.id}: no speed lies over {low} and within {high}")
        return self


class ListRules(_Frozen):
    """How the list is made: `bad` classes, how far from its gate a guard works (`guard_m`), length of stretches."""

    name_zh: str = Field(min_length=1)
    name_en: str = Field(min_length=1)
    length: int = Field(ge=1, le=200)
    bad: tuple[Literal["medium", "high", "very_high"], ...] = Field(min_length=1)
    guard_m: float = Field(gt=0, le=200)
    stretch_m: float = Field(ge=50, le=5000)
    least_stretch_m: float = Field(ge=0, le=50)


class Treatments(_Frozen):
    """Everything of treatments.toml."""

    list: ListRules
    treatment: tuple[Treatment, ...]

    @model_validator(mode="after")
    def _once(self) -> Treatments:
        ids = [one.id for one in self.treatment]
        if len(set(ids)) < len(ids):
            raise ValueError("a treatment is given twice")
        return self

    def on(self, target: Target) -> tuple[Treatment, ...]:
        """The works on crossings, edges or gates."""
        return tuple(one for one in self.treatment if one.target == target)


def read_treatments(text: str) -> Treatments:
    """The works of a TOML text.

    Raises
    ------
    CatalogueError
        It contradicts itself.
    """
    try:
        return Treatments(**tomllib.loads(text))
    except ValidationError as error:
        raise CatalogueError(str(error)) from error


@cache
def load_treatments() -> Treatments:
    """The works that ship with this version."""
    return read_treatments(resources.files(__package__).joinpath("treatments.toml").read_text(encoding="utf-8"))
