"""ROAD's 18 imputations of an image: ours, pytorch-grad-cam's own imputer, SciPy's solver, in turn.

    python src/test/python/bench_road.py CLASSPATH [--warm-up N] [--repeats N] [--out FILE.json]

Run it from the module's folder, with nothing else running; CLASSPATH holds the module's classes and
test classes (metrics/target/classes:metrics/target/test-classes are enough). Needs torch, grad-cam and scipy. The
image is coarse and fine noise, the map smooth: as a photograph and a heatmap. Ours takes two
threads, the others as many as they like. First a round in a fresh JVM, then rounds that do not count,
the same for all; of ours a round is the median of three times.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import scipy.ndimage
import scipy.sparse.linalg
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer

sys.path.insert(0, str(pathlib.Path(__file__).parent))

SIDE = 224
PERCENTAGES = range(10, 100, 10)


def inputs():
    random = np.random.default_rng(0)
    coarse = random.normal(size=(14, 14, 3))
    image = scipy.ndimage.zoom(coarse, (16, 16, 1), order=1) + 0.3 * random.normal(size=(SIDE, SIDE, 3))
    heat = scipy.ndimage.zoom(random.random((14, 14)), (16, 16), order=1)
    return image.astype(np.float32), heat.astype(np.float32)


def masks(heat):
    order = np.argsort(-heat.ravel(), kind="stable")
    for ranks in (order, order[::-1]):
        for percent in PERCENTAGES:
            keep = np.ones(SIDE * SIDE, np.float32)
            keep[ranks[: round(percent * SIDE * SIDE / 100)]] = 0
            yield keep.reshape(SIDE, SIDE)


def peer(image, kept):
    """pytorch-grad-cam's imputer, matrix building included; also its time in SciPy's solver alone."""
    solving = 0.0
    real = scipy.sparse.linalg.spsolve

    def timed(*args, **kwargs):
        nonlocal solving
        began = time.perf_counter()
        try:
            return real(*args, **kwargs)
        finally:
            solving += time.perf_counter() - began

    import pytorch_grad_cam.metrics.road as road

    road.spsolve = timed
    picture = torch.from_numpy(image.transpose(2, 0, 1).copy())
    imputer = NoisyLinearImputer()
    began = time.perf_counter()
    for keep in kept:
        imputer(picture, torch.from_numpy(keep))
    return time.perf_counter() - began, solving


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("classpath")
    parser.add_argument("--warm-up", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    image, heat = inputs()
    file = pathlib.Path("target/bench-road.bin")
    file.parent.mkdir(exist_ok=True)
    np.concatenate([image.ravel(), heat.ravel()]).astype(">f4").tofile(file)
    ours = subprocess.Popen(
        ["java", "-XX:ActiveProcessorCount=2", "-cp", options.classpath,
         "org.ttame.eval.road.ImputationBenchmark", str(file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert ours.stdout.readline().strip() == "ready"

    def once():
        ours.stdin.write("\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    def round_of_all():
        mine = statistics.median(once() for _ in range(3))
        return mine, *peer(image, kept)

    kept = list(masks(heat))
    cold = once()
    print(f"ours, the first time in a fresh JVM: {cold:.3f} s", flush=True)
    for _ in range(options.warm_up):
        round_of_all()
    rows = []
    for _ in range(options.repeats):
        mine, whole, solving = round_of_all()
        rows.append((mine, whole, solving))
        print(f"ours {mine:.3f} s, pytorch-grad-cam {whole:.2f} s ({whole / mine:.0f} times), "
              f"its spsolve alone {solving:.2f} s ({solving / mine:.1f} times)", flush=True)
    ours.stdin.close()
    for name, i in (("pytorch-grad-cam", 1), ("spsolve", 2)):
        ratios = sorted(r[i] / r[0] for r in rows)
        print(f"{name} / ours: median {statistics.median(ratios):.1f}, {ratios[0]:.1f} to {ratios[-1]:.1f}")
    if options.out:
        options.out.write_text(json.dumps(
            [{"ours_s": a, "pytorch_grad_cam_s": b, "spsolve_s": c} for a, b, c in rows], indent=1) + "\n")


main()
