"""Refusals that a booking page must tell apart."""

from odoo.exceptions import UserError


class SlotTaken(UserError):
    """Somebody was quicker, or the time cannot be booked (any more)."""


class StaleSnapshot(Exception):
    """The place to book was made by a transaction that this one cannot see yet.

    The caller rolls back and tries again at once on a fresh snapshot.
    """
