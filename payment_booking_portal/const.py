"""Words and figures that several models share."""

# What the client must pay, and when (the texts are those of the booking page).
FEE_POLICIES = [
    ("required", "Paid – payment required to book"),
    ("suggested", "Paid – payment suggested at booking"),
    ("on_site", "Paid – no online payment at booking"),
    ("varies", 'Price varies – shown as "For a fee"'),
    ("free", 'Free – shown as "Free"'),
    ("hidden", "Free – no price shown"),
]
# Policies under which a booking has a price that the client owes.
PRICED_POLICIES = {"required", "suggested", "on_site"}
# Policies under which a client may choose to pay at the appointment.
VENUE_POLICIES = {"suggested", "on_site", "varies"}

BOOKING_STATES = [
    ("draft", "Draft"),
    ("hold", "On hold"),
    ("confirmed", "Confirmed"),
    ("expired", "Expired"),
    ("cancelled", "Cancelled"),
]
# The only moves of `payment.booking.state` (source, target).
BOOKING_TRANSITIONS = {
    ("draft", "hold"),
    ("draft", "confirmed"),
    ("hold", "confirmed"),
    ("hold", "expired"),
    ("expired", "confirmed"),
    ("hold", "cancelled"),
    ("confirmed", "cancelled"),
}

REQUEST_STATES = [
    ("draft", "Draft"),
    ("sent", "Sent"),
    ("part", "Partly paid"),
    ("paid", "Paid"),
    ("expired", "Expired"),
    ("cancelled", "Cancelled"),
]

# What a direct link is for.
LINK_KINDS = [
    ("pay", "Pay"),
    ("book", "Book a service"),
    ("payments", "My payments"),
]
LINK_AMOUNTS = [
    ("fixed", "A fixed amount"),
    ("open", "The client types the amount"),
    ("products", "Products"),
]
# How a widget shows on a website.
EMBED_MODES = [
    ("button", "A button that leads to a page of its own"),
    ("popup", "A button that opens a window in the page"),
    ("inline", "Straight in the page, without a button"),
]
EMBED_SIZES = [
    ("small", "Small"),
    ("medium", "Normal"),
    ("large", "Large"),
]
# Padding and size of the text.
EMBED_SIZE_STYLES = {
    "small": ("8px 16px", "14px"),
    "medium": ("12px 24px", "16px"),
    "large": ("16px 32px", "20px"),
}
EMBED_COLOR = "#2f6f5e"
# The number is that of what the script understands: pasted code stays as it is.
EMBED_SCRIPT_PATH = "/payment-booking/v1.js"
MAX_RETURN_URL = 2000

# More buttons than this are no help.
MAX_SUGGESTIONS = 8

SESSION_STATES = [
    ("open", "Open"),
    ("cancelled", "Cancelled"),
]

COVERAGES = [
    ("none", "Not paid"),
    ("processing", "Being paid"),
    ("part", "Partly paid"),
    ("paid", "Paid"),
    ("partly_refunded", "Partly refunded"),
    ("refunded", "Refunded"),
]
# How what a client owes stands for who collects it.
DUE_STATUSES = [
    ("overdue", "Overdue"),
    ("pending", "Pending"),
    ("paid", "Paid"),
]
# The list of what clients owe (see `payment.due`).
DUE_SOURCES = [
    ("invoice", "Invoice"),
    ("booking", "Booking"),
    ("request", "Payment link"),
]
# The fields of an allocation that name a document, in the order in which documents are
# locked (see `tools.locking.lock_documents`).
DUE_SOURCE_ORDER = ("booking_id", "request_id", "invoice_id")
DUE_ROW_STATUSES = [
    ("open", "To pay"),
    ("processing", "Being paid"),
    ("paid", "Paid"),
    ("partly_refunded", "Partly refunded"),
    ("refunded", "Refunded"),
    ("credit", "Credit"),
]
DUE_AGES = [
    ("pending", "Not due yet"),
    ("week", "Up to 7 days late"),
    ("month", "8 to 30 days late"),
    ("quarter", "31 to 90 days late"),
    ("older", "More than 90 days late"),
]
# The list of what came (see `payment.received`).
RECEIVED_SOURCES = [*DUE_SOURCES, ("none", "No document")]
RECEIVED_CHANNELS = [
    ("online", "Online"),
    ("staff", "By staff"),
    ("odoo", "In Odoo"),
]
# Kinds of rules of reminders, and what a reminder is: by a rule, or by hand.
RULE_KINDS = [
    ("due", "Of what is owed"),
    ("appointment", "Of an appointment"),
    ("abandoned", "To who gave up a payment"),
]
REMINDER_KINDS = [
    ("due", "What is owed"),
    ("appointment", "Appointment"),
    ("abandoned", "Given up"),
    ("manual", "By hand"),
]
RULE_MOMENTS = [
    ("before", "before"),
    ("on", "on the day"),
    ("after", "after"),
]
REMINDER_STATES = [
    ("queued", "Waiting"),
    ("sent", "Sent"),
    ("failed", "Failed"),
    ("cancelled", "Not needed"),
]
# A reminder that could not go out when it was meant to is sent so many days later at
# most.
REMINDER_CATCH_UP_DAYS = 7
ATTENDANCES = [
    ("none", "Not known yet"),
    ("attended", "Attended"),
    ("no_show", "Did not come"),
]
ATTENTION_REASONS = [
    ("late_no_slot", "Paid after the time was given away"),
    ("late_kept", "Payment unanswered by the provider for too long"),
    ("paid_cancelled", "Paid, and cancelled by the client"),
    ("cancelled_invoiced", "Cancelled, and on an invoice"),
    ("amount_mismatch", "The money differs from the price"),
    ("confirm_failed", "Paid, but it could not be confirmed"),
    ("invoice_failed", "The invoice could not be made"),
    ("second_payment", "Paid more than was due"),
    ("calendar_changed", "The calendar event was changed or deleted"),
    ("unpaid", "Not paid until the date that was asked for"),
    ("reminder_failed", "A reminder could not be sent"),
    ("link_used_up", "Paid, and the link had no payment left"),
    ("refund_failed", "Money could not be given back"),
    ("refund_unmatched", "Money that went back is not matched in the books"),
    ("mail_failed", "A mail to the client could not be made"),
    ("refunded_outside", "Money was given back outside of Odoo"),
    ("disputed", "The client's bank took the money back, or asks to"),
]

# What becomes of money that came for nothing: too late, or for what was cancelled.
MONEY_DECISIONS = [
    ("ask", "A person decides"),
    ("refund", "Give it back"),
    ("credit", "Keep it as a credit"),
]
# The steps in the life of a booking or payment request, and who does them.
EVENT_KINDS = [
    ("created", "Written"),
    ("chosen", "Time chosen"),
    ("held", "Time held"),
    ("requested", "Client asked to pay"),
    ("opened", "Opened by the client"),
    ("filled_in", "Form filled in"),
    ("venue_chosen", "To be paid at the appointment"),
    ("payment_started", "Payment started"),
    ("asked", "Provider asked"),
    ("payment_pending", "Payment on its way"),
    ("paid", "Paid"),
    ("payment_failed", "Payment failed"),
    ("payment_stopped", "Payment given up"),
    ("confirmed", "Confirmed"),
    ("invoiced", "Invoice made"),
    ("mailed", "Mail sent"),
    ("mail_failed", "Mail not sent"),
    ("moved", "Moved"),
    ("price_changed", "Price changed"),
    ("link_revoked", "Link revoked"),
    ("link_extended", "Link valid for longer"),
    ("edited", "Taken back to a draft"),
    ("expired", "Time to pay over"),
    ("cancelled", "Cancelled"),
    ("refund_decided", "Refund decided"),
    ("refund_approved", "Refund approved"),
    ("refund_done", "Money given back"),
    ("refund_failed", "Money not given back"),
    ("refund_cancelled", "Refund given up"),
    ("attention", "Somebody must decide"),
    ("attention_done", "Decided"),
    ("attended", "Came"),
    ("no_show", "Did not come"),
    ("attendance_reset", "Not known whether the client came"),
]
EVENT_SOURCES = [
    ("client", "The client"),
    ("staff", "Staff"),
    ("provider", "Payment provider"),
    ("system", "By itself"),
    ("calendar", "Calendar"),
]
EVENT_OF_TX_STATE = {
    "pending": "payment_pending",
    "authorized": "payment_pending",
    "done": "paid",
    "cancel": "payment_stopped",
    "error": "payment_failed",
}
# A booking that is confirmed says why; see `_confirm`.
EVENT_OF_STATE = {"hold": "held", "expired": "expired", "cancelled": "cancelled"}
EVENT_OF_ATTENDANCE = {
    "none": "attendance_reset",
    "attended": "attended",
    "no_show": "no_show",
}

REFUND_STATES = [
    ("approval", "Waits for approval"),
    ("queued", "To be given back"),
    ("pending", "On its way"),
    ("manual", "By hand"),
    ("done", "Given back"),
    ("failed", "Refused"),
    ("cancelled", "Given up"),
]

# Of these, whose money went back, or is to.
LIVE_REFUND_STATES = ("approval", "queued", "pending", "manual", "done")

# Money that a client's bank asks back, or took.
DISPUTE_STATES = [
    ("asked", "Answer wanted"),
    ("reviewed", "Being decided"),
    ("won", "Won"),
    ("lost", "Lost"),
]

# What came of the last test mail of a company, in plain words.
MAIL_RESULTS = [
    ("sent", "The mail server took the mail."),
    ("none", "No mail server is set up yet."),
    ("unreachable", "The mail server did not answer."),
    ("login", "The mail server refused the user name or the password."),
    ("sender", "The mail server does not send for this address."),
    ("recipient", "The mail server refused the address of the test."),
    ("encryption", "No secure connection to the mail server."),
    ("other", "The mail server refused the mail."),
]

# How a check of Readiness stands, the worst first.
READINESS_LEVELS = ("red", "amber", "unknown", "green")

# What a question of a payment form is answered with.
QUESTION_KINDS = [
    ("text", "Text"),
    ("long", "Long text"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("number", "Number"),
    ("date", "Date"),
    ("choice", "Choice"),
    ("tick", "Tick box"),
]

# Transactions that may still bring money, or have brought it.
LIVE_TX_STATES = ("draft", "pending", "authorized")
# Of these, whose money is on its way: it is taken off what is due.
COUNTED_TX_STATES = ("pending", "authorized")

# The same in SQL, for `payment.due` and for the partial indexes that it reads by: money
# that no document shows yet, and documents with money to come.
UNBOOKED_TX = (
    "(%(tx)sstate IN ('pending', 'authorized') OR %(tx)sstate = 'done' "
    "AND %(tx)sis_post_processed IS NOT TRUE AND %(tx)spayment_id IS NULL)"
)
UNSETTLED_INVOICE = (
    "(%(row)sstate = 'posted' AND %(row)smove_type = 'out_invoice' "
    "AND %(row)spayment_state NOT IN ('paid', 'reversed') "
    "AND %(row)samount_residual > 0)"
)
UNSETTLED_DOCUMENT = "%(row)spayment_coverage IN ('none', 'part', 'processing')"

# A hold whose payment the provider does not answer for is given away after this long.
HOLD_CAP_HOURS = 24
# How long staff gives a client to pay, if they do not say otherwise.
STAFF_HOLD_HOURS = 48
# A draft that its provider cannot be asked about stands in the way of another payment
# for this long; then the client may try again.
UNKNOWN_BLOCK_MINUTES = 15
# How long the link of a payment request is valid, if staff does not say otherwise.
REQUEST_DAYS = 30
# How long a visitor may pay what they filled in on a direct link.
LINK_USE_HOURS = 6
# A visitor who did not pay for this long has given up.
ABANDONED_MINUTES = 60
# How often a client may have a fresh link for one document (minutes).
FRESH_LINK_MINUTES = 60
# More than this is a slip of the finger.
MAX_AMOUNT = 10_000_000
# Transactions one address may start: for one document in ten minutes, in an hour.
RATE_DOCUMENT = (5, 10)
RATE_ADDRESS = (20, 60)
# Payments of several documents that may be put together for a client in an hour, and
# how many documents at once; those that nobody paid are deleted after some days.
RATE_BUNDLE = (60, 60)
MAX_BUNDLE = 100
BUNDLE_DAYS = 30
# A visitor who typed more than this meant something else.
MAX_TEXT = 4000
MAX_SHORT_TEXT = 200
