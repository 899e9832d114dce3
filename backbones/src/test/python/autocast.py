"""How far PyTorch's autocast in bfloat16 is from float64, on generated weights at full size.

    python backbones/src/test/python/autocast.py FOLDER [vgg16 resnet50 vit_b_16]

Writes FOLDER/NAME.onnx and FOLDER/NAME.npz: images [B, H, W, C], labels, logits and the gradient of the
mean cross-entropy at the images in float64, and autocast's distances from both, relative in the L2 norm.
FullSizeBfloat16Test compares ours with them.
"""

import pathlib
import sys

import numpy as np
import torch
import torchvision

BATCH = 8


def answer(model, x, labels):
    x = x.clone().requires_grad_(True)
    logits = model(x)
    loss = torch.nn.functional.cross_entropy(logits.to(x.dtype), labels)
    return logits.detach().double(), torch.autograd.grad(loss, x)[0].double()


def distance(actual, expected):
    return ((actual - expected).norm() / expected.norm()).item()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or ["vgg16", "resnet50", "vit_b_16"]:
        torch.manual_seed(7)
        model = getattr(torchvision.models, name)(weights=None).eval()
        if name == "vit_b_16":  # torchvision begins with zeros there: all logits would be alike
            torch.nn.init.normal_(model.heads.head.weight, std=0.05)
        x = torch.randn(BATCH, 3, 224, 224)
        labels = torch.arange(3, 1000, 100)[:BATCH]
        torch.onnx.export(
            model, (x,), str(folder / f"{name}.onnx"), opset_version=17, dynamo=False,
            input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        )
        with torch.autocast("cpu", torch.bfloat16):
            narrow = answer(model, x, labels)
        wide = answer(model.double(), x.double(), labels)
        distances = [distance(a, b) for a, b in zip(narrow, wide)]
        print(f"{name}: logits {distances[0]:.2e}, gradient {distances[1]:.2e}", flush=True)
        np.savez(
            folder / f"{name}.npz",
            images=x.permute(0, 2, 3, 1).contiguous().numpy(),
            labels=labels.numpy().astype(np.int32),
            logits=wide[0].numpy(),
            gradient=wide[1].permute(0, 2, 3, 1).contiguous().numpy(),
            distances=np.array(distances),
        )


main()
