from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentBookingMailTest(models.TransientModel):
    """Send a test mail to oneself and read what the mail server says."""

    _name = "payment.booking.mail.test"
    _description = "Test Mail"

    # === FIELDS === #

    # Not stored: nobody can name another company.
    company_id = fields.Many2one("res.company", compute="_compute_company_id")
    recipient = fields.Char(string="To", compute="_compute_mail")
    sender = fields.Char(string="From", compute="_compute_mail")
    server = fields.Char(string="Mail Server", compute="_compute_mail")
    result = fields.Char(compute="_compute_result")
    is_sent = fields.Boolean(compute="_compute_result")
    tested_at = fields.Datetime(compute="_compute_result")
    answer = fields.Text(string="Answer of the Server", compute="_compute_result")
    advice = fields.Char(compute="_compute_result")
    is_administrator = fields.Boolean(compute="_compute_mail")

    # === COMPUTE METHODS === #

    @api.depends_context("company")
    def _compute_company_id(self):
        self.company_id = self.env.company

    @api.depends("company_id")
    @api.depends_context("uid")
    def _compute_mail(self):
        for test in self:
            # sudo: the address of the server, no key of it
            _server, address, sender = test.company_id.sudo()._get_booking_mail_server()
            test.recipient = self.env.user.email
            test.sender = sender
            test.server = address
            test.is_administrator = self.env["payment.setup.step"]._is_administrator()

    @api.depends(
        "company_id.booking_mail_result",
        "company_id.booking_mail_answer",
        "company_id.booking_mail_tested_at",
    )
    @api.depends_context("uid", "lang")
    def _compute_result(self):
        for test in self:
            company_sudo = test.company_id.sudo()  # the result of a test
            key = company_sudo.booking_mail_result
            labels = dict(
                company_sudo._fields["booking_mail_result"]._description_selection(
                    self.env
                )
            )
            test.result = labels.get(key)
            test.is_sent = company_sudo._is_booking_mail_tested()
            test.tested_at = company_sudo.booking_mail_tested_at
            test.answer = company_sudo.booking_mail_answer
            test.advice = test._get_advice(key)

    def _get_advice(self, result):
        """Return what to do about a result, in a sentence or two.

        :param str result: a key of `const.MAIL_RESULTS`, or False.
        """
        self.ensure_one()
        if not result:
            return False
        if result == "sent":
            if not self.is_sent:
                return self.env._("The mail server is another one now: test it again.")
            return self.env._(
                "Look for it in the inbox of %(address)s, and in the spam folder.",
                address=self.recipient,
            )
        advice = {
            "none": self.env._(
                "Your mail service says which address, port and password to use."
            ),
            "unreachable": self.env._("Its address and port may be wrong."),
            "login": self.env._(
                "Some mail services want a password of its own for programs."
            ),
            "sender": self.env._(
                "The e-mail address of your business must be one that the server "
                "sends for."
            ),
            "recipient": self.env._("Look at your own e-mail address."),
            "encryption": self.env._("Another kind of encryption or port may help."),
            "other": self.env._("The answer of the server says why."),
        }[result]
        if self.is_administrator or result == "recipient":
            return advice
        return "{} {}".format(
            advice,
            self.env["payment.setup.step"]._ask_administrator(self.company_id),
        )

    # === ACTIONS === #

    def action_send(self):
        """Send the test mail to the user, and show the answer."""
        self.ensure_one()
        self.env["payment.setup.step"]._check_manager()
        if not self.env.user.email:
            raise UserError(
                self.env._("You have no e-mail address. Add it to your preferences.")
            )
        self.company_id._send_booking_test_mail(self.env.user.email_formatted)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Test mail"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_configure(self):
        """Open the outgoing mail servers, for who may."""
        self.env["ir.mail_server"].check_access("write")
        return self.env["ir.actions.actions"]._for_xml_id(
            "base.action_ir_mail_server_list"
        )
