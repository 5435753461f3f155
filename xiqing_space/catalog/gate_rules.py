"""Reads gate_rules.toml: what a school gate and the street before it are held against, and by whose word."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.errors import CatalogueError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GateRule(_Frozen):
    """One rule. `within_m` along the street from the gate's foot; `roads`: streets on which the document itself binds."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    unit: str
    limit: float = Field(ge=0)
    direction: Literal["at_most", "at_least", "from", "none"]
    within_m: float = Field(ge=0, le=500)
    kinds: tuple[str, ...] = Field(min_length=1)
    gates: Literal["student", "any"]
    roads: tuple[str, ...]
    what: tuple[str, ...] = ()
    document: str = Field(min_length=1)
    clause: str
    wording: Literal["应", "宜", "可", ""]
    status: Literal["in_force", "plan", "superseded", "other_place", "proposal"]
    seen: Literal["V", "V2", "U", "P"]
    source: str
    binds_new_only: bool
    public: bool

    @model_validator(mode="after")
    def _no_unseen_clause(self) -> GateRule:
        if self.clause and self.seen not in ("V", "V2"):
            raise ValueError(f"{self.id}: a clause that was not seen may not be stored")
        if self.status == "in_force" and self.seen not in ("V", "V2"):
            raise ValueError(f"{self.id}: a rule whose text was not seen may not be called in force")
        return self

    @property
    def gives_verdict(self) -> bool:
        """Only a rule in force whose wording (应 / 宜 / 可) was seen, or the district's own plan, and never a mere prompt."""
        return self.direction != "none" and (
            self.status == "plan" or (self.status == "in_force" and bool(self.wording))
        )


class StreetRules(_Frozen):
    """How the street of a gate is found, and how far to look."""

    foot_reach_m: float = Field(gt=0, le=250)
    crossing_search_m: float = Field(gt=0)
    junction_search_m: float = Field(gt=0)
    junction_skips: tuple[str, ...]
    main_roads: tuple[str, ...]
    main_ref: str
    link_max_m: float = Field(gt=0, le=250)
    nearest: int = Field(ge=1, le=20)

    @model_validator(mode="after")
    def _readable(self) -> StreetRules:
        try:
            re.compile(self.main_ref)
        except re.error as error:
            raise ValueError(f"main_ref {self.main_ref!r} is no regular expression") from error
        return self


class GateRules(_Frozen):
    """Everything of gate_rules.toml."""

    streets: StreetRules
    rule: tuple[GateRule, ...]

    @model_validator(mode="after")
    def _once(self) -> GateRules:
        ids = [rule.id for rule in self.rule]
        if len(set(ids)) < len(ids):
            raise ValueError("a rule is given twice")
        return self

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of school that any rule is for."""
        return frozenset(kind for rule in self.rule for kind in rule.kinds)


def read_gate_rules(text: str) -> GateRules:
    """The rules of a TOML text.

    Raises
    ------
    CatalogueError
        It contradicts itself.
    """
    try:
        return GateRules(**tomllib.loads(text))
    except ValidationError as error:
        raise CatalogueError(str(error)) from error


@cache
def load_gate_rules() -> GateRules:
    """The rules that ship with this version."""
    return read_gate_rules(resources.files(__package__).joinpath("gate_rules.toml").read_text(encoding="utf-8"))
