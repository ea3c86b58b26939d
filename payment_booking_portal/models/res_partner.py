from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

# So many rows are on the tab Payments, and who sees it.
TAB_LIMIT = 200
TAB_GROUPS = "payment_booking_portal.group_user,account.group_account_invoice"


class ResPartner(models.Model):
    _inherit = "res.partner"

    payment_booking_ids = fields.One2many("payment.booking", "partner_id")
    payment_booking_count = fields.Integer(
        string="Bookings",
        compute="_compute_payment_booking_count",
        groups="payment_booking_portal.group_user",
    )

    payment_reminder_optout = fields.Boolean(
        string="No Payment Reminders",
        help="Neither by rules nor by hand. Said of a company, it counts for its "
        "contacts. Reminders of appointments are sent all the same.",
    )
    payment_reminder_count = fields.Integer(
        string="Reminders",
        compute="_compute_payment_reminder_count",
        groups="payment_booking_portal.group_user,account.group_account_invoice",
    )

    payment_request_ids = fields.One2many("payment.request", "partner_id")
    # For the tab Payments: with those of the contacts of a company.
    payment_tab_overdue_ids = fields.Many2many(
        "payment.due", compute="_compute_payment_tab", groups=TAB_GROUPS
    )
    payment_tab_pending_ids = fields.Many2many(
        "payment.due", compute="_compute_payment_tab", groups=TAB_GROUPS
    )
    payment_tab_paid_ids = fields.Many2many(
        "payment.due", compute="_compute_payment_tab", groups=TAB_GROUPS
    )
    payment_tab_draft_ids = fields.Many2many(
        "payment.request",
        string="Drafts",
        compute="_compute_payment_tab_draft_ids",
        groups="payment_booking_portal.group_user",
    )
    payment_tab_dues = fields.Char(
        string="Owes", compute="_compute_payment_tab", groups=TAB_GROUPS
    )
    payment_tab_overdue = fields.Char(
        string="Overdue", compute="_compute_payment_tab", groups=TAB_GROUPS
    )

    @api.depends("payment_booking_ids")
    def _compute_payment_booking_count(self):
        groups = self.env["payment.booking"]._read_group(
            [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
        )
        counts = {partner.id: count for partner, count in groups}
        for partner in self:
            partner.payment_booking_count = counts.get(partner.id, 0)

    @api.depends_context("allowed_company_ids")
    def _compute_payment_reminder_count(self):
        for partner in self:
            partner.payment_reminder_count = self.env["payment.reminder"].search_count(
                partner._origin._get_reminder_domain()
            )

    @api.depends_context("allowed_company_ids", "lang")
    def _compute_payment_tab(self):
        Due = self.env["payment.due"]
        done = ("paid", "partly_refunded", "refunded", "credit")
        mine = Domain("company_id", "in", self.env.companies.ids)
        for partner in self:
            rows = mine & Domain("partner_id", "child_of", partner._origin.ids)
            unpaid = Due.search(
                rows & Domain("status", "not in", done), limit=TAB_LIMIT
            )
            late = unpaid.filtered(lambda row: row.days_late and row.is_owed)
            partner.payment_tab_overdue_ids = late
            partner.payment_tab_pending_ids = unpaid - late
            partner.payment_tab_paid_ids = Due.search(
                rows & Domain("status", "in", done),
                order="date desc, id desc",
                limit=TAB_LIMIT,
            )
            origin = partner._origin
            dues = origin and origin._get_due_rows(self.env.companies)
            partner.payment_tab_dues = dues and dues._describe_amount()
            overdue = dues and dues.filtered("days_late")
            partner.payment_tab_overdue = overdue and overdue._describe_amount()

    @api.depends_context("allowed_company_ids")
    def _compute_payment_tab_draft_ids(self):
        for partner in self:
            partner.payment_tab_draft_ids = self.env["payment.request"].search(
                Domain("partner_id", "child_of", partner._origin.ids)
                & Domain("state", "in", ("draft", "expired")),
                limit=TAB_LIMIT,
            )

    def _forget_form_answers(self):
        """Delete what the contacts filled in when they paid, and where from.

        See `payment.form.submission` for what stays as the proof of a policy.
        """
        domain = [("partner_id", "in", self.ids)]
        # sudo: only our methods write these
        self.env["payment.form.answer"].sudo().search(domain).unlink()
        submissions_sudo = self.env["payment.form.submission"].sudo()  # as above
        submissions_sudo.search(domain).write({"address": False, "lang": False})

    # === WHAT A CLIENT OWES === #

    def _get_due_rows(self, companies, excluded=None):
        """Return what a client owes, each amount once: rows of `payment.due`, sudoed.

        :param res.company companies: whom it is owed to.
        :param payment.request excluded: one that does not count.
        """
        self.ensure_one()
        Due = self.env["payment.due"].sudo()  # plain users read amounts through us
        domain = Due._get_owed_domain(companies) & Due._get_client_domain(self)
        if excluded:
            domain &= Domain("request_id", "not in", excluded.ids)
        return Due.search(domain)

    def _describe_dues(self, companies, excluded=None):
        """Return what a client owes in words, or False. See `_get_due_rows`."""
        return self._get_due_rows(companies, excluded)._describe_amount()

    def action_invoice_bookings(self):
        """Open the dialog that puts the client's bookings on an invoice."""
        self.ensure_one()
        self.check_access("read")
        Booking = self.env["payment.booking"]
        bookings = Booking.search(
            Booking._get_invoiceable_domain()
            & Domain("partner_id", "child_of", self.commercial_partner_id.ids)
            & Domain("company_id", "=", self.env.company.id),
            order="start",
        )
        free = bookings.filtered(lambda booking: not booking._get_live_invoice())
        if not free:
            raise UserError(self.env._("There is no booking to invoice."))
        currency = free[0].currency_id
        return self.env["payment.booking.invoice"]._open(
            free.filtered(lambda booking: booking.currency_id == currency)
        )

    # === STATEMENT === #

    def _get_statement_urls(self, company):
        """Return the path of the page where each client sees and pays all that is due,
        without an account. Contacts of a company share one, as they do in the portal.

        :param res.company company: to whom it is owed.
        :return: paths by id of the contact.
        :rtype: dict
        """
        owners = self.commercial_partner_id
        AccessLink = self.env["payment.access.link"]
        links = AccessLink._ensure_for(owners, "statement", company)
        return {
            partner.id: f"/statement/{links[partner.commercial_partner_id.id].token}"
            for partner in self
        }

    def _get_full_statement_url(self, company):
        """Return the full address of the statement, for the foot of a mail, or False.

        :param res.company company: to whom it is owed.
        """
        if not self:
            return False
        return self.get_base_url() + self._get_statement_urls(company)[self.id]

    def _check_statement_user(self):
        self.check_access("read")
        if not self.env.user.has_group("payment_booking_portal.group_user"):
            raise AccessError(self.env._("Only staff can do this."))

    def action_copy_statement_link(self):
        """Copy the address of the client's statement with the current company.

        :raise AccessError: for anyone but staff.
        """
        self.ensure_one()
        self._check_statement_user()
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.copy_text",
            "params": {
                "text": self._get_full_statement_url(self.env.company),
                "message": self.env._("The link is copied."),
            },
        }

    def action_revoke_statement(self):
        """Make the links to the clients' statements dead, in all mails that have them,
        and what was chosen there to be paid at once. The next mail has a new link.

        :raise AccessError: for anyone but staff.
        """
        self._check_statement_user()
        owners = self.commercial_partner_id
        for company in self.env.companies:
            bundles = self.env["payment.bundle"].sudo()  # staff reads none
            bundles = bundles.search(
                Domain("partner_id", "child_of", owners.ids)
                & Domain("company_id", "=", company.id)
                & Domain("by_statement", "=", True)
            )
            AccessLink = self.env["payment.access.link"]
            for documents, scope, of_company in (
                (owners, "statement", company),
                (bundles, "pay", None),
            ):
                links = AccessLink._get_valid(documents, scope, of_company).values()
                AccessLink.union(*links)._revoke()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The links that are out no longer work."),
            },
        }

    def action_new_payment_request(self):
        """Open a new payment request for the client."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send a payment link"),
            "res_model": "payment.request",
            "views": [(False, "form")],
            "context": {"default_partner_id": self.id},
        }

    def action_record_new_payment(self):
        """Open the dialog that notes money of the client, for what nobody asked."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Record a payment"),
            "res_model": "payment.request.record",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_partner_id": self.id},
        }

    def action_view_payments(self):
        """Open the client's form on the tab Payments."""
        self.ensure_one()
        view = self.env.ref("payment_booking_portal.res_partner_view_form_payments")
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(view.id, "form")],
        }

    # === REMINDERS === #

    def _get_reminder_domain(self):
        """Return the reminders of a client, with those of the contacts of a company."""
        return Domain("partner_id", "child_of", self.ids)

    def action_send_reminder(self):
        """Open the dialog that reminds clients of all that they owe."""
        self.check_access("read")
        self.env["payment.due"]._check_reminder_user()
        rows = self.env["payment.due"]
        for partner in self:
            rows |= partner._get_due_rows(self.env.companies).sudo(False)
        return self.env["payment.reminder.send"]._open(rows)

    def action_view_reminders(self):
        """Open what the client was reminded of."""
        self.check_access("read")
        return self.env["payment.reminder"]._open_list(self._get_reminder_domain())

    # === SAME PERSON === #

    def _check_mergeable(self, company):
        """Check that the user may merge contacts, into one or away.

        :param res.company company: of the document that they are clients of.
        :raise AccessError: when the user may not change them.
        :raise UserError: when one has an account, or belongs to another company.
        """
        self.sudo(False).check_access("write")
        for partner in self.sudo():  # plain users read no accounts
            # Whoever opens an account may type any address: with it they would see
            # what the other contact booked and paid.
            if partner.with_context(active_test=False).user_ids:
                raise UserError(
                    self.env._(
                        "%(name)s has an account. Only an administrator can merge "
                        "contacts that log in.",
                        name=partner.display_name,
                    )
                )
            if partner.company_id and partner.company_id != company:
                raise UserError(
                    self.env._(
                        "%(name)s belongs to another company.",
                        name=partner.display_name,
                    )
                )

    def _merge_into(self, partner, company):
        """Merge a contact into another one: all that refers to it goes along.

        :param res.partner partner: the contact that stays, with its own data.
        :param res.company company: of the document that they are clients of.
        """
        self.ensure_one()
        (self | partner)._check_mergeable(company)
        # sudo: Odoo lets only administrators merge; checked above
        old, new = self.sudo(), partner.sudo()
        if old.company_id != new.company_id:
            # One of them is shared by all companies: their documents keep a client.
            (old | new).company_id = False
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()  # as above
        wizard._merge((old | new).ids, new)
        self.env.invalidate_all()  # written with SQL
        for model in ("payment.booking", "payment.request"):
            documents = self.env[model].sudo().search([("partner_id", "=", new.id)])
            for name in ("client_name", "client_email", "client_phone"):
                self.env.add_to_compute(documents._fields[name], documents)

    def action_view_payment_bookings(self):
        """Open the bookings of the client; New makes one for them."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_action"
        )
        return {
            **action,
            "view_mode": "list,calendar,kanban,form",
            "views": [(False, "list"), (False, "calendar"), (False, "form")],
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }
