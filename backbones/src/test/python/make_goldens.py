"""Golden values of the tiny members: logits, every node's output and gradients, from PyTorch in evaluation mode.

python make_goldens.py OUT   writes OUT/MEMBER.npz, images and maps in PyTorch's layout (NCHW, tokens [B, N, D]).
"""

import sys
from pathlib import Path

import numpy as np
import torch

from members import MEMBERS, images, make

OUT = Path(sys.argv[1])


def nodes(member, model):
    modules = dict(model.named_modules())
    if member.startswith("vgg"):
        return {f"features.{i}": m for i, m in enumerate(model.features) if not isinstance(m, (torch.nn.Conv2d, torch.nn.BatchNorm2d))}
    if member == "resnet":
        return {name: m for name, m in modules.items() if name.startswith("layer") and name.count(".") <= 1}
    return {
        name: m for name, m in modules.items()
        if name.startswith("encoder.layers.") and (name.count(".") == 2 or name.endswith(".ln_1"))
    }


for member in MEMBERS:
    model = make(member)
    values = {}
    for name, module in nodes(member, model).items():
        module.register_forward_hook(lambda m, i, o, name=name: values.__setitem__(name, o.clone().requires_grad_() if not o.requires_grad else o))
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    x = images(2).requires_grad_()
    logits = model(x)
    for value in values.values():
        value.retain_grad()
    labels = torch.tensor([1, 4])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    (dloss,) = torch.autograd.grad(loss, x, retain_graph=True)
    names = list(values)
    gradients = torch.autograd.grad(logits[torch.arange(2), labels].sum(), [values[n] for n in names])
    arrays = {"input": x, "logits": logits, "labels": labels.float(), "loss": loss, "loss.gradient": dloss}
    for name, gradient in zip(names, gradients):
        arrays[f"node.{name}"] = values[name]
        arrays[f"gradient.{name}"] = gradient
    arrays = {k: v.detach().numpy().astype(np.float32) for k, v in arrays.items()}
    np.savez_compressed(OUT / f"{member}.npz", **arrays)
    print(member, len(arrays), (OUT / f"{member}.npz").stat().st_size)
