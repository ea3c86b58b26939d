"""Fetch Debian packages into a folder, without touching the system's apt.

The mirror is the one the machine's own apt sources name.
"""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

from .core import STATE, DevError, need, run

SOURCES = Path("/etc/apt")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CURE = "Check the network, then run the same command again: what is done is kept."


@dataclasses.dataclass(frozen=True)
class Source:
    """One archive that apt may read."""

    uri: str
    suite: str
    components: tuple
    signed_by: str = ""


def parse_list(text):
    """Return the sources of a file in the one-line format."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            signed = re.search(r"signed-by=(\S+)", options or "")
            found.append(
                Source(
                    uri,
                    suite,
                    tuple(components.split()),
                    signed.group(1) if signed else "",
                )
            )
    return found


def parse_deb822(text):
    """Return the sources of a file in the deb822 format."""
    found = []
    text = re.sub(r"(?m)^#.*\n?", "", text)
    for stanza in re.split(r"\n\s*\n", text):
        fields = {}
        for key, value in re.findall(
            r"(?m)^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza
        ):
            fields[key.lower()] = value.strip()
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        # A key written into the file itself is not a path: apt's own then serves.
        signed = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                found.append(
                    Source(
                        uri,
                        suite,
                        tuple(fields.get("components", "").split()),
                        signed if signed.startswith("/") else "",
                    )
                )
    return found


def read_sources(folder=SOURCES):
    """Return every source of an apt configuration folder."""
    parts = folder / "sources.list.d"
    found = []
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.exists():
            found += parse_list(path.read_text())
    for path in sorted(parts.glob("*.sources")):
        found += parse_deb822(path.read_text())
    return found


def os_release(path=Path("/etc/os-release")):
    """Return the fields of the file that names the running system."""
    if not path.exists():
        return {}
    pairs = re.findall(r'(?m)^(\w+)="?(.*?)"?$', path.read_text())
    return dict(pairs)


def own_archive(sources, release):
    """Return the source of the running Debian release, or None elsewhere."""
    if release.get("ID") != "debian":
        return None
    names = {release.get("VERSION_CODENAME"), "stable", "testing", "unstable", "sid"}
    for source in sources:
        if (
            source.suite in names
            and "main" in source.components
            and not source.uri.startswith("cdrom:")
        ):
            return source
    return None


def available():
    """Tell whether this machine can fetch Debian packages."""
    tools = shutil.which("apt-get") and shutil.which("dpkg-deb")
    return bool(tools and own_archive(read_sources(), os_release()))


def unpack(packages, folder):
    """Download packages and unpack them into a folder; return their versions.

    ``packages`` maps a name to "sid" or to "" for the machine's own release.
    """
    need("apt-get", "apt")
    need("dpkg-deb", "dpkg")
    own = own_archive(read_sources(), os_release())
    if not own:
        raise DevError("The apt sources of this machine name no Debian archive.")
    work = STATE / "apt"
    shutil.rmtree(work, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial", "debs"):
        (work / part).mkdir(parents=True)
    line = f"deb [signed-by={own.signed_by or KEYRING}] {own.uri} %s main\n"
    suites = dict.fromkeys(["sid", own.suite])
    (work / "sources.list").write_text("".join(line % suite for suite in suites))
    (work / "status").touch()
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::State::Status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Get::List-Cleanup": "0",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    if os.geteuid() == 0:
        # The folder of a checkout may be closed to apt's own user.
        options["APT::Sandbox::User"] = "root"
    apt = ["apt-get", "-q"]
    for key, value in options.items():
        apt += ["-o", f"{key}={value}"]
    # A source that cannot be read is only a warning to apt-get update.
    run([*apt, "-o", "APT::Update::Error-Mode=any", "update"], "apt-update", CURE)
    wanted = [f"{name}/{suite or own.suite}" for name, suite in packages.items()]
    run([*apt, "download", *wanted], "apt-download", CURE, cwd=work / "debs")
    versions = {}
    for deb in sorted((work / "debs").glob("*.deb")):
        run(["dpkg-deb", "-x", deb, folder], "dpkg-deb")
        fields = subprocess.run(
            ["dpkg-deb", "-W", deb], capture_output=True, text=True, check=True
        )
        name, version = fields.stdout.split()
        versions[name] = version
    shutil.rmtree(work)
    return versions
