"""Rival methods, the CAM family by pytorch-grad-cam, RISE and IIA by their formulas: golden values for RivalMethodsTest.

Run from the module's folder: python src/test/python/make_methods.py
Needs torch, torchvision, onnx and grad-cam. The classifier is the sample's VGG, its weights read
from the bundled ONNX file; images follow from a formula that the test repeats. Of each map of 64x64
values every fourth row and column is kept.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from pytorch_grad_cam import AblationCAM, GradCAM, GradCAMPlusPlus, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "core/src/test/python"))
sys.path.insert(0, str(ROOT / "training/src/test/python/sample"))
import formula_arrays  # noqa: E402
from families import FAMILIES  # noqa: E402

OUT = pathlib.Path("src/test/resources/org/ttame/eval/explain/methods.json")
SAMPLE = ROOT / "training/src/main/resources/org/ttame/training/sample"
COUNT, SIDE, BLOCK = 3, 64, 8
MASKS, CELLS, SEED = 300, 7, 5
CLASSES = [3, 7, 0]


def images():
    """Coarse blocks with noise, standardised values."""
    blocks = torch.from_numpy(formula_arrays.uniform("cam", (COUNT, 3, SIDE // BLOCK, SIDE // BLOCK)))
    noise = torch.from_numpy(formula_arrays.uniform("cam-noise", (COUNT, 3, SIDE, SIDE)))
    return blocks.repeat_interleave(BLOCK, 2).repeat_interleave(BLOCK, 3) + 0.3 * noise


def vgg():
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
               for i in onnx.load(SAMPLE / "vgg.onnx").graph.initializer}
    model = FAMILIES["vgg"]().eval()
    model.load_state_dict({key: weights[key] for key in model.state_dict()})
    return model


def uniform(stream, count):
    """SplitMix64's first numbers, in [0, 1) with 53 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def rise_mask(number):
    stream = (SEED * 0xD1B54A32D192ED03 + number * (CELLS * CELLS + 2) * 0x9E3779B97F4A7C15) % 2**64
    u = uniform(stream, CELLS * CELLS + 2)
    cell = -(-SIDE // CELLS)
    grid = torch.from_numpy((u[:-2] < 0.5).astype(np.float64)).reshape(1, 1, CELLS, CELLS)
    large = torch.nn.functional.interpolate(grid, size=(CELLS + 1) * cell, mode="bilinear", align_corners=False)
    top, left = (int(v * cell) for v in u[-2:])
    return large[0, 0, top:top + SIDE, left:left + SIDE]


def rise(model, x):
    masks = torch.stack([rise_mask(i) for i in range(MASKS)]).float()
    maps = []
    for image, target in zip(x, CLASSES):
        with torch.no_grad():
            p = torch.softmax(model(masks[:, None] * image), 1)[:, target].double()
        saliency = (p[:, None, None] * masks.double()).sum(0) / (MASKS * 0.5)
        maps.append((saliency - saliency.min()) / (saliency.max() - saliency.min()))
    return torch.stack(maps).numpy()


def iia(model, layer, x):
    """Sum over inputs (i/10)x and channels of relu(A) times the gradient of the class's logit at A."""
    total = 0
    for i in range(11):
        kept = []
        with layer.register_forward_hook(lambda module, inputs, output: kept.append(output)):
            logits = model((i / 10 * x).requires_grad_())
        score = logits[range(COUNT), CLASSES].sum()
        gradient = torch.autograd.grad(score, kept[0])[0]
        total = total + (kept[0].detach().relu().double() * gradient.double()).sum(1, keepdim=True)
    large = torch.nn.functional.interpolate(total, size=SIDE, mode="bilinear", align_corners=False)[:, 0]
    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
    return ((large - low) / (high - low)).numpy()


model = vgg()
layer = model.features[14]
x = images()
record = {"classes": CLASSES, "layer": "features.14"}
for name, method in (("gradcam", GradCAM), ("gradcam++", GradCAMPlusPlus), ("scorecam", ScoreCAM), ("ablationcam", AblationCAM)):
    with method(model=model, target_layers=[layer]) as cam:
        maps = cam(input_tensor=x, targets=[ClassifierOutputTarget(k) for k in CLASSES])
    record[name] = maps[:, ::4, ::4].round(6).reshape(COUNT, -1).tolist()
    print(name, maps.shape, maps.min(), maps.max())
record["rise"] = rise(model, x)[:, ::4, ::4].round(6).reshape(COUNT, -1).tolist()
record["iia"] = iia(model, layer, x)[:, ::4, ::4].round(6).reshape(COUNT, -1).tolist()
with torch.no_grad():
    record["logits"] = model(x).double().numpy().round(5).tolist()
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(record) + "\n")
