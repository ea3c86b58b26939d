"""Numbers as people type them, in the order and with the signs of their language."""

import re
from decimal import Decimal

from odoo.tools.misc import formatLang, get_lang

# Blanks and quotes that stand between thousands, in any language.
BLANKS = re.compile(r"[\s\u00a0\u2007\u202f'’]")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
MAX_DIGITS = 15


def parse_number(env, text):
    """Return a number that somebody typed as Python writes it, or None.

    A comma or a point alone is what the language says it is, if that makes sense of
    it: `1,5` cannot be a thousand, in English either. Of two, the last is the decimal
    sign.

    :param odoo.api.Environment env: in the language of who typed it.
    :param str text: what was typed.
    :return: digits with a decimal point, such as `-1234.5`.
    :rtype: str
    """
    text = BLANKS.sub("", text)
    marks = [char for char in text if char in ",."]
    if len(set(marks)) == 2:
        decimal = marks[-1]
    elif len(marks) == 1 and not _is_grouping(env, text, marks[0]):
        decimal = marks[0]
    else:
        decimal = None
    whole, _mark, fraction = text.rpartition(decimal) if decimal else (text, "", "")
    groups = re.split("[,.]", whole)
    if len(groups) > 1 and any(len(group) != 3 for group in groups[1:]):
        return None
    text = "".join(groups) + (f".{fraction}" if decimal else "")
    text = re.sub(r"^([+-]?)\.", r"\g<1>0.", text)
    if not NUMBER.fullmatch(text) or len(text) > MAX_DIGITS + 3:
        return None
    number = Decimal(text)
    if len(number.as_tuple().digits) > MAX_DIGITS:
        return None
    return format(number.normalize(), "f") if number else "0"


def _is_grouping(env, text, mark):
    """Tell whether the only comma or point of a number stands between thousands."""
    lang = get_lang(env)
    before, _mark, after = text.partition(mark)
    return (
        mark == lang.thousands_sep
        and mark != lang.decimal_point
        and len(after) == 3
        and 0 < len(before.lstrip("+-")) <= 3
        and not before.lstrip("+-").startswith("0")
    )


def format_number(env, text):
    """Return a number of `parse_number` as the language writes it.

    :param str text: digits with a decimal point.
    """
    decimals = len(text.partition(".")[2])
    return formatLang(env, float(text), digits=decimals)


def format_typed_number(env, text):
    """Return a number of `parse_number` as somebody would type it: not grouped."""
    return text.replace(".", get_lang(env).decimal_point)
