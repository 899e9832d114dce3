"""Exports the trained backbones to ONNX, measures them on the bundled scenes, writes sample.json and SAMPLE.md."""

import argparse
import csv
import hashlib
import io
import json
import pathlib
import platform
import warnings
import zipfile

import numpy
import onnx
import onnxruntime
import PIL
import torch
import torchvision
from PIL import Image

import compose
from families import FAMILIES
from train_backbones import MEAN, STD, centre

OPSET = 17  # layer normalisation is one node from here on
FILES = ["scenes.zip", "boxes.csv", "labels.txt"] + [f"{family}.onnx" for family in FAMILIES]


def export(family, work, out):
    model = FAMILIES[family]()
    model.load_state_dict(torch.load(work / f"{family}.pt", weights_only=True))
    model.eval()
    path = out / f"{family}.onnx"
    probe = torch.randn(2, 3, compose.SIDE, compose.SIDE, generator=torch.Generator().manual_seed(7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The slow path of attention is the one that exports to plain matrix products.
        torch.backends.mha.set_fastpath_enabled(False)
        torch.onnx.export(
            model,
            (probe,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        )
    onnx.checker.check_model(str(path))
    for n in (1, 2, 5):
        batch = torch.randn(n, 3, compose.SIDE, compose.SIDE, generator=torch.Generator().manual_seed(n))
        with torch.inference_mode():
            expected = model(batch).numpy()
        found = session(path).run(["logits"], {"input": batch.numpy()})[0]
        gap = float(numpy.abs(expected - found).max())
        if gap > 1e-3:
            raise SystemExit(f"{family}.onnx differs from PyTorch by {gap} at batch size {n}")
    return sum(p.numel() for p in model.parameters())


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def split_of(out, split):
    """Scenes (n, 73, 73, 3) of a split as bytes and the classes each holds."""
    classes = {}
    with open(out / "boxes.csv") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                classes.setdefault(row["file"], []).append(int(row["class"]))
    with zipfile.ZipFile(out / "scenes.zip") as archive:
        scenes = [numpy.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in classes]
    return torch.from_numpy(numpy.stack(scenes)), list(classes.values())


def measured(path, scenes, classes):
    logits = session(path).run(["logits"], {"input": centre(scenes).numpy()})[0]
    order = numpy.argsort(-logits, axis=1)
    singles = [i for i, c in enumerate(classes) if len(c) == 1]
    pairs = [i for i, c in enumerate(classes) if len(c) == 2]
    return {
        "single_top1": round(float(numpy.mean([order[i, 0] in classes[i] for i in singles])), 4),
        "pair_top1_is_either": round(float(numpy.mean([order[i, 0] in classes[i] for i in pairs])), 4),
        "pair_top2_are_both": round(float(numpy.mean([set(order[i, :2]) == set(classes[i]) for i in pairs])), 4),
    }


def recall(path, scenes, classes):
    """Share of single-item scenes of each class that are right."""
    logits = session(path).run(["logits"], {"input": centre(scenes).numpy()})[0]
    hits = {label: [] for label in compose.LABELS}
    for row, c in zip(logits, classes):
        if len(c) == 1:
            hits[compose.LABELS[c[0]]].append(bool(row.argmax() == c[0]))
    return {label: round(float(numpy.mean(h)), 3) if h else None for label, h in hits.items()}


def more_scenes(dataset, seed, count, first):
    """Single-item scenes from the test half that are not bundled: the same measurement with less chance in it."""
    items = compose.Items.of(dataset, "test")
    scenes = []
    classes = []
    for index in range(first, first + count):
        rng = numpy.random.default_rng([seed, compose.STREAMS["test"], index])
        labels = compose.labels_of(rng, False)
        pixels, _, _ = compose.scene(rng, items, labels)
        scenes.append(numpy.asarray(Image.open(io.BytesIO(compose.jpeg(pixels)))))
        classes.append(labels)
    return torch.from_numpy(numpy.stack(scenes)), classes


def notes(meta, template):
    rows = []
    for family, m in meta["backbones"].items():
        t = m["test"]
        rows.append(
            f"| `{family}.onnx` | {m['parameters']:,} | {m['bytes']:,} | {t['single_top1']:.1%} "
            f"| {m['extra_single_top1']:.1%} | {t['pair_top1_is_either']:.1%} | {t['pair_top2_are_both']:.1%} |"
        )
    recalls = []
    for label in compose.LABELS:
        cells = [m["extra_single_recall"][label] for m in meta["backbones"].values()]
        recalls.append(f"| {label} | " + " | ".join("–" if c is None else f"{c:.0%}" for c in cells) + " |")
    counts = [f"| {name} | {s['single']} | {s['pair']} |" for name, s in meta["splits"].items()]
    text = template.read_text()
    fields = {
        "ACCURACIES": "\n".join(rows),
        "RECALLS": "\n".join(recalls),
        "COUNTS": "\n".join(counts),
        "BYTES": f"{sum(meta['files'][f]['bytes'] for f in meta['files']):,}",
        "EXTRA": f"{meta['extra_scenes']:,}",
    }
    for key, value in fields.items():
        text = text.replace(f"@{key}@", value)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder with the trained states")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder that compose.py wrote")
    parser.add_argument("--dataset", default=compose.DATASET)
    parser.add_argument("--seed", type=int, default=20240607, help="the one compose.py was given")
    parser.add_argument("--extra", type=int, default=3000, help="further test scenes to measure on")
    options = parser.parse_args()
    splits = {name: split_of(options.out, name) for name in ("train", "val", "test")}
    extra = more_scenes(options.dataset, options.seed, options.extra, 100000)
    backbones = {}
    for family in FAMILIES:
        parameters = export(family, options.work, options.out)
        path = options.out / f"{family}.onnx"
        backbones[family] = {
            "file": path.name,
            "parameters": parameters,
            "bytes": path.stat().st_size,
            "val": measured(path, *splits["val"]),
            "test": measured(path, *splits["test"]),
            "extra_single_top1": round(measured_single(path, *extra), 4),
            "extra_single_recall": recall(path, *extra),
        }
        print(family, backbones[family])
    meta = {
        "side": compose.SIDE,
        "scene": compose.SCENE,
        "mean": [round(float(v), 3) for v in MEAN],
        "std": [round(float(v), 3) for v in STD],
        "labels": compose.LABELS,
        "seed": options.seed,
        "splits": {
            name: {"single": sum(len(c) == 1 for c in classes), "pair": sum(len(c) == 2 for c in classes)}
            for name, (_, classes) in splits.items()
        },
        "extra_scenes": options.extra,
        "backbones": backbones,
        "files": {
            name: {
                "bytes": (options.out / name).stat().st_size,
                "sha256": hashlib.sha256((options.out / name).read_bytes()).hexdigest(),
            }
            for name in FILES
        },
        "made_with": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "onnx": onnx.__version__,
            "numpy": numpy.__version__,
            "pillow": PIL.__version__,
        },
        "items": "Fashion-MNIST, Zalando Research, MIT licence",
    }
    (options.out / "sample.json").write_text(json.dumps(meta, indent=2) + "\n")
    (options.out / "SAMPLE.md").write_text(notes(meta, pathlib.Path(__file__).with_name("SAMPLE.md.in")))


def measured_single(path, scenes, classes):
    logits = session(path).run(["logits"], {"input": centre(scenes).numpy()})[0]
    return float(numpy.mean(logits.argmax(1) == numpy.array([c[0] for c in classes])))


if __name__ == "__main__":
    main()
