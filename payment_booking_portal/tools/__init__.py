from . import ics, locking, slots
