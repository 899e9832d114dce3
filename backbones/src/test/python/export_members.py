"""Exports the tiny members with the exporters of the PyTorch that runs this.

Run once with each PyTorch (1.13 and 2.x), then pack_members.py: python export_members.py OUT
File names say what was asked for: MEMBER-torchVERSION-EXPORTER-opsetN[-options].onnx
"""

import io
import sys
import warnings
from pathlib import Path

import torch

from members import images, make
from restyle import RESTYLED

warnings.filterwarnings("ignore")
OUT = Path(sys.argv[1])
MAJOR = int(torch.__version__.split(".")[0])
TAG = "torch" + ".".join(torch.__version__.split(".")[:2])
TRAINING = torch.onnx.TrainingMode


def save(name, data):
    (OUT / f"{name}.onnx").write_bytes(data)
    print(name, len(data))


def script(member, opset, suffix="", dynamic=False, batch=2, **options):
    buffer = io.BytesIO()
    axes = {"input": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None
    if MAJOR >= 2:
        options["dynamo"] = False
    model = RESTYLED[member]() if member in RESTYLED else make(member)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0  # an export in training mode runs the network, which must not change its statistics
    torch.onnx.export(
        model, images(batch), buffer, opset_version=opset, input_names=["input"], output_names=["logits"],
        dynamic_axes=axes, **options,
    )
    save(f"{member}-{TAG}-script-opset{opset}{suffix}", buffer.getvalue())


def dynamo(member, opset, suffix="", dynamic=False, optimize=True):
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},) if dynamic else None
    program = torch.onnx.export(
        make(member), (images(),), dynamo=True, opset_version=opset, dynamic_shapes=shapes, optimize=optimize,
        verbose=False,
    )
    path = OUT / f"{member}-{TAG}-dynamo-opset{opset}{suffix}.onnx"
    program.save(str(path), external_data=False)
    print(path.stem, path.stat().st_size)


if MAJOR == 1:
    for member in ["vgg", "resnet", "vit"]:
        for opset in [9, 11, 13, 16] if member != "vit" else [11, 13, 14, 16]:
            try:
                script(member, opset)
            except Exception as error:
                print("no", member, opset, str(error)[:200])
else:
    for member in ["vgg", "resnet", "vit"]:
        for opset in [9, 11, 14, 17, 18, 20]:
            try:
                script(member, opset)
            except Exception as error:
                print("no", member, opset, str(error)[:200])
for member in ["vgg", "resnet", "vit"]:
    script(member, 13 if MAJOR == 1 else 17, "-nofold", do_constant_folding=False)
    script(member, 13 if MAJOR == 1 else 17, "-dynamic", dynamic=True)
    script(member, 13 if MAJOR == 1 else 17, "-dynamic-nofold", dynamic=True, do_constant_folding=False)
    script(member, 13 if MAJOR == 1 else 17, "-batch1", batch=1)
    try:
        script(member, 13 if MAJOR == 1 else 17, "-kept", training=TRAINING.PRESERVE, keep_initializers_as_inputs=True)
    except Exception as error:
        print("no", member, str(error)[:200])
script("vgg_bn", 13 if MAJOR == 1 else 17)
for member in ["vgg_bn", "resnet"]:
    try:
        script(member, 13 if MAJOR == 1 else 17, "-training", training=TRAINING.TRAINING, do_constant_folding=False)
    except Exception as error:
        print("no", member, str(error)[:200])
script("vgg_pooled", 13 if MAJOR == 1 else 17, dynamic=True)
for member in RESTYLED:
    script(member, 13 if MAJOR == 1 else 17, dynamic=True)
if MAJOR >= 2:
    for member in ["vgg", "vgg_bn", "vgg_pooled", "resnet", "vit"]:
        for opset in [18, 20, 23]:
            for optimize in [True, False]:
                for dynamic in [False, True]:
                    try:
                        dynamo(member, opset, ("-dynamic" if dynamic else "") + ("" if optimize else "-raw"), dynamic, optimize)
                    except Exception as error:
                        print("no", member, opset, str(error)[:300])
