"""Golden values of MapSimilarityTest: Spearman by SciPy, SSIM and HOG by scikit-image.

    python make_similarity.py > ../../../metrics/src/test/resources/org/ttame/eval/sanity/similarity.json
"""

import json

import numpy as np
from scipy.stats import pearsonr, spearmanr
from skimage.feature import hog
from skimage.metrics import structural_similarity


def cell(side):
    return max(2, 2 * int(np.floor(side / 28 + 0.5)))


def describe(image, side):
    size = cell(side)
    return hog(image, orientations=9, pixels_per_cell=(size, size), cells_per_block=(3, 3))


cases = []
random = np.random.default_rng(7)
for side in (16, 30, 64):
    y, x = np.mgrid[0:side, 0:side] / side
    first = np.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) * 9).astype(np.float32)
    second = (0.6 * first + 0.4 * random.random((side, side))).astype(np.float32)
    third = np.round(np.abs(np.sin(7 * x * y + x)) * 4) / 4
    pairs = [(first, second), (first, third.astype(np.float32)), (second, 1 - first)]
    for a, b in pairs:
        a64, b64 = a.astype(np.float64), b.astype(np.float64)
        cases.append({
            "side": side,
            "a": [float(v) for v in a.ravel()],
            "b": [float(v) for v in b.ravel()],
            "spearman": float(spearmanr(a.ravel(), b.ravel()).statistic),
            "ssim": float(structural_similarity(
                a64, b64, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)),
            "hog": float(pearsonr(describe(a64, side), describe(b64, side)).statistic),
        })
print(json.dumps(cases))
