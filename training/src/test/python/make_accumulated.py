"""Data-parallel training of the tiny VGG by two workers, as PyTorch's DistributedDataParallel does it but for two rules:
gradients are weighted by images, and running statistics are averaged. Plain PyTorch, in double precision, in one process.

Run from the module's folder, after make_trajectories.py: python src/test/python/make_accumulated.py
Reads vgg.onnx, vgg-init.npz and the images and max_lr of vgg.npz in src/test/resources/trajectory; writes accumulated.npz there:
  psi.T.K            int32 [B, M], the classes of worker K's share of step T
  loss, ce, area, variation   float64 [6], of the whole step
  final.NAME         the mechanism's arrays after the last step
Two epochs over 20 images in order, two workers of 4: steps of 8, 8 and 4 images, shares of 4+4, 4+4 and 2+2; with 19 images
(19.…) the last step has 3, its shares 2 and 1.
"""

import pathlib
import sys

import numpy as np
import onnx
import torch

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "core/src/test/python"), str(ROOT / "backbones/src/test/python")]
import members  # noqa: E402
import ttame_reference as ttame  # noqa: E402

OUT = pathlib.Path("src/test/resources/trajectory")
WORKERS, BATCH, EPOCHS = 2, 4, 2


def model():
    members.SIDE = 32
    made = members.make("vgg")
    stored = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
              for t in onnx.load(OUT / "vgg.onnx").graph.initializer}
    made.load_state_dict({name: stored[name] for name in made.state_dict()})
    return made.double().eval().requires_grad_(False)


def shares(images):
    """The images of each worker, step by step."""
    for _ in range(EPOCHS):
        for first in range(0, images, WORKERS * BATCH):
            step = range(first, min(first + WORKERS * BATCH, images))
            yield [list(part) for part in np.array_split(np.array(step), WORKERS)]


def train(images, golden, max_lr, init, unit, prefix):
    classifier = model()
    seen = {}
    for i in (2, 5, 10):
        classifier.features[i].register_forward_hook(lambda m, a, output, i=i: seen.__setitem__(i, output))

    def backbone(x):
        logits = classifier(x)
        return logits, [seen[i] for i in sorted(seen)]

    widths = [array.shape[0] for name, array in init.items() if name.endswith("conv.bias")]
    replicas = []
    for _ in range(WORKERS):
        mechanism = ttame.AttentionMechanism(widths, members.CLASSES).double()
        ttame.load_arrays(mechanism, init)
        replicas.append(mechanism.train())
    steps = list(shares(images))
    optimizer = ttame.make_optimizer(replicas[0], lr=max_lr)
    schedule = ttame.make_schedule(optimizer, len(steps), max_lr)
    generator = torch.Generator().manual_seed(23)
    records = []
    for t, parts in enumerate(steps):
        total = sum(map(len, parts))
        record = dict.fromkeys(("loss", "ce", "area", "variation"), 0.0)
        sums = [torch.zeros_like(p) for p in replicas[0].parameters()]
        for k, (part, mechanism) in enumerate(zip(parts, replicas)):
            batch = unit[part]
            with torch.no_grad():
                logits, features = backbone(ttame.standardise(batch, ttame.IMAGENET_MEAN, ttame.IMAGENET_STD))
            y = logits.argmax(dim=1)
            psi = ttame.paper_psi(y, logits.shape[1], generator)
            golden[f"{prefix}psi.{t}.{k}"] = psi.numpy().astype(np.int32)
            mechanism.zero_grad()
            terms = ttame.loss_terms(
                mechanism, features, batch, psi, lambda x: backbone(x)[0], y, "cnn", "paper",
                (1.5, 2.0, 0.005, 0.3), ttame.IMAGENET_MEAN, ttame.IMAGENET_STD)
            terms["loss"].backward()
            for s, p in zip(sums, mechanism.parameters()):
                s += p.grad * len(part) / total
            for name in record:
                record[name] += terms[name].item() * len(part) / total
        records.append(record)
        for s, p in zip(sums, replicas[0].parameters()):
            p.grad = s
        optimizer.step()
        if t + 1 < len(steps):
            schedule.step()
        running = [name for name, _ in replicas[0].named_buffers() if "running" in name]
        buffers = [dict(r.named_buffers()) for r in replicas]
        with torch.no_grad():
            for name in running:
                mean = sum(b[name] for b in buffers) / WORKERS
                for b in buffers:
                    b[name].copy_(mean)
            for other in replicas[1:]:
                for mine, theirs in zip(replicas[0].parameters(), other.parameters()):
                    theirs.copy_(mine)
    for term in records[0]:
        golden[prefix + term] = np.array([r[term] for r in records])
    for name, value in ttame.arrays(replicas[0]).items():
        golden[f"{prefix}final.{name}"] = value
    print(images, "images:", [round(r["loss"], 4) for r in records])


given = np.load(OUT / "vgg.npz")
golden = {}
for images, prefix in ((20, ""), (19, "19.")):
    train(images, golden, float(given["max_lr"]), dict(np.load(OUT / "vgg-init.npz")),
          torch.from_numpy(given["images"]).double() / 255, prefix)
np.savez_compressed(OUT / "accumulated.npz", **golden)
