"""What the tags of one way say of a walk along it. None is what they do not say; what cannot be read, or contradicts itself, is noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from xiqing_space.safety.units import plain, read_flag, read_lanes, read_length_m, read_oneway, read_speed_kmh

T = TypeVar("T")
SURFACES = ("good", "medium", "poor", "unsealed_good", "unsealed_poor")  # from the best
PARKING = ("none", "one", "both")
KERBSIDE, BARRIER, NO_WALK = "separated_0_1m", "barrier", "none"
DRAWN = "drawn"  # a sidewalk drawn as a way of its own
_MOST_WIDE_M, _MOST_WALK_M = 100.0, 30.0
_SIDEWALK = {
    "both": ("yes", "yes"), "yes": ("yes", "yes"), "left": ("yes", "no"), "right": ("no", "yes"), "no": ("no", "no"), "none": ("no", "no"),
    "separate": (DRAWN, DRAWN), "left;right": ("yes", "yes"), "right;left": ("yes", "yes"),
}  # fmt: skip
_ONE_SIDE = {"yes": "yes", "no": "no", "none": "no", "separate": DRAWN}


@dataclass(frozen=True)
class WayTags:
    """What one way's tags say, in the units of `street_attributes`."""

    speed_kmh: float | None = None
    lanes_total: int | None = None
    lanes_per_dir: int | None = None
    oneway: bool | None = None
    direction: int = 0
    carriageway_width_m: float | None = None
    lit: bool | None = None
    surface: str | None = None
    parking: str | None = None
    calming: bool | None = None
    median: str | None = None
    sidewalk_left: str | None = None
    sidewalk_right: str | None = None
    sidewalk_width_m: float | None = None
    roundabout: bool = False
    is_sidewalk: bool = False
    is_crossing: bool = False


@dataclass
class TagReader:
    """Reads the tags of one way by the catalogue's rules, and keeps a list of what is wrong with them.

    Parameters
    ----------
    tags : dict of str to str
        Tags of the way.
    motor : bool
        Whether it is a motor road; of ways for walkers only light, surface and width are read.
    motorway : bool
        Whether its class is one-way by itself.
    rules : dict
        The catalogue's `safety`.
    """

    tags: dict[str, str]
    motor: bool
    motorway: bool
    rules: dict[str, Any]
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    @cached_property
    def _words(self) -> dict[str, list[str]]:
        words: dict[str, list[str]] = self.rules["tag_values"]
        return words

    def _read(self, key: str, reader: Callable[[str], T | None]) -> T | None:
        """One tag, noted where it cannot be read."""
        text = self.tags.get(key)
        if text is None:
            return None
        value = reader(text)
        if value is None:
            self.wrong.append((key, text, "unread"))
        return value

    def _contradiction(self, *keys: str) -> None:
        first, *others = (key for key in keys if key in self.tags)
        said = [self.tags[first], *(f"{key}={self.tags[key]}" for key in others)]  # first=… other=…
        self.wrong.append((first, " ".join(said), "contradiction"))

    def read(self) -> WayTags:
        """All that the tags say."""
        if not self.motor:
            kind = {self.tags.get(key) for key in ("footway", "path", "cycleway")}
            fenced = self._fenced([f"separation{side}" for side in ("", ":both", ":left", ":right")])
            return WayTags(
                lit=self._lit(), surface=self._surface(), sidewalk_width_m=self._walk_width("width", "footway:width", "est_width"),
                sidewalk_left=BARRIER if fenced else None, sidewalk_right=BARRIER if fenced else None,
                is_sidewalk="sidewalk" in kind or self.tags.get("is_sidepath") == "yes", is_crossing="crossing" in kind,
            )  # fmt: skip
        oneway, direction, roundabout = self._oneway()
        total, per_dir = self._lanes(bool(oneway), direction)
        left, right = self._sidewalks()
        return WayTags(
            self._speed(), total, per_dir, oneway, direction, self._width(), self._lit(), self._surface(), self._parking(), self._calming(),
            self._median(bool(oneway)), left, right, self._sidewalk_width(), roundabout,
        )  # fmt: skip

    def _speed(self) -> float | None:
        rules = self.rules["speed"]
        stated = [
            value for key in ("maxspeed", "maxspeed:forward", "maxspeed:backward")
            if (value := self._read(key, lambda text: read_speed_kmh(text, rules))) is not None
        ]  # fmt: skip
        if stated:
            return max(stated)
        for key in ("maxspeed:type", "zone:maxspeed", "source:maxspeed", "zone:traffic"):
            # `sign` and the like say where the limit stands, not what it is
            value = read_speed_kmh(self.tags[key], rules) if key in self.tags else None
            if value is not None:
                return value
        return None

    def _oneway(self) -> tuple[bool | None, int, bool]:
        """One-way or not, the direction of traffic, and whether it is a roundabout."""
        told = self._read("oneway", read_oneway)
        roundabout = self.tags.get("junction") in ("roundabout", "circular")
        if told is not None:
            return told[0], told[1], roundabout
        return (True, 1, roundabout) if roundabout or self.motorway else (None, 0, False)

    def _lanes(self, oneway: bool, direction: int) -> tuple[int | None, int | None]:
        most = int(self.rules["lanes"]["most"])
        keys = ("lanes", "lanes:forward", "lanes:backward", "lanes:both_ways")
        total, ahead, back, middle = (self._read(key, lambda text: read_lanes(text, most)) for key in keys)
        if total is None and ahead is None and back is None:
            return None, None
        if oneway:
            parts = (ahead or 0) + (back or 0) + (middle or 0)
            if (back and direction >= 0) or (ahead and direction < 0) or (total and parts > total):
                self._contradiction("oneway", *keys)
            whole = max(total or 0, parts)
            return whole, whole
        if ahead is None and back is None:
            return total, -(-(total or 1) // 2)
        if ahead is None or back is None:
            one = ahead or back or 1
            other = max((total - one - (middle or 0)) if total else one, 1)
            ahead, back = one, other
        parts = ahead + back + (middle or 0)
        if total is not None and parts != total:
            self._contradiction(*keys)
            return max(total, parts), max(ahead, back, -(-total // 2))
        return parts, max(ahead, back)

    def _width(self) -> float | None:
        for key in ("width:carriageway", "width", "est_width"):
            value = self._read(key, lambda text: read_length_m(text, _MOST_WIDE_M))
            if value is not None:
                return value
        return None

    def _walk_width(self, *keys: str) -> float | None:
        found = [
            value for key in keys if (value := self._read(key, lambda text: read_length_m(text, _MOST_WALK_M, min)))
        ]
        return min(found) if found else None

    def _sidewalk_width(self) -> float | None:
        sides = [f"sidewalk{side}:width" for side in ("", ":both", ":left", ":right")]
        return self._walk_width(*sides, "sidewalk:est_width")

    def _lit(self) -> bool | None:
        def reader(text: str) -> bool | None:
            value = plain(text)
            if value in self._words["lit_no"]:
                return False
            hours = any(one.isdigit() for one in value) and ":" in value
            return True if value in self._words["lit_yes"] or hours else None

        return self._read("lit", reader)

    def _surface(self) -> str | None:
        groups: dict[str, str] = {value: group for group, values in self.rules["surfaces"].items() for value in values}
        smooth: dict[str, str] = {
            value: group for group, values in self.rules["smoothness"].items() for value in values
        }

        def worst(text: str) -> str | None:
            found = [groups.get(one.strip(), "") for one in plain(text).split(";")]
            return max(found, key=SURFACES.index) if "" not in found else None

        cover, state = self._read("surface", worst), self._read("smoothness", lambda text: smooth.get(plain(text)))
        if cover is None or state is None:
            return cover or state
        if cover.startswith("unsealed"):
            return "unsealed_poor" if state == "poor" else cover
        return max(cover, state, key=SURFACES.index)

    def _parking(self) -> str | None:
        """Sides with parked cars; what is said of one side only leaves the other free."""
        sides: dict[str, bool] = {}
        for side in ("both", "left", "right"):
            for key in (f"parking:{side}", f"parking:lane:{side}"):
                parked = self._read(key, self._parked)
                if parked is not None:
                    for one in ("left", "right") if side == "both" else (side,):
                        sides[one] = sides.get(one, False) or parked
        return PARKING[sum(sides.values())] if sides else None

    def _parked(self, text: str) -> bool | None:
        values = {one.strip() for one in plain(text).split(";")}
        if values & set(self._words["parked"]):
            return True
        return False if values <= set(self._words["not_parked"]) else None

    def _calming(self) -> bool | None:
        known = {rule.partition("=")[2] for rule in self.rules["points"]["calming"]}

        def reader(text: str) -> bool | None:
            values = {one.strip() for one in plain(text).split(";")}
            if values & known:
                return True
            return False if values <= {"no", "none", "island", "rumble_strip"} else None

        return self._read("traffic_calming", reader)

    def _median(self, oneway: bool) -> str | None:
        def reader(text: str) -> str | None:
            value = plain(text)
            for word, values in (("physical", "median_physical"), ("painted", "median_painted")):
                if value in self._words[values]:
                    return word
            return "none" if value in ("no", "none") else None

        parted = self._read("divider", reader)
        if parted is None and oneway and self._read("dual_carriageway", read_flag):
            return "physical"
        return None if oneway and parted != "physical" else parted

    def _sidewalks(self) -> tuple[str | None, str | None]:
        """Groups of the left and the right sidewalk, DRAWN where it is a way of its own; of contradicting tags the worse."""
        said: tuple[dict[str, str], dict[str, str]] = ({}, {})
        # on roads `footway` is an old way of tagging the same
        whole = (
            "sidewalk" if "sidewalk" in self.tags or plain(self.tags.get("footway", "")) not in _SIDEWALK else "footway"
        )
        both = self._read(whole, lambda text: _SIDEWALK.get(plain(text))) or ()
        for one, value in zip(said, both, strict=False):
            one[whole] = value
        for key, sides in (("sidewalk:both", said), ("sidewalk:left", said[:1]), ("sidewalk:right", said[1:])):
            told = self._read(key, lambda text: _ONE_SIDE.get(plain(text)))
            if told is not None:
                for one in sides:
                    one[key] = told
        return self._group("left", said[0]), self._group("right", said[1])

    def _group(self, side: str, said: dict[str, str]) -> str | None:
        if not said:
            return None
        if "no" in said.values():
            if len(set(said.values())) > 1:
                self._contradiction(*said)
            return NO_WALK
        keys = [f"sidewalk{of}:separation" for of in ("", ":both", f":{side}")]
        return BARRIER if self._fenced(keys) else DRAWN if DRAWN in said.values() else KERBSIDE

    def _fenced(self, keys: list[str]) -> bool:
        return any(plain(self.tags[key]) in self._words["barrier"] for key in keys if key in self.tags)
