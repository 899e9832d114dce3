"""The first training step of the three full-size backbones, in plain PyTorch and double precision.

Run from the module's folder: python src/test/python/make_fullsize_golden.py
Writes src/test/resources/trajectory/fullsize.json. No weights are stored: all come from the formula
of formula_arrays.py, by the rules of `fill`, which FullSizeStepTest repeats in Java.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torchvision

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "core/src/test/python"))
import formula_arrays  # noqa: E402
import ttame_reference as ttame  # noqa: E402

OUT = pathlib.Path("src/test/resources/trajectory/fullsize.json")
BATCH, CLASSES, SIDE, BLOCK = 2, 1000, 224, 16


def fill(name, shape):
    """Weights that keep activations of order one; residual branches add little."""
    u = formula_arrays.uniform(name, shape)
    if name.endswith("bias"):
        return u * np.float32(0.05)
    if ".ln" in name:
        return u * np.float32(0.2) + np.float32(1)
    if name.endswith(("pos_embedding", "class_token")):
        return u * np.float32(0.5)
    fan_in = int(np.prod(shape[1:]))
    gain = 0.6 if name.startswith("fc") else 3.0 if name.startswith(("encoder", "conv_proj", "heads")) else 6.0
    if name.endswith(("conv3.weight", "out_proj.weight", "mlp.3.weight")):
        gain *= 0.1
    return u * np.float32(math.sqrt(gain / fan_in))


def backbone(name):
    model = getattr(torchvision.models, name)(weights=None).eval()
    with torch.no_grad():
        for key, module in model.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # only adds its bias
                module.running_mean.zero_()
                module.running_var.fill_(1)
                module.weight.fill_(1)
                module.eps = 0.0
        for key, parameter in model.named_parameters():
            owner = model.get_submodule(key.rpartition(".")[0]) if "." in key else model
            if not isinstance(owner, torch.nn.BatchNorm2d) or key.endswith("bias"):
                parameter.copy_(torch.from_numpy(fill(key, tuple(parameter.shape))))
            parameter.requires_grad_(False)
    return model.double()


def layers(name, model):
    if name == "vgg16":
        return [model.features[i] for i in (16, 23, 30)]
    if name == "resnet50":
        return [model.layer2, model.layer3, model.layer4]
    return list(model.encoder.layers)[-3:]


def images():
    """Coarse blocks with noise: in flat regions pooled maxima would be ties."""
    blocks = torch.from_numpy(formula_arrays.uniform("images", (BATCH, 3, SIDE // BLOCK, SIDE // BLOCK)))
    noise = torch.from_numpy(formula_arrays.uniform("noise", (BATCH, 3, SIDE, SIDE)))
    coarse = blocks.repeat_interleave(BLOCK, 2).repeat_interleave(BLOCK, 3)
    return (coarse * 0.375 + noise * 0.125 + 0.5).double()


golden = {}
for name, masking in (("vgg16", "cnn"), ("resnet50", "cnn"), ("vit_b_16", "vit")):
    model = backbone(name)
    seen = {}
    for i, layer in enumerate(layers(name, model)):
        layer.register_forward_hook(lambda module, args, output, i=i: seen.__setitem__(i, output))

    def run(x):
        logits = model(x)
        return logits, [seen[i] for i in sorted(seen)]

    unit = images()
    with torch.no_grad():
        logits, features = run(ttame.standardise(unit, ttame.IMAGENET_MEAN, ttame.IMAGENET_STD))
    top = logits.topk(2, dim=1)
    y = top.indices[:, 0]
    psi = torch.stack([y, (y + 1) % CLASSES], dim=1)
    mechanism = ttame.AttentionMechanism([ttame.adapt(f).shape[1] for f in features], CLASSES).double()
    with torch.no_grad():
        for key, value in mechanism.state_dict().items():
            if key.endswith("conv.weight") or key == "fusion.weight":
                value.copy_(torch.from_numpy(formula_arrays.uniform(key, tuple(value.shape)) / np.float32(math.sqrt(value.shape[1]))))
            elif key.endswith("conv.bias") or key == "fusion.bias":
                value.copy_(torch.from_numpy(formula_arrays.uniform(key, tuple(value.shape)) * np.float32(0.05)))
    mechanism.train()
    terms = ttame.loss_terms(mechanism, features, unit, psi, lambda x: run(x)[0], y, masking, "paper")
    terms["loss"].backward()
    record = {k: terms[k].item() for k in ("loss", "ce", "area", "variation")}
    record["psi"] = psi.tolist()
    record["margins"] = (top.values[:, 0] - top.values[:, 1]).tolist()
    record["logit_deviation"] = logits.std().item()
    record["feature_deviations"] = [f.std().item() for f in features]
    record["gradient_norms"] = {k: p.grad.double().norm().item() for k, p in mechanism.named_parameters()}
    golden[name] = record
    print(name, json.dumps(record, indent=1), flush=True)
    del model, mechanism, terms
OUT.write_text(json.dumps(golden, indent=1) + "\n")
