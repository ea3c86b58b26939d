from urllib.parse import parse_qs, urlsplit

from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW
from .http_common import BookingHttpCommon

SCRIPT = "<script>alert(1)</script>"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpBook(BookingHttpCommon):
    """A guest in front of services, calendar and details."""

    needs_portal_user = True

    # === THE WAY THROUGH === #

    def test_guest_books_without_javascript(self):
        partners = self.env["res.partner"].search_count([])
        page = self._get("/book")
        self.assertEqual(page.status_code, 200)
        links = self._parse(page).xpath("//h2/a[contains(., 'Haircut')]/@href")
        self.assertEqual(links, [self.service._get_book_url()])
        page = self._get(f"{links[0]}?day=2026-03-03")
        self.assertEqual(page.status_code, 200)
        slots = self._parse(page).xpath("//a[contains(@href, '/details')]/@href")
        self.assertEqual(len(slots), 15, "every half hour from 9:00 to 16:00")
        wanted = [url for url in slots if self._start_of("2026-03-03 09:00") in url]
        page = self._get(wanted[0])
        self.assertEqual(page.status_code, 200)
        form = self._form(page, "/details")
        answer = self._post(
            urlsplit(wanted[0]).path,
            {
                **form,
                "name": "Zoé Client",
                "email": "zoe@example.com",
                "phone": "+32 470 00 00 00",
                "note": "Hello",
            },
        )
        self.assertEqual(answer.status_code, 303)
        self.assertRegex(answer.headers["Location"], r"/pay/[\w-]{32}$")
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertEqual(booking.state, "hold")
        self.assertEqual(booking.start, self._utc("2026-03-03 09:00"))
        self.assertEqual(booking.client_name, "Zoé Client")
        self.assertEqual(booking.client_email, "zoe@example.com")
        self.assertEqual(booking.client_phone, "+32 470 00 00 00")
        self.assertEqual(booking.note, "Hello")
        self.assertEqual(booking.amount_total, 60.0)
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        page = self._get(answer.headers["Location"])
        self.assertEqual(page.status_code, 200)
        self.assertEqual(self._get_payment_context(page)["amount"], 60.0)

    def test_free_service_is_booked_at_once(self):
        service = self._create_service("Chat", fee_policy="free", price=0)
        answer, booking = self._book(service)
        self.assertEqual(booking.state, "confirmed")
        self.assertIn("/booking/", answer.headers["Location"])
        page = self._get(answer.headers["Location"])
        self.assertEqual(self._title(page), "You are booked")

    def test_planned_class_shows_its_dates_only(self):
        service = self._create_service(
            "Class", seats=3, fee_policy="free", session_mode="planned"
        )
        self.env["payment.booking.session"].create(
            {"service_id": service.id, "start": self._utc("2026-03-07 20:10")}
        )
        self._place(service, "2026-03-07 20:10")
        page = self._get(service._get_book_url())
        slots = self._parse(page).xpath("//a[contains(@href, '/details')]/@href")
        self.assertEqual(len(slots), 1)
        self.assertIn("2 places left", self._text(page))
        _answer, booking = self._book(service, "2026-03-07 20:10", seats="2")
        self.assertEqual((booking.state, booking.seats), ("confirmed", 2))
        page = self._get(service._get_book_url())
        self.assertIn("Nothing free in March", self._text(page))
        page = self._get(self._details_url(service, "2026-03-03 09:00"))
        self.assertEqual(page.status_code, 409)

    def test_same_form_books_once(self):
        url, form = self._fill(self._create_service("Chat", fee_policy="free"))
        first = self._post(url, form)
        before = self._snapshot()
        second = self._post(url, form)
        self.assertEqual(first.headers["Location"], second.headers["Location"])
        self._assert_nothing_written(before)

    def test_refresh_and_back_keep_the_hold(self):
        _answer, booking = self._book()
        before = self._snapshot()
        _answer, again = self._book()
        self.assertEqual(again, booking)
        self._assert_nothing_written(before)

    def test_another_start_gives_the_first_one_up(self):
        _answer, first = self._book()
        _answer, second = self._book(local="2026-03-03 11:00")
        self.assertEqual(first.state, "cancelled")
        self.assertEqual(second.state, "hold")

    def test_two_visitors_have_a_hold_each(self):
        _answer, first = self._book()
        self._new_visitor()
        _answer, second = self._book(local="2026-03-03 11:00")
        self.assertEqual((first + second).mapped("state"), ["hold", "hold"])

    def test_somebody_was_quicker(self):
        self.people.resource_ids = self.anna
        url, form = self._fill()
        self._place()
        before = self._snapshot()
        answer = self._post(url, form)
        self.assertEqual(answer.status_code, 409)
        self.assertEqual(self._title(answer), "Someone was quicker")
        self.assertIn("not charged", self._text(answer))
        buttons = self._parse(answer).xpath("//a[contains(@href, '/details?')]/@href")
        self.assertEqual(len(buttons), 3)
        for button in buttons:
            self.assertEqual(self._get(button).status_code, 200, "really free")
        self._assert_nothing_written(before)

    def test_closed_service_is_never_free(self):
        url, form = self._fill()
        (self.provider + self.transfer).is_published = False
        page = self._get(self.service._get_book_url())
        self.assertEqual(self._title(page), "Online booking is closed at the moment")
        self.assertIn("+32 2 555 01 01", self._text(page))
        self.assertEqual(self._get(self._details_url()).status_code, 303)
        before = self._snapshot()
        answer = self._post(url, form)
        self.assertEqual(answer.status_code, 409)
        self._assert_nothing_written(before)

    def test_portal_user_books_as_themselves(self):
        self.authenticate(self.portal_user.login, self.portal_user.login)
        page = self._get(self._details_url())
        self.assertIn(self.portal_user.name, self._text(page))
        form = self._form(page, "/details")
        self.assertNotIn("email", form)
        partners = self.env["res.partner"].search_count([])
        answer = self._post(
            f"{self.service._get_book_url()}/details",
            {**form, "name": "Somebody Else", "email": "else@example.com"},
        )
        self.assertEqual(answer.status_code, 303)
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertEqual(booking.partner_id, self.portal_user.partner_id)
        self.assertFalse(booking.guest_email)
        self.assertEqual(self.env["res.partner"].search_count([]), partners)

    # === IDENTITY === #

    def test_typed_address_neither_finds_nor_fills_a_contact(self):
        known = self.env["res.partner"].create(
            {"name": "Secret Name", "email": "known@example.com", "phone": "555-SECRET"}
        )
        answer, booking = self._book(name="Nosy", email="known@example.com")
        page = self._get(answer.headers["Location"])
        for text in (answer.text, page.text):
            self.assertNotIn("Secret Name", text)
            self.assertNotIn("555-SECRET", text)
        self._call(
            f"{urlsplit(answer.headers['Location']).path}/transaction",
            provider_id=self.provider.id,
            payment_method_id=self.payment_method_id,
            flow="redirect",
        )
        booking.invalidate_recordset()
        self.assertTrue(booking.partner_id)
        self.assertNotEqual(booking.partner_id, known)
        self.assertEqual(booking.partner_id.name, "Nosy")
        self.assertEqual(known.name, "Secret Name")
        self.assertEqual(booking.duplicate_partner_ids, known, "a hint for staff")

    def test_each_guest_gets_a_contact_of_their_own(self):
        service = self._create_service("Chat", fee_policy="free")
        _answer, first = self._book(service)
        self._new_visitor()
        _answer, second = self._book(service, "2026-03-03 11:00")
        self.assertTrue(first.partner_id and second.partner_id)
        self.assertNotEqual(first.partner_id, second.partner_id)

    # === PREFILL === #

    def test_campaign_of_the_link_is_kept_with_the_booking(self):
        service = self._create_service("Chat", fee_policy="free", price=0)
        link = "?utm_campaign=spring&utm_source=letter&utm_medium=<b>paper</b>"
        self._get(f"{service._get_book_url()}{link}")
        _answer, booking = self._book(service)
        self.assertEqual(
            (booking.campaign, booking.campaign_source, booking.campaign_medium),
            ("spring", "letter", "<b>paper</b>"),
        )

    def test_prefill_is_taken_once_and_leaves_the_address(self):
        path = self.service._get_book_url()
        answer = self._get(
            f"{path}?name=Zo%C3%A9&email=z%40example.com&phone=12&note=Hi"
            "&day=2026-03-04&utm_source=letter&currency=USD"
        )
        self.assertEqual(answer.status_code, 303)
        target = urlsplit(answer.headers["Location"])
        self.assertEqual(target.path, path)
        self.assertEqual(
            parse_qs(target.query),
            {"day": ["2026-03-04"], "utm_source": ["letter"], "currency": ["USD"]},
        )
        form = self._form(self._get(self._details_url()), "/details")
        self.assertEqual(form["name"], "Zoé")
        self.assertEqual(form["email"], "z@example.com")
        self.assertEqual(form["phone"], "12")
        self.assertIn("Hi", form["note"])
        page = self._get(f"{path}?day=2026-03-04")
        self.assertNotIn("z@example.com", page.text)
        self.assertNotIn("%40", "".join(self._parse(page).xpath("//a/@href")))

    def test_prefill_works_on_each_page(self):
        for path in ("/book", self.service._get_book_url(), self._details_url()):
            glue = "&" if "?" in path else "?"
            answer = self._get(f"{path}{glue}email=z%40example.com")
            self.assertEqual(answer.status_code, 303, path)
            self.assertTrue(answer.headers["Location"].endswith(path), path)

    def test_prefill_of_one_visitor_is_not_seen_by_another(self):
        self._get(f"{self.service._get_book_url()}?name=Secret")
        self._new_visitor()
        self.assertNotIn("Secret", self._get(self._details_url()).text)

    # === REFUSED === #

    def test_wrong_details_are_shown_and_nothing_is_written(self):
        url, form = self._fill()
        wrong = (
            ({"name": ""}, "Please tell us your name."),
            ({"name": "  "}, "Please tell us your name."),
            ({"name": "x" * 201}, "This name is too long."),
            ({"email": ""}, "Please tell us your e-mail address."),
            ({"email": "zoe"}, "This is not an e-mail address."),
            ({"email": "a@b.co, c@d.co"}, "This is not an e-mail address."),
            ({"email": "z@b.co\r\nBcc: c@d.co"}, "This is not an e-mail address."),
            ({"email": "x" * 200 + "@b.co"}, "This is not an e-mail address."),
            ({"note": "x" * 4001}, "This message is too long."),
        )
        before = self._snapshot()
        for values, words in wrong:
            with self.subTest(values=str(values)[:60]):
                answer = self._post(url, {**form, **values})
                self.assertEqual(answer.status_code, 400)
                self.assertIn(words, self._text(answer))
                self._assert_private(answer)
        self._assert_nothing_written(before)
        answer = self._post(url, {**form, "email": "", "name": "Kept Name"})
        self.assertEqual(self._form(answer, "/details")["name"], "Kept Name")

    def test_script_in_a_name_is_only_text(self):
        url, form = self._fill()
        answer = self._post(url, {**form, "name": SCRIPT, "email": "no"})
        self.assertEqual(answer.status_code, 400)
        self.assertNotIn(SCRIPT, answer.text)
        self.assertEqual(self._form(answer, "/details")["name"], SCRIPT)
        service = self._create_service("Chat", fee_policy="free")
        answer, booking = self._book(service, name=SCRIPT, note=SCRIPT)
        self.assertEqual(booking.client_name, SCRIPT)
        page = self._get(answer.headers["Location"])
        self.assertEqual(page.status_code, 200)
        self.assertNotIn(SCRIPT, page.text)
        self.assertNotIn(SCRIPT, booking.event_ids.description)

    def test_script_in_an_address_is_only_text(self):
        path = self.service._get_book_url()
        for query in (
            f"?tz={SCRIPT}",
            f"?month={SCRIPT}",
            f"?currency=%22{SCRIPT}",
            f"?resource={SCRIPT}&seats={SCRIPT}&day={SCRIPT}",
        ):
            with self.subTest(query):
                self.assertNotIn("<script>alert(1)", self._get(path + query).text)

    def test_form_without_its_proof_is_refused(self):
        url, form = self._fill()
        before = self._snapshot()
        with self.assertLogs("odoo.http", "WARNING"):
            for token in (None, "", "0123456789abcdef"):
                data = {**form, "csrf_token": token}
                if token is None:
                    del data["csrf_token"]
                self.assertEqual(self._post(url, data).status_code, 400)
        self._assert_nothing_written(before)

    def test_ten_megabytes_are_refused_unread(self):
        url, form = self._fill()
        before = self._snapshot()
        answer = self._post(url, {**form, "note": "x" * 10_000_000})
        self.assertEqual(answer.status_code, 413)
        self._assert_nothing_written(before)

    def test_pages_that_do_not_exist(self):
        hidden = self._create_service("Hidden", is_published=False)
        archived = self._create_service("Gone")
        archived.active = False
        start = self._start_of("2026-03-03 09:00")
        paths = [
            "/book/nothing",
            "/book/nothing-999999",
            "/book/0",
            "/book/-1",
            "/book/x-99999999999999999999",
            "/book/2147483648",
            "/book/at/999999",
            "/book/at/0",
            "/book/at/99999999999999999999",
            "/book/at/x",
            hidden._get_book_url(),
            f"{hidden._get_book_url()}/details?start={start}",
            archived._get_book_url(),
            f"{self.service._get_book_url()}/nothing",
            f"{self.service._get_book_url()}/details",
        ]
        paths += [
            f"{self.service._get_book_url()}/details?start={garbage}"
            for garbage in ("x", "20261399T9999", "20260303T08001", "", "%00", "1" * 99)
        ]
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for path in paths:
                with self.subTest(path):
                    self.assertEqual(self._get(path).status_code, 404)
        self._assert_nothing_written(before)

    def test_starts_that_cannot_be_booked(self):
        before = self._snapshot()
        url, form = self._fill()
        with self.assertNoLogs(level="ERROR"):
            for start in (
                self._start_of("2026-03-02 09:00").replace("0302", "0301"),
                self._start_of("2026-02-03 09:00"),
                self._start_of("2026-03-03 09:07"),
                self._start_of("2026-03-03 08:00"),
                self._start_of("2026-03-07 09:00"),
                self._start_of("2027-03-03 09:00"),
                "00010101T0000",
                "99991231T2359",
            ):
                with self.subTest(start):
                    page = self._get(
                        f"{self.service._get_book_url()}/details?start={start}"
                    )
                    self.assertIn(page.status_code, (404, 409))
                    answer = self._post(url, {**form, "start": start})
                    self.assertIn(answer.status_code, (404, 409))
        self._assert_nothing_written(before)

    def test_garbage_in_an_address_is_ignored(self):
        path = self.service._get_book_url()
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for query in (
                "day=x",
                "day=2026-02-30",
                "day=0001-01-01",
                "day=9999-12-31",
                "month=x",
                "month=0000-00",
                "month=9999-12",
                "month=0001-01",
                "month=2026-13",
                "tz=x",
                "tz=Europe/Nowhere",
                "tz=%00",
                "resource=x",
                "resource=-1",
                "resource=99999999999999999999",
                "resource=" + "9" * 5000,
                "seats=0",
                "seats=-1",
                "seats=1000000000",
                "seats=x",
                "currency=XXX",
                "currency=%00",
                "day=2026-03-03&day=x&day[]=1",
            ):
                with self.subTest(query):
                    self.assertEqual(self._get(f"{path}?{query}").status_code, 200)
        self._assert_nothing_written(before)

    def test_forged_choices_are_refused(self):
        url, form = self._fill()
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for values in (
                {"seats": "0"},
                {"seats": "-1"},
                {"seats": "2"},
                {"seats": "1000000000"},
                {"seats": "9" * 30},
                {"seats": "x"},
                {"currency": "XXX"},
                {"currency": "EUR"},
            ):
                with self.subTest(values=values):
                    answer = self._post(url, {**form, **values})
                    self.assertIn(answer.status_code, (400, 409))
        self._assert_nothing_written(before)

    def test_person_who_is_not_offered_is_not_replaced_by_another(self):
        other = self._create_resource("Other")
        url, form = self._fill(self._create_service("Chat", fee_policy="free"))
        before = self._snapshot()
        for value in (str(other.id), "-1", "x", "9" * 30):
            with self.subTest(value):
                answer = self._post(url, {**form, "resource": value})
                self.assertEqual(answer.status_code, 409)
                self.assertEqual(self._title(answer), "Someone was quicker")
        self._assert_nothing_written(before)

    def test_fields_that_are_not_ours_are_ignored(self):
        _answer, booking = self._book(
            state="confirmed",
            amount_total="0",
            price_unit="0",
            fee_policy="free",
            partner_id=str(self.partner.id),
            company_id="1",
            hold_until="2030-01-01",
            tz="Nowhere",
            lang="xx_XX",
        )
        self.assertEqual(booking.state, "hold")
        self.assertEqual(booking.amount_total, 60.0)
        self.assertEqual(booking.fee_policy, "required")
        self.assertFalse(booking.partner_id)
        self.assertEqual(str(booking.hold_until), "2026-03-02 07:15:00")

    def test_files_and_zeros_in_a_form(self):
        url, form = self._fill()
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for field in ("name", "email", "note", "start", "request_key", "seats"):
                with self.subTest(field):
                    data = {key: value for key, value in form.items() if key != field}
                    answer = self._post(url, data, files={field: ("x.txt", b"hello")})
                    self.assertIn(answer.status_code, (303, 400, 404, 409))
                    if answer.status_code == 303:
                        # Without a key or a number of places there is a default.
                        self.assertIn(field, ("note", "request_key", "seats"))
                        self._get(answer.headers["Location"])  # and the way goes on
        self.assertEqual(
            self._snapshot()["res.partner"], before["res.partner"], "no contact"
        )

    def test_zero_bytes_are_no_trouble(self):
        service = self._create_service("Chat", fee_policy="free")
        with self.assertNoLogs(level="ERROR"):
            for day, field in enumerate(("name", "note", "phone", "request_key"), 3):
                with self.subTest(field):
                    url, form = self._fill(service, f"2026-03-0{day} 09:00")
                    answer = self._post(url, {**form, field: "a\x00b"})
                    self.assertEqual(answer.status_code, 303)

    # === WHOSE SERVICE === #

    def test_list_without_services(self):
        self.env["payment.booking.service"].search([]).active = False
        text = self._text(self._get("/book"))
        self.assertIn("nothing to book online", text)
        self.assertIn("Call us or write to us", text)
        self.assertIn("studio@example.com", text)
        self.assertNotIn("Make a service", text)
        manager = new_test_user(
            self.env,
            login="pbp_manager",
            groups="payment_booking_portal.group_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.authenticate(manager.login, manager.login)
        self.assertIn("Make a service", self._text(self._get("/book")))

    def test_unpublished_service_is_shown_to_its_staff_only(self):
        hidden = self._create_service("Hidden", is_published=False)
        manager = new_test_user(
            self.env,
            login="pbp_manager",
            groups="payment_booking_portal.group_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.authenticate(manager.login, manager.login)
        self.assertEqual(self._get(hidden._get_book_url()).status_code, 200)
        self.authenticate(self.portal_user.login, self.portal_user.login)
        self.assertEqual(self._get(hidden._get_book_url()).status_code, 404)

    def test_service_without_a_price_does_not_break_the_list(self):
        eur = self._enable_currency("EUR")
        self.env["res.currency.rate"].search([("currency_id", "=", eur.id)]).unlink()
        self.company.booking_currency_ids = eur
        for policy in ("required", "on_site", "suggested"):
            self._create_service(
                f"Unpriced {policy}", fee_policy=policy, currency_id=eur.id, price=0
            )
        with self.assertNoLogs(level="ERROR"):
            page = self._get("/book")
        self.assertEqual(page.status_code, 200)
        self.assertIn("Haircut", self._text(page))

    # === HEADERS AND LANGUAGES === #

    def test_pages_are_framed_by_nobody_else(self):
        for path in ("/book", self.service._get_book_url()):
            headers = self._get(path).headers
            self.assertIn("frame-ancestors 'self'", headers["Content-Security-Policy"])
            self.assertNotIn("noindex", headers.get("X-Robots-Tag", ""), "public")
        self._assert_private(self._get(self._details_url()))

    def test_get_changes_nothing(self):
        _answer, booking = self._book()
        before = self._snapshot()
        for path in (
            "/book",
            f"/book/at/{self.company.id}",
            self.service._get_book_url(),
            self._details_url(),
            self._details_url(local="2026-03-03 12:00"),
        ):
            self.assertEqual(self._get(path).status_code, 200)
        self._assert_nothing_written(before)
        self.assertEqual(booking.state, "hold")

    def test_french_pages(self):
        lang = self.env["res.lang"]._activate_lang("fr_FR")
        self.service.with_context(lang="fr_FR").name = "Coupe"
        self.assertEqual(lang.code, "fr_FR")
        pages = {
            "address": self._get(
                f"/{lang.url_code}{self.service._get_book_url()}?day=2026-03-03"
            )
        }
        self._new_visitor()
        pages["cookie"] = self._get(
            f"{self.service._get_book_url()}?day=2026-03-03",
            cookies={"frontend_lang": "fr_FR"},
            allow_redirects=True,
        )
        for how, page in pages.items():
            with self.subTest(how):
                self.assertEqual(page.status_code, 200)
                self.assertIn("fr", self._parse(page).get("lang"))
                self.assertIn("Coupe", self._title(page))
                self.assertIn("mardi 3 mars", self._text(page).lower())
