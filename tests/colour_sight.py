"""How colours look to others: colour-blind eyes, a grey printer, and the two measures of difference that the tests use.

Dichromats: matrices of severity 1.0 in G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation
of Color Vision Deficiency", IEEE TVCG 15(6), 2009, applied to linear sRGB. Difference: CIEDE2000 (CIE 142-2001; formulae and check values
after Sharma, Wu, Dalal 2005). Contrast: WCAG 2.1, relative luminance.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]  # linear red, green, blue
SEEN_BY: Mapping[str, list[list[float]]] = {
    "everyone": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def read(text: str) -> tuple[Colour, float]:
    """A colour as CSS writes it (#rgb, #rgba, #rrggbb, #rrggbbaa): linear parts, and how opaque it is."""
    digits = text.removeprefix("#")
    if len(digits) in (3, 4):
        digits = "".join(one * 2 for one in digits)
    parts = np.array([int(digits[at : at + 2], 16) for at in range(0, len(digits), 2)]) / 255
    return linear(parts[:3]), float(parts[3]) if len(parts) == 4 else 1.0


def linear(parts: NDArray[np.float64]) -> Colour:
    """sRGB in 0–1 as light."""
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def seen(text: str, eye: str) -> Colour:
    """An opaque colour as an eye of `SEEN_BY` sees it."""
    return np.clip(np.array(SEEN_BY[eye]) @ read(text)[0], 0.0, 1.0)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0–1."""
    return float(np.array([0.2126, 0.7152, 0.0722]) @ colour)


def contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG, 1–21; a see-through `first` lies on `second`."""
    over, opaque = read(first)
    under = read(second)[0]
    one, other = luminance(over * opaque + under * (1 - opaque)), luminance(under)
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def lab(colour: Colour) -> NDArray[np.float64]:
    """CIE L*a*b*, D65."""
    ratio = _TO_XYZ @ colour / _WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def grey(text: str) -> float:
    """L* of a colour printed in grey, 0–100."""
    return float(lab(read(text)[0])[0])


def difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """CIEDE2000 of two L*a*b* colours."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * (1 + g), b1), np.hypot(a2 * (1 + g), b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * (1 + g))) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    step_l, step_c, step_h = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    middle, c = (l1 + l2) / 2, (c1 + c2) / 2
    h = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (1 - 0.17 * np.cos(np.radians(h - 30)) + 0.24 * np.cos(np.radians(2 * h)) + 0.32 * np.cos(np.radians(3 * h + 6))
         - 0.20 * np.cos(np.radians(4 * h - 63)))  # fmt: skip
    by_l = 1 + 0.015 * (middle - 50) ** 2 / np.sqrt(20 + (middle - 50) ** 2)
    by_c, by_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    turned = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * np.sqrt(c**7 / (c**7 + 25.0**7))
    parts = step_l / by_l, step_c / by_c, step_h / by_h
    return float(np.sqrt(parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2 + turned * parts[1] * parts[2]))


def apart(first: str, second: str, eye: str) -> float:
    """CIEDE2000 of two colours as an eye sees them."""
    return difference(lab(seen(first, eye)), lab(seen(second, eye)))
