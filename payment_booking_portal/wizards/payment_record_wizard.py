from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import AlreadyPaid


class PaymentRecordWizard(models.AbstractModel):
    """What the dialogs that note money received by staff share."""

    _name = "payment.record.wizard"
    _description = "Record a Payment"

    currency_id = fields.Many2one("res.currency")
    amount_due = fields.Monetary(string="Due")
    amount = fields.Monetary(required=True)
    method = fields.Selection(
        selection=lambda self: self._get_methods(),
        default="payment_booking_portal.payment_method_cash",
        required=True,
    )
    date = fields.Date(default=fields.Date.context_today, required=True)
    note = fields.Char(string="Reference")
    send = fields.Boolean(string="Send a Receipt by Mail", default=True)

    @api.model
    def _get_methods(self):
        methods = self.env["payment.provider"]._get_venue_methods()
        xmlids = methods.get_external_id()
        return [(xmlids[method.id], method.name) for method in methods]

    def _check_rights(self, document):
        """Check that the user may note money on a document. Override.

        :raise AccessError: when they may not.
        """
        document.check_access("write")

    def _record_on(self, document):
        """Book the money of the dialog on a document.

        :param document: a payable that the user may change.
        :return: an action that says that the client has paid online meanwhile; None if
            the money was booked.
        :raise UserError: when the money cannot have come, or that much is not due.
        """
        self.ensure_one()
        self._check_rights(document)
        if self.date > fields.Date.context_today(self):
            raise UserError(self.env._("Money is recorded once it came."))
        # sudo: plain users read no payment methods
        method = self.env.ref(self.method).sudo()
        try:
            document._record_payment(self.amount, method, self.date, self.note)
        except AlreadyPaid:  # an answer, no error: what was kept is committed
            return self._tell_paid_online()

    def _tell_paid_online(self):
        """Return the action that says that nothing was recorded, and why."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": self.env._(
                    "The client has paid online meanwhile. Nothing was recorded here."
                ),
                "type": "warning",
                "sticky": True,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
