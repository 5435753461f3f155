"""Reads departments.toml and checkup.toml: who is asked what, when a source is usable, when a zone's streets are unfinished."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xiqing_space.catalog.load import load_catalogue
from xiqing_space.errors import CatalogueError

DEFAULT_DEPARTMENT = "planning"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Department(_Frozen):
    """An office that is asked: about facilities of its kinds, and about its checks (`*` stands for any ending)."""

    id: str
    zh: str
    en: str
    kinds: tuple[str, ...]
    checks: tuple[str, ...]


class Ask(_Frozen):
    """How an answer to a check is meant: the fields it is about, and whether 属实 or 有误 by itself closes the doubt."""

    check: str
    fields: tuple[Literal["name", "kind", "status", "operator", "capacity_places", "place"], ...]
    confirm: Literal["settles", "stays"]
    deny: Literal["settles", "stays"] = "stays"
    zh: str
    en: str


class Number(_Frozen):
    """A number that a planner may question, with why it is what it is."""

    value: float = Field(gt=0)
    unit: str
    zh: str
    en: str


class Completeness(_Frozen):
    """When a zone's streets are plainly unfinished."""

    cell_m: Number
    far_m: Number
    least_of_median: Number
    share_without: Number
    share_without_alone: Number
    min_homes: Number
    min_zones: Number


class Lights(_Frozen):
    """Checks that mean a contradiction, and remarks that mean a gap."""

    contradictions: tuple[str, ...]
    gaps: tuple[str, ...]
    shown: int = Field(ge=1, le=10)


class CheckupRules(_Frozen):
    """Everything of the two files."""

    departments: tuple[Department, ...]
    not_asked: tuple[str, ...]
    gaps: dict[str, tuple[str, ...]]
    asks: tuple[Ask, ...]
    words: dict[str, dict[str, tuple[str, ...]]]
    lights: Lights
    completeness: Completeness

    def department(self, check: str, kind: str | None = None) -> Department:
        """Who is asked: the office of the facility's kind, else the first whose checks fit."""
        if kind is not None:
            for one in self.departments:
                if kind in one.kinds:
                    return one
        return next(one for one in self.departments if fits(check, one.checks))

    def ask(self, check: str) -> Ask | None:
        """How an answer to this check is meant, where the catalogue says."""
        return next((one for one in self.asks if fnmatchcase(check, one.check)), None)


def fits(check: str, patterns: tuple[str, ...]) -> bool:
    """Whether a check is one of the names, in which `*` stands for anything."""
    return any(fnmatchcase(check, pattern) for pattern in patterns)


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


@cache
def load_checkup() -> CheckupRules:
    """The rules that ship with this version.

    Raises
    ------
    CatalogueError
        A file contradicts itself, names an unknown kind, or leaves a check without anybody to ask.
    """
    offices, rules = _toml("departments.toml"), _toml("checkup.toml")
    try:
        found = CheckupRules(
            departments=offices["department"], not_asked=offices["sheets"]["not_asked"], gaps=offices["gaps"],
            asks=offices["ask"], words=offices["words"], lights=rules["lights"], completeness=rules["completeness"],
        )  # fmt: skip
    except ValidationError as error:
        raise CatalogueError(str(error)) from error
    kinds = [kind for one in found.departments for kind in one.kinds]
    if twice := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        raise CatalogueError(f"departments.toml: kinds with two departments {twice}")
    known = set(load_catalogue().kinds)
    if unknown := sorted({*kinds, *(kind for group in found.gaps.values() for kind in group)} - known):
        raise CatalogueError(f"departments.toml: unknown kinds {unknown}")
    if found.departments[-1].id != DEFAULT_DEPARTMENT or "*" not in found.departments[-1].checks:
        raise CatalogueError("departments.toml: the last department must take every check")
    return found
