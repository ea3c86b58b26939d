"""QR codes as pictures: PNG for screens and mails, SVG for print at any size."""

import io

from PIL import Image
from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode, QRErrorCorrectLevel

# White squares around the code: with less, phones may not find it (ISO 18004).
QUIET_ZONE = 4
# Pixels of a square: a whole number, so that every edge is sharp.
PNG_SCALE = 16


def get_modules(text, level="M"):
    """Return the squares of a QR code without its quiet zone, row by row.

    :param str text: what it says.
    :param str level: error correction: a picture stays readable with 7 (`L`), 15
        (`M`), 25 (`Q`) or 30 (`H`) percent of it covered.
    :return: lists of booleans, True for a dark square.
    :rtype: list
    """
    # Odoo's own encoder (see `ir.actions.report.barcode`), asked for the squares: it
    # draws them at sizes that are no whole number of pixels.
    code = QRCode(None, getattr(QRErrorCorrectLevel, level))
    code.addData(QR8bitByte(text.encode()))
    code.make()
    return [[bool(module) for module in row] for row in code.modules]


def make_png(text, level="M"):
    """Return the QR code of a text as a PNG picture. See `get_modules`.

    :rtype: bytes
    """
    modules = get_modules(text, level)
    size = len(modules) + 2 * QUIET_ZONE
    image = Image.new("1", (size, size), 1)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((x + QUIET_ZONE, y + QUIET_ZONE), 0)
    image = image.resize((size * PNG_SCALE,) * 2, Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def make_svg(text, level="M"):
    """Return the QR code of a text as an SVG picture. See `get_modules`.

    :rtype: bytes
    """
    modules = get_modules(text, level)
    size = len(modules) + 2 * QUIET_ZONE
    squares = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(modules)
        for x, dark in enumerate(row)
        if dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"'
        f' width="{size}mm" height="{size}mm" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path fill="#000" d="{squares}"/></svg>\n'
    ).encode()
