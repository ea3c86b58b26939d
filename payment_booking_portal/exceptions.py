"""Refusals that a booking page must tell apart."""

from odoo.exceptions import ConcurrencyError, UserError


class SlotTaken(UserError):
    """Somebody was quicker, or the time cannot be booked (any more)."""


class AlreadyPaid(UserError):
    """The provider says that an earlier payment has come, and it was kept.

    Who shows it to somebody catches it, so that what was kept is committed.
    """

    def __init__(self, message, document):
        super().__init__(message)
        self.document = document  # the one whose money has come


class StaleSnapshot(ConcurrencyError):
    """The place to book was made by a transaction that this one cannot see yet.

    The caller rolls back and tries again at once on a fresh snapshot; else Odoo does,
    a little later.
    """
