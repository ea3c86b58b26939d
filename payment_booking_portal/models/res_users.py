from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def _deactivate_portal_user(self, **post):
        """Override of `base` to delete what the clients filled in when they paid.

        Odoo deletes their contact later, and cannot if it has invoices.
        """
        partners = self.partner_id
        result = super()._deactivate_portal_user(**post)
        partners._forget_form_answers()
        return result
