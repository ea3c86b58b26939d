from odoo import http, models
from odoo.http import request


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _get_translation_frontend_modules_name(cls):
        """Override of `http_routing` to translate the scripts of our client pages."""
        return [
            *super()._get_translation_frontend_modules_name(),
            "payment_booking_portal",
        ]

    @classmethod
    def _auth_method_booking_frame(cls):
        """Let anybody in as a guest, without the session that the browser may send.

        A page that another website frames acts for nobody, whoever is logged in.
        """
        request.session = http.root.session_store.new()
        request.session.update(http.get_default_session())
        request.session.can_save = False
        request.update_env(user=request.env.ref("base.public_user").id, context={})

    def session_info(self):
        """Override of `web` to tell managers how many checks of Readiness are red, for
        the sign in the app.
        """
        info = super().session_info()
        user = self.env.user
        if user.has_group("payment_booking_portal.group_manager"):
            # sudo: of their own companies, one number each
            companies_sudo = self.env["res.company"].sudo()
            companies_sudo = companies_sudo.browse(user._get_company_ids())
            info["booking_readiness"] = companies_sudo._get_readiness_light()
        return info
