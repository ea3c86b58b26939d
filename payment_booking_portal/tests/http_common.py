"""What the tests of the client pages share: forms are sent as a browser without
JavaScript sends them.
"""

import re

from lxml import html

from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.payment.tests.http_common import PaymentHttpCommon

from .test_payable import PayableCommon

# What must stay as it was when a request is refused or only shows something.
WATCHED = (
    "payment.booking",
    "payment.booking.reservation",
    "payment.booking.session",
    "payment.booking.seat",
    "payment.request",
    "payment.request.line",
    "payment.transaction",
    "payment.transaction.allocation",
    "calendar.event",
    "account.move",
    "account.payment",
    "mail.mail",
    "res.partner",
)


class BookingHttpCommon(PayableCommon, PaymentHttpCommon):
    """Clients in front of the public pages of the studio."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The public pages are those of the main company: here the studio's.
        cls.env.ref("base.public_user").sudo().write(
            {
                "company_ids": [Command.link(cls.company.id)],
                "company_id": cls.company.id,
            }
        )
        cls.company.write({"phone": "+32 2 555 01 01", "email": "studio@example.com"})

    # === ASKING === #

    def _get(self, path, **kwargs):
        """Return the answer to a GET; redirections are not followed."""
        kwargs.setdefault("allow_redirects", False)
        kwargs.setdefault("timeout", 60)
        return self.url_open(path, **kwargs)

    def _post(self, path, data=None, **kwargs):
        """Return the answer to a POST; redirections are not followed."""
        kwargs.setdefault("allow_redirects", False)
        kwargs.setdefault("timeout", 60)
        return self.url_open(path, data=data or {}, method="POST", **kwargs)

    def _csrf(self, path="/book"):
        """Return the proof that a form comes from a page of ours."""
        page = self._get(path)
        match = re.search(r'csrf_token: "(\w+)"', page.text)
        self.assertTrue(match, page.text[:500])
        return match[1]

    def _call(self, path, **params):
        """Return the result of a JSON route."""
        return self.make_jsonrpc_request(path, params, timeout=60)

    def _new_visitor(self):
        """Go on as somebody else, with another browser."""
        self.authenticate(None, None)

    # === READING === #

    def _parse(self, response):
        return html.fromstring(response.content)

    def _form(self, response, action):
        """Return the fields of the form that is sent to an address."""
        for form in self._parse(response).forms:
            if (form.action or "").endswith(action) and form.method == "POST":
                return {
                    key: value for key, value in form.form_values() if value is not None
                }
        raise AssertionError(f"no form for {action} in {response.text[:2000]}")

    def _title(self, response):
        """Return the heading of a page."""
        return " ".join(self._parse(response).xpath("//h1")[0].text_content().split())

    def _text(self, response):
        """Return the words of a page, in one line."""
        page = self._parse(response)
        for script in page.xpath("//script | //style"):  # tokens hold any digits
            script.drop_tree()
        return " ".join(page.text_content().split())

    # === BOOKING === #

    def _start_of(self, local):
        """Return a local start as it is written in an address."""
        return self._utc(local).strftime("%Y%m%dT%H%M")

    def _details_url(self, service=None, local="2026-03-03 09:00", **query):
        service = service or self.service
        query = {"start": self._start_of(local), **query}
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return f"{service._get_book_url()}/details?{text}"

    def _fill(self, service=None, local="2026-03-03 09:00", **typed):
        """Return the address and the filled form of the details page."""
        service = service or self.service
        page = self._get(self._details_url(service, local))
        self.assertEqual(page.status_code, 200, page.text[:2000])
        form = self._form(page, "/details")
        return (
            f"{service._get_book_url()}/details",
            {**form, "name": "Zoé Client", "email": "zoe@example.com", **typed},
        )

    def _book(self, service=None, local="2026-03-03 09:00", **typed):
        """Book as a guest does, and return the answer and the booking."""
        url, form = self._fill(service, local, **typed)
        answer = self._post(url, form)
        self.assertEqual(answer.status_code, 303, answer.text[:2000])
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        return answer, booking.sudo()

    # === CHECKING === #

    def _snapshot(self):
        """Return what is in the tables that only a success may change."""
        self.env.flush_all()
        self.env.invalidate_all()
        state = {}
        for model in WATCHED:
            table = SQL.identifier(self.env[model]._table)
            [(state[model],)] = self.env.execute_query(
                SQL("SELECT array_agg(t::text ORDER BY id) FROM %s t", table)
            )
        return state

    def _assert_nothing_written(self, before):
        after = self._snapshot()
        for model in WATCHED:
            self.assertEqual(after[model], before[model], model)

    def _assert_private(self, response):
        """Check the headers of a page whose address is a secret."""
        headers = response.headers
        self.assertIn(
            "frame-ancestors 'self'", headers.get("Content-Security-Policy", "")
        )
        self.assertIn("no-store", headers.get("Cache-Control", ""))
        self.assertIn("noindex", headers.get("X-Robots-Tag", ""))
        self.assertIn(headers.get("Referrer-Policy"), ("no-referrer", "same-origin"))
