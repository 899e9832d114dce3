"""Trains one backbone on composed scenes and writes its state as <work>/<family>.pt."""

import argparse
import multiprocessing
import pathlib
import time

import numpy
import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

import compose
from families import FAMILIES

MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])
# Epochs, batch and highest rate.
RECIPES = {"vgg": (16, 64, 2e-3), "resnet": (16, 32, 5e-3), "vit": (28, 32, 4e-3)}
SLACK = compose.SCENE - compose.SIDE


def standardised(pixels):
    """Bytes (n, h, w, 3) to the backbone's input (n, 3, h, w), standardised with ImageNet's constants."""
    return ((pixels.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2)


def centre(scenes):
    m = compose.MARGIN
    return standardised(scenes[:, m : m + compose.SIDE, m : m + compose.SIDE])


def augmented(scenes, owners, generator):
    """A random crop, flip and order of colour channels a scene; none of them depends on the class."""
    n = len(scenes)
    corner = torch.randint(0, SLACK + 1, (2, n, 1), generator=generator)
    reach = torch.arange(compose.SIDE)
    rows, columns = corner[0] + reach, corner[1] + reach
    flip = torch.rand(n, generator=generator) < 0.5
    columns[flip] = columns[flip].flip(1)
    channels = torch.rand(n, 3, generator=generator).argsort(1)
    each = torch.arange(n)[:, None, None]
    rows, columns = rows[:, :, None], columns[:, None, :]
    pixels = scenes[each[..., None], rows[..., None], columns[..., None], channels[:, None, None, :]]
    return standardised(pixels), owners[each, rows, columns]


def shares(owners, patch):
    """What share of each patch's pixels each class (the last one: nobody) owns, (n, patches, 11)."""
    n = len(owners)
    grid = compose.SIDE // patch
    counts = one_hot(owners.long(), compose.NOBODY + 1).float()
    return counts.view(n, grid, patch, grid, patch, -1).mean((2, 4)).view(n, grid * grid, -1)


def make_pool(dataset, seed, first, count, stem):
    scenes, owners, targets = compose.pool(dataset, seed, first, count)
    numpy.savez(f"{stem}.partial.npz", scenes=scenes, owners=owners, targets=targets)
    pathlib.Path(f"{stem}.partial.npz").rename(f"{stem}.npz")


def pools(options):
    """Composes the pools that are missing and gives a function that loads one."""
    options.work.mkdir(parents=True, exist_ok=True)
    stems = [options.work / f"pool-{options.seed}-{options.shard}-{i}" for i in range(options.shards + 1)]
    missing = [
        (options.dataset, options.seed, i * options.shard, options.shard, stem)
        for i, stem in enumerate(stems)
        if not pathlib.Path(f"{stem}.npz").exists()
    ]
    if missing:
        with multiprocessing.get_context("spawn").Pool(options.threads) as workers:
            workers.starmap(make_pool, missing, chunksize=1)

    def load(i):
        with numpy.load(f"{stems[i]}.npz") as file:
            return [torch.from_numpy(file[name]) for name in ("scenes", "owners", "targets")]

    return load


@torch.inference_mode()
def accuracy(model, scenes, targets):
    """Share of single-item scenes that are right, centre crop."""
    single = (targets.max(1).values == 1).nonzero()[:, 0]
    right = 0
    for part in single.split(256):
        right += int((model(centre(scenes[part])).argmax(1) == targets[part].argmax(1)).sum())
    return right / len(single)


class Tutor:
    """What a ViT is told besides a scene's label while it trains; everything here is thrown away afterwards.

    One label a scene teaches so small a ViT little in the time there is. So each patch token of the last block also says
    which class owns its pixels (token labelling, Jiang et al. 2021), tokens of two earlier blocks are held, less and less, to the
    feature maps a trained convolutional member has at the same place, and its predictions soften the targets (Touvron et al. 2021).
    """

    MAPS = {"vgg": ("features.5", "features.10"), "resnet": ("layer2", "layer3")}
    BLOCKS = (1, 3)
    TAUGHT = 0.5

    def __init__(self, model, family, state):
        self.patch = model.patch_size
        self.grid = compose.SIDE // self.patch
        self.seen = {}
        self.teacher = FAMILIES[family]().to(memory_format=torch.channels_last)
        self.teacher.load_state_dict(torch.load(state, weights_only=True))
        self.teacher.eval().requires_grad_(False)
        for i, name in enumerate(self.MAPS[family]):
            self.teacher.get_submodule(name).register_forward_hook(self.keep(("teacher", i)))
            model.encoder.layers[self.BLOCKS[i]].register_forward_hook(self.keep(("student", i)))
        model.encoder.register_forward_hook(self.keep("tokens"))
        with torch.no_grad():
            self.teacher(torch.zeros(1, 3, compose.SIDE, compose.SIDE))
        widths = [self.goal(i).shape[-1] for i in range(len(self.BLOCKS))]
        self.owner = torch.nn.Linear(model.hidden_dim, compose.NOBODY + 1)
        self.heads = torch.nn.ModuleList([self.owner, *(torch.nn.Linear(model.hidden_dim, w) for w in widths)])

    def keep(self, key):
        def hook(module, inputs, output):
            self.seen[key] = output

        return hook

    def goal(self, i):
        """The teacher's map as (n, patches, channels), standardised; several pixels a patch become more channels."""
        maps = self.seen["teacher", i]
        block = maps.shape[-1] // self.grid
        maps = torch.nn.functional.pixel_unshuffle(maps, block).flatten(2).transpose(1, 2)
        return (maps - maps.mean((0, 1))) / (maps.std((0, 1)) + 1e-3)

    def targets(self, inputs, targets):
        with torch.no_grad():
            return (1 - self.TAUGHT) * targets + self.TAUGHT * self.teacher(inputs).softmax(1)

    def loss(self, owners, held):
        """The owners' loss, and the distance from the teacher's maps times `held`."""
        tokens = self.seen["tokens"][:, 1:]
        total = cross_entropy(self.owner(tokens).flatten(0, 1), shares(owners, self.patch).flatten(0, 1))
        for i in range(len(self.BLOCKS)):
            total = total + held * mse_loss(self.heads[i + 1](self.seen["student", i][:, 1:]), self.goal(i))
        return total


def start(model, scenes):
    """Where a ViT starts from: as near to a convolutional network as a ViT can be, so that it need not find that out.

    The patch embedding gives the principal components of real patches at unit variance, in three quarters of the
    dimensions. The last quarter holds the position as sines and cosines of row and column, and the heads of the first
    blocks ask there for one neighbour each, as a convolution's taps would (Zheng et al. 2024). All of it trains on.
    """
    patches = torch.nn.functional.unfold(centre(scenes), model.patch_size, stride=model.patch_size)
    patches = patches.transpose(1, 2).flatten(0, 1)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
    width = model.hidden_dim
    head = width // 4
    kept = width - head
    weight = vectors[:, -kept:].T / (values[-kept:, None] + 1e-2).sqrt()
    grid = compose.SIDE // model.patch_size
    rates = torch.pi * grid ** (-torch.arange(head // 4) / (head // 4))
    row, column = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    angles = torch.cat([row.reshape(-1, 1) * rates, column.reshape(-1, 1) * rates], 1)
    with torch.no_grad():
        model.conv_proj.weight.zero_()
        model.conv_proj.weight[:kept] = weight.view(kept, *model.conv_proj.weight.shape[1:])
        model.conv_proj.bias.zero_()
        model.conv_proj.bias[:kept] = -weight @ mean
        position = model.encoder.pos_embedding[0]
        position[:, kept:] = 0
        position[1:, :kept] = 0
        position[1:, kept:] = 2**0.5 * torch.cat([angles.sin(), angles.cos()], 1)
        sides, corners = [(-1, 0), (0, -1), (0, 1), (1, 0)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]
        for block, offsets in zip(model.encoder.layers, (sides, corners, sides, corners)):
            projection = block.self_attention.in_proj_weight
            projection[: 2 * width, :kept] *= 0.5
            for i, (down, right) in enumerate(offsets):
                turn = torch.cat([down * rates, right * rates])
                cos, sin = turn.cos().diag(), turn.sin().diag()
                query = torch.cat([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)])
                projection[i * head : (i + 1) * head, kept:] = 1.6 * query
                projection[width + i * head : width + (i + 1) * head, kept:] = 1.6 * torch.eye(head)


class Muon(torch.optim.Optimizer):
    """Momentum whose step for each matrix is made orthogonal (Jordan et al. 2024), at the size of an AdamW step.

    PyTorch's own computes in bfloat16, which these processors only emulate, and takes no convolutions.
    """

    def __init__(self, params, lr, decay, momentum=0.95):
        super().__init__(params, {"lr": lr, "decay": decay, "momentum": momentum})

    @staticmethod
    def orthogonal(matrix):
        wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        wide = wide / (wide.norm() + 1e-7)
        for _ in range(5):
            square = wide @ wide.T
            wide = 3.4445 * wide + (-4.7750 * square + 2.0315 * square @ square) @ wide
        return wide if matrix.shape[0] <= matrix.shape[1] else wide.T

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                moving = self.state[p].setdefault("moving", torch.zeros_like(p))
                moving.lerp_(p.grad, 1 - group["momentum"])
                direction = self.orthogonal(p.grad.lerp(moving, group["momentum"]).flatten(1))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(direction.view_as(p), alpha=-0.2 * max(direction.shape) ** 0.5 * group["lr"])


def optimizers(model, head, options):
    """Muon for the weights between the first layer and the last, AdamW for the rest."""
    named = list(model.named_parameters())
    edges = {named[0][0], "conv1.weight", "conv_proj.weight", "classifier.6.weight", "fc.weight", "heads.head.weight"}
    hidden = [p for name, p in named if p.ndim in (2, 4) and name not in edges]
    others = [p for name, p in named if p.ndim not in (2, 4) or name in edges]
    others += list(head.parameters()) if head else []
    return [
        Muon(hidden, lr=options.rate, decay=options.decay),
        torch.optim.AdamW(others, lr=options.rate, weight_decay=0.0),
    ]


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(options.seed)
    load = pools(options)
    held_scenes, _, held_targets = [part[:2500] for part in load(options.shards)]
    model = FAMILIES[options.family]()
    tutor = None
    if options.family == "vit":
        start(model, load(0)[0][:2000])
        tutor = Tutor(model, options.teacher, options.work / f"{options.teacher}.pt")
    else:
        model = model.to(memory_format=torch.channels_last)
    print(options.family, sum(p.numel() for p in model.parameters()), "parameters")
    steppers = optimizers(model, tutor.heads if tutor else None, options)
    steps = options.epochs * (options.shard // options.batch)
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(
            stepper, options.rate, total_steps=steps, pct_start=0.1, cycle_momentum=False
        )
        for stepper in steppers
    ]
    started = time.time()
    for epoch in range(options.epochs):
        scenes, owners, targets = load(epoch % options.shards)
        model.train()
        total = told_total = 0.0
        order = torch.randperm(len(scenes), generator=generator)
        parts = order[: len(order) // options.batch * options.batch].split(options.batch)
        for part in parts:
            inputs, whose = augmented(scenes[part], owners[part], generator)
            goals = tutor.targets(inputs, targets[part]) if tutor else targets[part]
            loss = cross_entropy(model(inputs), goals)
            total += loss.item()
            if tutor:
                told = tutor.loss(whose, held=1 - schedules[0].last_epoch / steps)
                told_total += told.item()
                loss = loss + told
            for stepper in steppers:
                stepper.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for stepper, schedule in zip(steppers, schedules):
                stepper.step()
                schedule.step()
        model.eval()
        print(
            f"epoch {epoch + 1} loss {total / len(parts):.4f} told {told_total / len(parts):.4f}"
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
    parser.add_argument("--shard", type=int, default=10000, help="scenes a pool")
    parser.add_argument("--shards", type=int, default=9, help="pools to train on; one more is only looked at")
    parser.add_argument("--epochs", type=int, help="an epoch is one pool")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--teacher", choices=Tutor.MAPS, default="vgg", help="the trained family a vit learns from")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    epochs, batch, rate = RECIPES[options.family]
    options.epochs = options.epochs or epochs
    options.batch = options.batch or batch
    options.rate = options.rate or rate
    train(options)


if __name__ == "__main__":
    main()
