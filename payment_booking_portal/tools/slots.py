"""Arithmetic of slots: whole minutes since the epoch (UTC), no database, no time zone.

A `Grid` holds the possible starts of a service in a period. Who is free when is a
bit mask over that list: bit *i* set means "free at `starts[i]`". Working hours set
bits, busy times clear a run of them, "one of these" is OR, "all of these" is AND.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta, timezone
from itertools import product

EPOCH = datetime(1970, 1, 1)
MINUTE = timedelta(minutes=1)


def to_minutes(moment, ceil=False):
    """Return a moment as minutes since the epoch.

    :param datetime moment: naive UTC, or aware.
    :param bool ceil: round up to the next minute, as the end of an interval must be
        (Odoo ends a day at 23:59:59.999999).
    :return: minutes since the epoch, UTC.
    :rtype: int
    """
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    # Floor division of the opposite rounds up.
    return -((EPOCH - moment) // MINUTE) if ceil else (moment - EPOCH) // MINUTE


def to_datetime(minutes):
    """Return minutes since the epoch as a naive UTC datetime."""
    return EPOCH + timedelta(minutes=minutes)


def merge(intervals):
    """Return the union of intervals as a sorted list of disjoint ones.

    Intervals that touch become one: a round-the-clock day goes on at midnight.
    """
    merged = []
    for start, stop in sorted(intervals):
        if start >= stop:
            continue
        if merged and start <= merged[-1][1]:
            if stop > merged[-1][1]:
                merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def intersect(left, right):
    """Return the intersection of two sorted lists of disjoint intervals."""
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        stop = min(left[i][1], right[j][1])
        if start < stop:
            result.append((start, stop))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return result


def day_starts(opening, closing, step, first, last):
    """Return the starts of one day, stepped from its opening.

    :param int opening: first minute of the day's hours, the anchor of the grid.
    :param int closing: last minute of the day's hours (excluded).
    :param int step: minutes between two starts.
    :param int first: earliest start wanted.
    :param int last: end of the period wanted (excluded).
    """
    if first > opening:
        opening += -(-(first - opening) // step) * step
    return range(opening, min(closing, last), step)


class Grid:
    """The possible starts of a service, and masks of who is free at which."""

    def __init__(self, starts, duration, before=0, after=0):
        """Prepare the masks' arithmetic.

        :param iterable starts: minutes since the epoch, in any order.
        :param int duration: minutes the client is served.
        :param int before: minutes the resources need before a start.
        :param int after: minutes the resources need after the end.
        """
        self.starts = sorted(set(starts))
        self.duration = duration
        self.before = before
        self.after = after

    def mask_open(self, hours):
        """Return the starts whose whole duration lies within one of the hours.

        :param list hours: sorted disjoint intervals.
        """
        mask = 0
        for start, stop in hours:
            low = bisect_left(self.starts, start)
            high = bisect_right(self.starts, stop - self.duration)
            if high > low:
                mask |= ((1 << (high - low)) - 1) << low
        return mask

    def clear_busy(self, mask, busy):
        """Return `mask` without the starts that a busy time forbids, buffers included.

        :param int mask: the starts considered.
        :param iterable busy: intervals, in any order, overlapping or not.
        """
        reach = self.duration + self.after
        for start, stop in busy:
            low = bisect_right(self.starts, start - reach)
            high = bisect_left(self.starts, stop + self.before)
            if high > low:
                mask &= ~(((1 << (high - low)) - 1) << low)
        return mask

    def mask_of(self, starts):
        """Return the mask of some starts of the grid; others are ignored."""
        mask = 0
        for start in starts:
            index = bisect_left(self.starts, start)
            if index < len(self.starts) and self.starts[index] == start:
                mask |= 1 << index
        return mask

    def select(self, mask):
        """Return the starts of a mask, in order."""
        return [start for i, start in enumerate(self.starts) if mask >> i & 1]


class Availability:
    """Who is free at which start, for all resource groups of a service."""

    def __init__(self, grid, groups, masks, sessions=None):
        """Combine the masks of the resources.

        :param Grid grid: the possible starts.
        :param list groups: for each group, its resource ids in the service's order.
        :param dict masks: mask of each resource id.
        :param dict sessions: places left by start, for a start that a group session
            of the service has already: such a start needs no free resource.
        """
        self.grid = grid
        self.groups = groups
        self.masks = masks
        self.sessions = sessions or {}
        self.mask = self._combine()

    def _combine(self):
        if not self.groups:
            return 0
        mask = -1
        for group in self.groups:
            one_of = 0
            for resource in group:
                one_of |= self.masks.get(resource, 0)
            mask &= one_of
        ids = [resource for group in self.groups for resource in group]
        if len(ids) != len(set(ids)):
            # A resource in two groups serves one of them only: look at each start.
            mask = self.grid.mask_of(
                start
                for start in self.grid.select(mask)
                if next(self.combinations(start), None)
            )
        return mask

    @property
    def starts(self):
        """All starts that can be booked, in order (minutes since the epoch)."""
        free = set(self.grid.select(self.mask))
        for start, places in self.sessions.items():
            (free.add if places > 0 else free.discard)(start)
        return sorted(free)

    def free(self, start):
        """Return, for each group, the resource ids that are free at a start."""
        bit = self.grid.mask_of([start])
        return [
            [resource for resource in group if bit & self.masks.get(resource, 0)]
            for group in self.groups
        ]

    def combinations(self, start):
        """Yield the tuples of distinct resource ids, one per group, free at a start."""
        for combination in product(*self.free(start)):
            if len(set(combination)) == len(combination):
                yield combination
