from . import payment_booking_wizard
from . import payment_booking_ask
from . import payment_booking_business
from . import payment_booking_business_hour
from . import payment_booking_confirm
from . import payment_booking_mail_test
from . import payment_booking_move
from . import payment_booking_record
