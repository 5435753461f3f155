"""The walking network: graph per profile, ways in, reach. The only shortest-path code of the project."""

from xiqing_space.network.exchange import from_networkx, to_networkx
from xiqing_space.network.graph import WalkGraph, build_graph
from xiqing_space.network.reach import nearest_nodes, reach_each

__all__ = ["WalkGraph", "build_graph", "from_networkx", "nearest_nodes", "reach_each", "to_networkx"]
