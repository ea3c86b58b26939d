import smtplib
import ssl
from datetime import datetime, time, timedelta

import pytz
from OpenSSL.SSL import Error as OpenSSLError

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from .. import const

# What may go wrong between here and a mail server; anything else is an error of ours.
MAIL_ERRORS = (
    OSError,  # the network, and all of smtplib
    OpenSSLError,
    ValueError,  # a name that is none, a certificate
    AssertionError,  # Odoo's answer to a malformed address
    UserError,
    MailDeliveryException,
)


# The checks of Readiness are fresh for so long (a job makes them each hour).
READINESS_MINUTES = 30


class ResCompany(models.Model):
    _inherit = "res.company"

    booking_currency_ids = fields.Many2many(
        "res.currency",
        "res_company_booking_currency_rel",
        string="Accepted Currencies",
        help="Clients may pay in these currencies. Your own is always accepted.",
    )
    booking_accept_test_payments = fields.Boolean(
        string="Accept Test Payments",
        help="Payments of the demo provider and of providers in test mode count as "
        "money. Leave this off for real business.",
    )
    booking_pay_later_online = fields.Boolean(
        string="Clients May Pay On-Site Bookings Online",
        default=True,
        help="Offer a Pay button for bookings that are paid at the appointment.",
    )
    booking_transfer_days = fields.Integer(
        string="Bank Transfer Deadline (days)",
        default=3,
        help="How long a booking is held for a bank transfer.",
    )
    booking_transfer_min_days = fields.Integer(
        string="Bank Transfer at Least (days before)",
        default=5,
        help="Bank transfer is not offered when the appointment is nearer than this.",
    )
    booking_late_hours = fields.Integer(
        string="Hold Unanswered Payments (hours)",
        default=24,
        help="A hold whose payment the provider gives no answer for is released after "
        "this long, and staff is told.",
    )
    booking_late_money = fields.Selection(
        const.MONEY_DECISIONS,
        string="Money That Comes Too Late",
        required=True,
        default="ask",
        help="What becomes of money that comes when its time was given to somebody "
        "else, or its booking cancelled. The time is taken again first, if it is free.",
    )
    booking_cancelled_money = fields.Selection(
        const.MONEY_DECISIONS,
        string="Money of a Cancelled Booking",
        required=True,
        default="ask",
        help="What becomes of what was paid for a booking that is cancelled.",
    )
    booking_cancelled_hours = fields.Integer(
        string="Clients Cancel in Time (hours)",
        default=24,
        help="A client who cancels later than this many hours before the start gets "
        "nothing back by itself: a person decides.",
    )
    booking_refund_approval = fields.Boolean(
        string="Refunds Need Approval",
        help="A second manager approves what is given back.",
    )
    booking_refund_approval_above = fields.Monetary(
        string="Approval Above",
        currency_field="currency_id",
        help="Up to this amount one manager is enough.",
    )

    booking_renew_links = fields.Boolean(
        string="Clients Renew Links",
        default=True,
        help="A client whose pay link ran out may have a fresh one by mail. Off: you "
        "are told and decide.",
    )

    # Of `account`: a code on the PDF of invoices; here it leads to the pay page.
    link_qr_code = fields.Boolean(default=True)
    booking_part_payments = fields.Boolean(
        string="Part Payments of Invoices",
        help="Clients choose how much of an invoice they pay online.",
    )
    booking_part_percent = fields.Float(
        string="At Least (%)",
        digits=(5, 2),
        default=20.0,
        help="The least that a client pays at once, in percent of the total. The rest "
        "can always be paid.",
    )

    # When clients are reminded of what they owe (see `payment.reminder.rule`)
    booking_reminder_from = fields.Float(
        string="Reminders From", default=9.0, help="In the time zone of the business."
    )
    booking_reminder_until = fields.Float(string="Reminders Until", default=18.0)
    booking_reminder_sunday = fields.Boolean(
        string="On Sundays Too",
        help="Reminders of money go out on Sundays. Those of an appointment always do.",
    )
    booking_reminder_gap = fields.Integer(
        string="Days Between Two Reminders",
        default=2,
        help="A client gets no second mail about money before so many days.",
    )
    booking_reminder_max = fields.Integer(
        string="Most Reminders per Document",
        default=5,
        help="After so many, those sent by hand included, rules are silent.",
    )

    # What payers fill in (see `payment.form`)
    booking_form_id = fields.Many2one(
        "payment.form",
        string="Payment Form",
        ondelete="restrict",
        domain="[('company_id', '=', id)]",
        help="What clients fill in when they book or pay, unless a service or link has "
        "a form of its own.",
    )
    booking_request_form_id = fields.Many2one(
        "payment.form",
        string="Form of Payment Requests",
        ondelete="restrict",
        domain="[('company_id', '=', id)]",
        help="Empty: the payment form above.",
    )
    booking_invoice_form_id = fields.Many2one(
        "payment.form",
        string="Form of Invoices",
        ondelete="restrict",
        domain="[('company_id', '=', id)]",
        help="Empty: the payment form above.",
    )

    # Getting started: what happened, with the current mail server and the links
    booking_mail_tested_at = fields.Datetime(
        readonly=True, groups="payment_booking_portal.group_manager"
    )
    booking_mail_result = fields.Selection(
        const.MAIL_RESULTS,
        readonly=True,
        groups="payment_booking_portal.group_manager",
    )
    booking_mail_answer = fields.Text(
        readonly=True, groups="payment_booking_portal.group_manager"
    )
    booking_mail_server = fields.Char(
        readonly=True, groups="payment_booking_portal.group_manager"
    )
    booking_shared_at = fields.Datetime(
        readonly=True, groups="payment_booking_portal.group_manager"
    )

    # The sign of `payment.readiness` in the app
    booking_readiness_red = fields.Integer(
        string="Red Checks",
        readonly=True,
        groups="payment_booking_portal.group_manager",
    )
    booking_readiness_at = fields.Datetime(
        string="Last Check",
        readonly=True,
        groups="payment_booking_portal.group_manager",
    )

    _booking_part_percent_range = models.Constraint(
        "CHECK (booking_part_percent BETWEEN 0 AND 100)",
        "A percentage is between 0 and 100.",
    )
    _booking_cancelled_hours_positive = models.Constraint(
        "CHECK (booking_cancelled_hours >= 0 AND booking_refund_approval_above >= 0)",
        "These numbers are not negative.",
    )
    _booking_reminder_hours = models.Constraint(
        "CHECK (booking_reminder_from >= 0 AND booking_reminder_until <= 24 "
        "AND booking_reminder_from < booking_reminder_until)",
        "Reminders go out from an hour until a later one of the same day.",
    )
    _booking_reminder_counts = models.Constraint(
        "CHECK (booking_reminder_gap >= 0 AND booking_reminder_max >= 0)",
        "These numbers are not negative.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._ensure_booking_pricelists()
        return companies

    def write(self, vals):
        result = super().write(vals)
        if {"booking_currency_ids", "currency_id"} & vals.keys():
            self._ensure_booking_pricelists()
        return result

    # === FORMS === #

    @api.constrains(
        "booking_form_id", "booking_request_form_id", "booking_invoice_form_id"
    )
    def _check_booking_forms(self):
        for company in self:
            forms_sudo = (
                company.booking_form_id
                + company.booking_request_form_id
                + company.booking_invoice_form_id
            ).sudo()  # of another company: it cannot be read
            if forms_sudo.company_id - company:
                raise ValidationError(
                    self.env._("This form belongs to another company.")
                )

    # === CURRENCIES === #

    def _get_booking_currencies(self):
        """Return the currencies that clients may pay in, the company's own first.

        :rtype: res.currency
        """
        self.ensure_one()
        accepted = self.booking_currency_ids.filtered("active") - self.currency_id
        return self.currency_id + accepted

    def _has_currency_rate(self, currency):
        """Tell whether Odoo can convert between the company's currency and another.

        Without a rate Odoo converts at 1:1 (`res.currency._get_rates`), which is never
        what a price should do.

        :param res.currency currency: the other currency.
        """
        self.ensure_one()
        return currency == self.currency_id or bool(
            self.env["res.currency.rate"]
            .sudo()  # rates are not readable by the public
            .search_count(
                [
                    ("currency_id", "=", currency.id),
                    ("company_id", "in", (False, self.root_id.id)),
                    ("name", "<=", fields.Date.context_today(self)),
                ],
                limit=1,
            )
        )

    def _get_booking_currencies_without_rate(self):
        """Return the accepted currencies that only explicit prices can be shown in."""
        self.ensure_one()
        return self._get_booking_currencies().filtered(
            lambda currency: not self._has_currency_rate(currency)
        )

    def _get_booking_pricelist(self, currency):
        """Return the pricelist that holds the prices of services in a currency.

        :param res.currency currency: one of the accepted currencies.
        :return: the pricelist, sudoed; made if there is none yet.
        :rtype: product.pricelist
        """
        self.ensure_one()
        Pricelist = self.env["product.pricelist"].sudo()  # clients may not read them
        domain = [
            ("is_booking_pricelist", "=", True),
            ("company_id", "=", self.id),
            ("currency_id", "=", currency.id),
        ]
        return Pricelist.search(domain, limit=1) or Pricelist.create(
            {
                "name": self.env._("Online booking (%(code)s)", code=currency.name),
                "is_booking_pricelist": True,
                "company_id": self.id,
                "currency_id": currency.id,
            }
        )

    def _ensure_booking_pricelists(self):
        """Make the pricelist of every accepted currency."""
        for company in self:
            for currency in company._get_booking_currencies():
                company._get_booking_pricelist(currency)

    # === MONEY THAT GOES BACK === #

    def _get_unused_money_texts(self):
        """Return what clients read about money that came for nothing, by what the
        company does with it (see `const.MONEY_DECISIONS`).
        """
        return {
            "ask": self.env._(
                "We will contact you, to find another time or to give the money back."
            ),
            "refund": self.env._(
                "We are giving the money back to you. With most banks it takes a few "
                "days."
            ),
            "credit": self.env._(
                "We keep the money as a credit for your next booking. If you would "
                "rather have it back, please tell us."
            ),
        }

    def _needs_refund_approval(self, amount, currency):
        """Tell whether a second manager must approve that much to be given back.

        :param float amount: of the refund.
        :param res.currency currency: its currency.
        """
        self.ensure_one()
        if not self.booking_refund_approval:
            return False
        if not self._has_currency_rate(currency):
            return True  # nobody knows how much it is
        in_company = currency._convert(
            amount, self.currency_id, self, fields.Date.context_today(self)
        )
        limit = self.booking_refund_approval_above
        return self.currency_id.compare_amounts(in_company, limit) > 0

    # === DAYS === #

    def _get_booking_today(self):
        """Return what day it is where the business is."""
        self.ensure_one()
        tz = pytz.timezone(self._get_booking_tz())
        return pytz.utc.localize(fields.Datetime.now()).astimezone(tz).date()

    def _get_booking_midnight(self, day):
        """Return when a day begins where the business is (naive UTC).

        :param date day: the day.
        """
        self.ensure_one()
        tz = pytz.timezone(self._get_booking_tz())
        midnight = tz.localize(datetime.combine(day, time.min))
        return midnight.astimezone(pytz.utc).replace(tzinfo=None)

    # === REMINDERS === #

    def _is_reminder_time(self):
        """Tell whether clients may be reminded of money now."""
        self.ensure_one()
        local = self._get_booking_now()
        return (local.weekday() != 6 or self.booking_reminder_sunday) and (
            self._is_reminder_hour(local)
        )

    def _is_reminder_hour(self, local):
        hour = local.hour + local.minute / 60
        return self.booking_reminder_from <= hour < self.booking_reminder_until

    def _get_appointment_horizon(self):
        """Return up to which moment (naive UTC) reminders of appointments are sent now;
        False in the quiet hours.

        In the last hour of the day also those that would fall into the coming night.
        """
        self.ensure_one()
        local = self._get_booking_now()
        if not self._is_reminder_hour(local):
            return False
        left = self.booking_reminder_until - local.hour - local.minute / 60
        if left > 1:
            return fields.Datetime.now()
        opening = self._get_booking_midnight(local.date() + timedelta(days=1))
        return opening + timedelta(hours=self.booking_reminder_from, seconds=-1)

    def _get_booking_now(self):
        """Return the present moment where the business is."""
        self.ensure_one()
        tz = pytz.timezone(self._get_booking_tz())
        return pytz.utc.localize(fields.Datetime.now()).astimezone(tz)

    # === SHOP WINDOW === #

    def _get_book_url(self):
        """Return the path of the public page with the services of the company."""
        self.ensure_one()
        public_sudo = self.env.ref("base.public_user").sudo()  # users read no guests
        # Guests come as that user: `/book` is the page of its company.
        return "/book" if self == public_sudo.company_id else f"/book/at/{self.id}"

    def _get_booking_closed_reason(self):
        """Return why clients can book nothing of the company, for staff, or False."""
        self.ensure_one()
        services = self.env["payment.booking.service"].search(
            [("company_id", "=", self.id), ("is_published", "=", True)]
        )
        if not services:
            return self.env._("No service is published. Publish one of your services.")
        if all(service._get_unbookable_reason() for service in services):
            return self.env._(
                "None of your services can be booked. The list of your services says "
                "what is missing."
            )
        return False

    # === WORDS FOR CLIENTS === #

    def _get_booking_tz(self):
        """Return the name of the business's time zone."""
        self.ensure_one()
        return (
            self.resource_calendar_id.tz
            or self.partner_id.tz
            or self.env.ref("base.user_admin").sudo().tz  # the installer's own zone
            or "UTC"
        )

    def _get_statement_url_of(self, record):
        """Return the address for the foot of a mail, where its client sees all that is
        due; False for a mail of which nobody knows whom it is for.

        :param record: what the mail is about; see `_get_mail_statement_url` of bookings
            and requests.
        """
        get_url = getattr(record, "_get_mail_statement_url", None)
        return bool(get_url) and len(record) == 1 and get_url()

    def _get_booking_contact(self):
        """Return how a client reaches the business: phone and e-mail, if known."""
        self.ensure_one()
        company_sudo = self.sudo()  # guests may not read companies
        return {"phone": company_sudo.phone, "email": company_sudo.email}

    # === READINESS === #

    def _note_readiness(self, red):
        """Keep how many checks of `payment.readiness` are red, and that they were made.

        :param int red: how many.
        """
        self.ensure_one()
        company_sudo = self.sudo()  # managers write no companies: these fields only
        now = fields.Datetime.now()
        last = company_sudo.booking_readiness_at
        is_fresh = last and now - last < timedelta(minutes=READINESS_MINUTES)
        if red != company_sudo.booking_readiness_red or not is_fresh:
            company_sudo.write(
                {"booking_readiness_red": red, "booking_readiness_at": now}
            )

    def _get_readiness_light(self):
        """Return how many checks were red when they were last made, by company id.

        One more where nobody made them for a day: then no job runs.

        :rtype: dict
        """
        yesterday = fields.Datetime.now() - timedelta(days=1)
        is_copy = self.env["payment.provider"]._is_copy_of_database()
        self.fetch(["booking_readiness_red", "booking_readiness_at"])
        light = {}
        for company in self:
            last = company.booking_readiness_at
            is_forgotten = bool(last) and last < yesterday and not is_copy
            light[company.id] = max(company.booking_readiness_red, int(is_forgotten))
        return light

    # === GETTING STARTED === #

    def _note_booking_shared(self):
        """Keep when somebody first took the link of a service to give it to clients."""
        company_sudo = self.sudo()  # managers write no companies: this date only
        for company in company_sudo.filtered(lambda c: not c.booking_shared_at):
            company.booking_shared_at = fields.Datetime.now()

    def _get_booking_mail_server(self):
        """Return the mail server of this business's mails, its address and the sender.

        The server, sudoed, is empty where the one of Odoo's configuration file is used.

        :rtype: tuple
        """
        self.ensure_one()
        company_sudo = self.sudo()  # who sends, and by which server
        server_sudo, sender = (
            self.env["ir.mail_server"]
            .sudo()
            .with_context(domain_notifications_email=company_sudo.default_from_email)
            ._find_mail_server(company_sudo.email_formatted)
        )
        server_sudo = server_sudo or self.env["ir.mail_server"].sudo()
        if server_sudo and server_sudo.smtp_authentication != "cli":
            address = f"{server_sudo.smtp_host}:{server_sudo.smtp_port}"
        else:
            address = f"{tools.config['smtp_server']}:{tools.config['smtp_port']}"
        return server_sudo, address, sender

    @api.model
    def _has_booking_mail_server(self):
        """Tell whether a mail server was set up at all, here or in the configuration
        file: without one Odoo tries the machine it runs on.
        """
        # sudo: managers may not read servers
        count = self.env["ir.mail_server"].sudo().search_count([], limit=1)
        return bool(count) or tools.config["smtp_server"] != "localhost"

    def _is_booking_mail_tested(self):
        """Tell whether the last test mail went out by the server that is used now."""
        self.ensure_one()
        return (
            self.booking_mail_result == "sent"
            and self.booking_mail_server == self._get_booking_mail_server()[1]
        )

    def _send_booking_test_mail(self, recipient):
        """Send a mail as confirmations are sent, and keep what the server says.

        The caller checks the rights of the user.

        :param str recipient: an e-mail address.
        """
        self.ensure_one()
        company_sudo = self.sudo()  # managers write no companies: these fields only
        server_sudo, address, sender = self._get_booking_mail_server()
        try:
            answer = self._deliver_booking_test_mail(server_sudo, sender, recipient)
            result = "sent"
        except MAIL_ERRORS as error:
            result, answer = self._describe_mail_error(error)
            if result == "unreachable" and not self._has_booking_mail_server():
                result = "none"
        company_sudo.write(
            {
                "booking_mail_tested_at": fields.Datetime.now(),
                "booking_mail_result": result,
                "booking_mail_answer": answer,
                "booking_mail_server": address,
            }
        )

    def _deliver_booking_test_mail(self, server_sudo, sender, recipient):
        """Hand a test mail over to a mail server and return the answer.

        :param ir.mail_server server_sudo: empty for the one of the configuration file.
        :param str sender: in whose name the server sends.
        :param str recipient: an e-mail address.
        """
        company_sudo = self.sudo()  # name and address of the sender
        MailServer = server_sudo.browse().with_context(
            domain_notifications_email=company_sudo.default_from_email,
            domain_bounce_address=company_sudo.bounce_email,
        )
        message = MailServer._build_email__(
            company_sudo.email_formatted,
            [recipient],
            self.env._("Test mail of %(company)s", company=company_sudo.name),
            self.env._(
                "This mail came from %(company)s. Confirmations will reach your "
                "clients the same way.",
                company=company_sudo.name,
            ),
        )
        session = MailServer._connect__(
            mail_server_id=server_sudo.id or None, smtp_from=sender
        )
        replies = []
        try:
            send_data = session.data

            def data(content):
                replies.append(send_data(content))  # which smtplib does not return
                return replies[-1]

            session.data = data
            MailServer.send_email(message, smtp_session=session)
            session.quit()
        finally:
            session.close()
        return "\n".join(self._decode_reply(code, text) for code, text in replies)

    @api.model
    def _decode_reply(self, code, text):
        """Return a reply of a mail server as text, without what a page cannot show."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        return f"{code} {text}".replace("\x00", "").strip()[: const.MAX_TEXT]

    @api.model
    def _describe_mail_error(self, error):
        """Return which of `const.MAIL_RESULTS` an error is, and the server's own words.

        :param Exception error: one of `MAIL_ERRORS`.
        :rtype: tuple
        """
        if isinstance(error, MailDeliveryException) and error.__context__:
            error = error.__context__  # Odoo wraps what it met
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            reply = next(iter(error.recipients.values()))
            return "recipient", self._decode_reply(*reply)
        if isinstance(error, smtplib.SMTPResponseException):
            kind = "other"
            if isinstance(error, smtplib.SMTPAuthenticationError):
                kind = "login"
            elif isinstance(error, smtplib.SMTPSenderRefused):
                kind = "sender"
            return kind, self._decode_reply(error.smtp_code, error.smtp_error)
        if isinstance(error, ssl.SSLError | OpenSSLError):
            kind = "encryption"
        elif isinstance(error, smtplib.SMTPNotSupportedError):
            kind = "encryption"  # no STARTTLS or no login without it
        elif isinstance(error, smtplib.SMTPServerDisconnected):
            kind = "unreachable"
        elif isinstance(error, AssertionError):
            kind = "sender"  # there is none: Odoo says so this way
        elif isinstance(error, OSError) and not isinstance(
            error, smtplib.SMTPException
        ):
            kind = "unreachable"
        else:
            kind = "other"
        text = str(error) or type(error).__name__
        return kind, text.replace("\x00", "")[: const.MAX_TEXT]
