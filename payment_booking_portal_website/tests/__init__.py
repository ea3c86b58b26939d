from . import test_booking_block
from . import test_website_pages
