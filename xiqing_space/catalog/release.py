"""release.toml: what a public release may hold."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field


class ReleaseRules(BaseModel):
    """The rules of release.toml; `columns` names every table that may be published, and the columns that are left out of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell_m: float = Field(gt=0)
    least_homes: int = Field(ge=2)
    share_step: float = Field(gt=0, lt=0.5)
    least_flow_share: float = Field(ge=0, lt=1)
    whole: float = Field(gt=0.5, le=1)
    half: float = Field(gt=0, le=1)
    private_kinds: tuple[str, ...]
    private_words: str
    sensitive_words: str
    withheld_treatments: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]

    @property
    def unnamed(self) -> str:
        """What no name or sentence of a public release may hold, as one regular expression."""
        return f"(?i){self.private_words}|{self.sensitive_words}"


@cache
def load_release() -> ReleaseRules:
    """The rules that ship with this version."""
    return ReleaseRules(**tomllib.loads(resources.files(__package__).joinpath("release.toml").read_text("utf-8")))
