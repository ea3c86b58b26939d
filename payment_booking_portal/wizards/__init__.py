from . import payment_booking_confirm
