"""The city from one metre: what a child sees, and who sees the child, at the kerb. Pure analysis; an import goes down to safety, never up."""

from xiqing_space.child_view.sightlines import measure_sightlines

__all__ = ["measure_sightlines"]
