"""A calendar file (RFC 5545) whose UID and SEQUENCE we control.

The core builder (`calendar.event._get_ics_file`) draws a new UID at every call and
knows no METHOD, so a calendar program could neither update nor cancel an entry.
"""

from datetime import timezone


def _escape(text):
    text = str(text or "").replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _fold(line):
    # RFC 5545, 3.1: lines of at most 75 octets, never cutting a character.
    chunks, size, current = [], 0, ""
    for char in line:
        width = len(char.encode())
        if size + width > 74:
            chunks.append(current)
            current, size = "", 0
        current += char
        size += width
    return "\r\n ".join([*chunks, current])


def _stamp(moment):
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc)
    return moment.strftime("%Y%m%dT%H%M%SZ")


def build(*, uid, sequence, method, start, stop, now, **texts):
    """Return the bytes of a calendar file with one event.

    :param str uid: stable identity of the event.
    :param int sequence: raised at each change (RFC 5545, 3.8.7.4).
    :param str method: `PUBLISH` for a new or changed event, `CANCEL` when it is off.
    :param datetime start: naive UTC.
    :param datetime stop: naive UTC.
    :param datetime now: naive UTC.
    :param dict texts: `summary`, `location`, `description`, `url`, `organizer`
        (name, e-mail); those missing are left out.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//payment_booking_portal//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{_escape(uid)}",
        f"SEQUENCE:{sequence}",
        f"STATUS:{'CANCELLED' if method == 'CANCEL' else 'CONFIRMED'}",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(start)}",
        f"DTEND:{_stamp(stop)}",
    ]
    for key in ("summary", "location", "description"):
        if texts.get(key):
            lines.append(f"{key.upper()}:{_escape(texts[key])}")
    if texts.get("url"):
        lines.append(f"URL:{texts['url']}")
    if texts.get("organizer"):
        name, email = texts["organizer"]
        name = name.replace('"', "'").replace("\n", " ").replace("\r", " ")
        lines.append(f'ORGANIZER;CN="{name}":mailto:{email}')
    lines += ["TRANSP:OPAQUE", "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(_fold(line) for line in lines).encode()
