"""Colours that a business chooses, and what can be read on them."""

import re

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
LIGHT, DARK = "#ffffff", "#111111"


def get_luminance(color):
    """Return the relative luminance of a colour, 0 to 1.

    Source: WCAG 2.2, definition of relative luminance.

    :param str color: `#rrggbb`.
    """
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def get_text_color(color):
    """Return the colour of a text that can best be read on a colour: white or black.

    :param str color: `#rrggbb`.
    """
    ground = get_luminance(color)
    on_light = 1.05 / (ground + 0.05)
    on_dark = (ground + 0.05) / (get_luminance(DARK) + 0.05)
    return LIGHT if on_light >= on_dark else DARK
