"""Reads cohort.toml: how ages are moved on, and the household size that stands in where none is stated."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.errors import CatalogueError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Frozen):
    """A low, a middle and a high value."""

    low: float
    mid: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low <= self.mid <= self.high:
            raise ValueError(f"{self.low}, {self.mid}, {self.high} are not in order")
        return self


class _Stated(_Frozen):
    status: Literal["in_force", "proposal"]
    zh: str
    en: str


class _Births(_Stated):
    yearly_change: Range


class _Stay(_Stated):
    yearly_factor: Range


class _Limits(_Stated):
    max_years: int = Field(gt=0)


class _Household(_Stated):
    mean_size: float = Field(gt=1, lt=10)


class CohortRules(_Frozen):
    """Assumptions of ageing, all of them proposals for a planner to replace."""

    births: _Births
    stay: _Stay
    limits: _Limits
    household: _Household


@cache
def load_cohort() -> CohortRules:
    """The assumptions that ship with this version.

    Raises
    ------
    CatalogueError
        The file contradicts itself.
    """
    try:
        return CohortRules(**tomllib.loads(resources.files(__package__).joinpath("cohort.toml").read_text("utf-8")))
    except ValidationError as error:
        raise CatalogueError(str(error)) from error
