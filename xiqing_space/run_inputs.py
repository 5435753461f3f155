"""What data a run uses: what the configuration names, what `make data` left, or the sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiqing_space.config import Config, read_config
from xiqing_space.errors import ConfigError
from xiqing_space.fetch import use_fetched
from xiqing_space.provenance import parts_of, sha256_of_parts

_DATA_SECTIONS = ("sources", "facilities", "stated", "landuse", "compounds", "gates", "population")  # the sample's own


@dataclass(frozen=True)
class Inputs:
    """The configuration with its sources settled, and a record of every input file."""

    config: Config
    synthetic: bool
    records: list[dict[str, Any]]


def settle_inputs(config: Config, workshop: Path, raws: tuple[Path, ...] = ()) -> Inputs:
    """Decide what data a run uses: what the configuration names, else what `make data` left in `raws`, else the sample.

    The sample is written into `workshop` as real files and read by the same readers as anything else.

    Raises
    ------
    ConfigError
        A boundary or zones are named but no street data: their place is not the sample's.
    """
    if config.sources.osm is None and config.sources.streets is None:
        config = use_fetched(config, raws) or config
    synthetic = config.sources.osm is None and config.sources.streets is None
    if synthetic:
        own = config.facilities or config.stated or config.population.model_fields_set
        if config.area.bbox or config.files() or own:
            raise ConfigError(
                "给出了评估范围或名录等数据，但没有街道数据 / a study area or lists are given but no street data",
                todo="在 [sources] 中填写 osm，或先运行 make data；删去这些设置则试用示例数据 / give osm in [sources] or run make data first; "
                "remove these settings to try the sample",
            )
        from xiqing_space.sample import write_district

        sample = read_config(write_district(workshop))
        area = sample.area.model_copy(
            update={
                key: getattr(config.area, key)
                for key in ("buffer_m", "metric_crs")
                if key in config.area.model_fields_set
            }
        )
        data = {name: getattr(sample, name) for name in _DATA_SECTIONS}
        config = config.model_copy(update={"area": area, **data})
    synthetic = synthetic or _is_sample(config.sources.osm)
    records = [
        {
            "role": role, "file": path.name, "sha256": sha256_of_parts(path),
            "bytes": sum(one.stat().st_size for one in parts_of(path)), "date": getattr(section, "date", ""),
            "licence": getattr(section, "licence", ""), "synthetic": synthetic,
        }
        for role, path, section in sorted(config.named_files(), key=lambda one: one[0])
    ]  # fmt: skip
    return Inputs(config, synthetic, records)


def _is_sample(osm: Path | None) -> bool:
    """Whether a file that the configuration names is the sample, written out earlier: it says so in its header."""
    if osm is None:
        return False
    from xiqing_space.ingest.osm import read_header
    from xiqing_space.sample import GENERATOR

    return bool(read_header(osm).generator == GENERATOR)
