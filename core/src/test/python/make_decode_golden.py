"""Golden values of decoding: small files of every kind, and what Pillow's convert("RGB") makes of them.

Writes NAME.EXT and NAME.EXT.rgb.png, the expected pixels, into core/image's resources.
Sixteen-bit files differ from Pillow by design: their expected pixels are round(v/257) by NumPy.
Made with Pillow 13.0 (libjpeg-turbo 3.2, libwebp 1.6).
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageSequence

OUT = pathlib.Path(__file__).parent / "../../../image/src/test/resources/org/ttame/core/image/decode"
W, H = 45, 31


def picture(width=W, height=H, phase=0.0):
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        127 + 120 * np.sin(x / 7 + y / 11 + phase),
        127 + 120 * np.cos(x / 5 - y / 13),
        127 + 120 * np.sin((x + y) / 9 - phase),
    ]
    noise = np.random.default_rng(1).normal(0, 6, (height, width, 3))
    return Image.fromarray(np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8))


def write(name, data, expected=None):
    (OUT / name).write_bytes(data)
    if expected is None:
        expected = Image.open(io.BytesIO(data)).convert("RGB")
    expected.save(OUT / f"{name}.rgb.png", optimize=True)


def save(name, image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    write(name, buffer.getvalue())


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows, interlace=0, extra=b""):
    """A PNG from packed rows, each without its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def bmp(header, palette, pixels):
    offset = 14 + len(header) + len(palette)
    size = offset + len(pixels)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, offset) + header + palette + pixels


def info(width, height, bits, compression=0, colours=0):
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0)


def jpegs(rgb):
    save("baseline-420.jpg", rgb, "JPEG", quality=85)
    save("baseline-444.jpg", rgb, "JPEG", quality=95, subsampling=0)
    save("progressive-422.jpg", rgb, "JPEG", quality=80, subsampling=1, progressive=True)
    save("grey.jpg", rgb.convert("L"), "JPEG", quality=85)
    save("cmyk.jpg", rgb.convert("CMYK"), "JPEG", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 6
    save("rotated.jpg", rgb, "JPEG", quality=85, exif=exif, comment=b"x" * 500)


def pngs(rgb):
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1)))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    la = rgb.convert("L").convert("LA")
    la.putalpha(alpha)
    save("rgb.png", rgb, "PNG")
    save("rgba.png", rgba, "PNG")
    save("grey.png", rgb.convert("L"), "PNG")
    save("grey-alpha.png", la, "PNG")
    save("bilevel.png", rgb.convert("1"), "PNG")
    for colours in (2, 4, 16, 200):
        save(f"palette-{colours}.png", rgb.quantize(colours), "PNG")
    save("palette-transparent.png", rgb.quantize(20), "PNG", transparency=3)
    save("grey-transparent.png", rgb.convert("L"), "PNG", transparency=127)
    for bits in (2, 4):
        levels = np.asarray(rgb.convert("L")) >> (8 - bits)
        bit_rows = np.unpackbits(levels[..., None].astype(np.uint8), axis=-1)[..., 8 - bits :]
        rows = np.packbits(bit_rows.reshape(H, -1), axis=-1)
        write(f"grey-{bits}bit.png", png(W, H, bits, 0, rows))
    wide = np.random.default_rng(2).integers(0, 65536, (H, W, 4))
    wide[..., :3] = np.asarray(rgb).astype(int) * 257 + wide[..., :3] % 200 - 100
    wide = np.clip(wide, 0, 65535)
    rounded = (wide + 128) // 257
    for colour, channels in ((0, [0]), (2, [0, 1, 2]), (4, [0, 3]), (6, [0, 1, 2, 3])):
        rows = wide[..., channels].astype(">u2").reshape(H, -1).view(np.uint8)
        shown = [0, 0, 0] if colour in (0, 4) else [0, 1, 2]
        expected = Image.fromarray(rounded[..., shown].astype(np.uint8))
        write(f"16bit-type{colour}.png", png(W, H, 16, colour, rows), expected)
    # Adam7 passes, built by hand: Pillow does not write them.
    pixels = np.asarray(rgb)
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    rows = [r.tobytes() for a, b, c, d in passes for r in pixels[a::b, c::d] if r.size]
    write("interlaced.png", png(W, H, 8, 2, rows, interlace=1))
    text = chunk(b"gAMA", struct.pack(">I", 20000)) + chunk(b"zTXt", b"c\0\0" + zlib.compress(b"z" * 9999))
    write("gamma-text.png", png(W, H, 8, 2, pixels.reshape(H, -1), extra=text))
    frames = [picture(phase=p) for p in (0, 1, 2)]
    save("animated.png", frames[0], "PNG", save_all=True, append_images=frames[1:])


def webps(rgb):
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1))))
    save("lossy.webp", rgb, "WEBP", quality=80)
    save("lossy-alpha.webp", rgba, "WEBP", quality=80)
    save("lossless.webp", rgb, "WEBP", lossless=True)
    save("lossless-alpha.webp", rgba, "WEBP", lossless=True, exact=True)
    save("lossless-palette.webp", rgb.quantize(5).convert("RGB"), "WEBP", lossless=True)
    save("lossless-16-colours.webp", rgb.quantize(16).convert("RGB"), "WEBP", lossless=True)
    save("lossless-200-colours.webp", rgb.quantize(200).convert("RGB"), "WEBP", lossless=True)
    save("lossless-grey.webp", rgb.convert("L"), "WEBP", lossless=True, quality=100, method=6)
    save("lossless-one-colour.webp", Image.new("RGB", (W, H), (12, 200, 99)), "WEBP", lossless=True)
    smooth = picture(140, 110).resize((150, 120), Image.Resampling.BICUBIC)
    save("lossless-large.webp", smooth, "WEBP", lossless=True, quality=100, method=6)
    frames = [picture(phase=p) for p in (0, 1, 2)]
    save("animated.webp", frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=80)
    save("animated-lossless.webp", frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    # A frame smaller than its canvas: the still's bit stream inside an animation made by hand.
    buffer = io.BytesIO()
    rgb.crop((0, 0, 20, 16)).save(buffer, "WEBP", quality=80)
    still = buffer.getvalue()[12:]

    def u24(v):
        return struct.pack("<I", v)[:3]

    def riff(kind, body):
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    frame = u24(3) + u24(2) + u24(19) + u24(15) + u24(100) + b"\0" + still
    body = riff(b"VP8X", b"\x02\0\0\0" + u24(W - 1) + u24(H - 1))
    body += riff(b"ANIM", b"\xff\xff\xff\xff\0\0") + riff(b"ANMF", frame)
    write("animated-offset.webp", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)


def bmps(rgb):
    pixels = np.asarray(rgb).astype(int)
    save("rgb.bmp", rgb, "BMP")
    save("grey.bmp", rgb.convert("L"), "BMP")
    save("bilevel.bmp", rgb.convert("1"), "BMP")
    save("palette.bmp", rgb.quantize(200), "BMP")
    rgba = rgb.copy()
    rgba.putalpha(128)
    save("rgba.bmp", rgba, "BMP")
    bgr = pixels[..., ::-1].astype(np.uint8)
    padding = b"\0" * (-W * 3 % 4)
    rows = [r.tobytes() + padding for r in bgr]
    write("top-down.bmp", bmp(info(W, -H, 24), b"", b"".join(rows)))
    os2 = struct.pack("<IHHHH", 12, W, H, 1, 24)
    write("os2.bmp", bmp(os2, b"", b"".join(rows[::-1])))
    r, g, b = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    pad16 = [b"\0" * (-W * 2 % 4)] * H
    for name, values, masks in (
        ("555", r >> 3 << 10 | g >> 3 << 5 | b >> 3, None),
        ("565", r >> 3 << 11 | g >> 2 << 5 | b >> 3, (0xF800, 0x7E0, 0x1F)),
    ):
        data = b"".join(v.astype("<u2").tobytes() + p for v, p in zip(values[::-1], pad16))
        extra = struct.pack("<III", *masks) if masks else b""
        write(f"{name}.bmp", bmp(info(W, H, 16, 3 if masks else 0), extra, data))
    data = np.stack([b, g, r, r * 0], -1)[::-1].astype(np.uint8).tobytes()
    write("32bit.bmp", bmp(info(W, H, 32), b"", data))
    # Four bits, and run lengths with every escape.
    colours = b"".join(bytes([i * 13, 255 - i * 11, i * 7, 0]) for i in range(16))
    index = (np.asarray(rgb.convert("L")) >> 4).astype(np.uint8)
    odd = np.pad(index, ((0, 0), (0, -W % 8)))
    packed = (odd[:, 0::2] << 4 | odd[:, 1::2])[::-1]
    write("4bit.bmp", bmp(info(W, H, 4, 0, 16), colours, packed.tobytes()))
    runs = b"\x05\x03\x03\x07\x00\x03\x01\x02\x03\x00\x02\x04\x00\x00" + b"\x0d\x09\x00\x00"
    runs += b"\x00\x02\x04\x01\x06\x0b\x00\x00" + b"\x00\x04\x08\x07\x06\x05\x09\x01\x00\x00\x0d\x02\x00\x01"
    write("rle8.bmp", bmp(info(13, 6, 8, 1, 16), colours, runs))
    runs = b"\x05\x31\x00\x05\x12\x34\x50\x00\x03\x77\x00\x00" + b"\x0d\x9a\x00\x00" + b"\x0d\x0b\x00\x01"
    write("rle4.bmp", bmp(info(13, 3, 4, 2, 16), colours, runs))


def gifs(rgb):
    save("palette.gif", rgb.quantize(200), "GIF", interlace=0)
    save("interlaced.gif", rgb.quantize(16), "GIF", interlace=1)
    save("grey.gif", rgb.convert("L"), "GIF")
    frames = [picture(phase=p).quantize(32) for p in (0, 1, 2)]
    save("animated.gif", frames[0], "GIF", save_all=True, append_images=frames[1:])
    save("transparent.gif", rgb.quantize(30), "GIF", transparency=4)
    # The frame covers only a part of the screen.
    buffer = io.BytesIO()
    rgb.quantize(30).save(buffer, "GIF", interlace=0)
    data = bytearray(buffer.getvalue())
    data[6:10] = struct.pack("<HH", W + 9, H + 5)
    at = data.index(b"\x2c\0\0\0\0" + struct.pack("<HH", W, H))
    data[at + 1 : at + 5] = struct.pack("<HH", 4, 3)
    write("offset.gif", bytes(data))
    large = Image.fromarray(np.random.default_rng(3).integers(0, 40, (90, 120)).astype(np.uint8))
    large.putpalette(rgb.quantize(40).getpalette())
    save("full-table.gif", large, "GIF")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    rgb = picture()
    for make in (jpegs, pngs, webps, bmps, gifs):
        make(rgb)


if __name__ == "__main__":
    main()
