from odoo import api, fields, models


class PaymentFormSubmission(models.Model):
    """That a payer sent a form: when, from where, and the policy accepted with it.

    It is the proof of the acceptance. Nobody changes or deletes it by hand.

    When the contact is deleted, it goes too: Odoo lets nobody delete a contact who has
    invoices, so there is no money left that it could be the proof for. When clients
    delete their account and the contact stays (archived, because of its invoices), what
    is personal is emptied (the network address) and the rest stays: the books keep the
    payment, and the business must be able to show what was agreed with it. For that,
    the text and the moment are enough.
    """

    _name = "payment.form.submission"
    _description = "Payment Form Sent"
    _inherit = ["payment.form.record"]
    _order = "id desc"
    _rec_name = "submitted_at"

    submitted_at = fields.Datetime(string="Sent on", required=True, readonly=True)
    address = fields.Char(string="Network Address", readonly=True)
    lang = fields.Char(string="Language", readonly=True)
    policy_id = fields.Many2one(
        "payment.form.policy",
        string="Policy",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    policy_hash = fields.Char(related="policy_id.hash")
    policy_body = fields.Html(related="policy_id.body", string="What Was Read")
    is_ticked = fields.Boolean(
        string="Box Ticked",
        readonly=True,
        help="Off: the text was shown without a box to tick.",
    )

    @api.depends("form_id.name", "submitted_at")
    def _compute_display_name(self):
        for submission in self:
            when = fields.Datetime.context_timestamp(
                submission, submission.submitted_at
            )
            submission.display_name = (
                f"{submission.form_id.name}, {when:%Y-%m-%d %H:%M}"
            )
