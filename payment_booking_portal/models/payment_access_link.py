import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import consteq

from .. import const

# Bytes of a token. Of a public address fewer, for a short one: 128 bits.
TOKEN_BYTES = {"link": 16, "widget": 16}


class PaymentAccessLink(models.Model):
    _name = "payment.access.link"
    _description = "Access Link"
    _order = "id desc"

    token = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: self._default_token(),
        groups="base.group_system",
    )
    # The row is found by this digest, so that the time of a look-up says nothing
    # about how much of a guessed token was right.
    token_digest = fields.Char(
        compute="_compute_token_digest", store=True, groups="base.group_system"
    )
    scope = fields.Selection(
        [
            ("pay", "Pay"),
            ("manage", "See, move and cancel"),
            ("link", "Direct link"),
            ("statement", "See and pay all that is due"),
            ("widget", "Website widget"),
        ],
        required=True,
        readonly=True,
    )
    res_model = fields.Char(string="Document Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", required=True, readonly=True
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        ondelete="cascade",
        help="To whom what it shows is owed, where the document does not say.",
    )
    expires_at = fields.Datetime(readonly=True)
    revoked = fields.Boolean(readonly=True)
    asked_at = fields.Datetime(
        readonly=True, help="When its holder last asked for a fresh one."
    )
    asked_key = fields.Char(
        readonly=True,
        index="btree_not_null",
        help="Keyed hash of the address that asked, for the rate limit.",
    )
    is_valid = fields.Boolean(compute="_compute_is_valid")

    _token_digest_uniq = models.UniqueIndex("(token_digest)")
    _document_index = models.Index("(res_model, res_id, scope)")

    @api.model
    def _default_token(self, scope=None):
        return secrets.token_urlsafe(TOKEN_BYTES.get(scope, 24))  # else 192 bits

    @api.depends("token")
    def _compute_token_digest(self):
        for link in self:
            link.token_digest = self._digest(link.token)

    @api.depends("expires_at", "revoked")
    def _compute_is_valid(self):
        now = fields.Datetime.now()
        for link in self:
            link.is_valid = not link.revoked and (
                not link.expires_at or link.expires_at > now
            )

    @api.model
    def _digest(self, token):
        return hashlib.sha256(token.encode()).hexdigest()

    @api.model
    def _find(self, token, scope):
        """Return the link of a token, or an empty recordset for a wrong one.

        An expired or revoked link is returned too: `is_valid` tells, and its page says
        so without naming anyone.

        :param str token: what the visitor presented.
        :param str scope: what the visitor wants to do.
        :return: the link, sudoed.
        :rtype: payment.access.link
        """
        links = self.sudo()  # guests own no record: the token is their right
        if not isinstance(token, str) or not 20 <= len(token) <= 64:
            return links.browse()
        link = links.search(
            [("token_digest", "=", self._digest(token)), ("scope", "=", scope)], limit=1
        )
        if not link or not consteq(link.token, token):
            return links.browse()
        return link

    def _get_document(self):
        """Return the document of the link, sudoed; empty if it is gone."""
        self.ensure_one()
        documents_sudo = self.env[self.res_model].sudo()  # the link is the right
        return documents_sudo.browse(self.res_id).exists()

    @api.model
    def _get_domain(self, documents, scope, company=None):
        return [
            ("res_model", "=", documents._name),
            ("res_id", "in", documents.ids),
            ("scope", "=", scope),
            ("company_id", "=", company.id if company else False),
        ]

    @api.model
    def _get_all(self, document, scope, company=None):
        """Return the links of a document for a scope, dead ones too, sudoed.

        :param document: one record.
        :param str scope: what their holders may do.
        :param res.company company: whose, where the document is of several.
        """
        document.ensure_one()
        # sudo: whoever may write to the client may
        return self.sudo().search(self._get_domain(document, scope, company))

    @api.model
    def _get_for(self, document, scope, company=None):
        """Return the valid link of a document for a scope; make it if there is none.

        :param document: one record.
        :param str scope: what its holder may do.
        :param res.company company: whose, where the document is of several.
        :return: the link, sudoed.
        :rtype: payment.access.link
        """
        document.ensure_one()
        return self._ensure_for(document, scope, company)[document.id]

    @api.model
    def _ensure_for(self, documents, scope, company=None):
        """Return the valid link of each document; make those that are missing.

        See `_get_for` for the parameters.

        :return: links by id of the document, sudoed.
        :rtype: dict
        """
        valid = self._get_valid(documents, scope, company)
        missing = [document_id for document_id, link in valid.items() if not link]
        made = self.sudo().create(  # whoever may write to the client may
            [
                {
                    "token": self._default_token(scope),
                    "res_model": documents._name,
                    "res_id": document_id,
                    "scope": scope,
                    "company_id": company.id if company else False,
                }
                for document_id in missing
            ]
        )
        return {**valid, **dict(zip(missing, made, strict=True))}

    @api.model
    def _get_valid(self, documents, scope, company=None):
        """Return the valid link of each document for a scope, sudoed; makes none.

        See `_get_for` for the parameters.

        :return: links by id of the document, an empty one where there is none.
        :rtype: dict
        """
        # sudo: whoever may read the document may share it
        links = self.sudo().search(self._get_domain(documents, scope, company))
        valid = dict.fromkeys(documents.ids, links.browse())
        valid.update({link.res_id: link for link in links[::-1] if link.is_valid})
        return valid

    @api.model
    def _is_ask_limited(self, client_key):
        """Tell whether an address asked for too many fresh links lately.

        :param str client_key: see `payment.transaction._make_client_key`.
        """
        most, minutes = const.RATE_ADDRESS
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        count = self.sudo().search_count(  # guests own no record
            [("asked_key", "=", client_key), ("asked_at", ">", since)], limit=most
        )
        return count >= most

    @api.model
    def _renew(self, document, scope, company=None):
        """Give a document another link: those that are out are dead from now on.

        See `_get_for` for the parameters.
        """
        self._get_all(document, scope, company)._revoke()
        return self._get_for(document, scope, company)

    def _note_asked(self, client_key):
        """Keep that the holder asked for a fresh link; tell whether one may be sent.

        There is one an hour for each document.

        :param str client_key: see `payment.transaction._make_client_key`.
        """
        self.ensure_one()
        since = fields.Datetime.now() - timedelta(minutes=const.FRESH_LINK_MINUTES)
        links = self._get_all(self._get_document(), self.scope, self.company_id)
        recent = links.filtered(lambda link: link.asked_at and link.asked_at > since)
        self.sudo().write(  # links are written by our methods only
            {"asked_at": fields.Datetime.now(), "asked_key": client_key}
        )
        return not recent

    def _revoke(self):
        """Make the links dead; their holders read that, and nothing else."""
        self.sudo().write({"revoked": True})  # links are written by our methods only
