"""Take times, compare them, and say so in a table and a file."""

import dataclasses
import json
import statistics
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclasses.dataclass
class Row:
    """One comparison. The target is a limit of the ratio, or of our figure.

    :param float ratio: ours to the peer's, or, where the target is to be faster, the
        peer's to ours.
    :param str target: in words; empty for a row that only informs, whose `ok` is None.
    """

    id: str
    what: str
    ours: float | None
    peer: float | None
    unit: str
    ratio: float | None
    target: str
    ok: bool | None


def at_most(key, what, ours, peer, unit, limit):
    """Return the row of something that may cost a multiple of the peer's."""
    ratio = ours / peer
    return Row(key, what, ours, peer, unit, ratio, f"≤ {limit:g} ×", ratio <= limit)


def faster(key, what, ours, peer, unit, limit):
    """Return the row of something that must be a multiple faster than the peer's."""
    ratio = peer / ours
    target = f"≥ {limit:g} × faster"
    return Row(key, what, ours, peer, unit, ratio, target, ratio >= limit)


def limited(key, what, ours, peer, unit, limit):
    """Return the row of a figure of ours that has a limit of its own."""
    ratio = ours / peer if peer else None
    target = f"≤ {limit:g} {unit}"
    return Row(key, what, ours, peer, unit, ratio, target, ours <= limit)


def for_information(key, what, ours, peer, unit):
    """Return the row of something without a target: ours to the peer's."""
    return Row(key, what, ours, peer, unit, ours / peer, "", None)


def interleave(actions, repetitions, warm_up=3):
    """Run actions in turns, so that a slow moment of the machine hits them all.

    :param dict actions: by name, what to run; it may return its own time in seconds.
    :return: by name, the times in milliseconds.
    :rtype: dict
    """
    times = {name: [] for name in actions}
    for turn in range(warm_up + repetitions):
        for name, action in actions.items():
            begin = time.perf_counter()
            result = action()
            seconds = time.perf_counter() - begin
            if isinstance(result, float):
                seconds = result
            if turn >= warm_up:
                times[name].append(seconds * 1000)
    return times


def median(times):
    """Return the median of times."""
    return statistics.median(times)


def percentile(times, percent):
    """Return the time within which so many percent of the times lie."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, round(len(ordered) * percent / 100))]


def show(rows):
    """Print the rows as a table."""
    print()
    for row in rows:
        verdict = "" if not row.target else "  reached" if row.ok else "  MISSED"
        figures = f"{number(row.ours)} {row.unit}"
        if row.peer is not None:
            figures += f" to {number(row.peer)} {row.unit}"
        ratio = f"{row.ratio:.2f} ×" if row.ratio is not None else ""
        print(f"{row.id:<22}{figures:<32}{ratio:>12}  {row.target:<16}{verdict}")
        print(f"  {row.what}")
    missed = [row.id for row in rows if row.target and not row.ok]
    print(f"\nMissed: {', '.join(missed)}" if missed else "\nEvery target is reached.")


def number(value):
    """Return a figure with as many decimals as mean something."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def store(rows, path=RESULTS):
    """Write the rows to a file; those that were not measured stay as they were."""
    measured = {row.id for row in rows}
    before = json.loads(path.read_text()) if path.exists() else []
    found = [values for values in before if values["id"] not in measured]
    for row in rows:
        values = dataclasses.asdict(row)
        for key in ("ours", "peer", "ratio"):
            if isinstance(values[key], float):
                values[key] = round(values[key], 3)
        found.append(values)
    path.write_text(json.dumps(found, indent=4, ensure_ascii=False) + "\n")
