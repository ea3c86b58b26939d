"""Origins of websites: what a person types, and what a browser says."""

import re
from urllib.parse import urlsplit

# What may stand in a policy of our answers: nothing that could end or widen it.
ORIGIN = re.compile(
    r"https?://(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?"
)
PORTS = {"http": 80, "https": 443}
WILDCARD = "*."


def parse_site(text):
    """Return the origin of a site that somebody typed, or None.

    `studio.example`, `https://studio.example/page` and `*.studio.example` are
    understood; the last one means every site under that name, and not itself.

    :param str text: one site.
    """
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    return parse_origin(text, wildcard=True)


def parse_origin(url, wildcard=False):
    """Return the origin of an address as browsers write it, or None.

    :param str url: an address, or an origin.
    :param bool wildcard: whether `*.` may stand before the name.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        prefix = WILDCARD if wildcard and host.startswith(WILDCARD) else ""
        host = host.removeprefix(prefix)
        ascii_host = host.encode("idna").decode().lower()
        # What this old rule writes otherwise (such as ß) is another site for browsers.
        if host.lower() not in (ascii_host, ascii_host.encode().decode("idna")):
            return None
        host = ascii_host
    except (TypeError, ValueError, UnicodeError):
        return None
    if parts.username or parts.password or (prefix and "." not in host):
        return None
    end = f":{port}" if port and port != PORTS.get(parts.scheme) else ""
    origin = f"{parts.scheme}://{prefix}{host}{end}"
    return origin if ORIGIN.fullmatch(origin) and "*" not in host else None


def is_covered(origin, sites):
    """Tell whether an origin is one of some sites.

    :param str origin: see `parse_origin`.
    :param sites: origins, perhaps with `*.`, see `parse_site`.
    """
    scheme, _slashes, name = origin.partition("://")
    for site in sites:
        site_scheme, _slashes, site_name = site.partition("://")
        if scheme != site_scheme:
            continue
        if site_name == name:
            return True
        if site_name.startswith(WILDCARD) and name.endswith(site_name[1:]):
            return True
    return False
