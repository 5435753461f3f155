"""xiqing_space: can the children of a district walk, safely, to what the plan promises them?"""

__version__ = "0.1.0"
