from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.base.models.res_partner import _tz_get

# What a manager may change of the company, and nothing else.
COMPANY_FIELDS = (
    "name",
    "street",
    "street2",
    "zip",
    "city",
    "state_id",
    "country_id",
    "phone",
    "email",
)


class PaymentBookingBusiness(models.TransientModel):
    """The business as clients see it, for managers who may not open Odoo's settings."""

    _name = "payment.booking.business"
    _description = "Your Business"

    # === FIELDS === #

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    part = fields.Selection(
        [("all", "All"), ("business", "Business"), ("hours", "Hours")],
        required=True,
        default="all",
        help="What is shown, and saved.",
    )
    name = fields.Char(required=True)
    logo = fields.Image(max_width=1920, max_height=1920)
    street = fields.Char()
    street2 = fields.Char()
    zip = fields.Char()
    city = fields.Char()
    country_id = fields.Many2one("res.country")
    state_id = fields.Many2one(
        "res.country.state", domain="[('country_id', '=?', country_id)]"
    )
    phone = fields.Char()
    email = fields.Char()
    tz = fields.Selection(_tz_get, string="Time Zone", required=True)
    hour_ids = fields.One2many("payment.booking.business.hour", "business_id")
    has_other_hours = fields.Boolean(
        readonly=True,
        help="Hours that these rows cannot say: two weeks in turn, or flexible.",
    )

    # === DEFAULTS === #

    @api.model
    def default_get(self, fields_list):
        """Override of `base` to start from the current company."""
        values = super().default_get(fields_list)
        self._check_manager()
        # sudo: managers may not read every field of a company; these are shown to all
        company_sudo = self.env.company.sudo()
        business = {
            name: company_sudo._fields[name].convert_to_write(
                company_sudo[name], company_sudo
            )
            for name in COMPANY_FIELDS
        }
        if not company_sudo.uses_default_logo:
            business["logo"] = company_sudo.logo
        calendar_sudo = company_sudo.resource_calendar_id
        business["tz"] = self._get_default_tz(calendar_sudo)
        business["has_other_hours"] = self._has_other_hours(calendar_sudo)
        business["hour_ids"] = [
            Command.create(row) for row in self._get_hours(calendar_sudo)
        ]
        for name in set(business) & set(fields_list):
            values.setdefault(name, business[name])
        return values

    @api.model
    def _get_default_tz(self, calendar):
        """Return the zone of a calendar; the user's own while it has no real one."""
        zone = calendar.tz or "UTC"
        return (self.env.user.tz or zone) if zone == "UTC" else zone

    @api.model
    def _has_other_hours(self, calendar):
        """Tell whether a calendar has hours that weekdays alone cannot say."""
        return bool(
            calendar.two_weeks_calendar
            or calendar.flexible_hours
            or calendar.duration_based
        )

    @api.model
    def _get_hours(self, calendar):
        """Return the opening hours of a calendar, without breaks, as values of rows."""
        if self._has_other_hours(calendar):
            return []
        rows = calendar.attendance_ids.filtered(
            lambda row: not row.display_type and row.day_period != "lunch"
        ).sorted(lambda row: (row.dayofweek, row.hour_from))
        return [
            {
                "dayofweek": row.dayofweek,
                "hour_from": row.hour_from,
                "hour_to": row.hour_to,
            }
            for row in rows
        ]

    # === ONCHANGE METHODS === #

    @api.onchange("country_id")
    def _onchange_country_id(self):
        if self.state_id.country_id != self.country_id:
            self.state_id = False

    # === ACTIONS === #

    def action_save(self):
        """Write what was shown to the company."""
        self.ensure_one()
        self._check_manager()
        if self.company_id != self.env.company:
            raise AccessError(self.env._("Change to that company first."))
        if self.part != "hours":
            self._save_business()
        if self.part != "business" and not self.has_other_hours:
            self._save_hours()
        return {"type": "ir.actions.act_window_close"}

    # === SAVING === #

    @api.model
    def _check_manager(self):
        """Refuse whoever is no manager.

        :raise AccessError: for a plain user.
        """
        self.env["payment.setup.step"]._check_manager()

    def _save_business(self):
        """Write name, logo, address and contact."""
        # sudo: managers write no companies; these fields only, of their own company
        company_sudo = self.company_id.sudo()
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in COMPANY_FIELDS
        }
        if self.logo or not company_sudo.uses_default_logo:
            values["logo"] = self.logo
        # Only what changed: the name of a company is looked at by many.
        company_sudo.write(
            {
                name: value
                for name, value in values.items()
                if value
                != company_sudo._fields[name].convert_to_write(
                    company_sudo[name], company_sudo
                )
            }
        )

    def _save_hours(self):
        """Write time zone and opening hours."""
        if not self.hour_ids:
            raise UserError(self.env._("Add the hours of at least one day."))
        calendar = self._get_own_calendar()
        rows = self.hour_ids.sorted(lambda row: (row.dayofweek, row.hour_from))
        # Breaks are not shown here: they stay as long as the hours do.
        if [row._prepare_hours() for row in rows] != self._get_hours(calendar):
            calendar.attendance_ids = [
                Command.clear(),
                *(Command.create(row._prepare_attendance()) for row in rows),
            ]
        if calendar.tz != self.tz:
            # Who works at these hours is in the same place.
            self.env["resource.resource"].search(
                [
                    ("calendar_id", "=", calendar.id),
                    ("company_id", "=", self.company_id.id),
                    ("tz", "=", calendar.tz),
                ]
            ).tz = self.tz
            calendar.tz = self.tz

    def _get_own_calendar(self):
        """Return the calendar of the company; its own copy of one that is shared."""
        company_sudo = self.company_id.sudo()  # managers write no companies
        calendar = self.company_id.resource_calendar_id
        if calendar.company_id == self.company_id:
            return calendar
        own = calendar.copy(
            {"name": self.env._("Opening hours"), "company_id": self.company_id.id}
        )
        for model in ("resource.resource", "payment.booking.service"):
            self.env[model].search(
                [
                    ("calendar_id", "=", calendar.id),
                    ("company_id", "=", self.company_id.id),
                ]
            ).calendar_id = own
        company_sudo.resource_calendar_id = own
        return own
