"""Golden values of attention, masking and loss: attention.npz beside the tests.

    python make_attention_golden.py        # writes attention.npz into core/method's resources

Everything is computed in double precision from inputs and parameters that are exact in float32, so
the values are the exact answer as far as float32 can hold it. Instead of a classifier the masked
images meet a fixed cotangent G = dCE/dmasked: what is differentiated is
lambda1 * <G, masked> + lambda2 * (area + lambda3 * variation).

Keys: NAME~input.* , NAME~param.<npz name> , NAME~out.* , NAME~grad.<npz name> , NAME~stat.<npz name>
(running statistics after one training pass), where NAME is VARIANT.MASKING.LOSS[.tokens].
Feature maps are stored as [B,h,w,C] or tokens [B,1+N,D], images as [B,H,W,3], maps as [B,M,h,w].
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

import ttame_reference as ttame

OUT = pathlib.Path(__file__).parent / "../../../method/src/test/resources/org/ttame/core/attention"
BATCH, CLASSES, SIDE = 4, 7, 13
MAPS = [(6, 8, 8), (5, 5, 5), (9, 3, 3)]  # channels, height, width: ratios that are no integers
TOKENS = (6, 4)  # width, patches a side


def exact32(generator, *shape, low=None):
    values = torch.randn(*shape, generator=generator, dtype=torch.float32)
    return (values if low is None else values.clamp_min(low)).double()


def features_of(generator, tokens):
    if tokens:
        width, side = TOKENS
        return [exact32(generator, BATCH, 1 + side * side, width) for _ in range(3)]
    return [exact32(generator, BATCH, *shape, low=0.0) for shape in MAPS]


def nhwc(t):
    return t.detach().permute(0, 2, 3, 1) if t.dim() == 4 else t.detach()


def f32(t):
    return np.ascontiguousarray(t.detach().to(torch.float32).numpy())


def case(name, seed, variant, masking, mode, tokens=False):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    features = features_of(generator, tokens)
    channels = [TOKENS[0]] * 3 if tokens else [m[0] for m in MAPS]
    mechanism = ttame.AttentionMechanism(channels, CLASSES, variant)
    with torch.no_grad():
        # Away from the initial values: every parameter and statistic must matter.
        for key, value in mechanism.state_dict().items():
            if key.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif key.endswith("running_mean"):
                value.copy_(torch.randn(value.shape, generator=generator) * 0.3)
            elif ".bn." in key and "num" not in key:
                value.add_(torch.randn(value.shape, generator=generator) * 0.3)
            elif key == "fusion.bias":
                value.sub_(0.5)
            elif key == "fusion.weight":
                value.mul_(2)
    out = {f"{name}~param.{k}": v.copy() for k, v in ttame.arrays(mechanism).items()}
    mechanism = mechanism.double()
    unit = torch.rand(BATCH, 3, SIDE, SIDE, generator=generator).double()
    cotangent = exact32(generator, BATCH, 3, SIDE, SIDE) * 2**-8
    y = torch.randint(CLASSES, (BATCH,), generator=generator)
    y[1] = y[0]  # two images of one class: its row gets two gradients
    psi = ttame.released_psi(y) if mode == "released" else ttame.paper_psi(y, CLASSES, generator)

    with torch.no_grad():
        mechanism.eval()
        z_eval = mechanism(features)
        low = ttame.min_max(z_eval)
        mechanism.train()

    z = ttame.select(mechanism(features), psi)
    masked = ttame.mask_images(torch.sigmoid(z[:, 0]), unit, masking)
    area, variation = ttame.area_and_variation(z, mode)
    objective = 1.5 * (cotangent * masked).sum() + 2.0 * (area + 0.005 * variation)
    objective.backward()

    for i, feature in enumerate(features):
        out[f"{name}~input.feature.{i}"] = f32(nhwc(feature))
    out[f"{name}~input.images"] = f32(nhwc(unit))
    out[f"{name}~input.cotangent"] = f32(nhwc(cotangent))
    out[f"{name}~input.psi"] = psi.numpy().astype(np.int32)
    out[f"{name}~out.maps"] = f32(z_eval)
    out[f"{name}~out.minmax"] = f32(low)
    out[f"{name}~out.upsampled"] = f32(
        F.interpolate(low[:, :1], size=(SIDE, SIDE), mode="bilinear", align_corners=False))
    out[f"{name}~out.masked"] = f32(nhwc(masked))
    out[f"{name}~out.area"] = f32(area).reshape(1)
    out[f"{name}~out.variation"] = f32(variation).reshape(1)
    for key, parameter in mechanism.named_parameters():
        out[f"{name}~grad.{key}"] = f32(parameter.grad)
    for key, value in mechanism.state_dict().items():
        if "running" in key:
            out[f"{name}~stat.{key}"] = f32(value)
    return out


def resize_case(out):
    """Bilinear upsampling by itself: sizes up, equal, odd ratios, one pixel."""
    generator = torch.Generator().manual_seed(3)
    for h, w, to_h, to_w in [(7, 7, 28, 28), (14, 14, 40, 56), (5, 3, 11, 19), (1, 4, 6, 4), (8, 8, 8, 8)]:
        x = exact32(generator, 2, h, w)
        name = f"resize~{h}x{w}.{to_h}x{to_w}"
        out[name + "~input"] = f32(x)
        y = F.interpolate(x[:, None], size=(to_h, to_w), mode="bilinear", align_corners=False)[:, 0]
        out[name + "~output"] = f32(y)


def main():
    out = {}
    combinations = [(v, "cnn", "paper", False) for v in ttame.VARIANTS]
    combinations += [("proposed", "vit", "paper", True), ("proposed", "cnn", "released", False),
                     ("proposed", "vit", "released", True), ("lcam", "vit", "released", True)]
    for seed, (variant, masking, mode, tokens) in enumerate(combinations):
        name = f"{variant}.{masking}.{mode}" + (".tokens" if tokens else "")
        out.update(case(name, seed, variant, masking, mode, tokens))
    resize_case(out)
    OUT.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUT / "attention.npz", **out)
    print(len(out), "arrays,", (OUT / "attention.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
