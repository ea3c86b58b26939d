from . import payment_booking
from . import payment_booking_service
from . import website
