"""The embedded default: a synthetic town, written as real files and read by the same readers as anything else.

`plan` is the drawing of a small town in metres, `write` turns it into an OSM extract with boundary, zones and a
configuration. The modules `district…` draw a whole district, and `write_district` writes it as an office's files.
"""

from xiqing_space.sample.write import GENERATOR, write_sample
from xiqing_space.sample.write_district import write_district

__all__ = ["GENERATOR", "write_district", "write_sample"]
