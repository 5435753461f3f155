"""Walking coverage and safe ways to school for the children of a district."""

import os

# openpyxl writes other bytes where lxml happens to be installed
os.environ.setdefault("OPENPYXL_LXML", "False")

__version__ = "0.1.0"
