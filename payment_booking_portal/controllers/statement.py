from dateutil.relativedelta import relativedelta

from odoo import http
from odoo.fields import Domain
from odoo.http import request

from .common import MAX_FORM_BYTES
from .dues import DueLists


class StatementPages(DueLists, http.Controller):
    """All that a client owes a company, for whoever has the link: no account needed.

    To look at it changes nothing. What leads to a pay page is sent as a form, since the
    link of that page may have to be made.
    """

    def _get_statement(self, token):
        """Return the link of a token, and the client, sudoed.

        :raise NotFound: for a wrong or foreign token: always the same page.
        """
        link = request.env["payment.access.link"]._find(token, "statement")
        partner = link and link._get_document()
        if not partner or not link.company_id:
            raise request.not_found()
        return link, partner

    def _get_dues(self):
        """Return the list of what is due, sudoed."""
        return request.env["payment.due"].sudo()  # the link is the right

    def _get_due_filters(self):
        """Override: what is settled, of the last twelve months."""
        filters = super()._get_due_filters()
        del filters["all"]
        today = request.env.company.sudo()._get_booking_today()  # guests read none
        recent = Domain("date", ">=", today - relativedelta(months=12))
        for key in ("paid", "refunded"):
            label, domain = filters[key]
            filters[key] = (label, domain & recent)
        return filters

    def _render_dead_statement(self, link):
        """Say that a link is dead, and nothing else."""
        return self._render_end(
            "dead_link", status=410, is_statement=True, res_company=link.company_id
        )

    @http.route(
        ["/statement/<string:token>", "/statement/<string:token>/page/<int:page>"],
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def statement(self, token, page=1, **query):
        """Show what a client owes, and what they paid lately."""
        link, partner = self._get_statement(token)
        if not link.is_valid:
            return self._render_dead_statement(link)
        url = f"/statement/{token}"
        return self._render_page(
            "statement_page",
            {
                **self._prepare_due_list(
                    self._get_dues(),
                    partner,
                    url,
                    {**query, "page": page},
                    link.company_id,
                ),
                "client": partner,
                "pay_url": f"{url}/pay",
                "row_url": False,
                "nothing": query.get("nothing"),
                "res_company": link.company_id,
            },
            private=True,
        )

    @http.route(
        "/statement/<string:token>/pay",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_FORM_BYTES,
    )
    def statement_pay(self, token, **_form):
        """Pay one row, or several at once; a paid one leads to its receipt."""
        link, partner = self._get_statement(token)
        if not link.is_valid:
            return self._render_dead_statement(link)
        url = f"/statement/{token}"
        return self._pay_dues(self._get_dues(), partner, url, link.company_id)
