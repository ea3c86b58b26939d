from collections import namedtuple
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Datetime, Domain
from odoo.tools import SQL, format_amount, formatLang
from odoo.tools.misc import get_lang

from ..tools.dates import format_short_day

# What a figure counts: bookings, and the amount due or received of each.
# `measure` is `due`, `received` or None; `context` is that of the list.
Figure = namedtuple("Figure", "label domain measure context", defaults=(None, {}))

# The first day of a period, from today.
PERIODS = {
    "month": lambda today: today.replace(day=1),
    "days_30": lambda today: today - timedelta(days=29),
    "days_90": lambda today: today - timedelta(days=89),
}
# Overdue by age: the days that the due day is past, from and to.
AGES = {"week": (1, 7), "month": (8, 30), "older": (31, None)}
WEEKS = 6


class PaymentOverview(models.AbstractModel):
    """The figures of the business: each is a domain of bookings.

    The very same domain counts a figure and opens its list, so that the two cannot
    say different things. Currencies are never summed. Test money is in no amount.
    """

    _name = "payment.overview"
    _description = "Overview"

    # === WHAT THE CLIENT ASKS FOR === #

    @api.model
    @api.readonly
    def get_overview(self):
        """Return what the page *Overview* shows for the selected companies.

        :rtype: dict
        """
        self._check_user()
        figures = self._get_figures()
        amounts, counts = self._read_figures(figures)
        currencies = self.env.companies.currency_id
        currencies |= currencies.browse(
            sorted({currency_id for _key, currency_id in amounts})
        )
        return {
            "blocks": [
                self._prepare_block(figures, amounts, currency)
                for currency in currencies
            ],
            "attention": self._prepare_count(figures, counts, "attention"),
            "test": self._prepare_count(figures, counts, "test"),
            "speed": self._prepare_speed(figures),
            "has_bookings": bool(
                self.env["payment.booking"].search_count(
                    self._get_company_domain(), limit=1
                )
            ),
        }

    @api.model
    def get_list_action(self, key, currency_id=False):
        """Return the action that opens the bookings behind a figure.

        :param str key: of the figure.
        :param int currency_id: of the amounts; any by default.
        """
        self._check_user()
        figure = self._get_figures().get(key)
        if not figure:
            raise UserError(self.env._("There is no such figure."))
        domain = figure.domain
        name = figure.label
        if currency_id:
            currency = self.env["res.currency"].browse(currency_id)
            domain &= Domain("currency_id", "=", currency.id)
            name = f"{name} ({currency.name})"
        view = self.env.ref(
            "payment_booking_portal.payment_booking_view_list_"
            + ("received" if figure.measure == "received" else "due")
        )
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "payment.booking",
            "views": [(view.id, "list"), (False, "kanban"), (False, "form")],
            "domain": list(domain),
            "context": {"create": False, **figure.context},
        }

    def _check_user(self):
        if not self.env.user.has_group("payment_booking_portal.group_user"):
            raise AccessError(self.env._("Only staff sees the figures."))

    # === THE FIGURES === #

    def _get_figures(self):
        """Return every figure by its key. Override to add to them.

        :rtype: dict
        """
        due = self._get_due_domain()
        figures = {
            "due": Figure(self.env._("Due"), due, "due"),
            "overdue": Figure(
                self.env._("Overdue"), due & self._get_day_domain(None, -1), "due"
            ),
            "expected": Figure(
                self.env._("Expected in 6 weeks"),
                due & self._get_week_domain(0, WEEKS - 1),
                "due",
            ),
            "received_month": self._get_received_figure(
                self.env._("Received this month"), "month"
            ),
            "received_days_30": self._get_received_figure(
                self.env._("Received in the last 30 days"), "days_30"
            ),
            "speed": self._get_received_figure(
                self.env._("Paid in the last 90 days"),
                "days_90",
                Domain("payment_coverage", "=", "paid"),
            ),
            "attention": Figure(
                self.env._("Needs attention"),
                self._get_company_domain() & Domain("needs_attention", "=", True),
            ),
            "test": Figure(
                self.env._("Test money"),
                self._get_company_domain() & Domain("is_test", "=", True),
            ),
        }
        for age, (first, last) in AGES.items():
            figures[f"overdue_{age}"] = Figure(
                self.env._("Overdue: %(age)s", age=self._get_age_label(age)),
                due & self._get_day_domain(last and -last, -first),
                "due",
            )
        for week in range(WEEKS):
            figures[f"week_{week}"] = Figure(
                self.env._("Expected: %(week)s", week=self._get_week_label(week)),
                due & self._get_week_domain(week, week),
                "due",
            )
        return figures

    def _get_company_domain(self):
        return Domain("company_id", "in", self.env.companies.ids)

    def _get_due_domain(self):
        """Return the bookings for which money is owed. A hold is owed by nobody."""
        return (
            self._get_company_domain()
            & Domain("state", "=", "confirmed")
            & Domain("amount_due", ">", 0)
            & Domain("is_test", "=", False)
        )

    def _get_received_figure(self, label, period, domain=Domain.TRUE):
        """Return the figure of the money that came in a period and was kept.

        Bookings, not transactions: staff may not read those. What they list is the
        money of the period alone (see `payment.booking.amount_received`).
        """
        return Figure(
            label,
            domain
            & Domain.OR(
                Domain("company_id", "=", company.id)
                & Domain("last_received_at", ">=", Datetime.to_string(since))
                for company, since in self._get_since(period).items()
            ),
            "received",
            {"received_period": period},
        )

    # === DAYS === #

    def _get_since(self, period, companies=None):
        """Return when a period began, by company (naive UTC).

        :param str period: a key of `PERIODS`; with any other there is no limit.
        :param res.company companies: the selected ones by default.
        :rtype: dict
        """
        if period not in PERIODS:
            return None
        return {
            company: company._get_booking_midnight(
                PERIODS[period](company._get_booking_today())
            )
            for company in companies or self.env.companies
        }

    def _get_start_domain(self, get_first, get_last):
        """Return the bookings that are due between two days, both included.

        The due day of a booking is the one that staff set, else that of its
        appointment, where the business is.

        :param get_first: gives the first day of a company from its today, or None.
        :param get_last: the same for the last day.
        """
        domains = []
        by_tz = self.env.companies.grouped(lambda company: company._get_booking_tz())
        for companies in by_tz.values():
            company = companies[0]
            today = company._get_booking_today()
            domain = Domain("company_id", "in", companies.ids)
            first, last = get_first(today), get_last(today)
            if first:
                after = company._get_booking_midnight(first)
                domain &= Domain("due_at", ">=", Datetime.to_string(after))
            if last:
                before = company._get_booking_midnight(last + timedelta(days=1))
                domain &= Domain("due_at", "<", Datetime.to_string(before))
            domains.append(domain)
        return Domain.OR(domains)

    def _get_day_domain(self, first, last):
        """Return the bookings of some days, counted from today; None for no limit."""

        def day(number):
            return lambda today: (
                None if number is None else today + timedelta(days=number)
            )

        return self._get_start_domain(day(first), day(last))

    def _get_week_domain(self, first, last):
        """Return the coming bookings of some weeks, counted from this one."""
        this_week = self._get_this_week()
        until = this_week + timedelta(weeks=last + 1, days=-1)
        since = this_week + timedelta(weeks=first)
        # Of this week only what is not overdue yet.
        return self._get_start_domain(
            lambda today: max(since, today) if first else today, lambda today: until
        )

    def _get_this_week(self):
        """Return the first day of this week, where the business is."""
        today = self.env.company._get_booking_today()
        first = int(get_lang(self.env).week_start) - 1  # 0 is Monday, as in Python
        return today - timedelta(days=(today.weekday() - first) % 7)

    # === READING === #

    def _read_figures(self, figures):
        """Return the sums and counts of figures, in one statement.

        :param dict figures: see `_get_figures`.
        :return: by key and currency id the sum and the count; by key the count.
        :rtype: tuple
        """
        statements = [
            self._get_statement(key, figure) for key, figure in figures.items()
        ]
        self.env["payment.booking"].flush_model(["currency_id", "amount_due"])
        amounts, counts = {}, dict.fromkeys(figures, 0)
        rows = self.env.execute_query(SQL(" UNION ALL ").join(statements))
        for key, currency_id, count, amount in rows:
            counts[key] += count
            if figures[key].measure:
                amounts[key, currency_id] = (amount, count)
        return amounts, counts

    def _get_statement(self, key, figure):
        """Return the query of one figure, from the domain that its list opens with."""
        bookings = self.env["payment.booking"]
        query = bookings._search(figure.domain)  # with the rules of the user
        if figure.measure == "received":
            return SQL(
                """
                SELECT %(key)s, b.currency_id, count(*), sum(r.amount)
                  FROM payment_booking b
                  JOIN %(received)s r ON r.booking_id = b.id
                 WHERE b.id IN %(ids)s
                 GROUP BY b.currency_id
                """,
                key=key,
                received=bookings._get_received_sql(
                    self._get_since(figure.context["received_period"])
                ),
                ids=query.subselect(),
            )
        return SQL(
            """
            SELECT %(key)s, b.currency_id, count(*), sum(b.amount_due)
              FROM payment_booking b
             WHERE b.id IN %(ids)s
             GROUP BY b.currency_id
            """,
            key=key,
            ids=query.subselect(),
        )

    def _get_median_days(self, figure):
        """Return the median of days from booking to the last money, and the count."""
        bookings = self.env["payment.booking"]
        [(days, count)] = self.env.execute_query(
            SQL(
                """
                SELECT percentile_cont(0.5) WITHIN GROUP (
                           ORDER BY greatest(0, extract(
                               epoch FROM r.received_at - b.create_date)) / 86400.0),
                       count(*)
                  FROM payment_booking b
                  JOIN %(received)s r ON r.booking_id = b.id
                 WHERE b.id IN %(ids)s
                """,
                received=bookings._get_received_sql(
                    self._get_since(figure.context["received_period"])
                ),
                ids=bookings._search(figure.domain).subselect(),
            )
        )
        return days, count

    # === SHOWING === #

    def _get_age_label(self, age):
        return {
            "week": self.env._("up to 7 days"),
            "month": self.env._("8 to 30 days"),
            "older": self.env._("more than 30 days"),
        }[age]

    def _get_week_label(self, week):
        """Return the name of a week: its first day, but for this one."""
        if not week:
            return self.env._("this week")
        first = self._get_this_week() + timedelta(weeks=week)
        return format_short_day(self.env, first)

    def _prepare_amount(self, figures, amounts, key, currency, label=None):
        """Return how a figure is shown: label, amount and number of bookings."""
        amount, count = amounts.get((key, currency.id), (0.0, 0))
        return {
            "key": key,
            "label": label or figures[key].label,
            "value": amount,
            "amount": format_amount(self.env, amount, currency),
            "count": count,
            "count_label": self._get_count_label(count),
        }

    def _prepare_block(self, figures, amounts, currency):
        """Return the figures in one currency."""
        weeks = [
            self._prepare_amount(
                figures, amounts, f"week_{week}", currency, self._get_week_label(week)
            )
            for week in range(WEEKS)
        ]
        most = max(week["value"] for week in weeks) or 1
        for week in weeks:
            week["percent"] = round(100 * week["value"] / most)
        ages = [
            self._prepare_amount(
                figures, amounts, f"overdue_{age}", currency, self._get_age_label(age)
            )
            for age in AGES
        ]
        return {
            "currency_id": currency.id,
            "currency": currency.full_name or currency.name,
            "cards": [
                self._prepare_amount(figures, amounts, key, currency)
                for key in ("overdue", "due", "received_month", "received_days_30")
            ],
            "ages": [age for age in ages if age["count"]],
            "expected": self._prepare_amount(figures, amounts, "expected", currency),
            "weeks": weeks,
        }

    def _prepare_count(self, figures, counts, key):
        return {
            "key": key,
            "label": figures[key].label,
            "count": counts[key],
            "count_label": self._get_count_label(counts[key]),
        }

    def _prepare_speed(self, figures):
        days, count = self._get_median_days(figures["speed"])
        return {
            "key": "speed",
            "label": self.env._("Days from booking to payment"),
            "value": days,
            "amount": "–" if days is None else formatLang(self.env, days, digits=1),
            "count": count,
            "count_label": self.env._("Median of the last 90 days")
            if count
            else self.env._("Nothing paid in the last 90 days"),
        }

    def _get_count_label(self, count):
        if count == 1:
            return self.env._("1 booking")
        return self.env._("%(count)s bookings", count=formatLang(self.env, count, 0))
