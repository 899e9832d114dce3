"""Composes Fashion-MNIST items into cluttered colour scenes with item boxes.

One or two garments, each of a different class, are tinted at random and laid at a random place and scale over a
background that is drawn without looking at the class: nothing but the item itself tells the class. Every scene comes
from its own seed, (seed, stream, index), so any scene can be made again alone and in any order.

Streams keep items apart: the backbones and the bundled training scenes use the 60,000 training items of Fashion-MNIST;
the validation and test scenes use two disjoint halves of its 10,000 test items.
"""

import argparse
import csv
import gzip
import io
import pathlib
import zipfile

import numpy
from PIL import Image, ImageDraw

LABELS = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
DATASET = "/usr/share/datasets/fashion-mnist"

SIDE = 64  # what the backbones read
SCENE = 73  # round(SIDE * 256 / 224): evaluation's resize is the identity, its crop takes SIDE of SCENE
MARGIN = 4  # where the centre crop begins, round((73 - 64) / 2) half to even
SINGLE_SIZES = (38, 56)  # side of the 28x28 item frame after scaling, in scene pixels, both ends included
PAIR_SIZES = (32, 42)
NOBODY = len(LABELS)  # the owner of background pixels
QUALITY = 85  # JPEG, chroma halved

STREAMS = {"backbone": 0, "train": 1, "val": 2, "test": 3}


def read_idx(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    dimensions = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


class Items:
    """The labelled garments one stream may draw from."""

    def __init__(self, images, labels):
        self.images = images
        self.by_class = [numpy.flatnonzero(labels == c) for c in range(len(LABELS))]

    @staticmethod
    def of(dataset, stream):
        part = "train" if stream in ("backbone", "train") else "t10k"
        images = read_idx(pathlib.Path(dataset) / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(pathlib.Path(dataset) / f"{part}-labels-idx1-ubyte.gz")
        if part == "t10k":
            half = 0 if stream == "val" else 1
            images, labels = images[half::2], labels[half::2]
        return Items(images, labels)

    def draw(self, rng, label):
        return self.images[rng.choice(self.by_class[label])]


def random_colour(rng):
    return rng.uniform(20, 235, 3)


def background(rng, items):
    """A gradient, soft blotches, scattered strokes and shapes, and a few fragments too small to be an item."""
    ys, xs = numpy.mgrid[0:SCENE, 0:SCENE] / (SCENE - 1) - 0.5
    angle = rng.uniform(0, 2 * numpy.pi)
    ramp = (numpy.cos(angle) * xs + numpy.sin(angle) * ys + 0.71)[..., None] / 1.42
    first, second = random_colour(rng), random_colour(rng)
    canvas = first * (1 - ramp) + second * ramp
    grid = int(rng.integers(3, 9))
    blotches = rng.uniform(-1, 1, (grid, grid, 3))
    for channel in range(3):
        soft = Image.fromarray(blotches[..., channel].astype(numpy.float32)).resize((SCENE, SCENE), Image.BICUBIC)
        canvas[..., channel] += 40 * numpy.asarray(soft)
    image = Image.fromarray(numpy.clip(canvas, 0, 255).astype(numpy.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(5, 12)):
        x, y = rng.uniform(-4, SCENE + 4, 2)
        w, h = rng.uniform(4, 20, 2)
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        colour = tuple(int(v) for v in random_colour(rng))
        kind = rng.integers(5)
        if kind == 0:
            draw.ellipse(box, fill=colour)
        elif kind == 1:
            start = rng.uniform(0, 360)
            draw.arc(box, start, start + rng.uniform(60, 300), fill=colour, width=int(rng.integers(1, 4)))
        elif kind == 2:
            draw.polygon([(x + dx, y + dy) for dx, dy in rng.uniform(-11, 11, (3, 2))], fill=colour)
        elif kind == 3:
            draw.rectangle(box, fill=colour)
        else:
            dx, dy = rng.uniform(-30, 30, 2)
            draw.line((x, y, x + dx, y + dy), fill=colour, width=int(rng.integers(1, 4)))
    for _ in range(rng.integers(0, 4)):
        source = items.draw(rng, rng.integers(len(LABELS)))
        cut = int(rng.integers(6, 10))
        cy, cx = rng.integers(4, 24 - cut, 2, endpoint=True)
        side = int(rng.integers(9, 15))
        piece = Image.fromarray(source[cy : cy + cut, cx : cx + cut]).resize((side, side), Image.BICUBIC)
        shade = numpy.asarray(piece)[..., None] / 255.0
        coloured = random_colour(rng) * (0.3 + 0.7 * shade)
        place = tuple(int(v) for v in rng.integers(0, SCENE - side, 2))
        image.paste(Image.fromarray(coloured.astype(numpy.uint8)), place)
    return numpy.asarray(image).astype(numpy.float32)


def rendered(rng, item, size):
    """The item at its new size: opacity in [0, 1] and colours, cut to what is visible."""
    if rng.random() < 0.5:
        item = item[:, ::-1]
    shade = numpy.asarray(Image.fromarray(numpy.ascontiguousarray(item)).resize((size, size), Image.BICUBIC))
    shade = shade.astype(numpy.float32) / 255
    opacity = numpy.clip((shade - 0.02) / 0.12, 0, 1)
    rows, columns = numpy.flatnonzero(opacity.max(1) > 0.5), numpy.flatnonzero(opacity.max(0) > 0.5)
    part = numpy.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    tint = rng.uniform(0, 1, 3)
    tint = 255 * (0.35 + 0.65 * tint / tint.max())
    return opacity[part][..., None], tint * (0.12 + 0.88 * shade[part][..., None])


def overlap(a, b):
    """Shared area as a share of the smaller box."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(0, w) * max(0, h) / smaller


def scene(rng, items, labels):
    """RGB bytes (73, 73, 3), one box (x0, y0, x1, y1; ends exclusive) a label, all inside the centre crop, and whose each
    pixel is, bytes (73, 73): the label of the item on top or NOBODY."""
    sizes = SINGLE_SIZES if len(labels) == 1 else PAIR_SIZES
    while True:
        parts = [rendered(rng, items.draw(rng, c), int(rng.integers(*sizes, endpoint=True))) for c in labels]
        boxes = []
        for opacity, _ in parts:
            h, w = opacity.shape[:2]
            x = int(rng.integers(MARGIN, MARGIN + SIDE - w, endpoint=True))
            y = int(rng.integers(MARGIN, MARGIN + SIDE - h, endpoint=True))
            boxes.append((x, y, x + w, y + h))
        if len(boxes) == 1 or overlap(*boxes) <= 0.12:
            break
    canvas = background(rng, items)
    owner = numpy.full((SCENE, SCENE), NOBODY, numpy.uint8)
    for label, (opacity, colours), (x0, y0, x1, y1) in zip(labels, parts, boxes):
        canvas[y0:y1, x0:x1] += opacity * (colours - canvas[y0:y1, x0:x1])
        owner[y0:y1, x0:x1][opacity[..., 0] > 0.5] = label
    canvas += rng.normal(0, 2.0, (SCENE, SCENE, 1))
    return numpy.clip(numpy.rint(canvas), 0, 255).astype(numpy.uint8), boxes, owner


def jpeg(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, subsampling=2, optimize=True)
    return buffer.getvalue()


def labels_of(rng, pair):
    return [int(c) for c in rng.choice(len(LABELS), 2 if pair else 1, replace=False)]


def bundle(dataset, out, seed, counts, pair_share):
    """Writes scenes.zip (JPEGs, stored), boxes.csv and labels.txt."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with zipfile.ZipFile(out / "scenes.zip", "w", zipfile.ZIP_STORED) as archive:
        for split, count in counts.items():
            items = Items.of(dataset, split)
            pairs = round(count * pair_share)
            for index in range(count):
                rng = numpy.random.default_rng([seed, STREAMS[split], index])
                # Spread the pairs evenly, so that any prefix of a split has its share of them.
                pair = (index + 1) * pairs // count > index * pairs // count
                labels = labels_of(rng, pair)
                pixels, boxes, _ = scene(rng, items, labels)
                name = f"{split}/{index:06d}.jpg"
                archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), jpeg(pixels))
                rows += [(name, split, len(labels), c, *box) for c, box in zip(labels, boxes)]
    with open(out / "boxes.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "split", "items", "class", "x0", "y0", "x1", "y1"])
        writer.writerows(rows)
    (out / "labels.txt").write_text("".join(label + "\n" for label in LABELS))


def pool(dataset, seed, first, count, pair_share=0.2):
    """Training scenes for the backbones after a JPEG round trip: bytes (n, 73, 73, 3), owners (n, 73, 73), soft targets
    (n, 10)."""
    items = Items.of(dataset, "backbone")
    scenes = numpy.empty((count, SCENE, SCENE, 3), numpy.uint8)
    owners = numpy.empty((count, SCENE, SCENE), numpy.uint8)
    targets = numpy.zeros((count, len(LABELS)), numpy.float32)
    for i in range(count):
        rng = numpy.random.default_rng([seed, STREAMS["backbone"], first + i])
        labels = labels_of(rng, rng.random() < pair_share)
        pixels, _, owners[i] = scene(rng, items, labels)
        scenes[i] = numpy.asarray(Image.open(io.BytesIO(jpeg(pixels))))
        targets[i, labels] = 1 / len(labels)
    return scenes, owners, targets


def sheet(bundle_dir, split, path, columns=12, rows=8, zoom=2):
    """A contact sheet of a split with its boxes, to look at."""
    boxes = {}
    with open(bundle_dir / "boxes.csv") as file:
        for row in csv.DictReader(file):
            boxes.setdefault(row["file"], []).append([int(row[k]) for k in ("class", "x0", "y0", "x1", "y1")])
    names = [name for name in boxes if name.startswith(split + "/")][: columns * rows]
    step = SCENE * zoom + 12
    canvas = Image.new("RGB", (columns * step, rows * step), "white")
    draw = ImageDraw.Draw(canvas)
    with zipfile.ZipFile(bundle_dir / "scenes.zip") as archive:
        for i, name in enumerate(names):
            x, y = i % columns * step, i // columns * step
            image = Image.open(io.BytesIO(archive.read(name))).resize((SCENE * zoom, SCENE * zoom), Image.NEAREST)
            canvas.paste(image, (x, y))
            for c, x0, y0, x1, y1 in boxes[name]:
                draw.rectangle((x + x0 * zoom, y + y0 * zoom, x + x1 * zoom - 1, y + y1 * zoom - 1), outline="white")
            draw.text((x, y + SCENE * zoom), " + ".join(LABELS[b[0]] for b in boxes[name])[:24], fill="black")
    canvas.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default=DATASET, help="folder of Fashion-MNIST's four idx.gz files")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=20240607)
    parser.add_argument("--train", type=int, default=1400)
    parser.add_argument("--val", type=int, default=200)
    parser.add_argument("--test", type=int, default=600)
    parser.add_argument("--pairs", type=float, default=0.4, help="share of two-item scenes")
    parser.add_argument("--sheet", type=pathlib.Path, help="also draw a contact sheet of the test split here")
    options = parser.parse_args()
    counts = {"train": options.train, "val": options.val, "test": options.test}
    bundle(options.dataset, options.out, options.seed, counts, options.pairs)
    if options.sheet:
        sheet(options.out, "test", options.sheet)


if __name__ == "__main__":
    main()
