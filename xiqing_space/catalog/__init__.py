"""What a planner may question: kinds, bands, standards, indicators, words. Data in TOML and CSV, checked by one loader."""

from xiqing_space.catalog.load import Band, Catalogue, IndicatorSpec, Kind, Standard, load_catalogue

__all__ = ["Band", "Catalogue", "IndicatorSpec", "Kind", "Standard", "load_catalogue"]
