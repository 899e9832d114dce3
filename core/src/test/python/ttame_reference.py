"""T-TAME in plain PyTorch: the method as its paper states it, one operation after the other.

An independent oracle for the Java implementation: nothing here is shared with it, nothing is
optimised. Layout is PyTorch's (NCHW). Used by the generators of golden values beside this file and
by those of other modules:

    sys.path.insert(0, ".../core/src/test/python"); import ttame_reference as ttame

Array names are those of the ``*.npz`` files: branch.{i}.conv.weight, branch.{i}.conv.bias,
branch.{i}.bn.{weight,bias,running_mean,running_var}, fusion.weight, fusion.bias.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

VARIANTS = ("proposed", "no-skip", "no-skip-no-bn", "sigmoid", "two-maps", "one-map", "lcam")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def kept_maps(variant, count):
    """Which of `count` selected maps (latest last) a variant reads, as indices."""
    kept = {"two-maps": 2, "one-map": 1, "lcam": 1}.get(variant, count)
    if kept > count:
        raise ValueError(f"{variant} needs {kept} maps, got {count}")
    return list(range(count - kept, count))


def adapt(feature):
    """Feature map adapter. [B,C,h,w] as it is; tokens [B,1+N,D] -> [B,D,sqrt N,sqrt N]."""
    if feature.dim() == 4:
        return feature
    patches = feature[:, 1:, :]
    side = math.isqrt(patches.shape[1])
    assert side * side == patches.shape[1], "the patches are no square"
    return patches.transpose(1, 2).reshape(feature.shape[0], feature.shape[2], side, side)


class Branch(nn.Module):
    """conv 1x1 -> BN -> + input -> activation."""

    def __init__(self, channels, variant):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.bn = None if variant == "no-skip-no-bn" else nn.BatchNorm2d(channels)
        self.skip = variant not in ("no-skip", "no-skip-no-bn")
        self.activation = torch.sigmoid if variant == "sigmoid" else torch.relu

    def forward(self, x):
        y = self.conv(x)
        if self.bn is not None:
            y = self.bn(y)
        if self.skip:
            y = y + x
        return self.activation(y)


class AttentionMechanism(nn.Module):
    """Feature maps -> pre-sigmoid maps of all classes [B,K,h,w], h x w of the largest map.

    `channels` are those of all selected maps; forward takes all of them and drops what the variant
    drops. L-CAM has no branches: its one 1x1 convolution is called fusion.
    """

    def __init__(self, channels, classes, variant="proposed"):
        super().__init__()
        assert variant in VARIANTS, variant
        self.variant = variant
        self.kept = kept_maps(variant, len(channels))
        channels = [channels[i] for i in self.kept]
        self.branch = nn.ModuleList()
        if variant != "lcam":
            self.branch.extend(Branch(c, variant) for c in channels)
        self.fusion = nn.Conv2d(sum(channels), classes, 1)

    def forward(self, features):
        maps = [adapt(features[i]) for i in self.kept]
        if self.variant != "lcam":
            maps = [branch(m) for branch, m in zip(self.branch, maps)]
        h = max(m.shape[2] for m in maps)
        w = max(m.shape[3] for m in maps)
        maps = [
            m
            if m.shape[2:] == (h, w)
            else F.interpolate(m, size=(h, w), mode="bilinear", align_corners=False)
            for m in maps
        ]
        return self.fusion(torch.cat(maps, dim=1))

    def parameter_count(self):
        return sum(p.numel() for p in self.parameters())


def arrays(mechanism):
    """The arrays of an npz file, float32."""
    return {
        name: value.detach().to(torch.float32).numpy()
        for name, value in mechanism.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def load_arrays(mechanism, values):
    """Inverse of `arrays`; keeps the mechanism's dtype."""
    state = mechanism.state_dict()
    for name in state:
        if not name.endswith("num_batches_tracked"):
            state[name].copy_(torch.from_numpy(np.asarray(values[name])).to(state[name].dtype))


def min_max(z):
    """Inference: each map [..,h,w] to [0,1] at its own resolution; a constant one to zeros."""
    low = z.amin(dim=(-2, -1), keepdim=True)
    span = z.amax(dim=(-2, -1), keepdim=True) - low
    return torch.where(span > 0, (z - low) / torch.where(span > 0, span, torch.ones_like(span)), torch.zeros_like(z))


def standardise(unit, mean, std):
    shape = (1, 3, 1, 1)
    mean = torch.as_tensor(mean, dtype=unit.dtype).view(shape)
    std = torch.as_tensor(std, dtype=unit.dtype).view(shape)
    return (unit - mean) / std


def mask_images(e, unit, masking, mean=IMAGENET_MEAN, std=IMAGENET_STD):
    """Standardised masked images [B,3,H,W] from maps e [B,h,w] in [0,1] and images in [0,1]."""
    e = F.interpolate(e[:, None], size=unit.shape[2:], mode="bilinear", align_corners=False)
    if masking == "cnn":  # Eq. 13
        return standardise(e * unit, mean, std)
    if masking == "vit":  # Eq. 14
        return e * standardise(unit, mean, std)
    raise ValueError(masking)


def select(z, psi):
    """Pre-sigmoid maps [B,M,h,w] of the classes psi [B,M]."""
    return torch.stack([z[b, psi[b]] for b in range(z.shape[0])])


def area_and_variation(z, mode, lambda4=0.3):
    """E(Psi) of Eq. 16 and V of Eq. 17 from pre-sigmoid maps of Psi [B,M,h,w]."""
    e = torch.sigmoid(z)
    dy = ((e[..., 1:, :] - e[..., :-1, :]) ** 2).sum()
    dx = ((e[..., :, 1:] - e[..., :, :-1]) ** 2).sum()
    if mode == "paper":
        area = torch.exp(lambda4 * F.logsigmoid(z)).mean()
        variation = (dy + dx) / (2 * z[0].numel()) / z.shape[0]
    elif mode == "released":
        area = ((e + 5e-4) ** lambda4).mean()
        border = (
            (e[..., 0, :] ** 2).sum()
            + (e[..., -1, :] ** 2).sum()
            + (e[..., :, 0] ** 2).sum()
            + (e[..., :, -1] ** 2).sum()
        )
        variation = (dy + dx + 0.3 * border) / (2 * z.shape[0])
    else:
        raise ValueError(mode)
    return area, variation


def released_psi(y):
    """Every image: its own class, then the predicted classes of the other images in order."""
    y = y.tolist()
    return torch.tensor([[y[b]] + y[:b] + y[b + 1 :] for b in range(len(y))])


def paper_psi(y, classes, generator):
    """Every image: its own class, then min(B,K)-1 others drawn without replacement."""
    rows = []
    for own in y.tolist():
        others = [c for c in torch.randperm(classes, generator=generator).tolist() if c != own]
        rows.append([own] + others[: min(len(y), classes) - 1])
    return torch.tensor(rows)


def loss_terms(mechanism, features, unit, psi, classify, y, masking, mode,
               lambdas=(1.5, 2.0, 0.005, 0.3), mean=IMAGENET_MEAN, std=IMAGENET_STD):
    """One forward pass of the loss (Eq. 11).

    :param features: the selected maps of the clean images, without gradient
    :param psi: [B,M], own class first
    :param classify: standardised images -> logits; frozen, in evaluation mode
    :returns: dict of loss, ce, area, variation (tensors), maps z [B,M,h,w] and masked images
    """
    z = select(mechanism(features), psi)
    masked = mask_images(torch.sigmoid(z[:, 0]), unit, masking, mean, std)
    ce = F.cross_entropy(classify(masked), y)
    area, variation = area_and_variation(z, mode, lambdas[3])
    loss = lambdas[0] * ce + lambdas[1] * (area + lambdas[2] * variation)
    return {"loss": loss, "ce": ce, "area": area, "variation": variation, "z": z, "masked": masked}


def make_optimizer(mechanism, weight_decay=5e-4, momentum=0.9, lr=1e-3):
    """SGD with Nesterov momentum; no decay on parameters named bias, BN weights decay."""
    decay = [p for n, p in mechanism.named_parameters() if not n.endswith("bias")]
    plain = [p for n, p in mechanism.named_parameters() if n.endswith("bias")]
    groups = [{"params": decay, "weight_decay": weight_decay}]
    if plain:
        groups.append({"params": plain, "weight_decay": 0.0})
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=True)


def make_schedule(optimizer, total_steps, max_lr=1e-3):
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=max_lr, total_steps=total_steps, pct_start=0.3, anneal_strategy="cos",
        cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
        final_div_factor=1e4)


def train(mechanism, backbone, batches, total_steps, masking, mode, psi_of_step=None, generator=None,
          max_lr=1e-3, lambdas=(1.5, 2.0, 0.005, 0.3), mean=IMAGENET_MEAN, std=IMAGENET_STD):
    """The protocol, one step a batch; yields a dict of plain numbers after each step.

    :param backbone: standardised images [B,3,H,W] -> (logits [B,K], list of selected feature maps)
    :param batches: iterable of unit images [B,3,H,W]
    :param psi_of_step: step -> classes [B,M] (own first) to inject; None draws as the mode says
    """
    optimizer = make_optimizer(mechanism, lr=max_lr)
    schedule = make_schedule(optimizer, total_steps, max_lr)
    mechanism.train()
    for step, unit in enumerate(batches):
        with torch.no_grad():
            logits, features = backbone(standardise(unit, mean, std))
        y = logits.argmax(dim=1)
        if psi_of_step is not None:
            psi = torch.as_tensor(psi_of_step(step))
        elif mode == "released":
            psi = released_psi(y)
        else:
            psi = paper_psi(y, logits.shape[1], generator)
        terms = loss_terms(mechanism, features, unit, psi, lambda x: backbone(x)[0], y, masking, mode,
                           lambdas, mean, std)
        optimizer.zero_grad()
        terms["loss"].backward()
        used = optimizer.param_groups[0]
        record = {"step": step, "lr": used["lr"], "momentum": used["momentum"], "psi": psi.numpy()}
        record.update({k: terms[k].item() for k in ("loss", "ce", "area", "variation")})
        optimizer.step()
        if step + 1 < total_steps:
            schedule.step()
        yield record
