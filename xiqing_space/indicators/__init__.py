"""Every analysis table × catalogue -> one table of figures with standard, verdict and evidence; and how far they may move."""

from xiqing_space.indicators.build import build_coverages, build_indicators, build_sensitivity
from xiqing_space.indicators.rules import covered, verdict_of
from xiqing_space.indicators.tables import Stated, Tables

__all__ = ["Stated", "Tables", "build_coverages", "build_indicators", "build_sensitivity", "covered", "verdict_of"]
