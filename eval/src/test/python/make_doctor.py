"""Golden values of `ttame doctor`: what PyTorch, in double precision, and Pillow make of small inputs.

Run from the repository's root: python eval/src/test/python/make_doctor.py
Writes eval/services/src/main/resources/org/ttame/services/doctor/:
  OPERATOR.onnx      a classifier of 8x8 images around one operator that ND4J, or a library beneath it, gets wrong
                     or leaves out; FAMILY.onnx a tiny member of each family
  golden.npz         NAME.images, uint8 [B,H,W,3], for (byte - 128) / 64, NAME.labels, NAME.logits, NAME.gradient of the mean
                     cross-entropy at the images; FAMILY.units, .psi, .loss of two training steps, FAMILY.init.*;
                     FILE.pixels, uint8 [h,w,3]
  FILE               pictures of every format, from the decoders' tests
"""

import io
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
import torch
from PIL import Image
from torch import nn

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[4]
OUT = ROOT / "eval/services/src/main/resources/org/ttame/services/doctor"
DECODE = ROOT / "core/image/src/test/resources/org/ttame/core/image/decode"
sys.path[:0] = [str(ROOT / "core/src/test/python"), str(ROOT / "backbones/src/test/python")]
import members  # noqa: E402
import ttame_reference as ttame  # noqa: E402

PICTURES = ["16bit-type2.png", "palette-200.png", "progressive-422.jpg", "baseline-420.jpg", "lossy.webp", "lossless.webp",
            "animated.gif", "32bit.bmp"]
CLASSES, SIDE, BATCH = 5, 8, 2
SIDES = {"vgg": 32, "resnet": 64, "vit": 32}
WIDTHS = {"vgg": [4, 6, 8], "resnet": [12, 16, 20], "vit": [12, 12, 12]}
STEPS, BATCH_OF_STEP, MAX_LR = 2, 2, 0.02


class Around(nn.Module):
    """A convolution, the operator, another convolution, the mean over places, a linear layer."""

    def __init__(self, operator, channels=6, before=6):
        super().__init__()
        self.stem = nn.Conv2d(3, before, 3, padding=1)
        self.operator = operator
        self.head = nn.Conv2d(channels, 8, 1)
        self.last = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = torch.tanh(self.head(self.operator(self.stem(x))))
        return self.last(x.mean((2, 3)))


class Below(nn.Module):
    """Max pooling of values that are all negative: padding must not win."""

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x):
        return self.pool(x - 20) + 20


class LayerNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6, eps=1e-6)
        nn.init.normal_(self.norm.weight, 1, 0.2)
        nn.init.normal_(self.norm.bias, 0, 0.2)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1) * 0.01).permute(0, 3, 1, 2)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(6, 18)

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(tokens).split(6, 2)
        weights = (q @ k.transpose(1, 2) * 2).softmax(2)
        return (weights @ v).transpose(1, 2).reshape(x.shape)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def batch_norm():
    norm = nn.BatchNorm2d(6)
    nn.init.normal_(norm.weight, 1, 0.2)
    nn.init.normal_(norm.bias, 0, 0.2)
    norm.running_mean.normal_(0, 0.3)
    norm.running_var.uniform_(0.3, 2)
    return norm


OPERATORS = {
    "max-pool-padding": lambda: Around(Below(nn.MaxPool2d(3, 2, 1))),
    "max-pool-ceil": lambda: Around(Below(nn.MaxPool2d(3, 2, ceil_mode=True))),
    "average-pool-padding": lambda: Around(nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    "gelu": lambda: Around(nn.GELU()),
    "layer-norm": lambda: Around(LayerNorm()),
    "batch-norm": lambda: Around(nn.Sequential(nn.SiLU(), batch_norm())),
    "softmax": lambda: Around(Attention()),
    "tanh-near-zero": lambda: Around(Function(lambda x: torch.tanh(x * 1e-3) * 1e3)),
    "hard-sigmoid": lambda: Around(nn.Hardsigmoid()),
    "maximum-broadcast": lambda: Around(Function(lambda x: torch.maximum(x, x.mean((2, 3), keepdim=True)))),
    "convolution-stride-2": lambda: Around(nn.Conv2d(6, 6, 3, 2, 1)),
    "convolution-7-stride-2": lambda: Around(nn.Conv2d(6, 6, 7, 2, 3)),
    "convolution-1-stride-2": lambda: Around(nn.Conv2d(6, 6, 1, 2)),
    "convolution-groups": lambda: Around(nn.Conv2d(6, 6, 3, 1, 1, groups=2)),
    "convolution-depthwise": lambda: Around(nn.Conv2d(6, 6, 3, 2, 1, groups=6)),
    "convolution-dilated": lambda: Around(nn.Conv2d(6, 6, 3, 1, 2, dilation=2)),
    "resize-bilinear": lambda: Around(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)),
}


def answers(model, images, labels, dtype=torch.float64):
    """Logits, and the gradient of the mean cross-entropy at the images."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(dtype).requires_grad_()
    logits = model.to(dtype)(x)
    nn.functional.cross_entropy(logits, torch.from_numpy(labels).long()).backward()
    return logits.detach().numpy(), x.grad.permute(0, 2, 3, 1).numpy().copy()


def export(model, side, file):
    buffer = io.BytesIO()
    torch.onnx.export(
        model, torch.zeros(1, 3, side, side), buffer, opset_version=17, dynamo=False, input_names=["images"],
        output_names=["logits"], dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
    )
    graph = onnx.load_from_string(buffer.getvalue())
    graph.doc_string = ""
    file.write_bytes(graph.SerializeToString())


def pixels(random, side):
    """Standardised images, and the bytes that stand for them: (byte - 128) / 64, which is exact."""
    bytes_ = random.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)
    return (bytes_.astype(np.float32) - 128) / 64, bytes_


def operators(golden):
    for number, (name, make) in enumerate(OPERATORS.items()):
        torch.manual_seed(number)
        model = make().eval()
        export(model, SIDE, OUT / f"{name}.onnx")
        random = np.random.default_rng(number)
        images, bytes_ = pixels(random, SIDE)
        labels = random.integers(0, CLASSES, BATCH).astype(np.int32)
        logits, gradient = answers(model, images, labels)
        golden |= {f"{name}.images": bytes_, f"{name}.labels": labels, f"{name}.logits": logits,
                   f"{name}.gradient": gradient.astype(np.float32)}


def layers(member, model):
    if member == "vgg":
        return [model.features[i] for i in (2, 5, 10)]
    if member == "resnet":
        return [model.layer2, model.layer3, model.layer4]
    return list(model.encoder.layers)[-3:]


def calmed(model):
    """Random residual blocks add up to logits in the hundreds, of which no loss is left."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("bn3.weight", "downsample.1.weight")):
                parameter.mul_(0.25)
    return model


def families(golden):
    for member, side in SIDES.items():
        members.SIDE = side
        model = calmed(members.make(member))
        export(model, side, OUT / f"{member}.onnx")
        for seed in range(1000):  # until no ReLU's input and no pooled maximum's lead is within rounding of zero
            random = np.random.default_rng(seed)
            images, bytes_ = pixels(random, side)
            labels = random.integers(0, members.CLASSES, BATCH).astype(np.int32)
            _, single = answers(model.float(), images, labels, torch.float32)
            logits, gradient = answers(model, images, labels)
            units = random.integers(0, 256, (STEPS, BATCH_OF_STEP, side, side, 3)).astype(np.uint8)
            trained = training(member, model, units)
            if np.abs(single - gradient).max() < 1e-6 * np.abs(gradient).max() and trained is not None:
                break
        else:
            raise SystemExit(f"no images for {member}")
        golden |= {f"{member}.images": bytes_, f"{member}.labels": labels, f"{member}.logits": logits,
                   f"{member}.gradient": gradient.astype(np.float32), f"{member}.units": units}
        golden |= {f"{member}.{key}": value for key, value in trained.items()}


def training(member, model, units):
    """The losses of two steps; None where single precision gives others."""
    found = {}
    for dtype in (torch.float32, torch.float64):
        model.to(dtype)
        seen = {}
        hooks = [
            layer.register_forward_hook(lambda module, args, output, i=i: seen.__setitem__(i, output))
            for i, layer in enumerate(layers(member, model))
        ]
        torch.manual_seed(8)
        mechanism = ttame.AttentionMechanism(WIDTHS[member], members.CLASSES)
        init = ttame.arrays(mechanism)
        batches = (torch.from_numpy(step).permute(0, 3, 1, 2).to(dtype) / 255 for step in units)
        found[dtype] = list(ttame.train(
            mechanism.to(dtype), lambda x: (model(x), [seen[i] for i in sorted(seen)]), batches, STEPS,
            "vit" if member == "vit" else "cnn", "paper", max_lr=MAX_LR,
            generator=torch.Generator().manual_seed(17)))
        for hook in hooks:
            hook.remove()
    losses = {dtype: np.array([step["loss"] for step in steps]) for dtype, steps in found.items()}
    if np.abs(losses[torch.float32] / losses[torch.float64] - 1).max() > 2e-6:
        return None
    return {"psi": np.stack([step["psi"] for step in found[torch.float64]]).astype(np.int32),
            "loss": losses[torch.float64], "max_lr": np.array(MAX_LR)} | {f"init.{k}": v for k, v in init.items()}


def decoders(golden):
    for name in PICTURES:
        shutil.copyfile(DECODE / name, OUT / name)
        golden[f"{name}.pixels"] = np.asarray(Image.open(DECODE / f"{name}.rgb.png").convert("RGB"))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    arrays = {}
    operators(arrays)
    families(arrays)
    decoders(arrays)
    np.savez_compressed(OUT / "golden.npz", **arrays)
