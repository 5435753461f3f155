"""Pages that open without a network. Draw and write; never compute a figure, never read a raw layer."""

from xiqing_space.maps.action02 import draw_action02
from xiqing_space.maps.index import draw_index

__all__ = ["draw_action02", "draw_index"]
