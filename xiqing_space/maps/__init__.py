"""Pages that open without a network. Draw and write; never compute a figure, never read a raw layer."""

from xiqing_space.maps.action02 import draw_action02
from xiqing_space.maps.action13 import draw_action13
from xiqing_space.maps.figure_list import Figure, list_figures
from xiqing_space.maps.figures import draw_figures
from xiqing_space.maps.index import draw_index

__all__ = ["Figure", "draw_action02", "draw_action13", "draw_figures", "draw_index", "list_figures"]
