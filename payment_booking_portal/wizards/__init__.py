from . import payment_booking_wizard
from . import payment_booking_ask
from . import payment_booking_confirm
from . import payment_booking_move
from . import payment_booking_record
