"""Reads capacity.toml: kinds whose supply is measured, places where only classes are known, weights by distance."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.errors import CatalogueError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlaceRule(_Frozen):
    """What stands in where a facility of a kind names its classes but no places. `limit_m`: distance where no standard has one."""

    kind: str
    class_size: float = Field(gt=0, lt=100)
    years: int | None = Field(default=None, gt=0, le=12)
    limit_m: float | None = Field(default=None, gt=0)
    limit_document: str = ""
    document: str
    clause: str
    seen: Literal["V", "V2", "U", "P"]
    source: str

    @model_validator(mode="after")
    def _no_unseen_clause(self) -> PlaceRule:
        if self.clause and self.seen not in ("V", "V2"):
            raise ValueError(f"{self.kind}: a clause that was not seen may not be stored")
        if (self.limit_m is None) == bool(self.limit_document):
            raise ValueError(f"{self.kind}: a distance needs a word on where it comes from")
        return self


class Weights(_Frozen):
    """How much a child counts by distance: of e2sfca the weights of equal bands of the limit, the nearest first."""

    e2sfca: tuple[float, ...] = Field(min_length=1)
    source: str
    seen: Literal["V", "V2", "U", "P"]

    @model_validator(mode="after")
    def _fall(self) -> Weights:
        if not all(0 < weight <= 1 for weight in self.e2sfca) or list(self.e2sfca) != sorted(self.e2sfca, reverse=True):
            raise ValueError(f"weights {self.e2sfca} must lie in (0, 1] and never grow with distance")
        return self


class CapacityRules(_Frozen):
    """Everything of capacity.toml."""

    place: tuple[PlaceRule, ...]
    weights: Weights

    @model_validator(mode="after")
    def _once(self) -> CapacityRules:
        kinds = [rule.kind for rule in self.place]
        if len(set(kinds)) < len(kinds):
            raise ValueError("a kind has two rules for its places")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds whose supply is measured."""
        return tuple(rule.kind for rule in self.place)

    def of(self, kind: str) -> PlaceRule | None:
        """The rule of a kind."""
        return next((rule for rule in self.place if rule.kind == kind), None)


@cache
def load_capacity() -> CapacityRules:
    """The rules that ship with this version.

    Raises
    ------
    CatalogueError
        The file contradicts itself.
    """
    text = resources.files(__package__).joinpath("capacity.toml").read_text(encoding="utf-8")
    try:
        return CapacityRules(**tomllib.loads(text))
    except ValidationError as error:
        raise CatalogueError(str(error)) from error
