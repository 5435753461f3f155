"""Reads the catalogue's files into frozen models and checks them against each other."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.catalog.capacity import CapacityRules, load_capacity
from xiqing_space.catalog.gate_rules import GateRule, StreetRules, load_gate_rules
from xiqing_space.catalog.treatments import ListRules, Treatment, load_treatments
from xiqing_space.errors import CatalogueError
from xiqing_space.memory import collection_paused

Profile = Literal["walk", "pram"]
UNKNOWN_LEVEL, LEVELS = "school_unknown_level", ("primary_school", "junior_school", "senior_school")
PROFILES: tuple[Profile, ...] = ("walk", "pram")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(_Frozen):
    """An age band: whose children, how fast, on which network, to which kinds. `speed_m_s` in metres per second."""

    id: str
    zh: str
    en: str
    ages: tuple[int, int]
    column: str
    speed_m_s: float = Field(gt=0.2, lt=3)
    profile: Profile
    kinds: tuple[str, ...]


class Adult(_Frozen):
    """The pace beside which children's minutes are set: a reference, no band of children."""

    zh: str
    en: str
    speed_m_s: float = Field(gt=0.2, lt=3)
    profile: Profile


class Kind(_Frozen):
    """A kind of facility and how it is recognised. Patterns are regular expressions."""

    id: str
    zh: str
    en: str
    osm: tuple[str, ...]
    synonyms: tuple[str, ...]
    exclude: tuple[str, ...]

    def excludes(self, name: str) -> bool:
        """Whether the name says that this is something else."""
        if any(word in name for word in self.synonyms if len(word) > 2):
            return False  # 月牙河街社区卫生服务中心 is a clinic whatever else its name holds
        return any(re.search(pattern, name) for pattern in self.exclude)


class Standard(_Frozen):
    """A distance that a kind is held against. `value` in `unit`; minutes are taken at the band's own pace."""

    id: str
    kind: str
    role: Literal["default", "alternative"]
    value: float = Field(gt=0)
    unit: Literal["m", "min"]
    target: float = Field(gt=0, le=1)
    document: str
    clause: str
    wording: Literal["应", "宜", "可", ""]
    status: Literal["in_force", "superseded", "other_place", "proposal", "overridden"]
    seen: Literal["V", "V2", "U", "P"]
    source: str
    reason: str = ""

    @model_validator(mode="after")
    def _no_unseen_clause(self) -> Standard:
        if self.clause and self.seen not in ("V", "V2"):
            raise ValueError(f"{self.id}: a clause that was not seen may not be stored")
        return self

    @property
    def gives_verdict(self) -> bool:
        """Only a rule in force whose text and wording (应 / 宜 / 可) were seen, on its own measure (a radius)."""
        return self.status == "in_force" and self.seen in ("V", "V2") and self.unit == "m" and bool(self.wording)

    def limit_m(self, band: Band) -> float:
        """The limit in metres; minutes at the band's pace."""
        return self.value if self.unit == "m" else self.value * 60.0 * band.speed_m_s


class Action(_Frozen):
    """An Action of the plan: title and responsible units as printed, and the kinds of facility that it is about."""

    id: str
    zh: str
    en: str
    responsible: str
    kinds: tuple[str, ...] = ()


class _Figure(_Frozen):
    """What an indicator and a reported figure have in common. `target` and `now` are the plan's, with its words."""

    id: str
    action: str
    zh: str
    en: str
    unit: str
    direction: Literal["up", "down"]
    target: float | None = None
    target_zh: str = ""
    now: float | None = None
    now_zh: str = ""


class Reported(_Figure):
    """A figure of the plan without a spatial side: the responsible unit reports it. `later`: a later version measures a part of it."""

    later: bool = False


Need = Literal[
    "facilities", "located", "homes", "land_use", "compounds", "zones", "persons", "residents", "places", "supply", "doctors",
    "communities", "stated",
]  # fmt: skip


class IndicatorSpec(_Figure):
    """An indicator of the plan, what must be in the data before it may be printed, and how it is read.

    `kinds`: those it is about; empty: whatever kind comes.
    """

    basis: Literal["children", "residential_land", "places", "count"]
    needs: tuple[Need, ...]
    formula_zh: str
    kinds: tuple[str, ...] = ()


class Catalogue(_Frozen):
    """Everything of the catalogue, by id."""

    bands: dict[str, Band]
    adult: Adult
    kinds: dict[str, Kind]
    standards: dict[str, Standard]
    indicators: dict[str, IndicatorSpec]
    circle: tuple[str, ...]
    actions: dict[str, Action]
    reported: dict[str, Reported]
    school_level: dict[str, Any]
    barriers: dict[str, Any]
    safety: dict[str, Any]
    child_view: dict[str, Any]
    gate_rules: dict[str, GateRule]
    gate_streets: StreetRules
    treatments: dict[str, Treatment]
    fix_list: ListRules
    review: dict[str, Any]
    colours: dict[str, dict[str, str]]
    capacity: CapacityRules
    words: dict[str, tuple[str, str]]
    quality: dict[str, dict[str, str]]

    def target_bands(self, kind: str) -> tuple[Band, ...]:
        """The bands that need a kind."""
        return tuple(band for band in self.bands.values() if kind in band.kinds)

    def action_of(self, kind: str) -> str:
        """The Action that a kind of facility belongs to; empty where none names it."""
        return next((action.id for action in self.actions.values() if kind in action.kinds), "")

    def circle_of(self, band: Band) -> tuple[str, ...]:
        """Kinds of the complete circle that an age band needs."""
        return tuple(kind for kind in self.circle if kind in band.kinds)

    @property
    def measured_kinds(self) -> tuple[str, ...]:
        """Kinds that children walk to, in catalogue order: those that a band needs or a standard names."""
        named = {standard.kind for standard in self.standards.values()}
        return tuple(kind for kind in self.kinds if kind in named or self.target_bands(kind))

    @property
    def farthest_limit_m(self) -> float:
        """The longest limit that any band is held against: no search may stop before it."""
        return max(
            standard.limit_m(band)
            for standard in self.standards.values()
            for band in self.target_bands(standard.kind) or tuple(self.bands.values())
        )

    @property
    def access_kinds(self) -> tuple[str, ...]:
        """Kinds whose access is measured: schools of unknown level too, for they may be any of the three."""
        return (*(kind for kind in self.measured_kinds if kind != UNKNOWN_LEVEL), UNKNOWN_LEVEL)

    def standards_of(self, kind: str) -> tuple[Standard, ...]:
        """The standards of a kind, the default one first."""
        mine = [standard for standard in self.standards.values() if standard.kind == kind]
        return tuple(sorted(mine, key=lambda standard: standard.role != "default"))

    def limits_m(self, kind: str, profile: str) -> tuple[float, ...]:
        """Every limit that a kind is held against on a network, ascending: metres, and minutes at the pace of its bands there."""
        bands = self.target_bands(kind) or tuple(self.bands.values())
        mine = {
            round(one.limit_m(band), 3) for one in self.standards_of(kind) for band in bands if band.profile == profile
        }
        rule = self.capacity.of(kind)
        if rule and not self.standards_of(kind) and any(band.profile == profile for band in bands):
            mine.add(self.supply_limit_m(kind))
        return tuple(sorted(mine))

    def supply_limit_m(self, kind: str) -> float:
        """How far places of a kind count: the default standard's limit, else that of capacity.toml."""
        if standards := self.standards_of(kind):
            return round(standards[0].limit_m(self.target_bands(kind)[0]), 3)
        rule = self.capacity.of(kind)
        if rule is None or rule.limit_m is None:
            raise CatalogueError(f"{kind} has places but no distance at which they count")
        return rule.limit_m

    def word(self, key: str) -> tuple[str, str]:
        """Chinese and English of a glossary word."""
        return self.words[key]

    def with_standards(self, chosen: Mapping[str, str], overrides: Mapping[str, tuple[float, str]]) -> Catalogue:
        """The catalogue as a planner changed it.

        Parameters
        ----------
        chosen : mapping of kind to standard id
            Which standard is the default of a kind.
        overrides : mapping of standard id to (value, reason)
            Other values, each with its written reason; an overridden standard gives no verdict.
        """
        standards = dict(self.standards)
        for key, (value, reason) in overrides.items():
            old = standards[key]
            standards[key] = old.model_copy(update={"value": value, "status": "overridden", "reason": reason})
        for kind, key in chosen.items():
            for standard in self.standards_of(kind):
                role = "default" if standard.id == key else "alternative"
                standards[standard.id] = standards[standard.id].model_copy(update={"role": role})
        return self.model_copy(update={"standards": standards})


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _by_id(rows: list[Any], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        if row.id in found:
            raise CatalogueError(f"{what} {row.id} is given twice")
        found[row.id] = row
    return found


def _read() -> Catalogue:
    kinds, plan, bands = _toml("kinds.toml"), _toml("plan.toml"), _toml("bands.toml")
    words = csv.DictReader(resources.files(__package__).joinpath("glossary.csv").read_text("utf-8").splitlines())
    return Catalogue(
        bands=_by_id([Band(**row) for row in bands["band"]], "band"),
        adult=Adult(**bands["adult"]),
        kinds=_by_id([Kind(**row) for row in kinds["kind"]], "kind"),
        standards=_by_id([Standard(**row) for row in _toml("standards.toml")["standard"]], "standard"),
        indicators=_by_id([IndicatorSpec(**row) for row in _toml("indicators.toml")["indicator"]], "indicator"),
        circle=tuple(_toml("circle.toml")["kinds"]),
        actions=_by_id([Action(**row) for row in plan["action"]], "action"),
        reported=_by_id([Reported(**row) for row in plan["reported"]], "reported figure"),
        school_level=kinds["school_level"],
        barriers=_toml("barriers.toml"),
        safety=_toml("safety.toml"),
        child_view=_toml("child_view.toml"),
        gate_rules=_by_id(list(load_gate_rules().rule), "gate rule"),
        gate_streets=load_gate_rules().streets,
        treatments=_by_id(list(load_treatments().treatment), "treatment"),
        fix_list=load_treatments().list,
        review=_toml("review.toml"),
        colours=_toml("colours.toml"),
        capacity=load_capacity(),
        words={row["id"]: (row["zh"], row["en"]) for row in words},
        quality=_toml("quality.toml"),
    )


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that ships with this version.

    Raises
    ------
    CatalogueError
        A file contradicts itself or another one.
    """
    try:
        with collection_paused():  # one collection falls into it, and takes as long as all the rest
            catalogue = _read()
    except ValidationError as error:
        raise CatalogueError(str(error)) from error
    _check(catalogue)
    return catalogue


def _check(catalogue: Catalogue) -> None:
    """Files that name kinds and Actions must name known ones."""
    for band in catalogue.bands.values():
        if unknown := set(band.kinds) - set(catalogue.kinds):
            raise CatalogueError(f"band {band.id} needs unknown kinds {sorted(unknown)}")
    for kind in {standard.kind for standard in catalogue.standards.values()}:
        if kind not in catalogue.kinds:
            raise CatalogueError(f"a standard names the unknown kind {kind}")
        if sum(standard.role == "default" for standard in catalogue.standards_of(kind)) != 1:
            raise CatalogueError(f"{kind} needs exactly one default standard")
    for figure in (*catalogue.indicators.values(), *catalogue.reported.values()):
        if figure.action not in catalogue.actions:
            raise CatalogueError(f"{figure.id} belongs to the unknown Action {figure.action}")
    named = [one.kinds for one in catalogue.actions.values()] + [one.kinds for one in catalogue.indicators.values()]
    for kind in (kind for kinds_ in named for kind in kinds_):
        if kind not in catalogue.kinds:
            raise CatalogueError(f"an Action or indicator names the unknown kind {kind}")
    for rule in catalogue.gate_rules.values():
        if unknown := set(rule.kinds) - set(catalogue.kinds):
            raise CatalogueError(f"gate rule {rule.id} is for unknown kinds {sorted(unknown)}")
        if unknown := set(rule.what) - set(catalogue.safety["surroundings"]) - {"hazard"}:
            raise CatalogueError(f"gate rule {rule.id} counts unknown things {sorted(unknown)}")
        if unknown := set(rule.roads) - set(catalogue.safety["roads"]["order"]):
            raise CatalogueError(f"gate rule {rule.id} names unknown classes of road {sorted(unknown)}")
    for work in catalogue.treatments.values():
        if unknown := {*work.only.roads, *work.only.not_roads} - set(catalogue.safety["roads"]["order"]):
            raise CatalogueError(f"treatment {work.id} names unknown classes of road {sorted(unknown)}")
    for kind in catalogue.circle:
        if not catalogue.standards_of(kind) or not catalogue.target_bands(kind):
            raise CatalogueError(f"{kind} stands in the circle without a standard or an age band that needs it")
    for kind in catalogue.capacity.kinds:
        if kind not in catalogue.kinds or len(catalogue.target_bands(kind)) != 1:
            raise CatalogueError(f"{kind} has places, so exactly one age band must need it")
        catalogue.supply_limit_m(kind)
