"""Whose item does a class's map point at? On the sample's two-item scenes, for docs/insights.md.

    python two_items.py lists RUN/sample/scenes/test LISTS
writes LISTS/first.txt and LISTS/second.txt, lines "path label", one for each item of a two-item scene. Then, for each,
    ttame explain --run RUN --images LISTS/first.txt --class label --format npy --out MAPS/first
and
    python two_items.py score RUN/sample/scenes/test MAPS
prints in how many maps the largest value lies in the box of the class's own item, in the other's, in both, in neither.
"""
import csv
import pathlib
import sys

import numpy as np

SIDE, CROP = 64, 4  # what the classifiers see is the centre of 73×73


def pairs(scenes):
    items = {}
    with open(scenes / "boxes.csv", newline="") as file:
        for row in csv.DictReader(file):
            box = [float(row[k]) - CROP for k in ("x0", "y0", "x1", "y1")]
            items.setdefault(row["image"], []).append((int(row["class"]), box))
    return {image: found for image, found in sorted(items.items()) if len(found) == 2}


def lists(scenes, out):
    out.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(("first", "second")):
        lines = [f"{(scenes / image).resolve()} {found[place][0]}\n" for image, found in pairs(scenes).items()]
        (out / f"{name}.txt").write_text("".join(lines))


def inside(box, x, y):
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def score(scenes, maps):
    counts = {"own": 0, "other": 0, "both": 0, "neither": 0}
    for place, name in enumerate(("first", "second")):
        files = {file.stem: file for file in (maps / name).rglob("*.npy")}
        for image, found in pairs(scenes).items():
            values = np.load(files[pathlib.Path(image).stem])
            y, x = np.unravel_index(values.argmax(), values.shape)
            x, y = (x + 0.5) * SIDE / values.shape[1], (y + 0.5) * SIDE / values.shape[0]
            own, other = inside(found[place][1], x, y), inside(found[1 - place][1], x, y)
            counts["both" if own and other else "own" if own else "other" if other else "neither"] += 1
    total = sum(counts.values())
    print(total, "maps:", ", ".join(f"{name} {100 * n / total:.1f} %" for name, n in counts.items()))


if __name__ == "__main__":
    {"lists": lists, "score": score}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
