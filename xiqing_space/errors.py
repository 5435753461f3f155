"""Errors that a user meets: what is wrong, where, and what to do; each is also a builtin, so callers need not import it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class XiqingError(Exception):
    """Something that the user can mend.

    Parameters
    ----------
    what : str
        One sentence: what is wrong.
    where : str
        File, row or id; empty where there is none.
    todo : str
        What the user can do about it.
    first : sequence of str
        The first offenders; five are shown.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "", first: Sequence[str] = ()) -> None:
        self.what, self.where, self.todo, self.first = what, where, todo, tuple(first)
        super().__init__(self.text())

    def __reduce__(self) -> tuple[Any, ...]:
        # by its parts: an exception's own way would take the finished text for the fault
        return _again, (type(self), self.what, self.where, self.todo, self.first)

    def text(self) -> str:
        """The message as shown: place, fault, first offenders, remedy."""
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [f"  - {one}" for one in self.first[:5]]
        if len(self.first) > 5:
            lines.append(f"  … 共 {len(self.first)} 处 / {len(self.first)} in all")
        if self.todo:
            lines.append(f"  → {self.todo}")
        return "\n".join(printable(line) for line in lines)


def _again(kind: type[XiqingError], what: str, where: str, todo: str, first: tuple[str, ...]) -> XiqingError:
    return kind(what, where=where, todo=todo, first=first)


def printable(line: str) -> str:
    """Names in files may hold control characters, which a terminal would obey."""
    return "".join(one if one.isprintable() or one == " " else "\N{REPLACEMENT CHARACTER}" for one in line)


class InputFileError(XiqingError, FileNotFoundError):
    """A file that the configuration names is not there."""

    # OSError would otherwise format itself from errno and strerror
    def __str__(self) -> str:
        return self.text()


class InputDataError(XiqingError, ValueError):
    """A file was found but cannot be used as it is."""


class ConfigError(XiqingError, ValueError):
    """The configuration itself is at fault."""


class CrsError(XiqingError, ValueError):
    """Coordinates in a system that the operation cannot use."""


class OutputError(XiqingError, OSError):
    """Results could not be written; the earlier run is untouched."""

    def __str__(self) -> str:
        return self.text()


class CatalogueError(XiqingError, ValueError):
    """A catalogue file contradicts itself."""


class TableError(XiqingError, ValueError):
    """A table breaks its schema: a fault of the program, not of the user."""
