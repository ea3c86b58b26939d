from . import amounts, dates, ics, locking, qr, slots, taxes
