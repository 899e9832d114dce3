"""Grad-CAM and Grad-CAM++ by pytorch-grad-cam: golden values for GradCamTest.

Run from the module's folder: python src/test/python/make_cam.py
Needs torch, torchvision, onnx and grad-cam. The classifier is the sample's VGG, its weights read
from the bundled ONNX file; images follow from a formula that the test repeats. Of each map of 64x64
values every fourth row and column is kept.
"""

import json
import pathlib
import sys

import onnx
import torch
from onnx import numpy_helper
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "core/src/test/python"))
sys.path.insert(0, str(ROOT / "training/src/test/python/sample"))
import formula_arrays  # noqa: E402
from families import FAMILIES  # noqa: E402

OUT = pathlib.Path("src/test/resources/org/ttame/eval/explain/cam.json")
SAMPLE = ROOT / "training/src/main/resources/org/ttame/training/sample"
COUNT, SIDE, BLOCK = 3, 64, 8
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


model = vgg()
layer = model.features[14]
x = images()
record = {"classes": CLASSES, "layer": "features.14"}
for name, method in (("gradcam", GradCAM), ("gradcam++", GradCAMPlusPlus)):
    with method(model=model, target_layers=[layer]) as cam:
        maps = cam(input_tensor=x, targets=[ClassifierOutputTarget(k) for k in CLASSES])
    record[name] = maps[:, ::4, ::4].round(6).reshape(COUNT, -1).tolist()
    print(name, maps.shape, maps.min(), maps.max())
with torch.no_grad():
    record["logits"] = model(x).double().numpy().round(5).tolist()
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(record) + "\n")
