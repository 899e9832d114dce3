"""torchvision's own full-size networks, randomly initialised, as ONNX with golden values: a check by hand.

python full_size.py OUT   then   mvn -Pfullsize -pl backbones -am test -Dttame.fullsize=OUT
Weights are scaled so that activations neither vanish nor explode and batch normalisation has statistics of its own.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchvision

OUT = Path(sys.argv[1])
OUT.mkdir(parents=True, exist_ok=True)
NODES = {
    "vgg16": ["features.15", "features.16", "features.22", "features.23", "features.29", "features.30"],
    "resnet50": ["layer1", "layer2", "layer3", "layer4"],
    "vit_b_16": [f"encoder.layers.encoder_layer_{i}{s}" for i in (9, 10, 11) for s in ("", ".ln_1")],
}

for name, nodes in NODES.items():
    torch.manual_seed(5)
    model = getattr(torchvision.models, name)().eval()
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif key.endswith("running_mean") or (key.endswith("bias") and tensor.dim() == 1):
                tensor.normal_(0, 0.1)
            elif tensor.dim() >= 2 and key.endswith("weight"):
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5 if name != "vit_b_16" else tensor[0].numel() ** -0.5)
    values = {}
    for node in nodes:
        module = model.get_submodule(node)
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
        module.register_forward_hook(lambda m, i, o, node=node: values.__setitem__(f"node.{node}", o))
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        values.update(input=x, logits=model(x))
    arrays = {k: v.numpy().astype(np.float32) for k, v in values.items()}
    torch.onnx.export(
        model, x, str(OUT / f"{name}.onnx"), dynamo=False, opset_version=17, input_names=["input"],
        output_names=["logits"], dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )
    np.savez(OUT / f"{name}.npz", **arrays)
    print(name, float(arrays["logits"].std()), (OUT / f"{name}.onnx").stat().st_size)
