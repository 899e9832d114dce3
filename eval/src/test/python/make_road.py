"""ROAD's linear imputation by a direct sparse solver: golden values for ImputerGoldenTest.

    python make_road.py

Writes imputation.json into eval/metrics' resources. Images and masks follow from formulas
that the test repeats; of each solution some pixels are kept.
"""

import json
import pathlib
import sys

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "core/src/test/python"))
import formula_arrays  # noqa: E402

OUT = pathlib.Path(__file__).parent / "../../../metrics/src/test/resources/org/ttame/eval/road/imputation.json"
NEIGHBOURS = [(dy, dx, 1 / 6 if dy == 0 or dx == 0 else 1 / 12)
              for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
KEPT = 60


def image(height, width, channels):
    return formula_arrays.uniform("road", (height, width, channels)).astype(np.float64) * 2


def mask(kind, part, height, width):
    """What is removed."""
    count = round(part * height * width)
    flat = np.zeros(height * width, bool)
    if kind == "scattered":
        order = np.argsort(-formula_arrays.uniform("mask", (height * width,)), kind="stable")
        flat[order[:count]] = True
    elif kind == "rows":  # from the top left: touches three borders
        flat[:count] = True
    elif kind == "inner":  # a square that touches no border
        side = min(int(np.sqrt(count)), height - 2, width - 2)
        top, left = (height - side) // 2, (width - side) // 2
        square = flat.reshape(height, width)
        square[top:top + side, left:left + side] = True
    elif kind == "all-but-one":
        flat[:] = True
        flat[(height // 3) * width + width // 5] = False
    return flat.reshape(height, width)


def solve(picture, removed):
    height, width, channels = picture.shape
    number = -np.ones((height, width), int)
    number[removed] = np.arange(removed.sum())
    rows, columns, values = [], [], []
    right = np.zeros((removed.sum(), channels))
    for y, x in zip(*np.nonzero(removed)):
        inside = [(y + dy, x + dx, w) for dy, dx, w in NEIGHBOURS if 0 <= y + dy < height and 0 <= x + dx < width]
        total = sum(w for _, _, w in inside)
        i = number[y, x]
        rows.append(i), columns.append(i), values.append(1.0)
        for v, u, w in inside:
            if removed[v, u]:
                rows.append(i), columns.append(number[v, u]), values.append(-w / total)
            else:
                right[i] += w / total * picture[v, u]
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)))
    out = picture.copy()
    out[removed] = np.stack([scipy.sparse.linalg.spsolve(matrix, right[:, c]) for c in range(channels)], 1)
    return out


cases = []
for height, width in ((24, 31), (224, 224)):
    kinds = [("scattered", p / 100) for p in ((10, 30, 50, 70, 90) if width < 100 else (10, 90))]
    kinds += [("rows", 0.5), ("rows", 0.9), ("inner", 0.3), ("inner", 0.9), ("all-but-one", 1.0)]
    for kind, part in kinds:
        picture = image(height, width, 2)
        removed = mask(kind, part, height, width)
        solved = solve(picture, removed)
        places = np.flatnonzero(removed)[:: max(1, removed.sum() // KEPT)]
        cases.append({
            "kind": kind, "part": part, "height": height, "width": width, "removed": int(removed.sum()),
            "places": places.tolist(),
            "values": np.round(solved.reshape(-1, 2)[places], 9).tolist(),
        })
        print(kind, part, height, width, removed.sum(), flush=True)
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(cases) + "\n")
