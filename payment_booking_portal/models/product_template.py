from odoo import api, fields, models

from .. import const


class ProductTemplate(models.Model):
    _inherit = "product.template"

    booking_service_ids = fields.One2many(
        "payment.booking.service", "product_tmpl_id", string="Bookable Services"
    )
    booking_service_id = fields.Many2one(
        "payment.booking.service",
        string="Bookable Service",
        compute="_compute_booking_service_id",
        search="_search_booking_service_id",
    )
    appointment_ok = fields.Boolean(
        string="Can Be Booked Online",
        compute="_compute_booking_service_id",
        inverse="_inverse_appointment_ok",
        search="_search_appointment_ok",
        help="Clients can book this product as a service.",
    )
    fee_policy = fields.Selection(
        const.FEE_POLICIES,
        compute="_compute_booking_service_id",
        inverse="_inverse_booking_service_fields",
    )
    booking_duration = fields.Integer(
        string="Duration (minutes)",
        compute="_compute_booking_service_id",
        inverse="_inverse_booking_service_fields",
    )
    booking_is_published = fields.Boolean(
        string="Published on the Booking Page",
        compute="_compute_booking_service_id",
        inverse="_inverse_booking_service_fields",
    )
    booking_closed_reason = fields.Char(
        related="booking_service_id.closed_reason", string="Why It Cannot Be Booked"
    )
    booking_price_ids = fields.One2many(
        related="booking_service_id.price_ids",
        readonly=False,
        string="Prices in Other Currencies",
    )
    booking_currency_ids = fields.Many2many(
        related="booking_service_id.accepted_currency_ids",
        string="Accepted Currencies",
    )
    booking_has_several_currencies = fields.Boolean(
        related="booking_service_id.has_several_currencies"
    )

    @api.depends(
        "booking_service_ids.active",
        "booking_service_ids.fee_policy",
        "booking_service_ids.duration",
        "booking_service_ids.is_published",
    )
    def _compute_booking_service_id(self):
        for template in self:
            service = template.booking_service_ids.filtered("active")[:1]
            template.booking_service_id = service
            template.appointment_ok = bool(service)
            template.fee_policy = service.fee_policy
            template.booking_duration = service.duration
            template.booking_is_published = service.is_published

    def _search_booking_service_id(self, operator, value):
        return [("booking_service_ids", operator, value)]

    def _search_appointment_ok(self, operator, value):
        return [("booking_service_ids", "any" if True in value else "not any", [])]

    def _inverse_appointment_ok(self):
        for template in self:
            services = template.with_context(active_test=False).booking_service_ids
            if not template.appointment_ok:
                services.active = False
            elif services:
                services[:1].active = True
            else:
                self.env["payment.booking.service"].create(
                    {
                        "name": template.name,
                        "product_id": template.product_variant_id.id,
                        "company_id": (template.company_id or self.env.company).id,
                    }
                )

    def _inverse_booking_service_fields(self):
        for template in self:
            service = template.booking_service_ids.filtered("active")[:1]
            if not service:
                continue
            vals = {"is_published": template.booking_is_published}
            if template.fee_policy:
                vals["fee_policy"] = template.fee_policy
            if template.booking_duration:
                vals["duration"] = template.booking_duration
            service.write(vals)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        # The service needs the variant, which is made after the inverse methods.
        names = ("appointment_ok", "fee_policy", "booking_duration")
        chosen = [
            {name: vals.pop(name) for name in names if vals.get(name)}
            for vals in vals_list
        ]
        templates = super().create(vals_list)
        for template, vals in zip(templates, chosen, strict=True):
            if vals.pop("appointment_ok", False):
                template.appointment_ok = True
                template.booking_service_id.write(
                    {name.removeprefix("booking_"): vals[name] for name in vals}
                )
        return templates
