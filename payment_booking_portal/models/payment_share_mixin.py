import base64
import re

from odoo import api, fields, models

from ..tools import qr


class PaymentShareMixin(models.AbstractModel):
    """What has an address that staff gives to clients: copy it, print its QR code.

    A model overrides `_get_shared_url`, and `_compute_url` to say what it depends on.
    """

    _name = "payment.share.mixin"
    _description = "Address to Share"

    url = fields.Char(string="Address", compute="_compute_url")
    # The pictures are downloaded from Odoo's own route for fields, which lets only
    # whoever may read the record have them.
    qr_png = fields.Binary(string="QR Code", compute="_compute_qr")
    qr_svg = fields.Binary(string="QR Code (SVG)", compute="_compute_qr")

    def _compute_url(self):
        for record in self:
            record.url = record._get_shared_url()

    @api.depends("url")
    def _compute_qr(self):
        for record in self:
            url = record.url
            record.qr_png = url and base64.b64encode(qr.make_png(url))
            record.qr_svg = url and base64.b64encode(qr.make_svg(url))

    def _get_shared_url(self):
        """Return the full address that clients are given, or False."""
        raise NotImplementedError

    def _get_share_title(self):
        """Return what is shared, for the names of files."""
        self.ensure_one()
        return self.display_name

    def action_download_png(self):
        """Download the QR code as a PNG picture."""
        return self._get_download_action("png")

    def action_download_svg(self):
        """Download the QR code as an SVG picture, for print."""
        return self._get_download_action("svg")

    def _get_download_action(self, extension):
        self.ensure_one()
        words = re.findall(r"\w+", self._get_share_title().lower())
        name = "-".join(["qr", *words]) + f".{extension}"
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/qr_{extension}/{name}"
            "?download=true",
            "target": "download",
        }
