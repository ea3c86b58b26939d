"""Dates in the words and the order of a language."""

from odoo.tools import format_date
from odoo.tools.misc import babel_locale_parse, get_lang

# A start in an address: UTC, to the minute.
START_FORMAT = "%Y%m%dT%H%M"


def format_day(env, day):
    """Return a day without its year: `Friday, March 6` or `vendredi 6 mars`."""
    skeletons = babel_locale_parse(get_lang(env).code).datetime_skeletons
    pattern = (skeletons.get("MMMMEd") or skeletons["MMMEd"]).pattern
    if "MMMM" not in pattern:
        pattern = pattern.replace("MMM", "MMMM")
    return format_date(env, day, date_format=pattern.replace("E", "EEEE"))


def format_start(start):
    """Return a start (naive UTC) as it is written in an address."""
    return start.strftime(START_FORMAT)


def format_short_day(env, day):
    """Return a day without its year, in short: `Mar 6` or `6 mars`."""
    pattern = babel_locale_parse(get_lang(env).code).datetime_skeletons["MMMd"].pattern
    return format_date(env, day, date_format=pattern)
