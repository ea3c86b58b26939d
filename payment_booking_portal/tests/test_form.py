"""Payment forms: what a payer fills in, what is kept of it, and who may read it."""

import hashlib

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, TransactionCase, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from ..models.payment_form_field import PARTNER_FIELDS
from ..tools.numbers import format_number, format_typed_number, parse_number
from .common import NOW
from .test_payable import PayableCommon

ADDRESS = "192.0.2.7"


class FormCommon(PayableCommon):
    """A form with a question of each kind, on the service of the studio."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.form = cls.env["payment.form"].create(
            {
                "name": "New client",
                "company_id": cls.company.id,
                "intro": "Tell us a little.",
                "policy": "<p>Cancel a day before. <b>No-show</b> costs half.</p>",
                "policy_required": True,
                "policy_label": "I agree",
                "field_ids": [
                    Command.create({"label": label, "sequence": number, **values})
                    for number, (label, values) in enumerate(
                        {
                            "City": {"partner_field": "city", "required": True},
                            "About you": {"kind": "long"},
                            "Guardian": {"kind": "email"},
                            "Other phone": {"kind": "phone"},
                            "Height": {"kind": "number"},
                            "Born on": {"kind": "date"},
                            "Level": {
                                "kind": "choice",
                                "options": "First steps\nSome practice\n\nExpert",
                            },
                            "Pictures are fine": {"kind": "tick"},
                        }.items()
                    )
                ],
            }
        )
        cls.by_label = {field.label: field for field in cls.form.field_ids}
        cls.form_service = cls._create_service("Lesson", form_id=cls.form.id)

    @classmethod
    def _key(cls, label):
        return cls.by_label[label]._get_key()

    @classmethod
    def _values(cls, **answers):
        """Return a form as a browser sends it, with what must be there.

        :param answers: by the first word of the question.
        """
        answers = {"City": "Ghent", **answers}
        keys = {label.split()[0]: cls._key(label) for label in cls.by_label}
        return {
            "policy": "1",
            "policy_hash": cls.form._get_policy_hash(),
            **{keys[word]: value for word, value in answers.items()},
        }

    def _take(self, document, proved=False, **answers):
        values = self._values(**answers)
        self.assertEqual(document._check_payable_details(values), {})
        document._take_payable_details(values, ADDRESS, proved=proved)

    def _answers(self, document):
        return {
            answer.label: answer.value
            for answer in document._get_form_records("payment.form.answer")
        }

    def _submissions(self, document):
        return document._get_form_records("payment.form.submission")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestFormEditor(FormCommon):
    """The form as managers make it."""

    def test_mapping_sets_kind_and_name(self):
        with Form(self.form) as form, form.field_ids.new() as line:
            line.partner_field = "phone"
            self.assertEqual(line.kind, "phone")
            self.assertEqual(line.label, "Phone")
            line.kind = "text"
            self.assertFalse(line.partner_field)

    def test_kind_and_mapping_must_fit(self):
        form = self.env["payment.form"].create({"name": "Empty"})
        for name, (kind, _autocomplete) in PARTNER_FIELDS.items():
            self.assertIn(name, self.env["res.partner"]._fields)
            wrong = "date" if kind == "text" else "text"
            with self.subTest(name), self.assertRaises(ValidationError):
                self.env["payment.form.field"].create(
                    {
                        "form_id": form.id,
                        "label": "x",
                        "kind": wrong,
                        "partner_field": name,
                    }
                )

    @mute_logger("odoo.sql_db")
    def test_a_contact_field_is_filled_by_one_question(self):
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.by_label["City"].copy()

    def test_choice_needs_choices(self):
        for options in (
            False,
            "",
            "\n \n",
            "Only one",
            "Same\nSame",
            "a\n" + "x" * 300,
        ):
            with self.subTest(options=options), self.assertRaises(ValidationError):
                self.by_label["Level"].options = options

    def test_tick_box_needs_a_policy(self):
        for policy in (False, "", "<p><br></p>"):
            with self.subTest(policy=policy), self.assertRaises(ValidationError):
                self.form.policy = policy

    def test_policy_is_sanitized(self):
        self.form.policy = "<p onclick='x()'>Text<script>alert(1)</script></p>"
        self.assertNotIn("script", self.form.policy)
        self.assertNotIn("onclick", self.form.policy)

    def test_copy_keeps_the_questions(self):
        copy = self.form.copy()
        self.assertEqual(copy.name, "New client (copy)")
        self.assertEqual(
            copy.field_ids.mapped("label"), self.form.field_ids.mapped("label")
        )
        self.assertFalse(copy.field_ids & self.form.field_ids)
        self.assertFalse(copy.is_default)
        self.assertFalse(copy.service_ids)

    def test_used_form_is_not_deleted_nor_archived(self):
        with self.assertRaisesRegex(UserError, "Lesson"):
            self.form.unlink()
        with self.assertRaisesRegex(ValidationError, "Lesson"):
            self.form.active = False
        self.form_service.active = False
        with self.assertRaises(UserError):
            self.form.unlink()
        self.form_service.form_id = False
        for name in ("is_default", "is_for_requests", "is_for_invoices"):
            self.form[name] = True
            with self.subTest(name), self.assertRaises(UserError):
                self.form.unlink()
            self.form[name] = False
        self.form.unlink()
        self.assertFalse(self.form.exists())

    def test_sent_form_is_archived_not_deleted(self):
        self._take(self._place(self.form_service))
        self.form_service.form_id = False
        with self.assertRaisesRegex(UserError, "Archive"):
            self.form.unlink()
        self.form.active = False

    def test_removed_question_leaves_its_answers(self):
        booking = self._place(self.form_service)
        self._take(booking)
        self.by_label["City"].unlink()
        self.assertEqual(self._answers(booking)["City"], "Ghent")

    def test_where_it_is_used(self):
        self.assertEqual(self.form.uses, "Lesson")
        self.form.is_default = True
        self.assertEqual(self.company.booking_form_id, self.form)
        other = self.form.copy()
        other.is_default = True
        self.assertFalse(self.form.is_default)
        self.form.is_default = False
        self.assertEqual(self.company.booking_form_id, other, "not ours to unset")
        self.form.is_for_invoices = True
        self.form.is_for_requests = True
        self.assertEqual(self.form.uses, "Requests, Invoices, Lesson")

    def test_forms_stay_in_their_company(self):
        foreign = self._create_other_company()
        theirs = self.form.copy({"company_id": foreign.id})
        with self.assertRaises(UserError):
            self.form_service.form_id = theirs
        with self.assertRaises(ValidationError):
            self.company.booking_form_id = theirs
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 5}
        )
        with self.assertRaises(ValidationError):
            request.form_id = theirs
        with self.assertRaises(ValidationError):
            self.form.company_id = foreign
        link = self.env["payment.direct.link"].create({"name": "Gift", "amount": 5})
        for document in (request, link):
            for values, words in (
                ({"company_id": foreign.id}, "another company"),
                ({"active": False}, "in use"),
            ):
                document.form_id = self.form.copy()
                with self.subTest(document._name, words=words):
                    with self.assertRaisesRegex(ValidationError, words):
                        document.form_id.write(values)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestFormAnswers(FormCommon):
    """What a payer sends, and what is kept of it."""

    needs_portal_user = True

    def _error(self, **answers):
        return self.form._check_values(self._values(**answers))

    # === CHECKING === #

    def test_each_kind_is_kept_typed(self):
        booking = self._place(self.form_service)
        self._take(
            booking,
            City="  Ghent \x00 ",
            About="One\r\nTwo",
            Guardian=" Zoe@Example.com ",
            Other="+32 2 555 01 01",
            Height="1,82",
            Born="1990-12-31",
            Level="Expert",
            Pictures="1",
        )
        self.assertEqual(
            self._answers(booking),
            {
                "City": "Ghent",
                "About you": "One\nTwo",
                "Guardian": "zoe@example.com",
                "Other phone": "+32 2 555 01 01",
                "Height": "1.82",
                "Born on": "1990-12-31",
                "Level": "Expert",
                "Pictures are fine": "1",
            },
        )
        shown = booking.form_answer_ids.mapped("display_value")
        self.assertEqual(shown[-4:], ["1.82", "12/31/1990", "Expert", "Yes"])

    def test_what_is_wrong_is_said_beside_the_question(self):
        for word, label, values in (
            ("City", "City", ["", "   ", "\x00", "x" * 201, None]),
            ("About", "About you", ["x" * 4001]),
            ("Guardian", "Guardian", ["zoe", "a@b.com, c@d.com"]),
            ("Other", "Other phone", ["call me", "12", "1" * 21, "+", "12345; drop"]),
            ("Height", "Height", ["tall", "1.2.3.4", "1e5", "--1", "NaN", "1" * 17]),
            (
                "Born",
                "Born on",
                ["31/12/1990", "1990-02-30", "0001-01-01", "9999-12-31", "19901231"],
            ),
            ("Level", "Level", ["expert", "Master", "First steps\nExpert"]),
        ):
            for value in values:
                with self.subTest(label, value=str(value)[:30]):
                    self.assertEqual(
                        list(self._error(**{word: value})), [self._key(label)]
                    )

    def test_only_what_is_required_must_be_there(self):
        self.assertEqual(self._error(), {})
        self.by_label["Pictures are fine"].required = True
        self.assertEqual(list(self._error()), [self._key("Pictures are fine")])
        self.assertEqual(
            list(self._error(Pictures="0")), [self._key("Pictures are fine")]
        )
        self.assertEqual(self._error(Pictures="1"), {})

    def test_unknown_keys_are_ignored(self):
        booking = self._place(self.form_service)
        values = {
            **self._values(),
            "field_999999": "x",
            "partner_id": "1",
            "field_x": "y",
        }
        self.assertEqual(booking._check_payable_details(values), {})
        booking._take_payable_details(values, ADDRESS)
        self.assertEqual(
            self._answers(booking), {"City": "Ghent", "Pictures are fine": "0"}
        )

    def test_policy_must_be_ticked_as_it_is_shown(self):
        for values in (
            {"policy": ""},
            {"policy": "0"},
            {"policy_hash": ""},
            {"policy_hash": "f" * 64},
        ):
            with self.subTest(values):
                errors = self.form._check_values({**self._values(), **values})
                self.assertEqual(list(errors), ["policy"])
        values = self._values()
        self.form.policy = "<p>Something else.</p>"
        self.assertEqual(list(self.form._check_values(values)), ["policy"])
        with self.assertRaises(UserError):
            self._place(self.form_service)._take_payable_details(values, ADDRESS)

    # === THE STEP === #

    def test_form_comes_before_the_payment(self):
        booking = self._place(self.form_service)
        self.assertEqual(booking._get_payable_status(), "details")
        self.assertTrue(booking._is_payable_now())
        self.assertEqual(booking._get_payable_error(), "Please fill in the form first.")
        self._take(booking)
        self.assertEqual(booking._get_payable_status(), "payable")
        self.assertFalse(booking._get_payable_error())

    def test_optional_form_counts_once_it_was_sent(self):
        self.by_label["City"].required = False
        self.form.policy_required = False
        booking = self._place(self.form_service)
        self.assertEqual(booking._get_payable_status(), "details")
        self._take(booking, City="")
        self.assertEqual(booking._get_payable_status(), "payable")

    def test_nothing_to_ask_is_never_missing(self):
        self.form.field_ids.unlink()
        booking = self._place(self.form_service)
        self.assertEqual(booking._get_payable_status(), "details", "the tick box")
        self.form.policy_required = False
        self.assertEqual(booking._get_payable_status(), "payable")
        self.form.policy = False
        self.assertEqual(booking._get_payable_status(), "payable")

    def test_own_form_else_the_default(self):
        default = self.form.copy({"name": "Default"})
        default.is_default = True
        own = self._place(self.form_service)
        other = self._place(local="2026-03-04 09:00")
        self.assertEqual(own._get_payable_form(), self.form)
        self.assertEqual(other._get_payable_form(), default)
        default.is_default = False
        self.assertFalse(other._get_payable_form())
        self.assertEqual(other._get_payable_status(), "payable")

    def test_staff_records_a_payment_without_the_form(self):
        booking = self._place(self.form_service)
        cash = self.env.ref("payment_booking_portal.payment_method_cash")
        booking._record_payment(60, cash)
        self.assertEqual(booking._get_payable_status(), "paid")

    def test_payment_under_way_closes_the_form(self):
        booking = self._place(self.form_service)
        self._take(booking)
        self.assertTrue(booking._can_change_details())
        self._start_payment(booking)
        self.assertFalse(booking._can_change_details())

    def test_sent_again_replaces_the_answers(self):
        booking = self._place(self.form_service)
        self._take(booking, Height="1")
        self._take(booking, City="Bruges")
        self.assertEqual(
            self._answers(booking), {"City": "Bruges", "Pictures are fine": "0"}
        )
        self.assertEqual(len(self._submissions(booking)), 1)

    # === REQUESTS === #

    def test_request_has_its_own_form(self):
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 10, "reason": "Shop"}
        )
        request.action_make_link()
        self.assertEqual(request._get_payable_status(), "payable")
        self.form.is_default = True
        self.assertEqual(request._get_payable_form(), self.form)
        general = self.form.copy()
        general.is_for_requests = True
        self.assertEqual(request._get_payable_form(), general)
        request.form_id = self.form
        self.assertEqual(request._get_payable_form(), self.form)
        self.assertEqual(request._get_payable_status(), "details")
        self._take(request)
        self.assertEqual(request.form_answer_ids[0].value, "Ghent")
        self.assertEqual(request.form_answer_ids.partner_id, self.partner)
        self.assertEqual(request._get_payable_status(), "payable")

    def test_request_asks_for_what_staff_left_open(self):
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount_min": 5, "amount_max": 50}
        )
        request.action_make_link()
        self.assertEqual(request._get_payable_status(), "details")
        for amount in ("", "4", "51", "5,001", "nothing", "1e1"):
            errors = request._check_payable_details({"amount": amount, "reason": "x"})
            self.assertEqual(list(errors), ["amount"], amount)
        values = {"amount": "12,50", "reason": "  A   gift "}
        self.assertEqual(request._check_payable_details(values), {})
        request._take_payable_details(values, ADDRESS)
        self.assertEqual(request.amount_typed, 12.5)
        self.assertEqual(request.reason_typed, "A gift")
        self.assertEqual(request._get_payable_status(), "payable")
        self.assertEqual(request._get_payable_amount(), 12.5)

    # === THE CONTACT === #

    def test_new_contact_is_filled(self):
        booking = self._place(self.form_service)
        self._take(booking)
        self.assertFalse(booking.partner_id)
        self._pay(booking)
        self.assertEqual(booking.partner_id.city, "Ghent")
        self.assertEqual(booking.form_answer_ids.partner_id, booking.partner_id)

    def test_proved_contact_is_filled_never_overwritten(self):
        partner = self.portal_user.partner_id
        partner.city = False
        booking = self._place(self.form_service, partner=partner)
        self._take(booking, proved=booking._is_payer_proved(self.portal_user))
        self.assertEqual(partner.city, "Ghent")
        self._take(booking, proved=True, City="Bruges")
        self.assertEqual(partner.city, "Ghent")
        self.assertEqual(self._answers(booking)["City"], "Bruges")

    def test_stranger_fills_nothing(self):
        partner = self.portal_user.partner_id
        partner.city = False
        booking = self._place(self.form_service, partner=partner)
        stranger = new_test_user(self.env, "pbp_stranger", groups="base.group_portal")
        for user in (self.public_user, stranger):
            self.assertFalse(booking._is_payer_proved(user))
        self._take(booking, proved=False)
        self.assertFalse(partner.city)

    def test_whom_staff_booked_for_is_proved_by_the_link(self):
        partner = self.partner.copy({"city": False})
        booking = self.env["payment.booking"].create(
            {
                "service_id": self.form_service.id,
                "partner_id": partner.id,
                "start": self._utc("2026-03-03 09:00"),
            }
        )
        booking.action_place()
        self.assertEqual(booking._get_payable_status(), "details")
        self.assertTrue(booking._is_payer_proved(self.public_user))

    def test_what_a_contact_refuses_stays_an_answer(self):
        self.by_label["City"].write({"partner_field": "vat", "label": "VAT"})
        partner = self.partner.copy({"vat": False})
        booking = self._place(self.form_service, partner=partner)

        def refuse(partner, vals):
            raise ValidationError(vals["vat"])

        self.patch(type(self.env["res.partner"]), "write", refuse)
        self._take(booking, proved=True, City="XX1")
        self.assertEqual(
            self._answers(booking), {"VAT": "XX1", "Pictures are fine": "0"}
        )
        self.assertFalse(partner.vat)

    # === PROOF === #

    def test_acceptance_is_proved(self):
        booking = self._place(self.form_service)
        self._take(booking)
        submission = self._submissions(booking)
        text = submission.policy_id.text
        self.assertIn("<b>No-show</b> costs half", text)
        self.assertIn("I agree", text)
        self.assertEqual(
            submission.policy_hash, hashlib.sha256(text.encode()).hexdigest()
        )
        self.assertEqual(submission.submitted_at, fields.Datetime.to_datetime(NOW))
        self.assertEqual(submission.address, ADDRESS)
        self.assertEqual(submission.lang, "en_US")
        self.assertTrue(submission.is_ticked)
        self.form.policy_required = False
        booking = self._place(self.form_service, "2026-03-04 09:00")
        self._take(booking)
        self.assertFalse(self._submissions(booking).is_ticked, "it was only shown")

    def test_version_is_kept_once_and_never_changes(self):
        first, second = (
            self._place(self.form_service, f"2026-03-03 {hour}:00") for hour in (10, 14)
        )
        self._take(first)
        self._take(second)
        version = self._submissions(first).policy_id
        self.assertEqual(self._submissions(second).policy_id, version)
        old = version.text
        self.form.policy = "<p>New words.</p>"
        with freeze_time("2026-03-02 07:05:00"):
            self._take(second)
        self.assertEqual(self._submissions(first).policy_id.text, old)
        self.assertEqual(
            self._submissions(second).mapped("submitted_at"),
            [fields.Datetime.to_datetime(f"2026-03-02 07:0{m}:00") for m in (5, 0)],
            "what was accepted first stays too",
        )
        self.assertIn("New words", first._get_shown_policy() and self.form.policy)
        self.assertIn("No-show", first._get_shown_policy(), "what was accepted")

    def test_words_of_the_tick_box_are_part_of_the_version(self):
        before = self.form._get_policy_hash()
        self.form.policy_label = "I agree with everything"
        self.assertNotEqual(self.form._get_policy_hash(), before)

    def test_each_language_has_its_version(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.form.with_context(lang="fr_FR").policy = "<p>La veille au plus tard.</p>"
        french = self._place(self.form_service).with_context(lang="fr_FR")
        form = french._get_payable_form()
        values = {**self._values(), "policy_hash": form._get_policy_hash()}
        french._take_payable_details(values, ADDRESS)
        submission = self._submissions(french)
        self.assertIn("La veille", submission.policy_id.text)
        self.assertEqual(submission.lang, "fr_FR")

    # === FORGETTING === #

    def _make_known(self):
        booking = self._place(self.form_service, partner=self.portal_user.partner_id)
        self._take(booking)
        return booking

    def test_deleted_contact_takes_all_along(self):
        booking = self._place(self.form_service)
        self._take(booking)
        booking._ensure_payable_partner()
        answers, submission = booking.form_answer_ids, self._submissions(booking)
        self.assertTrue(answers and submission)
        booking.partner_id.unlink()
        self.env.invalidate_all()
        self.assertFalse(answers.exists())
        self.assertFalse(submission.exists())
        self.assertTrue(booking.exists())

    def test_deleted_account_leaves_the_proof_without_address(self):
        booking = self._make_known()
        answers, submission = booking.form_answer_ids, self._submissions(booking)
        other = self._place(local="2026-03-05 09:00", service=self.form_service)
        self._take(other)
        self.portal_user.sudo()._deactivate_portal_user()
        self.assertFalse(answers.exists())
        self.assertFalse(submission.address or submission.lang)
        self.assertTrue(submission.policy_id)
        self.assertTrue(self._answers(other), "of another client")
        self.assertEqual(self._submissions(other).address, ADDRESS)

    def test_deleted_booking_takes_all_along(self):
        booking = self._make_known()
        answers, submission = booking.form_answer_ids, self._submissions(booking)
        booking._drop_hold()
        booking.unlink()
        self.assertFalse(answers.exists() or submission.exists())


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestFormRights(FormCommon):
    """Each kind of user, with nothing but its own group."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user, cls.manager = (
            new_test_user(
                cls.env,
                f"pbp_form_{name}",
                groups=f"{group}{name}",
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for name in ("user", "manager")
        )
        cls.other_company = cls._create_company(name="Elsewhere")
        cls.other_manager = new_test_user(
            cls.env,
            "pbp_form_elsewhere",
            groups=f"{group}manager",
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )

    def _as(self, user, record):
        return record.with_user(user).sudo(False)

    def test_manager_makes_and_uses_a_form(self):
        with Form(self._as(self.manager, self.env["payment.form"])) as form:
            form.name = "Mine"
            form.is_default = True
            with form.field_ids.new() as line:
                line.label = "Why?"
        self.assertEqual(self.company.booking_form_id, form.record)
        self.assertEqual(form.record.company_id, self.company)
        form.record.is_default = False
        self.assertFalse(self.company.booking_form_id)
        form.record.copy().unlink()
        self._as(self.manager, self.form_service).form_id = form.record

    def test_user_reads_forms_and_answers(self):
        booking = self._place(self.form_service)
        self._take(booking)
        form = self._as(self.user, self.form)
        self.assertTrue(form.field_ids.mapped("label"))
        self.assertEqual(form.uses, "Lesson")
        self.assertEqual(form.submission_count, 1)
        record = self._as(self.user, booking)
        self.assertEqual(record.form_answer_ids[0].display_value, "Ghent")
        with Form(record):
            pass
        with self.assertRaises(AccessError):
            form.name = "x"
        with self.assertRaises(AccessError):
            form.is_default = True
        with self.assertRaises(AccessError):
            form.field_ids[0].label = "x"
        with self.assertRaises(AccessError):
            self._as(self.user, self._submissions(booking)).read(["address"])
        self.assertTrue(
            self._as(self.manager, self._submissions(booking)).read(["address"])
        )

    def test_nobody_writes_what_a_client_left(self):
        booking = self._place(self.form_service)
        self._take(booking)
        records = [
            booking.form_answer_ids[0],
            self._submissions(booking),
            self._submissions(booking).policy_id,
        ]
        administrator = self.env.ref("base.user_admin")
        for user in (self.user, self.manager, administrator, self.portal_user):
            for record in records:
                record = self._as(user, record)
                values = {"form_id": self.form.id}
                for call in (
                    lambda r: r.write(values),  # noqa: B023
                    lambda r: r.create([values]),  # noqa: B023
                    lambda r: r.unlink(),
                    lambda r: r.copy(),
                ):
                    with self.subTest(record._name, user=user.login):
                        with self.assertRaises(AccessError):
                            call(record)
        for user in (self.user, self.manager):
            with self.assertRaises(UserError):
                self._as(user, booking).write({"form_answer_ids": [Command.clear()]})

    def test_clients_read_nothing(self):
        booking = self._place(self.form_service, partner=self.portal_user.partner_id)
        self._take(booking)
        records = (
            self.form,
            self.form.field_ids,
            booking.form_answer_ids,
            self._submissions(booking),
            self._submissions(booking).policy_id,
        )
        for user in (self.portal_user, self.public_user):
            for record in records:
                with self.subTest(record._name, user=user.login):
                    with self.assertRaises(AccessError):
                        self._as(user, record).read()
        names = self._as(self.portal_user, booking).fields_get()
        self.assertIn("amount_total", names)
        self.assertNotIn("form_answer_ids", names)
        self.assertNotIn("form_submission_ids", names)

    def test_other_company_reads_nothing(self):
        booking = self._place(self.form_service)
        self._take(booking)
        for record in (
            self.form,
            self.form.field_ids,
            booking.form_answer_ids,
            self._submissions(booking),
            self._submissions(booking).policy_id,
        ):
            theirs = self._as(self.other_manager, record)
            with self.subTest(record._name):
                self.assertFalse(theirs.search([("id", "in", record.ids)]))
                with self.assertRaises(AccessError):
                    theirs.read()
        with self.assertRaises(AccessError):
            self._as(self.other_manager, self.form).is_default = True
        with self.assertRaises(AccessError):
            self._as(self.other_manager, self.form).action_preview()


@tagged("post_install", "-at_install")
class TestNumbers(TransactionCase):
    """Numbers in the signs of a language, and in those of its neighbours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        codes = ("en_US", "fr_FR", "de_DE", "fr_CH")
        for code in codes:
            cls.env["res.lang"]._activate_lang(code)
        cls.envs = {code: cls.env(context={"lang": code}) for code in codes}

    def test_what_is_shown_can_be_typed(self):
        """Whatever a language writes for a number is read as that number again."""
        wholes = ["0", "7", "12", "999", "1000", "4711", "123456", "1234567", "9876543"]
        fractions = ["", "1", "5", "25", "125", "999", "0001"]
        for code, env in self.envs.items():
            for sign in ("", "-"):
                for whole in wholes:
                    for fraction in fractions:
                        number = f"{sign}{whole}" + (fraction and f".{fraction}")
                        if number == "-0":
                            continue
                        with self.subTest(code, number=number):
                            typed = format_typed_number(env, number)
                            self.assertEqual(parse_number(env, typed), number)
                            shown = format_number(env, number)
                            self.assertEqual(parse_number(env, shown), number)

    def test_in_words_of_people(self):
        for code, typed, number in (
            ("en_US", "1,234.50", "1234.5"),
            ("en_US", "1,5", "1.5"),
            ("en_US", "1,500", "1500"),
            ("en_US", "1.500", "1.5"),
            ("en_US", "0,500", "0.5"),
            ("fr_FR", "1 234,50", "1234.5"),
            ("fr_FR", "1\u202f234,5", "1234.5"),
            ("fr_FR", "1.5", "1.5"),
            ("fr_FR", "1.234.567", "1234567"),
            ("de_DE", "1.234,50", "1234.5"),
            ("de_DE", "1.500", "1500"),
            ("de_DE", "1,500", "1.5"),
            ("fr_CH", "1'234.50", "1234.5"),
            ("fr_CH", "1’234.50", "1234.5"),
            ("en_US", "+7", "7"),
            ("en_US", "-0", "0"),
            ("en_US", ".5", "0.5"),
            ("en_US", "007", "7"),
        ):
            with self.subTest(code, typed=typed):
                self.assertEqual(parse_number(self.envs[code], typed), number)

    def test_no_numbers(self):
        for typed in (
            *("", " ", "-", ".", ",", "1..2", "1,2,3", "1.2.3", "12,34,567.8"),
            *("1e9", "0x1", "NaN", "inf", "١٢", "1_000", "5-", "1" * 400, "1," * 99),
        ):
            for code, env in self.envs.items():
                with self.subTest(code, typed=typed[:20]):
                    self.assertIsNone(parse_number(env, typed))
