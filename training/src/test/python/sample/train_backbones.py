"""Trains one backbone on composed scenes and writes its state as <work>/<family>.pt."""

import argparse
import multiprocessing
import pathlib
import time

import numpy
import torch

import compose
from families import FAMILIES

MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])
SLACK = compose.SCENE - compose.SIDE


def standardised(pixels):
    """Bytes (n, h, w, 3) to the backbone's input (n, 3, h, w), standardised with ImageNet's constants."""
    return ((pixels.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2)


def centre(scenes):
    m = compose.MARGIN
    return standardised(scenes[:, m : m + compose.SIDE, m : m + compose.SIDE])


def augmented(scenes, generator):
    """A random crop, flip and order of colour channels a scene; none of them depends on the class."""
    n = len(scenes)
    corner = torch.randint(0, SLACK + 1, (2, n, 1), generator=generator)
    reach = torch.arange(compose.SIDE)
    rows, columns = corner[0] + reach, corner[1] + reach
    flip = torch.rand(n, generator=generator) < 0.5
    columns[flip] = columns[flip].flip(1)
    channels = torch.rand(n, 3, generator=generator).argsort(1)
    each = torch.arange(n)[:, None, None, None]
    return standardised(scenes[each, rows[:, :, None, None], columns[:, None, :, None], channels[:, None, None, :]])


def make_pool(dataset, seed, first, count, stem):
    scenes, targets = compose.pool(dataset, seed, first, count)
    numpy.save(f"{stem}-targets.npy", targets)
    numpy.save(f"{stem}-scenes.npy", scenes)


def pools(options):
    """Composes what is missing, then maps everything from disk."""
    options.work.mkdir(parents=True, exist_ok=True)
    stems = [options.work / f"pool-{options.seed}-{options.shard}-{i}" for i in range(options.shards)]
    missing = [
        (options.dataset, options.seed, i * options.shard, options.shard, stem)
        for i, stem in enumerate(stems)
        if not pathlib.Path(f"{stem}-scenes.npy").exists()
    ]
    if missing:
        with multiprocessing.get_context("spawn").Pool(options.threads) as workers:
            workers.starmap(make_pool, missing, chunksize=1)
    return [
        (torch.from_numpy(numpy.load(f"{s}-scenes.npy")), torch.from_numpy(numpy.load(f"{s}-targets.npy")))
        for s in stems
    ]


@torch.inference_mode()
def accuracy(model, scenes, targets):
    """Share of single-item scenes that are right, centre crop."""
    single = (targets.max(1).values == 1).nonzero()[:, 0]
    right = 0
    for part in single.split(256):
        right += int((model(centre(scenes[part])).argmax(1) == targets[part].argmax(1)).sum())
    return right / len(single)


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(options.seed)
    *shards, (held_scenes, held_targets) = pools(options)
    held_scenes, held_targets = held_scenes[:2500], held_targets[:2500]
    model = FAMILIES[options.family]()
    teacher = None
    if options.teacher:
        teacher = FAMILIES[options.teacher]()
        teacher.load_state_dict(torch.load(options.work / f"{options.teacher}.pt", weights_only=True))
        teacher.eval().to(memory_format=torch.channels_last)
    if options.family != "vit":
        model = model.to(memory_format=torch.channels_last)
    print(options.family, sum(p.numel() for p in model.parameters()), "parameters")
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": options.decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.rate)
    steps = sum(len(shards[e % len(shards)][0]) // options.batch for e in range(options.epochs))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, total_steps=steps, pct_start=0.15)
    started = time.time()
    for epoch in range(options.epochs):
        scenes, targets = shards[epoch % len(shards)]
        model.train()
        total = 0.0
        order = torch.randperm(len(scenes), generator=generator)
        parts = order[: len(order) // options.batch * options.batch].split(options.batch)
        for part in parts:
            inputs = augmented(scenes[part], generator)
            goal = targets[part]
            if teacher is not None:
                with torch.inference_mode():
                    taught = teacher(inputs).softmax(1)
                goal = (1 - options.taught) * goal + options.taught * taught.clone()
            loss = torch.nn.functional.cross_entropy(model(inputs), goal)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        model.eval()
        print(
            f"epoch {epoch + 1} loss {total / len(parts):.4f}"
            f" held-out {accuracy(model, held_scenes, held_targets):.4f} {time.time() - started:.0f} s",
            flush=True,
        )
    torch.save(model.state_dict(), options.work / f"{options.family}.pt")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for pools of scenes and states")
    parser.add_argument("--dataset", default=compose.DATASET)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", type=int, default=20000, help="scenes a pool; the last pool is only looked at")
    parser.add_argument("--shards", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=12, help="an epoch is one pool")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--teacher", choices=FAMILIES, help="a trained family whose predictions soften the targets")
    parser.add_argument("--taught", type=float, default=0.5, help="the teacher's share of the targets")
    parser.add_argument("--threads", type=int, default=2)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
