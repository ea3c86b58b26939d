"""The list of what a client owes and paid: in the portal, and on the statement."""

from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import pager

from .. import const
from .common import CUT_KEY, LIST_KEY, SELECTION_KEY, ClientPages, parse_int

PAGE_SIZE = 20
# What a row of the list shows: nothing else is computed.
COLUMNS = (
    *("source", "invoice_id", "booking_id", "request_id", "name", "description"),
    *("date", "company_id", "currency_id"),
    *("amount_total", "amount_due", "amount_processing", "status", "due_day"),
    *("days_late", "is_payable", "is_disputed"),
)
FIRST_FILTER = "due"
FIRST_SORT = "due"


class DueLists(ClientPages):
    # === WHAT IS SHOWN === #

    def _get_due_filters(self):
        """Return the filters, in order: the label, and the domain of their rows."""
        env = request.env
        is_open = Domain("status", "=", "open")
        back = ("partly_refunded", "refunded", "credit")
        return {
            "due": (env._("To pay"), is_open),
            "overdue": (env._("Overdue"), is_open & Domain("days_late", ">", 0)),
            "upcoming": (env._("Upcoming"), is_open & Domain("days_late", "=", 0)),
            "processing": (env._("Being paid"), Domain("amount_processing", ">", 0)),
            "paid": (env._("Paid"), Domain("status", "=", "paid")),
            "refunded": (env._("Refunded"), Domain("status", "in", back)),
            "all": (env._("All"), Domain.TRUE),
        }

    def _get_due_sorts(self):
        """Return the ways to sort: the label, and the order."""
        env = request.env
        return {
            "due": (env._("Due date"), "due_day, id"),
            "date": (env._("Newest first"), "date desc, id desc"),
            "amount": (env._("Amount"), "amount_total desc, id"),
            "number": (env._("Reference"), "name, id"),
        }

    def _get_own_domain(self, dues, partner, company=None):
        """Return the rows that belong to a list.

        :param payment.due dues: the model, with the rights of who asks.
        :param res.partner partner: the client.
        :param res.company company: to whom it is owed; all that the rights allow by
            default.
        """
        domain = dues._get_client_domain(partner)
        return domain & Domain("company_id", "=", company.id) if company else domain

    def _prepare_due_list(self, dues, partner, url, query, company=None):
        """Return the context of the list. See `_get_own_domain` for other parameters.

        :param str url: the path of the page.
        :param dict query: of the address: `filterby`, `sortby`, `search`, `page`.
        """
        filters = self._get_due_filters()
        sorts = self._get_due_sorts()
        filterby, sortby = query.get("filterby"), query.get("sortby")
        filterby = filterby if filterby in filters else FIRST_FILTER
        if sortby not in sorts:
            settled = filterby in ("paid", "refunded", "all")
            sortby = "date" if settled else FIRST_SORT
        search = " ".join(str(query.get("search") or "").replace("\x00", "").split())
        search = search[: const.MAX_SHORT_TEXT]

        is_unsettled = filterby in ("due", "overdue", "upcoming", "processing")
        model = dues._narrow(partner)
        unsettled = model._narrow(is_unsettled=True)
        mine = self._get_own_domain(dues, partner, company)
        domain = mine & filters[filterby][1]
        totals = self._get_due_totals(unsettled, mine)
        if is_unsettled:
            model = unsettled
        if search:
            domain &= Domain("name", "ilike", search) | (
                Domain("description", "ilike", search)
            )
        counts = {
            "due": sum(total["count"] for total in totals),
            "overdue": sum(total["late_count"] for total in totals),
        }
        counts["upcoming"] = counts["due"] - counts["overdue"]
        count = counts.get(filterby)
        if search or count is None:
            count = model.search_count(domain)
        kept = {"filterby": filterby, "sortby": sortby, "search": search}
        page = parse_int(query.get("page")) or 1
        pages = pager(
            url,
            count,
            page=page,
            step=PAGE_SIZE,
            url_args={key: value for key, value in kept.items() if value},
        )
        rows = model.search_fetch(
            domain,
            COLUMNS,
            order=sorts[sortby][1],
            limit=PAGE_SIZE,
            offset=pages["offset"],
        )
        return {
            "rows": rows,
            "row_count": count,
            "companies": rows.sudo().company_id,  # clients read no companies
            "can_tick": sum(self._is_tickable(row) for row in rows) > 1,
            "is_tickable": self._is_tickable,
            "totals": totals,
            "pager": pages,
            "list_url": url,
            "filters": {key: label for key, (label, _domain) in filters.items()},
            "filter_counts": counts,
            "filterby": filterby,
            "sorts": {key: label for key, (label, _order) in sorts.items()},
            "sortby": sortby,
            "search": search,
        }

    def _get_due_totals(self, dues, domain):
        """Return what is to pay and what of it is overdue, by currency.

        :param payment.due dues: the model, narrowed.
        :param Domain domain: the client's rows.
        """
        groups = dues._read_group(
            domain & Domain("status", "=", "open"),
            ["currency_id", "age"],
            ["amount_due:sum", "__count"],
        )
        totals = {}
        for currency, age, amount, count in groups:
            total = totals.setdefault(
                currency, {"amount": 0.0, "late": 0.0, "count": 0, "late_count": 0}
            )
            total["amount"] += amount
            total["count"] += count
            if age and age != "pending":
                total["late"] += amount
                total["late_count"] += count
        return [
            {"currency": currency, **total}
            for currency, total in totals.items()
            if total["count"]
        ]

    @staticmethod
    def _is_tickable(row):
        """Tell whether a row may be paid together with others."""
        return row.status == "open" and row.is_payable and row.amount_due > 0

    # === WHAT IS PAID === #

    def _get_row_url(self, row):
        """Return where a row leads: to its pay page or receipt, or to its invoice."""
        document = row._get_document().sudo()  # the caller has checked the row
        if row.status in ("credit", "refunded") and row.invoice_id:
            return document._get_invoice_url() or "/my"
        if document._get_payable_status() == "paid":
            return document._get_payable_done_url()
        return document._get_pay_url()

    def _pay_dues(self, dues, partner, url, company=None, payer=None):
        """Lead to the payment of the rows that were sent.

        What was sent is a choice among the client's own rows. One document is paid on
        its own pay page, several on that of a bundle. Of too many those that are due
        first are paid, and the pages say so.

        See `_get_own_domain` for other parameters.

        :param str url: the path of the list.
        :param res.partner payer: who is logged in.
        """
        form = request.httprequest.form
        only = form.get("only")
        sent = [only] if only else form.getlist("due")
        ids = {parse_int(value) for value in sent} - {None}
        mine = self._get_own_domain(dues, partner, company)
        domain = mine & Domain("id", "in", list(ids))
        rows = ids and dues._narrow(partner).search(domain)
        if not rows:
            return request.redirect(f"{url}?nothing=1")
        request.session[LIST_KEY] = url
        for key in (SELECTION_KEY, CUT_KEY):
            request.session.pop(key, None)
        if len(rows) == 1:
            return request.redirect(self._get_row_url(rows))
        bundles_sudo = request.env["payment.bundle"].sudo()  # guests own no record
        if bundles_sudo._is_limited(partner):
            return self._render_end("limited", status=429)
        now = self._get_rows_to_pay(rows)
        documents = [row._get_document().sudo() for row in now]  # rows are checked
        bundles_sudo = bundles_sudo._make_for(documents, payer, by_statement=not payer)
        if len(now) < len(rows):
            request.session[CUT_KEY] = {
                "chosen": len(rows),
                "now": len(now),
                "bundle_ids": bundles_sudo.ids,
            }
        for part in (part for bundle in bundles_sudo for part in bundle._get_parts()):
            if part.status == "details":
                part.document._get_pay_url()  # now: the pay page only reads
        if len(bundles_sudo) == 1:
            return request.redirect(bundles_sudo._get_pay_url())
        for bundle in bundles_sudo:
            bundle._get_pay_url()  # now: the page of all of them only reads
        request.session[SELECTION_KEY] = bundles_sudo.ids
        return request.redirect("/pay/selection")

    @staticmethod
    def _get_rows_to_pay(rows):
        """Return as many rows as are paid at once: what can be paid comes first, then
        what is due first.

        :param payment.due rows: what was chosen, in the order of their due days.
        """
        payable = rows.filtered(lambda row: row.status == "open" and row.is_payable)
        return (payable + (rows - payable))[: const.MAX_BUNDLE]
