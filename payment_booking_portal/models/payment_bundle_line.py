from odoo import fields, models


class PaymentBundleLine(models.Model):
    _name = "payment.bundle.line"
    _description = "Document Paid with Others"
    _order = "id"  # the order in which documents are locked
    _rec_name = "bundle_id"

    bundle_id = fields.Many2one(
        "payment.bundle", required=True, readonly=True, ondelete="cascade", index=True
    )
    booking_id = fields.Many2one(
        "payment.booking", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    request_id = fields.Many2one(
        "payment.request", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="cascade", index="btree_not_null"
    )

    _one_document = models.Constraint(
        "CHECK (num_nonnulls(booking_id, request_id, invoice_id) = 1)",
        "Each line is for exactly one document.",
    )

    def _get_document(self):
        """Return the document of the line."""
        self.ensure_one()
        return self.booking_id or self.request_id or self.invoice_id

    def _get_label(self):
        """Return what is paid, in the client's words, with its number."""
        document = self._get_document()
        title, number = document._get_payable_title(), document.name
        return title if number in title else f"{title} ({number})"

    def _get_own_url(self):
        """Return the pay page of the document alone, or False; makes no link."""
        document = self._get_document()
        AccessLink = self.env["payment.access.link"]
        link_sudo = AccessLink._get_valid(document, "pay")[document.id]
        return bool(link_sudo) and f"/pay/{link_sudo.token}"
