"""What each stage does: tables in, tables out. The pipeline decides when."""

from xiqing_space.stages.build_network import network
from xiqing_space.stages.context import Context
from xiqing_space.stages.measure_coverage import coverage
from xiqing_space.stages.read_layers import ingest
from xiqing_space.stages.write_figures import indicators, maps, write_csv

__all__ = ["Context", "coverage", "indicators", "ingest", "maps", "network", "write_csv"]
