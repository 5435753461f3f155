"""Walking coverage and safe ways to school for the children of a district."""

__version__ = "0.1.0"
