"""The embedded default: a synthetic town, written as real files and read by the same readers as anything else.

`plan` is the drawing in metres, `write` turns it into an OSM extract with boundary, zones and a configuration.
"""

from xiqing_space.sample.write import GENERATOR, write_sample

__all__ = ["GENERATOR", "write_sample"]
