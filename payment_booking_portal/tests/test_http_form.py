"""The form before the payment and on the booking page, as clients and attackers send
it.
"""

from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW
from .http_common import WATCHED, BookingHttpCommon
from .test_form import FormCommon

HOSTILE = "<script>alert('x')</script>\"'"
FORM_MODELS = (
    "payment.form.answer",
    "payment.form.submission",
    "payment.form.policy",
)


class FormHttpCommon(BookingHttpCommon, FormCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.form_service.is_published = True

    def _snapshot(self):
        state = super()._snapshot()
        for model in FORM_MODELS:
            # Ids: the rows of these never change.
            state[model] = self.env[model].sudo().search([]).ids
        return state

    def _assert_nothing_written(self, before):
        after = self._snapshot()
        for model in WATCHED + FORM_MODELS:
            self.assertEqual(after[model], before[model], model)

    def _input(self, page, label):
        """Return the input of a question."""
        return self._parse(page).xpath(f"//*[@name='{self._key(label)}']")[0]

    def _described(self, page, element):
        """Return what a screen reader says after an input."""
        document = self._parse(page)
        ids = (element.get("aria-describedby") or "").split()
        return " ".join(document.get_element_by_id(i).text_content() for i in ids)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpFormPay(FormHttpCommon):
    """The step before the payment."""

    needs_portal_user = True

    def setUp(self):
        super().setUp()
        self.booking = self._place(self.form_service)
        self.url = self.booking._get_pay_url()

    def _send(self, url=None, **values):
        """Send the form as it came, with what is typed."""
        url = url or self.url
        form = self._form(self._get(f"{url}/details"), "/details")
        form.pop(self._key("Level"), None)
        return self._post(
            f"{url}/details", {**form, self._key("City"): "Ghent", **values}
        )

    def _fill_in(self, **values):
        return self._send(**{"policy": "1", **values})

    def _transaction(self):
        return self._call(
            f"{self.url}/transaction",
            provider_id=self.provider.id,
            payment_method_id=self.payment_method_id,
            token_id=None,
            flow="redirect",
            tokenization_requested=False,
        )

    # === THE WAY === #

    def test_form_then_payment_without_javascript(self):
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        self.assertEqual(self._title(page), "Your details")
        self.assertIn("$ 60.00", self._text(page).replace("\xa0", " "))
        answer = self._fill_in(**{self._key("Height"): "1,8"})
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith(self.url))
        self.assertEqual(
            self._answers(self.booking),
            {"City": "Ghent", "Height": "1.8", "Pictures are fine": "0"},
        )
        submission = self._submissions(self.booking)
        self.assertEqual(submission.address, "127.0.0.1")
        self.assertTrue(submission.is_ticked)
        page = self._get(self.url)
        self.assertEqual(self._title(page), "Pay")
        self.assertIn("No-show", self._text(page), "the policy stays readable")
        self.assertTrue(self._get_tx(self._transaction()["reference"]))

    def test_no_transaction_before_the_form(self):
        before = self._snapshot()
        with self.assertRaisesRegex(JsonRpcException, "odoo.exceptions.UserError"):
            self._transaction()
        self._assert_nothing_written(before)
        self._fill_in()
        self.assertTrue(self._transaction()["reference"])

    def test_inputs_fit_what_is_asked(self):
        page = self._get(self.url)
        for label, expected in {
            "City": {"type": "text", "autocomplete": "address-level2", "required": 1},
            "Guardian": {"type": "email", "inputmode": "email", "maxlength": "200"},
            "Other phone": {"type": "tel", "inputmode": "tel"},
            "Height": {"type": "text", "inputmode": "decimal"},
            "Born on": {"type": "date"},
            "Level": {"type": "radio"},
            "Pictures are fine": {"type": "checkbox"},
            "About you": {"maxlength": "4000"},
        }.items():
            element = self._input(page, label)
            for name, value in expected.items():
                with self.subTest(label, attribute=name):
                    got = element.get(name)
                    self.assertTrue(got) if value == 1 else self.assertEqual(got, value)
        self.assertIn("About you (optional)", self._text(page))
        self.assertNotIn("City (optional)", self._text(page))
        self.by_label["Level"].options = "\n".join("abcdef")
        self.assertEqual(self._input(self._get(self.url), "Level").tag, "select")

    def test_what_was_typed_can_be_changed_until_the_payment(self):
        self._fill_in(
            **{self._key("Level"): "Expert", self._key("Born on"): "1990-01-31"}
        )
        page = self._get(self.url)
        self.assertIn(f"{self.url}/details", page.text)
        page = self._get(f"{self.url}/details")
        form = self._form(page, "/details")
        self.assertEqual(form[self._key("City")], "Ghent")
        self.assertEqual(form[self._key("Level")], "Expert")
        self.assertEqual(form[self._key("Born on")], "1990-01-31")
        self.assertNotIn("policy", form, "one agrees each time")
        self._fill_in(
            **{self._key("City"): "Bruges", self._key("Pictures are fine"): "1"}
        )
        self.assertEqual(self._answers(self.booking)["City"], "Bruges")
        self.assertEqual(self._answers(self.booking)["Pictures are fine"], "1")
        form = self._form(page, "/details")
        self._transaction()
        before = self._snapshot()
        self.assertNotIn(f"{self.url}/details", self._get(self.url).text)
        self.assertEqual(self._get(f"{self.url}/details").status_code, 303)
        answer = self._post(f"{self.url}/details", {**form, "policy": "1"})
        self.assertEqual(answer.status_code, 303)
        self._assert_nothing_written(before)

    def test_pay_page_without_a_form_is_as_ever(self):
        plain = self._place(local="2026-03-05 09:00")
        url = plain._get_pay_url()
        page = self._get(url)
        self.assertEqual(self._title(page), "Pay")
        self.assertNotIn(f"{url}/details", page.text)
        self.assertEqual(self._get(f"{url}/details").status_code, 303)
        before = self._snapshot()
        self._post(
            f"{url}/details",
            {"csrf_token": self._csrf(), self._key("City"): "x", "policy": "1"},
        )
        self._assert_nothing_written(before)

    # === MISTAKES === #

    def test_mistakes_stand_beside_the_questions(self):
        before = self._snapshot()
        page = self._send(
            **{
                self._key("City"): "",
                self._key("Height"): "tall",
                self._key("Guardian"): "nobody",
                self._key("About you"): "Two\nlines",
                self._key("Pictures are fine"): "1",
            }
        )
        self.assertEqual(page.status_code, 400)
        self._assert_nothing_written(before)
        for label, message, typed in (
            ("City", "Please answer this.", ""),
            ("Height", "This is not a number.", "tall"),
            ("Guardian", "This is not an e-mail address.", "nobody"),
        ):
            with self.subTest(label):
                element = self._input(page, label)
                self.assertEqual(element.get("aria-invalid"), "true")
                self.assertIn(message, self._described(page, element))
                self.assertEqual(element.get("value") or "", typed)
        about = self._input(page, "About you")
        self.assertEqual(about.text_content().strip(), "Two\nlines")
        self.assertFalse(about.get("aria-invalid"))
        self.assertTrue(self._input(page, "Pictures are fine").get("checked"))
        policy = self._parse(page).xpath("//input[@id='o_pbp_policy']")[0]
        self.assertEqual(policy.get("aria-invalid"), "true")
        alert = self._parse(page).xpath("//*[@role='alert']")
        self.assertEqual(len(alert), 1)

    def test_unticking_stays_unticked(self):
        self._fill_in(**{self._key("Pictures are fine"): "1"})
        page = self._get(f"{self.url}/details")
        self.assertTrue(self._input(page, "Pictures are fine").get("checked"))
        form = self._form(page, "/details")
        del form[self._key("Pictures are fine")]
        page = self._post(f"{self.url}/details", {**form, self._key("City"): ""})
        self.assertEqual(page.status_code, 400)
        self.assertFalse(self._input(page, "Pictures are fine").get("checked"))

    def test_changed_policy_is_read_again(self):
        form = self._form(self._get(self.url), "/details")
        self.form.policy = "<p>Other terms.</p>"
        answer = self._post(
            f"{self.url}/details", {**form, self._key("City"): "x", "policy": "1"}
        )
        self.assertEqual(answer.status_code, 400)
        self.assertIn("Other terms.", self._text(answer))
        self.assertIn("has just changed", self._text(answer))
        self.assertFalse(self._submissions(self.booking))
        self.assertEqual(self._fill_in().status_code, 303)
        self.assertIn("Other terms.", self._submissions(self.booking).policy_id.text)

    # === ATTACKS === #

    @mute_logger("odoo.http")
    def test_forged_forms_write_nothing(self):
        form = self._form(self._get(self.url), "/details")
        form = {**form, self._key("City"): "Ghent", "policy": "1"}
        before = self._snapshot()
        for status, url, values in (
            (400, self.url, {"csrf_token": ""}),
            (400, self.url, {"csrf_token": "0123456789abcdef"}),
            (400, self.url, {"policy": ""}),
            (400, self.url, {"policy_hash": "0" * 64}),
            (400, self.url, {self._key("Level"): "Forged"}),
            (400, self.url, {self._key("City"): "x" * 500}),
            (400, self.url, {self._key("City"): "\x00"}),
            (413, self.url, {self._key("City"): "x" * 10_000_000}),
            (404, "/pay/" + "x" * 32, {}),
        ):
            with self.subTest(status, values=str(values)[:40]):
                answer = self._post(f"{url}/details", {**form, **values})
                self.assertEqual(answer.status_code, status)
        self._assert_nothing_written(before)

    def test_foreign_keys_change_nothing(self):
        other = self.form.copy()
        answer = self._fill_in(
            **{
                other.field_ids[0]._get_key(): "x",
                "field_0": "x",
                "booking_id": "1",
                "partner_id": "1",
                "amount": "1",
            }
        )
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(
            self._answers(self.booking), {"City": "Ghent", "Pictures are fine": "0"}
        )
        self.assertEqual(self.booking._get_payable_amount(), 60.0)

    def test_get_changes_nothing(self):
        before = self._snapshot()
        for path in (self.url, f"{self.url}/details", f"{self.url}/details?policy=1"):
            self.assertEqual(self._get(path).status_code, 200)
        self._assert_nothing_written(before)

    def test_uploaded_file_is_no_answer(self):
        form = self._form(self._get(self.url), "/details")
        answer = self._post(
            f"{self.url}/details",
            {**form, "policy": "1"},
            files={self._key("City"): ("city.txt", b"Ghent")},
        )
        self.assertEqual(answer.status_code, 400)

    def test_hostile_texts_are_only_texts(self):
        self.by_label["City"].write({"label": HOSTILE, "help_text": HOSTILE})
        self.by_label["Level"].options = f"{HOSTILE}\nOther"
        self.form.write(
            {
                "intro": HOSTILE,
                "policy": f"<p>Terms</p>{HOSTILE}",
                "policy_label": HOSTILE,
            }
        )
        pages = [self._get(self.url)]
        pages.append(
            self._send(
                **{
                    self._key("City"): HOSTILE,
                    self._key("About you"): f"</textarea>{HOSTILE}",
                    self._key("Height"): HOSTILE,
                    self._key("Level"): HOSTILE,
                }
            )
        )
        self.assertEqual(pages[-1].status_code, 400)
        self._fill_in(**{self._key("City"): HOSTILE})
        self.assertEqual(self.booking.form_answer_ids[0].value, HOSTILE)
        pages += [self._get(f"{self.url}/details"), self._get(self.url)]
        for page in pages:
            self.assertNotIn("<script>alert('x')", page.text)

    def test_dead_link_shows_no_form(self):
        self.env["payment.access.link"].search(
            [("res_id", "=", self.booking.id), ("res_model", "=", "payment.booking")]
        )._revoke()
        form = {"csrf_token": self._csrf(), "policy": "1"}
        before = self._snapshot()
        self.assertEqual(self._get(f"{self.url}/details").status_code, 410)
        self.assertEqual(self._post(f"{self.url}/details", form).status_code, 410)
        self._assert_nothing_written(before)

    # === REQUESTS === #

    def test_request_asks_for_amount_and_reason_first(self):
        payment = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount_max": 50, "form_id": self.form.id}
        )
        payment.action_make_link()
        url = payment._get_pay_url()
        page = self._get(url)
        self.assertEqual(self._title(page), "Your details")
        self.assertIn("At most", self._text(page))
        answer = self._send(url, policy="1", amount="60", reason="A gift")
        self.assertEqual(answer.status_code, 400)
        element = self._parse(answer).xpath("//input[@name='amount']")[0]
        self.assertIn("At most", self._described(answer, element))
        self.assertEqual(element.get("value"), "60")
        answer = self._send(url, policy="1", amount="12,50", reason="A gift")
        self.assertEqual(answer.status_code, 303)
        payment.invalidate_recordset()
        self.assertEqual(payment._get_payable_amount(), 12.5)
        self.assertEqual(payment.reason_typed, "A gift")
        self.assertEqual(self._answers(payment)["City"], "Ghent")
        self.assertEqual(self._title(self._get(url)), "Pay")
        form = self._form(self._get(f"{url}/details"), "/details")
        self.assertEqual((float(form["amount"]), form["reason"]), (12.5, "A gift"))

    # === WHO FILLS IT IN === #

    def test_client_sees_and_fills_their_own_contact(self):
        partner = self.portal_user.partner_id
        partner.city = "Antwerp"
        booking = self._place(self.form_service, "2026-03-04 09:00", partner=partner)
        url = booking._get_pay_url()
        self.assertFalse(self._input(self._get(url), "City").get("value"))
        self.authenticate(self.portal_user.login, self.portal_user.login)
        self.assertEqual(self._input(self._get(url), "City").get("value"), "Antwerp")
        partner.city = False
        self._send(url, policy="1")
        self.assertEqual(partner.city, "Ghent")

    # === PREVIEW === #

    def test_preview_is_for_colleagues(self):
        path = f"/pay/form/{self.form.id}/preview"
        colleague = new_test_user(
            self.env,
            "pbp_preview",
            groups="payment_booking_portal.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.assertEqual(self._get(path).status_code, 303, "log in first")
        before = self._snapshot()
        self.authenticate(colleague.login, colleague.login)
        page = self._get(path)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        self.assertIn("Nothing is kept", self._text(page))
        button = self._parse(page).xpath("//form//button[@type='submit']")[-1]
        self.assertTrue(button.get("disabled"))
        phone = self._get(f"{path}?phone=1")
        self.assertIn(f"{path}?bare=1", phone.text)
        self._assert_nothing_written(before)
        foreign = self._create_other_company()
        theirs = self.form.copy({"company_id": foreign.id})
        for form_id in (theirs.id, 999999999, 2**40):
            answer = self._get(f"/pay/form/{form_id}/preview")
            self.assertEqual(answer.status_code, 404)
        self.authenticate(self.portal_user.login, self.portal_user.login)
        self.assertEqual(self._get(path).status_code, 404)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpFormBook(FormHttpCommon):
    """The form of a service on the booking page."""

    needs_portal_user = True

    def _book_form(self, **typed):
        url, form = self._fill(self.form_service)
        form.pop(self._key("Level"), None)
        return url, {**form, self._key("City"): "Ghent", "policy": "1", **typed}

    def test_answers_come_with_the_booking(self):
        url, form = self._book_form(**{self._key("Level"): "Expert"})
        answer = self._post(url, form)
        self.assertEqual(answer.status_code, 303, answer.text[:1000])
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertTrue(answer.headers["Location"].endswith(booking._get_pay_url()))
        self.assertEqual(
            self._answers(booking),
            {"City": "Ghent", "Level": "Expert", "Pictures are fine": "0"},
        )
        self.assertEqual(booking._get_payable_status(), "payable", "not asked twice")
        self.assertEqual(self._submissions(booking).address, "127.0.0.1")
        before = self._snapshot()
        self.assertEqual(self._post(url, form).status_code, 303)
        after = self._snapshot()
        self.assertEqual(len(self._answers(booking)), 3)
        self.assertEqual(len(self._submissions(booking)), 1)
        for model in ("payment.booking.reservation", "payment.form.submission"):
            self.assertEqual(after[model], before[model])
        self._pay(booking)
        self.assertEqual(booking.partner_id.city, "Ghent")

    def test_free_service_keeps_answers_and_fills_the_new_contact(self):
        self.form_service.fee_policy = "free"
        url, form = self._book_form()
        self.assertEqual(self._post(url, form).status_code, 303)
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(self._answers(booking)["City"], "Ghent")
        self.assertEqual(booking.partner_id.city, "Ghent")

    def test_mistakes_book_nothing_and_keep_what_was_typed(self):
        url, form = self._book_form(
            **{self._key("City"): "", self._key("About you"): "A lot", "policy": ""}
        )
        before = self._snapshot()
        page = self._post(url, form)
        self.assertEqual(page.status_code, 400)
        self._assert_nothing_written(before)
        self.assertEqual(self._input(page, "City").get("aria-invalid"), "true")
        self.assertEqual(self._input(page, "About you").text_content().strip(), "A lot")

    def test_someone_quicker_keeps_what_was_typed(self):
        url, form = self._book_form(
            **{self._key("About you"): "A lot", self._key("Pictures are fine"): "1"}
        )
        for resource in (self.anna, self.ben):
            self._place(self.form_service, resource=resource)
        answer = self._post(url, form)
        self.assertEqual(answer.status_code, 409)
        page = self._get(self._details_url(self.form_service, "2026-03-04 09:00"))
        self.assertEqual(self._input(page, "City").get("value"), "Ghent")
        self.assertEqual(self._input(page, "About you").text_content().strip(), "A lot")
        self.assertTrue(self._input(page, "Pictures are fine").get("checked"))
        self.assertNotIn("policy", self._form(page, "/details"))

    def test_prefill_is_taken_out_of_the_address(self):
        key = self._key("City")
        path = self._details_url(self.form_service, **{key: "Ghent", "policy": "1"})
        answer = self._get(path)
        self.assertEqual(answer.status_code, 303)
        self.assertNotIn("Ghent", answer.headers["Location"])
        page = self._get(self._details_url(self.form_service))
        self.assertEqual(self._input(page, "City").get("value"), "Ghent")
        self.assertNotIn("policy", self._form(page, "/details"), "never by a link")

    def test_phone_is_asked_once(self):
        page = self._get(self._details_url(self.form_service))
        self.assertEqual(len(self._parse(page).xpath("//input[@name='phone']")), 1)
        field = self.env["payment.form.field"].create(
            {
                "form_id": self.form.id,
                "label": "Your phone",
                "kind": "phone",
                "partner_field": "phone",
                "required": True,
            }
        )
        page = self._get(self._details_url(self.form_service))
        self.assertFalse(self._parse(page).xpath("//input[@name='phone']"))
        url, form = self._book_form(**{field._get_key(): "+32 2 555 01 77"})
        self.assertEqual(self._post(url, form).status_code, 303)
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertEqual(booking.client_phone, "+32 2 555 01 77")

    def test_known_client_is_not_asked_for_the_phone(self):
        partner = self.portal_user.partner_id
        partner.write({"phone": "+32 2 555 01 88", "city": "Antwerp"})
        field = self.by_label["Other phone"]
        field.write({"partner_field": "phone", "required": True})
        self.authenticate(self.portal_user.login, self.portal_user.login)
        page = self._get(self._details_url(self.form_service))
        self.assertFalse(self._parse(page).xpath(f"//*[@name='{field._get_key()}']"))
        self.assertEqual(self._input(page, "City").get("value"), "Antwerp")
        url, form = self._book_form()
        self.assertEqual(self._post(url, form).status_code, 303)
        self.assertEqual(partner.city, "Antwerp", "never overwritten")

    def test_typed_email_fills_no_existing_contact(self):
        partner = self.portal_user.partner_id
        partner.write({"email": "zoe@example.com", "city": False})
        url, form = self._book_form()
        self._post(url, form)
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self._pay(booking)
        self.assertNotEqual(booking.partner_id, partner)
        self.assertFalse(partner.city)
