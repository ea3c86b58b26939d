from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

# What Odoo calls a company that nobody has named yet.
UNNAMED = ("My Company", "YourCompany")
# Services that are looked at before saying that none can be booked.
MAX_SERVICES = 3
# Administrators whose names are given to somebody who needs one.
MAX_NAMES = 3


class PaymentSetupStep(models.Model):
    """A step from a fresh installation to the first client.

    Nothing is ticked by hand: `is_done` and `hint` say what the data of the current
    company says. To add a step, extend `key` and write `_get_status_<key>` and
    `_get_action_<key>`.
    """

    _name = "payment.setup.step"
    _description = "Step of Getting Started"
    _order = "sequence, id"

    # === FIELDS === #

    key = fields.Selection(
        [
            ("business", "Business"),
            ("hours", "Time zone and opening hours"),
            ("mail", "Outgoing mail"),
            ("provider", "Payment provider"),
            ("service", "First service"),
            ("trial", "Try it as a client"),
            ("share", "Share"),
        ],
        required=True,
        readonly=True,
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    description = fields.Char(translate=True)
    button_label = fields.Char(required=True, translate=True)
    button_label_done = fields.Char(required=True, translate=True)
    is_done = fields.Boolean(string="Done", compute="_compute_status")
    hint = fields.Char(string="What Is Missing", compute="_compute_status")
    can_open = fields.Boolean(compute="_compute_status")
    is_next = fields.Boolean(compute="_compute_is_next")

    _key_unique = models.Constraint("UNIQUE (key)", "Each step exists once.")

    # === COMPUTE METHODS === #

    @api.depends("key")
    @api.depends_context("company", "uid", "lang")
    def _compute_status(self):
        company = self.env.company
        for step in self:
            status = getattr(step, f"_get_status_{step.key}")(company)
            step.is_done = status["is_done"]
            step.hint = status["hint"]
            step.can_open = status.get("can_open", True)

    @api.depends("is_done")
    @api.depends_context("company", "uid")
    def _compute_is_next(self):
        open_steps = self._get_all().filtered(lambda s: s.can_open and not s.is_done)
        following = open_steps[:1]
        for step in self:
            step.is_next = step == following

    # === ACTIONS === #

    def action_open(self):
        """Open what the step is done with."""
        self.ensure_one()
        self._check_manager()
        return getattr(self, f"_get_action_{self.key}")(self.env.company)

    @api.model
    def action_open_today(self):
        """Open the bookings of today, from the end of the list."""
        return self._get_today_action()

    # === START === #

    @api.model
    def _get_all(self):
        """Return all steps, in order."""
        return self.search([("key", "!=", False)])

    @api.model
    def _get_start_action(self):
        """Return what the app opens on: these steps until all are done, then today.

        Who cannot change anything here goes straight to the bookings.
        """
        if self.env.user.has_group("payment_booking_portal.group_manager") and not all(
            step.is_done for step in self._get_all()
        ):
            return self._get_action_by_xmlid("payment_setup_step_action")
        return self._get_today_action()

    @api.model
    def _get_today_action(self):
        """Return the action of today's bookings; all bookings where there is none."""
        name = "payment_booking_action_today"
        if not self.env.ref(f"payment_booking_portal.{name}", raise_if_not_found=False):
            name = "payment_booking_action"
        return self._get_action_by_xmlid(name)

    @api.model
    def _get_action_by_xmlid(self, name):
        """Return the values of an action of this addon."""
        return self.env["ir.actions.actions"]._for_xml_id(
            f"payment_booking_portal.{name}"
        )

    # === WHO === #

    @api.model
    def _check_manager(self):
        """Refuse whoever is no manager.

        :raise AccessError: for a plain user.
        """
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only managers of bookings may do this."))

    @api.model
    def _is_administrator(self):
        """Tell whether the user may change providers and mail servers."""
        return self.env.user.has_group("base.group_system")

    @api.model
    def _ask_administrator(self, company):
        """Return whom to ask for what only administrators may do, in a sentence.

        :param res.company company: where they work.
        """
        # sudo: only their names are told, to a colleague
        users_sudo = self.env.ref("base.group_system").sudo().all_user_ids
        names = users_sudo.filtered(
            lambda user: user.active and not user.share and company in user.company_ids
        ).mapped("name")[:MAX_NAMES]
        if not names:
            return self.env._("Ask your administrator.")
        return self.env._("Ask %(names)s.", names=", ".join(names))

    # === BUSINESS === #

    def _get_status_business(self, company):
        """Return whether clients can see who they book with.

        Each `_get_status_…` returns `is_done`, the `hint` (what is missing, or what was
        found), and `can_open` where the user may lack the right to go on.

        :param res.company company: the current company.
        :rtype: dict
        """
        # sudo: what clients read; the step is shown to managers only
        company_sudo = company.sudo()
        missing = []
        if company_sudo.name in UNNAMED:
            missing.append(self.env._("name"))
        if company_sudo.uses_default_logo:
            missing.append(self.env._("logo"))
        if not (company_sudo.street and company_sudo.city):
            missing.append(self.env._("address"))
        if not (company_sudo.phone or company_sudo.email):
            missing.append(self.env._("phone or e-mail"))
        if missing:
            hint = self.env._("Missing: %(what)s.", what=", ".join(missing))
        else:
            facts = (company_sudo.name, company_sudo.street, company_sudo.city)
            hint = ", ".join(facts)
        return {"is_done": not missing, "hint": hint}

    def _get_action_business(self, company):
        """Return the form of the business. See `_get_status_business`."""
        return {
            **self._get_action_by_xmlid("payment_booking_business_action"),
            "name": self.env._("Your business"),
            "context": {"default_part": "business"},
        }

    # === HOURS === #

    def _get_status_hours(self, company):
        """Return whether the hours are in a real place. See `_get_status_business`."""
        calendar_sudo = company.sudo().resource_calendar_id  # as for the business
        rows = calendar_sudo.attendance_ids.filtered(
            lambda row: not row.display_type and row.day_period != "lunch"
        )
        if not rows and not calendar_sudo.flexible_hours:
            hint = self.env._("No opening hours yet.")
        elif calendar_sudo.tz == "UTC":
            # What Odoo takes when nobody said anything; no business is there.
            hint = self.env._("The time zone is not set: say where you are.")
        else:
            hint = self.env._(
                "%(hours)g hours a week on %(days)s days, time of %(zone)s",
                hours=sum(row.hour_to - row.hour_from for row in rows),
                days=len(set(rows.mapped("dayofweek"))),
                zone=calendar_sudo.tz.replace("_", " "),
            )
            return {"is_done": True, "hint": hint}
        return {"is_done": False, "hint": hint}

    def _get_action_hours(self, company):
        """Return the form of the opening hours. See `_get_status_business`."""
        return {
            **self._get_action_by_xmlid("payment_booking_business_action"),
            "name": self.env._("Time zone and opening hours"),
            "context": {"default_part": "hours"},
        }

    # === MAIL === #

    def _get_status_mail(self, company):
        """Return whether the last test mail went out. See `_get_status_business`."""
        # sudo: the result of a test, no key of the server
        company_sudo = company.sudo()
        result = company_sudo.booking_mail_result
        is_done = company_sudo._is_booking_mail_tested()
        if is_done:
            hint = self.env._(
                "The last test went out on %(day)s.",
                day=format_date(self.env, company_sudo.booking_mail_tested_at.date()),
            )
        elif not result:
            hint = self.env._("Not tested yet.")
        elif result == "sent":
            hint = self.env._("The mail server is another one now: test it again.")
        else:
            labels = dict(
                company_sudo._fields["booking_mail_result"]._description_selection(
                    self.env
                )
            )
            hint = labels[result]
            if not self._is_administrator():
                hint = f"{hint} {self._ask_administrator(company)}"
        return {"is_done": is_done, "hint": hint}

    def _get_action_mail(self, company):
        """Return the dialog that sends a test mail. See `_get_status_business`."""
        return self._get_action_by_xmlid("payment_booking_mail_test_action")

    # === PROVIDER === #

    def _get_status_provider(self, company):
        """Return whether clients can pay online. See `_get_status_business`."""
        providers_sudo, _methods = self.env["payment.provider"]._get_usable(
            company, company.currency_id, 1.0
        )
        is_administrator = self._is_administrator()
        if providers_sudo:
            names = ", ".join(providers_sudo.mapped("name"))
            if "enabled" in providers_sudo.mapped("state"):
                hint = names
            else:
                hint = self.env._("%(names)s: test money only so far.", names=names)
        else:
            hint = self._get_provider_hint(company)
            if not is_administrator:
                hint = f"{hint} {self._ask_administrator(company)}"
        return {
            "is_done": bool(providers_sudo),
            "hint": hint,
            "can_open": is_administrator,
        }

    def _get_provider_hint(self, company):
        """Return why no provider of a company can be used, in a sentence."""
        provider_sudo = self._get_started_provider(company)
        if not provider_sudo:
            return self.env._("No payment provider is connected.")
        if provider_sudo.state == "test" and not company.booking_accept_test_payments:
            return self.env._(
                "%(name)s is in test mode, and test payments are not accepted "
                "(Configuration › Settings).",
                name=provider_sudo.name,
            )
        if provider_sudo.state == "enabled" and not provider_sudo.is_published:
            return self.env._("%(name)s is not published.", name=provider_sudo.name)
        return self.env._(
            "%(name)s has no payment method for your currency.", name=provider_sudo.name
        )

    def _get_started_provider(self, company):
        """Return the provider of a company that somebody began to connect, sudoed."""
        Provider = self.env["payment.provider"].sudo()  # only its name is told
        return Provider.search(
            [
                *Provider._check_company_domain(company),
                ("state", "in", ("enabled", "test")),
                ("custom_mode", "not in", ("venue", "at_venue")),  # no online payment
            ],
            order="state, sequence",
            limit=1,
        )

    def _get_action_provider(self, company):
        """Return Odoo's own form of a provider, or the list to choose from.

        The form of a provider that has an onboarding offers it.
        """
        if not self._is_administrator():
            raise AccessError(self._ask_administrator(company))
        action = self.env["ir.actions.actions"]._for_xml_id(
            "payment.action_payment_provider"
        )
        provider = self._get_started_provider(company)
        settings = self.env["res.config.settings"].new({"company_id": company.id})
        if not provider and settings.onboarding_payment_module:
            provider = provider.search(
                [
                    *provider._check_company_domain(company),
                    ("code", "=", settings.onboarding_payment_module),
                ],
                limit=1,
            )
        if provider:
            action.update(
                name=provider.name, res_id=provider.id, views=[(False, "form")]
            )
        return action

    # === SERVICE === #

    def _get_services(self, company):
        """Return some services of a company, published ones first."""
        return self.env["payment.booking.service"].search(
            [("company_id", "=", company.id)],
            order="is_published DESC, sequence, id",
            limit=MAX_SERVICES,
        )

    def _get_first_service(self, company):
        """Return the service that is tried and shared.

        :raise UserError: when there is none yet.
        """
        services = self._get_services(company)
        if not services:
            raise UserError(self.env._("Make a service first."))
        return services[0]

    def _get_status_service(self, company):
        """Return whether a service is complete. See `_get_status_business`."""
        services = self._get_services(company)
        for service in services:
            if not service._get_incomplete_reason():
                return {"is_done": True, "hint": service.name}
        hint = self.env._("No service yet.")
        if services:
            hint = f"{services[0].name}: {services[0]._get_incomplete_reason()}"
        return {"is_done": False, "hint": hint}

    def _get_action_service(self, company):
        """Return the form of the service to make or to mend, or the list."""
        action = self._get_action_by_xmlid("payment_booking_service_action")
        services = self._get_services(company)
        if self.is_done:
            return action
        return {
            **action,
            "views": [(False, "form")],
            "res_id": services[:1].id,
        }

    # === TRIAL === #

    def _get_status_trial(self, company):
        """Return whether somebody has booked. See `_get_status_business`."""
        booking = self.env["payment.booking"].search(
            [("company_id", "=", company.id), ("state", "!=", "draft")],
            order="id",
            limit=1,
        )
        if booking:
            hint = self.env._(
                "First booking: %(reference)s, %(service)s",
                reference=booking.name,
                service=booking.service_id.name,
            )
            return {"is_done": True, "hint": hint}
        has_service = bool(self._get_services(company))
        return {
            "is_done": False,
            "hint": self.env._("No booking yet.")
            if has_service
            else self.env._("Make a service first."),
            "can_open": has_service,
        }

    def _get_action_trial(self, company):
        """Return the page of a service as a client sees it."""
        return self._get_first_service(company).action_try()

    # === SHARE === #

    def _get_status_share(self, company):
        """Return whether clients know where to book: the link was given to them, or
        somebody who is no colleague has booked. See `_get_status_business`.
        """
        service = self._get_services(company)[:1]
        if not service:
            return {
                "is_done": False,
                "hint": self.env._("Make a service first."),
                "can_open": False,
            }
        if not service.is_published:
            return {
                "is_done": False,
                "hint": self.env._("Not published: %(name)s.", name=service.name),
            }
        # sudo: the field and who made a booking are not for everybody
        booked = self.env["payment.booking"].sudo().search_count(
            [
                ("company_id", "=", company.id),
                ("state", "!=", "draft"),
                ("create_uid.share", "=", True),
            ],
            limit=1,
        )  # fmt: skip
        if booked:
            hint = self.env._("Clients book online.")
        elif company.sudo().booking_shared_at:
            hint = self.env._("Shared; no client has booked online yet.")
        else:
            hint = self.env._("Nobody has the link yet.")
            return {"is_done": False, "hint": hint}
        return {"is_done": True, "hint": hint}

    def _get_action_share(self, company):
        """Return what a service is shared with."""
        service = self._get_first_service(company)
        if service.is_published:
            return service.action_share()
        return {
            **self._get_action_by_xmlid("payment_booking_service_action"),
            "views": [(False, "form")],
            "res_id": service.id,
        }
