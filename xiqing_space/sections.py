"""The sections of a configuration, one model each. `config.py` puts them together and reads them from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Counted = Literal["resident", "registered", "actual"]
Reason = Annotated[str, Field(min_length=4, max_length=500)]


class Section(BaseModel):
    """What all sections have in common: unknown keys and infinite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AreaConfig(Section):
    """The study area: `boundary` file or `bbox` (west, south, east, north in degrees), else the extent of the data."""

    name: str = Field(min_length=1)
    boundary: Path | None = None
    bbox: tuple[float, float, float, float] | None = None
    zones: Path | None = None
    zone_id_column: str = "zone_id"
    zone_name_column: str = "name"
    zone_settlement_column: str = "settlement"
    metric_crs: int | None = None
    buffer_m: float = Field(default=2000.0, ge=0, le=20000)

    @model_validator(mode="after")
    def _one_area(self) -> AreaConfig:
        if self.boundary and self.bbox:
            raise ValueError("boundary 与 bbox 只能给一个 / give either boundary or bbox, not both")
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise ValueError("bbox 应为 [西, 南, 东, 北]，单位度 / bbox is [west, south, east, north] in degrees")
        return self


class SourcesConfig(Section):
    """Input files. `osm`: .osm.pbf or .osm; `streets`: a GeoPackage that osmnx saved, instead of the streets of `osm`."""

    osm: Path | None = None
    streets: Path | None = None
    data_date: str = ""
    licence: str = "ODbL 1.0, © OpenStreetMap contributors"


class LayerConfig(Section):
    """A GIS file: `layer` where it holds several, `crs` where it states none."""

    file: Path
    layer: str | None = None
    crs: int | str | None = None
    encoding: str | None = None
    date: str = ""
    licence: str = ""


class VectorConfig(LayerConfig):
    """A GIS file with attributes; `columns` where headers are unusual."""

    columns: dict[str, str] = Field(default_factory=dict)


class LanduseConfig(LayerConfig):
    """Land use; `preset` names the code list (see catalog/landuse.toml), `code_column` the column where its name is unusual."""

    preset: str
    code_column: str | None = None
    own_codes: dict[str, str] = Field(default_factory=dict)


class FacilityListConfig(Section):
    """A list of facilities: table (CSV, XLSX, XLS) or GIS points.

    `datum` is required where the list has coordinates. `trust`: 1 the most trusted; OpenStreetMap has 5.
    """

    file: Path
    kind: str | None = None
    sheet: str | int | None = None
    header_row: int | None = Field(default=None, ge=1, le=1000)
    encoding: str | None = None
    layer: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    datum: str = ""
    datum_reason: Reason | None = None
    date: str = ""
    licence: str = ""
    trust: int = Field(default=3, ge=1, le=9)


class MatchingConfig(Section):
    """How lists without coordinates are placed. `answers`: filled-in confirmation workbooks."""

    answers: tuple[Path, ...] = ()
    accept_score: float = Field(default=0.9, ge=0.8, le=1.0)


class SurveyConfig(Section):
    """Returned sheets of the data check-up."""

    sheets: tuple[Path, ...] = ()


class StatedConfig(Section):
    """A total that an office states, e.g. 115 kindergartens."""

    label: str = Field(min_length=1, max_length=200)
    kinds: tuple[str, ...] = Field(min_length=1)
    total: int = Field(ge=0)
    operators: tuple[Literal["public", "inclusive_private", "private", "unknown"], ...] = ()


class TableConfig(Section):
    """A table (CSV, XLSX, XLS); `columns` where headers are unusual."""

    file: Path
    sheet: str | int | None = None
    header_row: int | None = Field(default=None, ge=1, le=1000)
    encoding: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    date: str = ""
    licence: str = ""


class RasterConfig(Section):
    """A raster of people; `bands`: pop_total or an age group, and its band, where their names do not tell."""

    file: Path
    unit: Literal["persons_per_cell", "persons_per_km2"]
    bands: dict[str, int | str] = Field(default_factory=dict)
    date: str = ""
    licence: str = ""


class PopulationConfig(Section):
    """People. `counted` (常住/户籍/实有) and `base_year` are required as soon as there is any source of persons.

    `zones`, `compounds`: tables of people. `membership`: 街镇–社区–小区. `aliases`: old and new names. `totals`: figures of the
    whole area (pop_total, households, age groups such as 0-2岁). `target_year`: ages of the zone table are moved forward to it
    by cohort, as `scenario` says.
    """

    counted: Counted | None = None
    base_year: int | None = Field(default=None, ge=1950, le=2100)
    target_year: int | None = Field(default=None, ge=1950, le=2100)
    scenario: Literal["low", "mid", "high"] = "mid"
    zones: TableConfig | None = None
    compounds: TableConfig | None = None
    membership: TableConfig | None = None
    aliases: TableConfig | None = None
    raster: RasterConfig | None = None
    totals: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _basis(self) -> PopulationConfig:
        if not (self.zones or self.compounds or self.raster or self.totals):
            return self
        if self.counted is None or self.base_year is None:
            raise ValueError(
                "须写明 counted（resident 常住 / registered 户籍 / actual 实有）与 base_year / "
                "counted (resident, registered or actual) and base_year must be stated"
            )
        if self.target_year is not None and self.target_year < self.base_year:
            raise ValueError("target_year 不可早于 base_year / target_year is before base_year")
        if self.target_year not in (None, self.base_year) and (self.compounds or self.raster or self.totals):
            raise ValueError(
                "只有街镇人口表能推算到 target_year，其他来源须已是该年 / only a zone table can be moved to target_year; "
                "leave out other sources or state figures of that year"
            )
        return self


class WalkingConfig(Section):
    """Legs and limits of a walk, metres."""

    max_leg_m: float = Field(default=100.0, gt=0, le=250)
    search_limit_m: float = Field(default=3000.0, ge=500, le=20000)
    island_min_m: float = Field(default=500.0, ge=0)


class StandardOverride(Section):
    """Another value for a standard, with the planner's written reason."""

    standard: str
    value: float = Field(gt=0)
    reason: str = Field(min_length=4)


class StandardsConfig(Section):
    """Which standard of the catalogue is the default of a kind, and which values are overridden."""

    default: dict[str, str] = Field(default_factory=dict)
    override: tuple[StandardOverride, ...] = ()


class SchoolTableConfig(TableConfig):
    """A table that assigns homes to schools; `kind`: of schools, where all rows are of one."""

    kind: str | None = None


class SchoolAreaConfig(VectorConfig):
    """学区 polygons; `kind`: of schools, where all of them are of one."""

    kind: str | None = None


class PlacedListConfig(TableConfig):
    """A list with places; `datum` is required where it has coordinates."""

    datum: str = ""


class PremisesConfig(PlacedListConfig):
    """A list of premises; `what`: what all of them are, else a column tells."""

    what: Literal["internet_cafe", "bar", "game_hall", "tobacco", "lottery", "hazard"] | None = None


class RoutesConfig(Section):
    """The way to school. What is left out, the catalogue's safety.toml says.

    `kinds`: of schools that pupils are led to. `assignment`, `areas`: which homes go to which school. `shares`: of pupils who
    board, or come from other districts. `guards`: gates and crossings with 护学岗. `surroundings`: premises that the rules speak
    of. `field_sheets`: returned ones. `alpha` per unit of along and `beta_m` metres per unit of cross: what a safer way is
    worth; lengths in metres.
    """

    kinds: tuple[str, ...] | None = Field(default=None, min_length=1)
    assignment: tuple[SchoolTableConfig, ...] = ()
    areas: tuple[SchoolAreaConfig, ...] = ()
    shares: TableConfig | None = None
    guards: tuple[PlacedListConfig, ...] = ()
    surroundings: tuple[PremisesConfig, ...] = ()
    field_sheets: tuple[Path, ...] = ()
    alpha: float | None = Field(default=None, ge=0, le=10)
    beta_m: float | None = Field(default=None, ge=0, le=1000)
    max_route_m: float | None = Field(default=None, ge=200, le=20000)
    detour_max: float | None = Field(default=None, ge=1, le=5)

    def stated(self) -> dict[str, Any]:
        """Settings of the search that are stated, by their names in the catalogue's `safety["routes"]`."""
        values = {name: getattr(self, name) for name in ("kinds", "alpha", "beta_m", "max_route_m", "detour_max")}
        return {name: list(one) if isinstance(one, tuple) else one for name, one in values.items() if one is not None}


class OutputConfig(Section):
    """What stands on maps and pages, and what may: a public release holds zones and cells, and no number of children below the floor."""

    language: Literal["zh", "en"] = "zh"
    title: str = ""
    organisation: str = ""
    release: Literal["internal", "public"] = "internal"
    map_approval: str = ""  # 审图号
    privacy_floor: int = Field(default=10, ge=3, le=1000)

    @field_validator("map_approval")
    @classmethod
    def _is_a_number(cls, text: str) -> str:
        """A blank or a line to be filled in is no number."""
        text = text.strip().removeprefix("审图号").lstrip("：: ").strip()
        if text and not any(one.isdigit() for one in text):
            raise ValueError(
                "审图号中没有数字；尚未送审请留空 / the number of the map review holds no digit; leave it empty before the review"
            )
        return text


_URL = r"^https?://[^/\s@]+(/\S*)?$"  # without user and password: they would end up in records


class FetchConfig(Section):
    """Where `make data` asks for a place, and within which limits; sizes of areas in km², times as named.

    `place`: a name or an OSM id (R1234), else the area's name. `rate_limit`: ask the server for a free slot first.
    """

    place: str = Field(default="", max_length=200)
    nominatim_url: str = Field(default="https://nominatim.openstreetmap.org/", pattern=_URL)
    overpass_url: str = Field(default="https://overpass-api.de/api", pattern=_URL)
    timeout_s: int = Field(default=180, ge=1, le=900)
    rate_limit: bool = True
    tries: int = Field(default=5, ge=1, le=20)
    max_area_km2: float = Field(default=3000.0, gt=0, le=20000)
    max_query_km2: float = Field(default=300.0, ge=0.5, le=2500)
    max_requests: int = Field(default=300, ge=1, le=2000)
    max_mb: float = Field(default=1000.0, gt=0, le=10000)
    max_minutes: float = Field(default=90.0, gt=0, le=1440)
