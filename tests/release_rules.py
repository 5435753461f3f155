"""What tests hold a public release against: the catalogue, the rules of a release, and how many children are not few."""

from __future__ import annotations

from xiqing_space.catalog import load_catalogue
from xiqing_space.catalog.release import load_release

CATALOGUE, RULES, FLOOR = load_catalogue(), load_release(), 10.0
