"""Tests of reading the machine's own apt sources."""

from dev import apt

LIST = """\
# deb http://mirror.example/debian old main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
deb http://other.example/tools stable main # a tool
"""

DEB822 = """\
Types: deb deb-src
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://key.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
MIRROR = "http://mirror.example/debian"


def test_one_line_format():
    assert apt.parse_list(LIST) == [
        apt.Source(MIRROR, "bookworm", ("main", "contrib"), "/k.gpg"),
        apt.Source("http://other.example/tools", "stable", ("main",)),
    ]


def test_deb822_format():
    key = "/usr/share/keyrings/debian.gpg"
    assert apt.parse_deb822(DEB822) == [
        apt.Source(MIRROR, "bookworm", ("main",), key),
        apt.Source(MIRROR, "bookworm-updates", ("main",), key),
        apt.Source("http://key.example/debian", "bookworm", ("main",)),
    ]


def test_both_formats_are_read(tmp_path):
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(LIST)
    (parts / "debian.sources").write_text(DEB822)
    assert len(apt.read_sources(tmp_path)) == 5


def test_the_archive_of_the_running_release_is_found():
    sources = apt.parse_list("deb http://tools.example/x nodistro main\n" + LIST)
    assert apt.own_archive(sources, BOOKWORM).uri == MIRROR


def test_another_system_has_no_debian_archive():
    assert apt.own_archive(apt.parse_list(LIST), {"ID": "ubuntu"}) is None
    assert apt.own_archive([], BOOKWORM) is None


def test_os_release(tmp_path):
    path = tmp_path / "os-release"
    path.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    assert apt.os_release(path) == BOOKWORM
    assert apt.os_release(tmp_path / "absent") == {}
