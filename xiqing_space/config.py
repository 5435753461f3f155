"""Frozen models of config/*.toml. An unknown key is an error that names the nearest known one."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.errors import ConfigError, InputFileError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AreaConfig(_Section):
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


class SourcesConfig(_Section):
    """Input files. `osm`: .osm.pbf or .osm; `streets`: a GeoPackage that osmnx saved, instead of the streets of `osm`."""

    osm: Path | None = None
    streets: Path | None = None
    data_date: str = ""
    licence: str = "ODbL 1.0, © OpenStreetMap contributors"


class WalkingConfig(_Section):
    """Legs and limits of a walk, metres."""

    max_leg_m: float = Field(default=100.0, gt=0, le=250)
    search_limit_m: float = Field(default=3000.0, ge=500, le=20000)
    island_min_m: float = Field(default=500.0, ge=0)


class StandardOverride(_Section):
    """Another value for a standard, with the planner's written reason."""

    standard: str
    value: float = Field(gt=0)
    reason: str = Field(min_length=4)


class StandardsConfig(_Section):
    """Which standard of the catalogue is the default of a kind, and which values are overridden."""

    default: dict[str, str] = Field(default_factory=dict)
    override: tuple[StandardOverride, ...] = ()


class OutputConfig(_Section):
    """What stands on maps and pages."""

    language: Literal["zh", "en"] = "zh"
    title: str = ""
    organisation: str = ""


class Config(_Section):
    """A whole configuration, paths resolved against the file's folder."""

    area: AreaConfig
    sources: SourcesConfig = SourcesConfig()
    walking: WalkingConfig = WalkingConfig()
    standards: StandardsConfig = StandardsConfig()
    output: OutputConfig = OutputConfig()

    def catalogue(self) -> Catalogue:
        """The catalogue with this configuration's standards."""
        overrides = {one.standard: (one.value, one.reason) for one in self.standards.override}
        return load_catalogue().with_standards(self.standards.default, overrides)

    def files(self) -> dict[str, Path]:
        """Every input file that is named, by the role it plays."""
        named = {
            "boundary": self.area.boundary,
            "zones": self.area.zones,
            "osm": self.sources.osm,
            "streets": self.sources.streets,
        }
        return {role: path for role, path in named.items() if path is not None}


def _known_keys(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _model_at(path: tuple[Any, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        if part == "override":
            annotation = StandardOverride
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return model


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"])
        if one["type"] == "extra_forbidden":
            key = str(one["loc"][-1])
            known = _known_keys(_model_at(one["loc"][:-1]))
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"是否应为 {near[0]} / did you mean {near[0]}?" if near else f"可用 / known: {', '.join(known)}"
            lines.append(f"{place}: 未知的设置 / unknown key; {hint}")
        elif one["type"] == "missing":
            lines.append(f"{place}: 缺少 / missing")
        else:
            lines.append(f"{place}: {one['msg'].removeprefix('Value error, ')} ({str(one['input'])[:60]!r})")
    return lines


def _check_standards(config: Config, where: str) -> None:
    catalogue, problems = load_catalogue(), []
    for kind, key in config.standards.default.items():
        choices = [standard.id for standard in catalogue.standards_of(kind)]
        if not choices:
            near = difflib.get_close_matches(kind, catalogue.measured_kinds, n=1, cutoff=0.4)
            problems.append(f"standards.default.{kind}: 没有这一类设施 / no such kind; {near[0] if near else ''}")
        elif key not in choices:
            problems.append(f"standards.default.{kind} = {key}: 可用 / choose from {', '.join(choices)}")
    for one in config.standards.override:
        if one.standard not in catalogue.standards:
            near = difflib.get_close_matches(one.standard, list(catalogue.standards), n=1, cutoff=0.4)
            problems.append(f"standards.override {one.standard}: 未知 / unknown; {near[0] if near else ''}")
    if problems:
        raise ConfigError("设置有误 / the configuration is at fault", where=where, first=problems)


def read_config(path: Path) -> Config:
    """Read and check a configuration; relative paths are taken from the file's folder.

    Raises
    ------
    InputFileError
        The file is absent.
    ConfigError
        It is no TOML, a key is unknown or a value is out of range; every problem is listed.
    """
    if not path.is_file():
        raise InputFileError(
            "找不到设置文件 / no such configuration file",
            where=str(path),
            todo="用 --config 指明 / name it with --config",
        )
    try:
        raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"不是有效的 TOML / not valid TOML: {error}",
            where=str(path),
            todo="用 UTF-8 保存；Windows 路径请用 / 或单引号 / save as UTF-8; write Windows paths with / or in single quotes",
        ) from error
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("设置有误 / the configuration is at fault", where=str(path), first=_explain(error)) from error
    _check_standards(config, str(path))
    base = path.resolve().parent
    area = {key: base / value for key in ("boundary", "zones") if (value := getattr(config.area, key)) is not None}
    sources = {key: base / value for key in ("osm", "streets") if (value := getattr(config.sources, key)) is not None}
    config = config.model_copy(
        update={"area": config.area.model_copy(update=area), "sources": config.sources.model_copy(update=sources)}
    )
    missing = [f"{role}: {file}" for role, file in config.files().items() if not file.is_file()]
    if missing:
        raise InputFileError(
            "设置中的文件不存在 / a file that the configuration names is not there",
            where=str(path),
            first=missing,
            todo="检查路径（相对于设置文件所在文件夹）/ paths are relative to the configuration's folder",
        )
    return config
