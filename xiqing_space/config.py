"""Frozen models of config/*.toml. An unknown key is an error that names the nearest known one."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from xiqing_space.catalog import Catalogue, load_catalogue
from xiqing_space.datums import parameter_path
from xiqing_space.errors import ConfigError, InputFileError
from xiqing_space.local_grid import LABEL
from xiqing_space.sections import (
    AreaConfig,
    FacilityListConfig,
    FetchConfig,
    LanduseConfig,
    MatchingConfig,
    OutputConfig,
    PlacedListConfig,
    PopulationConfig,
    RoutesConfig,
    Section,
    SourcesConfig,
    StandardsConfig,
    StatedConfig,
    SurveyConfig,
    VectorConfig,
    WalkingConfig,
)

# kinds of schools that pupils may be led to; routes to special schools are nobody's business and are never made
ROUTED_KINDS = ("kindergarten", "primary_school", "junior_school", "senior_school", "school_unknown_level")


class Config(Section):
    """A whole configuration, paths resolved against the file's folder."""

    area: AreaConfig
    sources: SourcesConfig = SourcesConfig()
    facilities: tuple[FacilityListConfig, ...] = ()
    matching: MatchingConfig = MatchingConfig()
    survey: SurveyConfig = SurveyConfig()
    stated: tuple[StatedConfig, ...] = ()
    landuse: LanduseConfig | None = None
    compounds: VectorConfig | None = None
    gates: VectorConfig | None = None
    population: PopulationConfig = PopulationConfig()
    walking: WalkingConfig = WalkingConfig()
    routes: RoutesConfig = RoutesConfig()
    standards: StandardsConfig = StandardsConfig()
    output: OutputConfig = OutputConfig()
    fetch: FetchConfig = FetchConfig()

    def catalogue(self) -> Catalogue:
        """The catalogue with this configuration's standards, and with its settings of routes in `safety["routes"]`."""
        overrides = {one.standard: (one.value, one.reason) for one in self.standards.override}
        catalogue = load_catalogue().with_standards(self.standards.default, overrides)
        if not (stated := self.routes.stated()):
            return catalogue
        safety = catalogue.safety | {"routes": catalogue.safety["routes"] | stated}
        return catalogue.model_copy(update={"safety": safety})

    def files(self) -> dict[str, Path]:
        """Every input file that is named, by the role it plays."""
        return {role: path for role, path, _ in self.named_files()}

    def named_files(self) -> Iterator[tuple[str, Path, BaseModel]]:
        """Every input file with its role and the section that names it, which may state its date and licence.

        A parameter file of a local grid is none of them: it is never hashed, copied or printed.
        """
        return _named_files(self, "", self)

    @property
    def has_secret_datum(self) -> bool:
        """Whether a list is in a local grid: what its parameters are leaves no trace, so nothing tells whether they changed."""
        datums = [one.datum for one in self.facilities]
        datums += [one.datum for one in (*self.routes.guards, *self.routes.surroundings)]
        return any(parameter_path(one) is not None for one in datums)


_PLACED = (FacilityListConfig, PlacedListConfig)  # sections that state a datum


def _named_files(value: Any, role: str, section: BaseModel) -> Iterator[tuple[str, Path, BaseModel]]:
    if isinstance(value, Path):
        yield role, value, section
    elif isinstance(value, BaseModel):
        # what lies in [area] and [sources] plays the role of its own name
        outer = "" if isinstance(value, (Config, AreaConfig, SourcesConfig)) else role
        for name in type(value).model_fields:
            inner = outer if name == "file" else f"{outer}.{name}" if outer else name
            yield from _named_files(getattr(value, name), inner, value)
    elif isinstance(value, tuple):
        for number, one in enumerate(value, 1):
            yield from _named_files(one, f"{role}-{number}", section)


def _resolved(value: Any, base: Path) -> Any:
    """The same models with every path taken from a folder."""
    if isinstance(value, Path):
        return base / value
    if isinstance(value, BaseModel):
        changed = {name: _resolved(getattr(value, name), base) for name in value.model_fields_set}
        if isinstance(value, _PLACED) and (path := parameter_path(value.datum)) is not None:
            changed["datum"] = f"params:{base / path}"
        return value.model_copy(update=changed)
    return tuple(_resolved(one, base) for one in value) if isinstance(value, tuple) else value


def plain(value: Any) -> Any:
    """A part of the configuration as plain values; files by name, for their content is hashed apart."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, BaseModel):
        values = {name: plain(getattr(value, name)) for name in type(value).model_fields}
        if isinstance(value, _PLACED) and parameter_path(value.datum) is not None:
            values["datum"] = LABEL
        return values
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def _known_keys(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _model_at(path: tuple[Any, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        # a section may be optional, or one of many
        for one in (annotation, *get_args(annotation)):
            if isinstance(one, type) and issubclass(one, BaseModel):
                model = one
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


def _check_names(config: Config, where: str) -> None:
    """Kinds and standards that the configuration names must be in the catalogue: a slip would count as nothing there."""
    catalogue, problems = load_catalogue(), []
    named = [(f"facilities.{at}.kind", one.kind) for at, one in enumerate(config.facilities) if one.kind is not None]
    named += [(f"stated.{at}.kinds", kind) for at, one in enumerate(config.stated) for kind in one.kinds]
    schools = [("routes.kinds", kind) for kind in config.routes.kinds or ()]
    for name in ("assignment", "areas"):
        lists = enumerate(getattr(config.routes, name))
        schools += [(f"routes.{name}.{at}.kind", one.kind) for at, one in lists if one.kind is not None]
    named += schools
    problems += [
        f"{place} = {kind}: 须为学校类别 / must be a kind of school; 可用 / choose from {', '.join(ROUTED_KINDS)}"
        for place, kind in schools if kind in catalogue.kinds and kind not in ROUTED_KINDS
    ]  # fmt: skip
    for place, kind in named:
        if kind not in catalogue.kinds:
            near = difflib.get_close_matches(kind, list(catalogue.kinds), n=1, cutoff=0.4)
            hint = (
                f"是否应为 {near[0]} / did you mean {near[0]}?"
                if near
                else f"可用 / known: {', '.join(catalogue.kinds)}"
            )
            problems.append(f"{place} = {kind[:60]}: 没有这一类设施 / no such kind; {hint}")
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
    _check_names(config, str(path))
    config = Config.model_construct(**dict(_resolved(config, path.resolve().parent)))
    missing = [f"{role}: {file}" for role, file in config.files().items() if not file.exists()]
    if missing:
        raise InputFileError(
            "设置中的文件不存在 / a file that the configuration names is not there",
            where=str(path),
            first=missing,
            todo="检查路径（相对于设置文件所在文件夹）/ paths are relative to the configuration's folder",
        )
    # a device or a pipe never ends, and a folder that is no .gdb may hold a whole disk: nothing of them is opened
    strange = [
        f"{role}: {file.name}"
        for role, file in config.files().items()
        if not file.is_file() and not (file.is_dir() and file.suffix.lower() == ".gdb")
    ]
    if strange:
        raise ConfigError(
            "设置中写的不是普通文件（是文件夹、设备或管道）/ a path of the configuration is no file but a folder, a device or a pipe",
            where=str(path),
            first=strange,
            todo="写出文件本身的路径；文件夹只能是 .gdb / give the path of the file itself; only a .gdb is a folder",
        )
    return config
