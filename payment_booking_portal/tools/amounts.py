"""Amounts that people type, in the manner of their language."""

import re

MARKS = ".,"
SPACES = re.compile(r"[\s\u00a0\u202f'’]")
NUMBER = re.compile(r"(\d{1,12})(?:[.,](\d{1,6})?)?|[.,](\d{1,6})", re.ASCII)


def parse_amount(text, decimal_point=".", thousands_sep=","):
    """Return the number that somebody typed, or None if it is none.

    The marks of the language decide what could be read in two ways (`1.234`). What
    could not is understood in any language: `12,50` is the same as `12.50`.

    :param str text: what was typed.
    :param str decimal_point: how the language marks the decimals.
    :param str thousands_sep: how the language groups the digits.
    :rtype: float or None
    """
    if not isinstance(text, str) or len(text) > 40:
        return None
    text = SPACES.sub("", text)
    grouping = thousands_sep if thousands_sep in MARKS else ""
    if grouping and grouping != decimal_point:
        group, point = re.escape(grouping), re.escape(decimal_point)
        grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+(?:{point}\d*)?"
        if re.fullmatch(grouped, text, re.ASCII):
            text = text.replace(grouping, "")
    if len(text) > 20 or not NUMBER.fullmatch(text):
        return None
    return float(text.replace(",", ".").rstrip("."))


def parse_list(text):
    """Return the numbers of a list such as `10; 20; 50,50`, in its order.

    There are no groups of digits here: a list reads the same in every language.

    :param str text: numbers with semicolons between them.
    :return: the numbers; None for a part that is none.
    :rtype: list
    """
    parts = [part.strip() for part in (text or "").split(";")]
    return [parse_amount(part, ".", "") for part in parts if part]


def share_out(amount, weights, currency):
    """Return an amount shared out in proportion of weights.

    The shares sum up to the amount, rounded; none is above its weight as long as the
    amount is not above all of them.

    :param float amount: in the currency.
    :param list weights: amounts in the currency, not negative.
    :param res.currency currency: whose coins cannot be broken.
    :rtype: list
    """
    whole = sum(weights)
    shares, weight_so_far, so_far = [], 0.0, 0.0
    for weight in weights:
        weight_so_far += weight
        # Rounded where it stands: the last one need not take what others rounded off.
        up_to = currency.round(amount * weight_so_far / whole) if whole else 0.0
        shares.append(currency.round(up_to - so_far))
        so_far = up_to
    return shares
