from . import dates, ics, locking, qr, slots, taxes
