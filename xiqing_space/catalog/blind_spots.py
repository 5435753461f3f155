"""Reads blind_spots.toml: how homes beyond the default limit are gathered into blind spots."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import ValidationError

from xiqing_space.catalog.checkup import Number, _Frozen
from xiqing_space.errors import CatalogueError


class BlindSpotRules(_Frozen):
    """Numbers that a planner may question, each with why it is what it is."""

    near_m: Number
    floor_children: Number
    floor_share: Number
    core_part: Number
    longest_m: Number
    round_home_m: Number
    name_within_m: Number

    def floor(self, weight_kind: str, total: float) -> float:
        """Fewest children of a blind spot, of a kind that is for `total` children; of relative weights a share of them."""
        return self.floor_children.value if weight_kind == "persons" else self.floor_share.value * total


@cache
def load_blind_spots() -> BlindSpotRules:
    """The rules that ship with this version.

    Raises
    ------
    CatalogueError
        A number is missing, unknown or not above zero.
    """
    text = resources.files(__package__).joinpath("blind_spots.toml").read_text(encoding="utf-8")
    try:
        return BlindSpotRules(**tomllib.loads(text))
    except ValidationError as error:
        raise CatalogueError(str(error)) from error
