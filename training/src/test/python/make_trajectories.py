"""Twenty training steps of a tiny member of each family in plain PyTorch, in double precision.

Run from the module's folder: python src/test/python/make_trajectories.py
Writes src/test/resources/trajectory/MEMBER.onnx, MEMBER-init.npz and MEMBER.npz:
  images             uint8 [20, 3, S, S]; step t trains on images 4t .. 4t+3, modulo 20
  RUN.psi            int32 [20, 4, M], the classes of each step
  RUN.loss, .ce, .area, .variation   float64 [20]
  RUN.final.NAME     the mechanism's arrays after the last step
  max_lr             the largest learning rate
RUN is paper (the family's own masking) or released (the other family's).

A ReLU's input, or the lead of a pooled maximum, within rounding of zero makes the gradient a matter of
luck, and some trajectories magnify rounding: images are drawn until no kink comes closer than MARGIN
deviations and PyTorch in single precision stays within AGREEMENT of itself in double.

The members are those of the backbones module, the method is ttame_reference.py of core.
"""

import io
import pathlib
import sys
import warnings

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "core/src/test/python"), str(ROOT / "backbones/src/test/python")]
import members  # noqa: E402
import ttame_reference as ttame  # noqa: E402

warnings.filterwarnings("ignore")
OUT = pathlib.Path("src/test/resources/trajectory")
STEPS, BATCH, IMAGES, MARGIN, AGREEMENT = 20, 4, 20, 5e-7, 2e-5
MAX_LR = {"vgg": 0.02, "resnet": 0.02, "vit": 0.005}
SIDES = {"vgg": 32, "resnet": 64, "vit": 32}
MASKINGS = {"vgg": ("cnn", "vit"), "resnet": ("cnn", "vit"), "vit": ("vit", "cnn")}


closest = [1.0]


def watched_relu(x, inplace=False):
    closest.append(float(x.detach().abs().min() / x.detach().std()))
    return relu(x)


def watched_max_pool(x, kernel, stride=None, padding=0, *args, **kwargs):
    size, step = (kernel, stride or kernel)
    y = x.detach()
    padded = torch.nn.functional.pad(y, (padding,) * 4, value=-1e9)
    windows = torch.nn.functional.unfold(padded.reshape(-1, 1, *padded.shape[2:]), size, stride=step)
    first, second = windows.topk(2, dim=1).values.unbind(1)
    lead = (first - second)[first > 0]  # where all are cut off by the ReLU no gradient flows
    closest.append(float(lead.min() / y.std()))
    return max_pool(x, kernel, step, padding)


max_pool, relu, functional_relu = torch.nn.functional.max_pool2d, torch.relu, torch.nn.functional.relu


def watch(on):
    torch.relu = watched_relu if on else relu
    torch.nn.functional.relu = watched_relu if on else functional_relu
    torch.nn.functional.max_pool2d = watched_max_pool if on else max_pool


def layers(member, model):
    if member == "vgg":
        return [model.features[i] for i in (2, 5, 10)]
    if member == "resnet":
        return [model.layer2, model.layer3, model.layer4]
    return list(model.encoder.layers)[-3:]


def head(member, model):
    return {"vgg": lambda: model.classifier[-1], "resnet": lambda: model.fc, "vit": lambda: model.heads[-1]}[member]()


def calibrate(member, model, standardised):
    """Logits of zero mean and deviation 1.5 over the images, so that no class is certain or always first."""
    with torch.no_grad():
        if member == "vit":
            for name, parameter in model.named_parameters():
                if name.endswith(("out_proj.weight", "mlp.3.weight")):
                    parameter.mul_(0.3)
        if member == "resnet":  # random blocks add up to activations in the thousands
            for name, parameter in model.named_parameters():
                if name.endswith("bn3.weight") or name.endswith("downsample.1.weight"):
                    parameter.mul_(0.25)
        linear = head(member, model)
        logits = model(standardised)
        scale = 1.5 / logits.std(dim=0, correction=0)
        linear.weight.mul_(scale[:, None])
        linear.bias.copy_((linear.bias - logits.mean(dim=0)) * scale)
    return model


def pictures(side, rng):
    """Smooth colours with noise: uint8 [IMAGES, 3, side, side]."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (IMAGES, 3, 4, 4)))
    smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
    return (smooth + torch.from_numpy(rng.normal(0, 12, smooth.shape))).clamp(0, 255).round().to(torch.uint8)


def trajectory(model, member, run, masking, unit, init, dtype):
    """The records of all steps and the trained mechanism; None where a kink comes too close."""
    model = model.to(dtype)
    seen = {}
    hooks = [
        layer.register_forward_hook(lambda module, args, output, i=i: seen.__setitem__(i, output))
        for i, layer in enumerate(layers(member, model))
    ]

    def backbone(x):
        logits = model(x)
        return logits, [seen[i] for i in sorted(seen)]

    widths = [array.shape[0] for name, array in init.items() if name.endswith("conv.bias")]
    mechanism = ttame.AttentionMechanism(widths, members.CLASSES).to(dtype)
    ttame.load_arrays(mechanism, init)
    unit = unit.to(dtype)
    batches = (unit[[(BATCH * t + b) % IMAGES for b in range(BATCH)]] for t in range(STEPS))
    records = []
    closest[:] = [1.0]
    for record in ttame.train(
            mechanism, backbone, batches, STEPS, masking, run, max_lr=MAX_LR[member],
            generator=torch.Generator().manual_seed(17)):
        records.append(record)
        if min(closest) < MARGIN:
            break
    for hook in hooks:
        hook.remove()
    return (records, mechanism) if len(records) == STEPS else None


def run_member(member, seed):
    """Everything for the test, or None where these images will not do."""
    side = SIDES[member]
    members.SIDE = side
    images = pictures(side, np.random.default_rng(seed))
    unit = images.double() / 255
    standardised = ttame.standardise(unit, ttame.IMAGENET_MEAN, ttame.IMAGENET_STD)
    model = calibrate(member, members.make(member), standardised.float())
    onnx = io.BytesIO()
    watch(False)
    torch.onnx.export(
        model, torch.zeros(1, 3, side, side), onnx, opset_version=17, input_names=["input"],
        output_names=["logits"], dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}}, dynamo=False)
    watch(True)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    channels = {"vgg": [4, 6, 8], "resnet": [12, 16, 20], "vit": [12, 12, 12]}[member]
    torch.manual_seed(8)
    init = ttame.arrays(ttame.AttentionMechanism(channels, members.CLASSES))
    golden = {"images": images.numpy(), "max_lr": np.array(MAX_LR[member])}
    for run, masking in zip(("paper", "released"), MASKINGS[member]):
        single, double = (
            trajectory(model, member, run, masking, unit, init, d) for d in (torch.float32, torch.float64))
        if single is None or double is None:
            return None
        records, mechanism = double
        for term in ("loss", "ce", "area", "variation"):
            golden[f"{run}.{term}"] = np.array([r[term] for r in records])
        agreement = np.abs([r["loss"] for r in single[0]] / golden[f"{run}.loss"] - 1).max()
        if agreement > AGREEMENT:
            return None
        golden[f"{run}.psi"] = np.stack([r["psi"] for r in records]).astype(np.int32)
        for name, value in ttame.arrays(mechanism).items():
            golden[f"{run}.final.{name}"] = value
        print(member, "images", seed, run, masking, "single precision differs by %.1e" % agreement)
        print("  ", [round(r["loss"], 3) for r in records])
    return onnx.getvalue(), init, golden


OUT.mkdir(parents=True, exist_ok=True)
for member in SIDES:
    onnx, init, golden = next(filter(None, (run_member(member, seed) for seed in range(1, 1000))))
    (OUT / f"{member}.onnx").write_bytes(onnx)
    np.savez(OUT / f"{member}-init.npz", **init)
    np.savez_compressed(OUT / f"{member}.npz", **golden)
