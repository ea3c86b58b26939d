import hashlib

from odoo import api, fields, models
from odoo.tools import SQL


class PaymentFormPolicy(models.Model):
    """One version of a policy, as clients read it: kept once, never changed."""

    _name = "payment.form.policy"
    _description = "Version of a Payment Policy"
    _order = "id desc"
    _rec_name = "hash"

    form_id = fields.Many2one(
        "payment.form", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="form_id.company_id", store=True, index=True)
    text = fields.Text(
        string="Exact Text",
        required=True,
        readonly=True,
        help="What the client read, character by character.",
    )
    hash = fields.Char(
        string="Fingerprint (SHA-256)",
        required=True,
        readonly=True,
        help="Of the exact text: anybody can compute it again.",
    )
    body = fields.Html(string="Text", compute="_compute_body")

    _hash_uniq = models.UniqueIndex("(form_id, hash)")

    @api.depends("text")
    def _compute_body(self):
        for version in self:
            version.body = version.text

    @api.depends("create_date", "form_id.name")
    def _compute_display_name(self):
        for version in self:
            version.display_name = f"{version.form_id.name} · {version.hash[:12]}"

    @api.model
    def _keep(self, form):
        """Return the version of a form's policy as it is now; keep it if it is new.

        Raw SQL: two clients may be the first to read it. The later one fails with a
        serialization error, and Odoo replays the request.

        :param payment.form form: one with a policy, in the language of the client.
        :return: the version, sudoed.
        :rtype: payment.form.policy
        """
        versions = self.sudo()  # what a client accepts is kept for them
        text = form._get_policy_text()
        domain = [
            ("form_id", "=", form.id),
            ("hash", "=", hashlib.sha256(text.encode()).hexdigest()),
        ]
        version = versions.search(domain, limit=1)
        if not version:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO payment_form_policy (
                        form_id, company_id, text, hash,
                        create_uid, write_uid, create_date, write_date)
                    VALUES (%s, %s, %s, %s, %s, %s,
                        now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
                    ON CONFLICT DO NOTHING
                    """,
                    form.id,
                    form.company_id.id,
                    text,
                    domain[1][2],
                    self.env.uid,
                    self.env.uid,
                )
            )
            version = versions.search(domain, limit=1)
        return version
