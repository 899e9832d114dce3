"""What bfloat16 changes on the bundled sample: each family trained, explained and evaluated in both precisions.

    python core/src/test/python/bench/precision.py FOLDER [vgg16 resnet50 vit_b_16]

Run it from the project's folder, after `mvn -ntp -q -DskipTests package`, on a processor that has bfloat16
(`ttame version` says), by a Python with NumPy. What FOLDER holds already is not made again. Prints the
tables of core/docs/bfloat16.md.
"""

import csv
import json
import pathlib
import subprocess
import sys

import numpy as np

JAR = pathlib.Path(__file__).resolve().parents[5] / "cli/target/ttame-cli.jar"
PRECISIONS = ("float32", "bfloat16")
SEEDS = (("bfloat16", 42), ("float32", 42), ("float32", 1), ("float32", 2))
ROWS = [("ad", "100"), ("ad", "50"), ("ad", "15"), ("ic", "100"), ("ic", "50"), ("ic", "15"), ("morf", ""), ("lerf", "")]


def ttame(*arguments):
    subprocess.run(["java", "-jar", str(JAR), *map(str, arguments), "--quiet"], check=True, stdout=sys.stderr)


def make(folder, command, *arguments):
    if not folder.exists():
        ttame(command, *arguments, "--run" if command == "train" else "--out", folder)
    return folder


def metrics(folder):
    with open(folder / "metrics.csv", newline="") as lines:
        return {(row["metric"], row["threshold"]): float(row["value"]) for row in csv.DictReader(lines)}


def classes(folder):
    images = json.loads((folder / "predictions.json").read_text())["images"]
    return {image["file"]: image["top"][0]["index"] for image in images}


def family(name, work):
    runs = {
        (p, seed): make(work / f"{name}-{p}-{seed}", "train", "--backbone", name, "--seed", seed, "--precision", p,
                        "--report", 0)
        for p, seed in SEEDS
    }
    run = runs["float32", 42]
    images = next(run.glob("sample/*/test"))
    found = {}
    for p in PRECISIONS:
        how = ("--run", run, "--precision", p, "--batch-size", 32)
        base = f"{run.name}-"
        found[p] = (
            make(work / f"{base}maps-{p}", "explain", *how, "--images", images, "--format", "npy"),
            classes(make(work / f"{base}pred-{p}", "predict", *how, "--images", images)),
            metrics(make(work / f"{base}eval-{p}", "evaluate", *how, "--data", images, "--methods", "ttame",
                         "--metrics", "ad,ic,road")),
        )
    maps, narrow = (found[p][0] for p in PRECISIONS)
    pearson = [
        np.corrcoef(np.load(file).ravel(), np.load(narrow / file.relative_to(maps)).ravel())[0, 1]
        for file in maps.rglob("*.npy")
    ]
    wide, other = (found[p][1] for p in PRECISIONS)
    same = np.mean([wide[file] == other[file] for file in wide])
    print(f"\n{name}: {len(wide)} images, same class {100 * same:.2f} %, Pearson's r of maps {np.median(pearson):.5f} "
          f"in the median, {np.percentile(pearson, 5):.5f} for 95 %\n")
    print("| metric | float32 | bfloat16 | trained in bfloat16 | float32, other seeds |\n|---|---|---|---|---|")
    trained = {
        key: found["float32"][2] if key == ("float32", 42) else metrics(
            make(work / f"{folder.name}-eval", "evaluate", "--run", folder, "--data", images, "--precision", key[0],
                 "--batch-size", 32, "--methods", "ttame", "--metrics", "ad,ic"))
        for key, folder in runs.items()
    }
    for row in ROWS:
        cells = [found[p][2][row] for p in PRECISIONS]
        cells += [trained[key][row] for key in (("bfloat16", 42), ("float32", 1), ("float32", 2)) if row in trained[key]]
        text = [f"{cell:.2f}" for cell in cells] + ["–"] * (5 - len(cells))
        print(f"| {row[0].upper()}{'(' + row[1] + ')' if row[1] else ''} | {text[0]} | {text[1]} | {text[2]} | "
              f"{text[3]}, {text[4]} |")


def main():
    work = pathlib.Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or ["vgg16", "resnet50", "vit_b_16"]:
        family(name, work)


main()
