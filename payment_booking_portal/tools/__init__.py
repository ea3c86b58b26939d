from . import dates, ics, locking, slots
