"""Golden values of resizing and cropping: what Pillow and torchvision make of a computed picture.

Writes PNG files named WIDTHxHEIGHT-to-WIDTHxHEIGHT.png (Pillow's resize) and
WIDTHxHEIGHT-crop-RESIZE-SIDE.png (torchvision's Resize and CenterCrop on PIL images), and
WIDTHxHEIGHT-RULE-HEIGHTxWIDTH-MODE.png (the resize rules for inputs that are not square, by Pillow alone,
MODE RGB or L) into core/image's resources. The sources are computed by `picture`, which the Java test
repeats. Made with Pillow 13.0 and torchvision 0.29; Pillow 9.4 gives the same.
"""

import pathlib

import numpy as np
from PIL import Image
from torchvision import transforms

OUT = pathlib.Path(__file__).parent / "../../../image/src/test/resources/org/ttame/core/image/resize"

RESIZED = [
    ((64, 48), (32, 24)),  # half
    ((97, 61), (33, 20)),  # odd, landscape
    ((61, 97), (20, 33)),  # odd, portrait
    ((500, 375), (41, 31)),  # much smaller
    ((31, 17), (97, 53)),  # larger
    ((40, 40), (13, 90)),  # narrower and higher
    ((40, 30), (40, 17)),  # one axis only
    ((40, 30), (23, 30)),
    ((40, 30), (40, 30)),  # unchanged
    ((1, 50), (8, 20)),  # one pixel wide
    ((50, 1), (20, 8)),  # one pixel high
    ((50, 37), (1, 1)),
    ((1, 1), (5, 3)),
    ((3000, 2), (11, 5)),
    ((57, 43), (56, 42)),  # almost unchanged
]

CROPPED = [
    ((500, 375), 256, 224),
    ((90, 120), 64, 56),
    ((121, 90), 64, 56),
    ((71, 64), 64, 56),  # 7 columns left over: 3.5 rounds to 4
    ((69, 64), 64, 56),  # 13 columns left over: 6.5 rounds to 6
    ((20, 31), 64, 56),  # enlarged
    ((1, 9), 64, 56),  # one pixel wide
    ((333, 2), 64, 56),
]

RULES = [
    ((121, 90), "crop", (56, 42), "RGB"),
    ((90, 121), "crop", (42, 56), "RGB"),
    ((121, 90), "crop", (21, 70), "L"),
    ((121, 90), "stretch", (30, 61), "RGB"),
    ((20, 31), "stretch", (56, 56), "L"),
    ((121, 90), "letterbox", (56, 56), "RGB"),
    ((90, 121), "letterbox", (40, 57), "RGB"),
    ((333, 2), "letterbox", (32, 32), "RGB"),
]


def ruled(image, rule, height, width):
    w, h = image.size
    if rule == "stretch":
        return image.resize((width, height), Image.Resampling.BILINEAR)
    if rule == "crop":  # covers the input enlarged by 256/224
        down, across = round(height * 256 / 224), round(width * 256 / 224)
        size = (int(w * down / h), down) if w * down >= h * across else (across, int(h * across / w))
    else:  # fits in
        size = (width, max(1, int(h * width / w))) if w * height >= h * width else (max(1, int(w * height / h)), height)
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    ground = Image.new("RGB", (width, height), (114, 114, 114))
    ground.paste(image.resize(size, Image.Resampling.BILINEAR), (-left, -top))
    return ground


def picture(width, height):
    x = np.arange(width)[None, :]
    y = np.arange(height)[:, None]
    red = x * 7 + y * 3 + x * y % 31 * 5
    green = (x ^ y) * 9
    blue = (x * x + 2 * y * y) >> 2
    return Image.fromarray((np.stack([red, green, blue], -1) & 255).astype(np.uint8))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for (w, h), (to_w, to_h) in RESIZED:
        resized = picture(w, h).resize((to_w, to_h), Image.Resampling.BILINEAR)
        resized.save(OUT / f"{w}x{h}-to-{to_w}x{to_h}.png", optimize=True)
    for (w, h), resize, side in CROPPED:
        crop = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(side)])
        crop(picture(w, h)).save(OUT / f"{w}x{h}-crop-{resize}-{side}.png", optimize=True)
    for (w, h), rule, (height, width), mode in RULES:
        result = ruled(picture(w, h), rule, height, width).convert(mode)
        result.save(OUT / f"{w}x{h}-{rule}-{height}x{width}-{mode}.png", optimize=True)


if __name__ == "__main__":
    main()
