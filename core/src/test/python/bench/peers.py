"""The same work in PyTorch and ONNX Runtime, in lockstep with the benchmark.

    python peers.py ENGINE BACKBONE WORK BATCH FILE.onnx

ENGINE torch, torch-channels-last, onnxruntime, openvino (in float32) or openvino-default (as it comes: in
bfloat16 where the processor has fast instructions for it); PyTorch's may end with -compile (torch.compile)
or -autocast (bfloat16), and before that, of a step, with -identities; WORK forward or step. Says "ready", then answers
each line of standard input: "run" with the seconds of the work done once, "memory" with the peak of
resident bytes.

The step is T-TAME's written the plain way: all K maps, every branch upsampled before the fusion,
autograd. With -identities it computes the asked classes' maps alone, and upsamples after the fusion,
which commutes with it: what a user would write who has seen that. It takes the product's own loss and masking (`paper`, the backbone's family).
"""

import sys
import time

import numpy as np

THREADS = 2
SIDE, CLASSES = 224, 1000
LAYERS = {
    "vgg16": (["features.16", "features.23", "features.30"], [256, 512, 512]),
    "resnet50": (["layer2", "layer3", "layer4"], [512, 1024, 2048]),
    "vit_b_16": ([f"encoder.layers.encoder_layer_{i}" for i in (9, 10, 11)], [768] * 3),
    "efficientnet_b0": (["features.3", "features.5", "features.8"], [40, 112, 1280]),
    "mobilenet_v3_large": (["features.6", "features.12", "features.16"], [40, 112, 960]),
    "regnet_y_400mf": ([f"trunk_output.block{i}" for i in (2, 3, 4)], [104, 208, 440]),
    "resnext50_32x4d": (["layer2", "layer3", "layer4"], [512, 1024, 2048]),
    # ReLU writes over what norm5 returns
    "densenet121": ([f"features.{n}" for n in ("denseblock2", "denseblock3", "norm5")], [512, 1024, 1024]),
    "convnext_tiny": (["features.3", "features.5", "features.7"], [192, 384, 768]),
    "swin_t": (["features.3", "features.5", "norm"], [192, 384, 768]),
}
CHANNELS_LAST = {"swin_t"}
L1, L2, L3, L4 = 1.5, 2.0, 0.005, 0.3


def onnxruntime_forward(file, images):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, feed)


def openvino_forward(file, images, precision):
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    model.reshape(list(images.shape))
    settings = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: request.infer([images])


def torch_model(backbone, layout):
    import torch
    import torchvision

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model = getattr(torchvision.models, backbone)(weights=None).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.to(memory_format=layout)


def precision(how):
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled="autocast" in how)


def torch_forward(backbone, layout, images, how):
    import torch

    model = torch_model(backbone, layout)
    x = torch.from_numpy(images).contiguous(memory_format=layout)
    if "compile" in how:
        model = torch.compile(model)

    def forward():
        with torch.no_grad(), precision(how):
            model(x)

    return forward


def torch_step(backbone, layout, images, how):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Branch(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 1)
            self.bn = nn.BatchNorm2d(channels)

        def forward(self, x, size):
            y = F.relu(self.bn(self.conv(x)) + x)
            return y if y.shape[-1] == size else F.interpolate(y, size=(size, size), mode="bilinear")

    class Mechanism(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.branches = nn.ModuleList(Branch(c) for c in channels)
            self.fusion = nn.Conv2d(sum(channels), CLASSES, 1)

        def rows(self, features, psi):
            """The maps of the classes psi [B, M] alone, each branch's part upsampled: [B, M, h, w]."""
            size = max(f.shape[-1] for f in features)
            weight = self.fusion.weight[psi].flatten(2)
            parts = weight.split([f.shape[1] for f in features], 2)
            maps = self.fusion.bias[psi][..., None, None]
            for branch, feature, part in zip(self.branches, features, parts):
                own = branch(feature, feature.shape[-1]).flatten(2)
                own = torch.bmm(part.to(own.dtype), own).unflatten(2, feature.shape[2:])
                if own.shape[-1] != size:
                    own = F.interpolate(own, size=(size, size), mode="bilinear")
                maps = maps + own
            return maps

        def forward(self, features):
            size = max(f.shape[-1] for f in features)
            maps = [branch(f, size) for branch, f in zip(self.branches, features)]
            return self.fusion(torch.cat(maps, 1))

    def grid(feature):
        if feature.dim() == 4:
            return feature.permute(0, 3, 1, 2) if backbone in CHANNELS_LAST else feature
        side = int((feature.shape[1] - 1) ** 0.5)
        return feature[:, 1:].transpose(1, 2).reshape(len(feature), -1, side, side)

    model = torch_model(backbone, layout)
    names, channels = LAYERS[backbone]
    seen = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.__setitem__(name, output)
        )
    mechanism = Mechanism(channels).to(memory_format=layout).train()
    named = list(mechanism.named_parameters())
    optimizer = torch.optim.SGD(
        [
            {"params": [p for n, p in named if not n.endswith("bias")], "weight_decay": 5e-4},
            {"params": [p for n, p in named if n.endswith("bias")], "weight_decay": 0.0},
        ],
        lr=4e-5,
        momentum=0.95,
        nesterov=True,
    )
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    unit = torch.from_numpy(images).contiguous(memory_format=layout)
    vit = backbone.startswith(("vit", "swin"))
    batch = len(images)

    def classify(x):
        return model(x), [grid(seen[name]) for name in names]

    if "compile" in how:
        classify = torch.compile(classify)
        mechanism.rows = torch.compile(mechanism.rows)

    def loss_of():
        with torch.no_grad():
            logits, features = classify((unit - mean) / std)
            y = logits.argmax(1)
        rows = torch.arange(batch)
        others = torch.stack([torch.randperm(CLASSES - 1)[: batch - 1] for _ in range(batch)])
        others = others + (others >= y[:, None])
        psi = torch.cat([y[:, None], others], 1)
        z = mechanism.rows(features, psi) if "identities" in how else mechanism(features)[rows[:, None], psi]
        chosen = torch.sigmoid(z.float())
        own = F.interpolate(chosen[:, :1], size=(SIDE, SIDE), mode="bilinear")
        masked = own * ((unit - mean) / std) if vit else (own * unit - mean) / std
        ce = F.cross_entropy(classify(masked)[0].float(), y)
        area = torch.exp(L4 * F.logsigmoid(z.float())).mean()
        dy = (chosen[..., 1:, :] - chosen[..., :-1, :]).square().sum((1, 2, 3))
        dx = (chosen[..., 1:] - chosen[..., :-1]).square().sum((1, 2, 3))
        variation = ((dy + dx) / (2 * chosen[0].numel())).mean()
        return L1 * ce + L2 * (area + L3 * variation)

    def step():
        with precision(how):
            loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not torch.isfinite(loss):
            raise SystemExit("the loss is not finite")

    return step


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def main():
    engine, backbone, work, batch, file = sys.argv[1:]
    images = np.random.default_rng(0).random((int(batch), 3, SIDE, SIDE), np.float32)
    if engine == "onnxruntime":
        once = onnxruntime_forward(file, images)
    elif engine.startswith("openvino"):
        once = openvino_forward(file, images, "f32" if engine == "openvino" else None)
    else:
        import torch

        how = engine.split("-")
        layout = torch.channels_last if "last" in how else torch.contiguous_format
        once = {"forward": torch_forward, "step": torch_step}[work](backbone, layout, images, how)
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "memory":
            print(peak(), flush=True)
        else:
            began = time.perf_counter()
            once()
            print(time.perf_counter() - began, flush=True)


main()
