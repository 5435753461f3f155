"""The line with which a map is put into a page of the office's own."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_HEAD = 4_000  # characters in which a page's title stands


def iframe(file: str, title: str) -> str:
    """The `<iframe>` of a map, to be copied into a page that lies beside it.

    Parameters
    ----------
    file : str
        Name of the map's file; a link to a view (`file.html#kind=park`) does too.
    title : str
        What screen readers say of it.
    """
    return (
        f'<iframe src="{escape(file)}" title="{escape(title)}" width="100%" height="720" style="border:0" '
        'loading="lazy" allowfullscreen></iframe>'
    )


def iframe_of(page: Path) -> str | None:
    """The `<iframe>` of a finished map under the title that the page itself has; None where the file is no map."""
    if page.parent.name != "maps" or page.name == "index.html" or not page.is_file():
        return None
    with page.open(encoding="utf-8") as file:
        found = _TITLE.search(file.read(_HEAD))
    # the title in the page is HTML already
    return iframe(page.name, "").replace('title=""', f'title="{found[1] if found else page.stem}"')
