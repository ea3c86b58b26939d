from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_datetime

# More dates than that at once are a mistake.
MAX_DATES = 370


class PaymentBookingSessionPlan(models.TransientModel):
    _name = "payment.booking.session.plan"
    _description = "Plan Dates of a Group Service"

    service_id = fields.Many2one(
        "payment.booking.service",
        required=True,
        ondelete="cascade",
        domain="[('seats', '>', 1)]",
    )
    tz = fields.Char(string="Time Zone", compute="_compute_tz")
    day = fields.Date(
        string="First Date",
        required=True,
        default=lambda self: self._default_day(),
    )
    hour = fields.Float(string="Time", required=True, default=18.0)
    repeat = fields.Selection(
        [("week", "Every week"), ("day", "Every day")], required=True, default="week"
    )
    end = fields.Selection(
        [("count", "Number of dates"), ("until", "Last date")],
        required=True,
        default="count",
    )
    count = fields.Integer(string="How Many", default=8)
    until = fields.Date()
    seats = fields.Integer(
        string="Places",
        compute="_compute_seats",
        store=True,
        readonly=False,
        precompute=True,
    )
    resource_ids = fields.Many2many(
        "resource.resource", "payment_booking_session_plan_rel", string="With"
    )
    warning = fields.Text(compute="_compute_warning")

    # What came of it
    session_ids = fields.Many2many("payment.booking.session", readonly=True)
    is_done = fields.Boolean(readonly=True)
    planned_count = fields.Integer(compute="_compute_planned_count")
    skipped = fields.Text(readonly=True)
    unusual = fields.Text(readonly=True)

    # === DEFAULTS === #

    @api.model
    def _default_day(self):
        return fields.Date.context_today(self) + timedelta(days=1)

    # === COMPUTE METHODS === #

    @api.depends("service_id")
    def _compute_tz(self):
        for wizard in self:
            company = wizard.service_id.company_id or self.env.company
            # sudo: whose zone it is, users may not read
            wizard.tz = company.sudo()._get_booking_tz()

    @api.depends("service_id")
    def _compute_seats(self):
        for wizard in self:
            wizard.seats = wizard.service_id.seats

    @api.depends("session_ids")
    def _compute_planned_count(self):
        for wizard in self:
            wizard.planned_count = len(wizard.session_ids)

    @api.depends("service_id", "day", "hour", "resource_ids", "is_done")
    def _compute_warning(self):
        """Say what speaks against the first date, before anything is planned."""
        for wizard in self:
            start = wizard.day and wizard._get_start(wizard.day)
            wizard.warning = (
                not wizard.is_done
                and self.env["payment.booking.session"]
                .new(
                    {
                        "service_id": wizard.service_id._origin.id,
                        "start": start,
                        "resource_ids": [(6, 0, wizard.resource_ids._origin.ids)],
                    }
                )
                .warning
            )

    # === ACTIONS === #

    def action_plan(self):
        """Plan the dates; those whose people or rooms are not free are listed."""
        self.ensure_one()
        starts, missing = [], []
        for day in self._get_days():
            start = self._get_start(day)
            (starts if start else missing).append(start or day)
        Session = self.env["payment.booking.session"]
        sessions, skipped, unusual = Session._plan_dates(
            self.service_id, starts, self.seats, self.resource_ids
        )
        lines = [
            self.env._(
                "%(day)s: this time does not exist, clocks change.",
                day=format_date(self.env, day, date_format="full"),
            )
            for day in missing
        ]
        lines += [f"{self._format(start)} – {reason}" for start, reason in skipped]
        self.write(
            {
                "session_ids": [(6, 0, sessions.ids)],
                "is_done": True,
                "skipped": "\n".join(lines),
                "unusual": "\n".join(
                    f"{self._format(session.start)} – {note}"
                    for session, note in unusual
                ),
            }
        )
        if not self.skipped and not self.unusual:
            return self.action_view_sessions()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Plan dates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_view_sessions(self):
        """Open the planned dates of the service."""
        self.ensure_one()
        action = self.service_id.action_view_sessions()
        action["views"] = [(False, "list"), (False, "calendar"), (False, "form")]
        action["target"] = "main"
        return action

    # === DATES === #

    def _get_days(self):
        """Return the local days asked for.

        :raise UserError: if there are none, or too many.
        """
        step = relativedelta(days=7 if self.repeat == "week" else 1)
        days, day = [], self.day
        while len(days) <= MAX_DATES:
            if self.end == "count" and len(days) >= self.count:
                break
            if self.end == "until" and (not self.until or day > self.until):
                break
            days.append(day)
            day += step
        if not days:
            raise UserError(self.env._("Say how many dates, or until when."))
        if len(days) > MAX_DATES:
            raise UserError(
                self.env._("Plan at most %(count)s dates at once.", count=MAX_DATES)
            )
        return days

    def _get_start(self, day):
        """Return the start on a day of the business's zone as naive UTC.

        :return: None for a time that clocks skip.
        """
        minutes = round(self.hour * 60)
        if not 0 <= minutes < 24 * 60:
            raise UserError(self.env._("Type a time of the day, such as 18:00."))
        local = datetime.combine(day, time(*divmod(minutes, 60)))
        try:
            start = pytz.timezone(self.tz).localize(local, is_dst=None)
        except pytz.AmbiguousTimeError:
            start = pytz.timezone(self.tz).localize(local, is_dst=True)
        except pytz.NonExistentTimeError:
            return None
        return start.astimezone(pytz.utc).replace(tzinfo=None)

    def _format(self, start):
        return format_datetime(
            self.env, start, tz=self.tz, dt_format="EEEE d MMMM y, HH:mm"
        )
