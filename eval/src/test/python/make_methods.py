"""Golden values of the other methods: the CAM family by pytorch-grad-cam, RISE, IIA and Transformer LRP by their formulas.

Needs torch, torchvision, onnx and grad-cam.

  python make_methods.py                 the sample's three classifiers, for MethodAgreementTest
  python make_methods.py FOLDER          FOLDER's vgg16.onnx and vit_b_16.onnx, made by full_size.py of
                                         backbones, for FullSizeMethodsTest; ten minutes

Weights are read from the ONNX files; everything is computed in double precision, but for Score-CAM at full size, which is
computed in single. Images follow from a formula that
the tests repeat. Of each map every fourth (sample) or fourteenth row and column is kept.
"""

import pathlib
import sys

import numpy as np
import onnx
import torch
import torchvision
from onnx import numpy_helper
from pytorch_grad_cam import AblationCAM, GradCAM, GradCAMPlusPlus, ScoreCAM
from pytorch_grad_cam.ablation_layer import AblationLayer, AblationLayerVit
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "core/src/test/python"))
sys.path.insert(0, str(ROOT / "training/src/test/python/sample"))
import formula_arrays  # noqa: E402

OUT = pathlib.Path(__file__).parent / "../../../explainers/src/test/resources/org/ttame/eval/explain"
SAMPLE = ROOT / "training/src/main/resources/org/ttame/training/sample"
CELLS, SEED = 7, 5
CLASSES = [3, 7, 0]


def images(count, side, block):
    """Coarse blocks with noise, standardised values."""
    blocks = torch.from_numpy(formula_arrays.uniform("cam", (count, 3, side // block, side // block)))
    noise = torch.from_numpy(formula_arrays.uniform("cam-noise", (count, 3, side, side)))
    return (blocks.repeat_interleave(block, 2).repeat_interleave(block, 3) + 0.3 * noise).double()


def read(model, path, side):
    """Fills a torchvision model from its export, where normalisations are folded and linear weights turned."""
    graph = onnx.load(path).graph
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    if isinstance(model, torchvision.models.ResNet):
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, torch.nn.BatchNorm2d):
                    setattr(module, name, torch.nn.Identity())
        order = []
        hooks = [m.register_forward_hook(lambda m, i, o: order.append(m)) for m in model.modules()
                 if isinstance(m, torch.nn.Conv2d)]
        model(torch.zeros(1, 3, side, side))
        for hook in hooks:
            hook.remove()
        nodes = [n for n in graph.node if n.op_type == "Conv"]
        assert len(nodes) == len(order)
        for module, node in zip(order, nodes):
            module.weight = torch.nn.Parameter(weights[node.input[1]])
            module.bias = torch.nn.Parameter(weights[node.input[2]])
        model.fc.load_state_dict({"weight": weights["fc.weight"], "bias": weights["fc.bias"]})
    elif isinstance(model, torchvision.models.VisionTransformer):
        turned = iter([w for name, w in weights.items() if name.startswith("onnx::MatMul")])
        state = {key: weights.get(key) for key in model.state_dict()}
        for key in state:
            if state[key] is None and ".ln" in key:
                # Of equal arrays the exporter keeps one: at the beginning all normalisations have ones.
                state[key] = weights["encoder.layers.encoder_layer_0.ln_1.weight"]
            elif state[key] is None:
                state[key] = next(turned).T
        model.load_state_dict(state)
    else:
        model.load_state_dict({key: weights[key] for key in model.state_dict()})
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    return model.double()


def scaled(maps):
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return ((maps - low) / (high - low)).numpy()


def large(maps, side, mode="bilinear"):
    return torch.nn.functional.interpolate(maps[:, None], size=side, mode=mode, align_corners=False)[:, 0]


def uniform(stream, count):
    """SplitMix64's first numbers, in [0, 1) with 53 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def rise_mask(number, side):
    stream = (SEED * 0xD1B54A32D192ED03 + number * (CELLS * CELLS + 2) * 0x9E3779B97F4A7C15) % 2**64
    u = uniform(stream, CELLS * CELLS + 2)
    cell = -(-side // CELLS)
    grid = torch.from_numpy((u[:-2] < 0.5).astype(np.float64)).reshape(1, 1, CELLS, CELLS)
    wide = torch.nn.functional.interpolate(grid, size=(CELLS + 1) * cell, mode="bilinear", align_corners=False)
    top, left = (int(v * cell) for v in u[-2:])
    return wide[0, 0, top:top + side, left:left + side]


def rise(model, x, classes, count):
    masks = torch.stack([rise_mask(i, x.shape[-1]) for i in range(count)])
    maps = []
    for image, target in zip(x, classes):
        with torch.no_grad():
            p = torch.cat([torch.softmax(model(part[:, None] * image), 1)[:, target] for part in masks.split(25)])
        maps.append((p[:, None, None] * masks).sum(0) / (count * 0.5))
    return scaled(torch.stack(maps))


def layer_values(model, layer, x):
    kept = []
    with layer.register_forward_hook(lambda module, inputs, output: kept.append(output)):
        logits = model(x)
    return kept[0], logits


def iia_released(model, layer, x, classes):
    """Sum over inputs (i/10)x and channels of relu(A) times the gradient of the class's logit at A."""
    total = 0
    for i in range(11):
        a, logits = layer_values(model, layer, (i / 10 * x).requires_grad_())
        gradient = torch.autograd.grad(logits[range(len(x)), classes].sum(), a)[0]
        total = total + (a.detach().relu() * gradient).sum(1)
    return scaled(large(total, x.shape[-1]))


def iia_paper(model, layer, x, classes):
    """For each input ten steps from the zero input's activations to its own."""
    with torch.no_grad():
        baseline = layer_values(model, layer, 0 * x)[0]
    total = 0
    for i in range(11):
        with torch.no_grad():
            end = layer_values(model, layer, i / 10 * x)[0]
        for k in range(1, 11):
            a = (baseline + k / 10 * (end - baseline)).requires_grad_()
            with layer.register_forward_hook(lambda module, inputs, output: a):
                logits = model(x)
            gradient = torch.autograd.grad(logits[range(len(x)), classes].sum(), a)[0]
            total = total + ((end - baseline).relu() * gradient).sum(1)
    return scaled(large(total, x.shape[-1], "bicubic"))


def vit_blocks(model, x, scale=1.0):
    """The forward pass step by step; scale multiplies the last attention. Returns logits, blocks' values, head input."""
    x = model._process_input(x)
    x = torch.cat([model.class_token.expand(len(x), -1, -1), x], 1) + model.encoder.pos_embedding
    layers = list(model.encoder.layers)
    blocks = []
    for layer in layers:
        v = {"x": x, "layer": layer}
        v["normed"] = layer.ln_1(x)
        attention = layer.self_attention
        qkv = torch.nn.functional.linear(v["normed"], attention.in_proj_weight, attention.in_proj_bias)
        b, t, d = x.shape
        q, k, w = (part.reshape(b, t, attention.num_heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
        v["q"], v["k"], v["v"] = q, k, w
        v["a"] = torch.softmax(q @ k.transpose(2, 3) * q.shape[-1] ** -0.5, -1)
        if layer is layers[-1]:
            v["a"] = scale * v["a"]
        v["joined"] = (v["a"] @ w).transpose(1, 2).reshape(b, t, d)
        v["attended"] = attention.out_proj(v["joined"])
        v["middle"] = x + v["attended"]
        v["entered"] = layer.ln_2(v["middle"])
        v["hidden"] = layer.mlp[1](layer.mlp[0](v["entered"]))
        v["left"] = layer.mlp[3](v["hidden"])
        x = v["middle"] + v["left"]
        blocks.append(v)
    token = model.encoder.ln(x)[:, 0]
    return model.heads(token), blocks, token


def divide(a, b):
    return torch.where(b == 0, 0, a / (b + 1e-9 * torch.sign(b)))


def lrp_linear(r, x, weight):
    """weight as PyTorch has it, [out, in]."""
    up, down, more, less = x.clamp(min=0), x.clamp(max=0), weight.clamp(min=0), weight.clamp(max=0)
    s = divide(r, up @ more.T + down @ less.T)
    return up * (s @ more) + down * (s @ less)


def lrp_product(r, x, y):
    """By autograd: each operand times its gradient of S = R/Z, halved."""
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    z = x @ y
    gx, gy = torch.autograd.grad(z, (x, y), divide(r, z.detach()))
    return (x * gx / 2).detach(), (y * gy / 2).detach()


def lrp_sum(r, x, y):
    s = divide(r, x + y)
    a, b = x * s, y * s
    ta, tb, total = (v.sum((1, 2), keepdim=True) for v in (a, b, r))
    whole = ta.abs() + tb.abs()
    return a * divide(divide(ta.abs(), whole) * total, ta), b * divide(divide(tb.abs(), whole) * total, tb)


def lrp(model, x, classes):
    logits, blocks, token = vit_blocks(model, x)
    with torch.no_grad():
        assert (logits - model(x)).abs().max() < 1e-8
    gradients = torch.autograd.grad(logits[range(len(x)), classes].sum(), [v["a"] for v in blocks])
    with torch.no_grad():
        start = torch.nn.functional.one_hot(torch.tensor(classes), logits.shape[1]).double()
        r = torch.zeros_like(blocks[-1]["x"])
        r[:, 0] = lrp_linear(start, token, model.heads[0].weight)
    rollout = None
    b, t, d = r.shape
    for v, gradient in reversed(list(zip(blocks, gradients))):
        layer = v["layer"]
        v = {key: value.detach() for key, value in v.items() if key != "layer"}
        with torch.no_grad():
            r, perceptron = lrp_sum(r, v["middle"], v["left"])
            r = r + lrp_linear(lrp_linear(perceptron, v["hidden"], layer.mlp[3].weight), v["entered"], layer.mlp[0].weight)
            r, attended = lrp_sum(r, v["x"], v["attended"])
            context = lrp_linear(attended, v["joined"], layer.self_attention.out_proj.weight)
            context = context.reshape(b, t, layer.self_attention.num_heads, -1).transpose(1, 2)
        ra, rv = lrp_product(context, v["a"], v["v"])
        cam = (gradient * ra).clamp(min=0).mean(1)
        rq, rk = lrp_product(ra, v["q"], v["k"].transpose(2, 3))
        joined = torch.cat([p.transpose(1, 2).reshape(b, t, d) for p in (rq, rk.transpose(2, 3), rv)], -1)
        with torch.no_grad():
            r = r + lrp_linear(joined, v["normed"], layer.self_attention.in_proj_weight)
        matrix = torch.eye(t) + cam
        rollout = matrix if rollout is None else rollout @ matrix
    side = int((t - 1) ** 0.5)
    return scaled(large(rollout[:, 0, 1:].reshape(b, side, side), x.shape[-1]))


def iia_vit(model, x, classes):
    total = 0
    for i in range(6):
        for j in range(6):
            logits, blocks, _ = vit_blocks(model, i / 5 * x, j / 5)
            a = blocks[-1]["a"]
            gradient = torch.autograd.grad(logits[range(len(x)), classes].sum(), a)[0]
            total = total + (gradient * a).clamp(min=0).mean(1).detach() / 36
    matrix = total + torch.eye(total.shape[1])
    matrix = matrix / matrix.sum(-1, keepdim=True)
    side = int((total.shape[1] - 1) ** 0.5)
    return scaled(large(matrix[:, 0, 1:].reshape(-1, side, side), x.shape[-1]))


class ZeroMap(AblationLayer):
    def __call__(self, x):
        output = self.activations
        for i in range(len(output)):
            output[i, self.indices[i]] = 0
        return output


class ZeroToken(AblationLayerVit):
    """The library ablates to the minimum less ten million where values go negative; the paper to zero."""

    def __call__(self, x):
        output = self.activations
        for i in range(len(output)):
            output[i, :, self.indices[i]] = 0
        return output


def ablation_of_vgg(model, x, target):
    """relu of the sum over channels of (y - y without the channel)/y times the channel."""
    with torch.no_grad():
        a = model.features[:-1](x)
        tail = lambda part: model.classifier(model.avgpool(model.features[-1:](part)).flatten(1))[:, target]  # noqa: E731
        y = tail(a)
        weights = []
        for c in range(a.shape[1]):
            without = a.clone()
            without[:, c] = 0
            weights.append((y - tail(without)) / y)
        maps = (torch.stack(weights, 1)[:, :, None, None] * a).sum(1).relu()
    return scaled(large(torch.from_numpy(scaled(maps)), x.shape[-1]))


def patches(tensor):
    side = int((tensor.shape[1] - 1) ** 0.5)
    return tensor[:, 1:].reshape(len(tensor), side, side, -1).permute(0, 3, 1, 2)


def maps_of(model, x, classes, masks, every, skipped=()):
    vit = isinstance(model, torchvision.models.VisionTransformer)
    if vit:
        layer, options = model.encoder.layers[-1].ln_1, {"reshape_transform": patches}
    elif isinstance(model, torchvision.models.ResNet):
        layer, options = model.layer4, {}
    else:
        layer, options = model.features[-2], {}
    result = {}
    for name, method in (("gradcam", GradCAM), ("gradcam++", GradCAMPlusPlus), ("scorecam", ScoreCAM), ("ablationcam", AblationCAM)):
        if name not in skipped:
            own = {"ablation_layer": ZeroToken() if vit else ZeroMap()} if method is AblationCAM else {}
            with method(model=model, target_layers=[layer], **options, **own) as cam:
                cam.batch_size = 16
                result[name] = cam(input_tensor=x, targets=[ClassifierOutputTarget(k) for k in classes])
    if "rise" not in skipped:
        result["rise"] = rise(model, x, classes, masks)
    if vit:
        result["iia"] = result["iia-released"] = iia_vit(model, x, classes)
        result["transformer-lrp"] = lrp(model, x, classes)
    else:
        result["iia"] = iia_paper(model, layer, x, classes)
        result["iia-released"] = iia_released(model, layer, x, classes)
    return {name: maps[:, ::every, ::every].astype(np.float32) for name, maps in result.items()}


def main():
    arrays = {}
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
        x = images(1, 224, 28)
        for name in ("vit_b_16", "vgg16"):
            model = read(getattr(torchvision.models, name)().eval(), folder / f"{name}.onnx", 224)
            # RISE knows nothing of what is inside: one of the two will do. The others are too slow in double precision.
            skipped = ("scorecam", "ablationcam") + (("rise",) if name == "vgg16" else ())
            maps = maps_of(model, x, CLASSES[:1], 100, 14, skipped)
            if name == "vgg16":
                # The library runs the whole network for every channel; the formula needs what follows the layer.
                maps["ablationcam"] = ablation_of_vgg(model, x, CLASSES[0])[:, ::14, ::14].astype(np.float32)
                with ScoreCAM(model=model.float(), target_layers=[model.features[-2]]) as cam:
                    cam.batch_size = 8
                    maps["scorecam"] = cam(x.float(), [ClassifierOutputTarget(CLASSES[0])])[:, ::14, ::14]
            for key, values in maps.items():
                arrays[f"{name}.{key}"] = values
                print(name, key, values.mean(), flush=True)
            np.savez(folder / "methods.npz", **arrays)
        return
    from families import FAMILIES
    for name, family in FAMILIES.items():
        model = read(family().eval(), SAMPLE / f"{name}.onnx", 64)
        for key, maps in maps_of(model, images(3, 64, 8), CLASSES, 300, 4).items():
            arrays[f"{name}.{key}"] = maps
            print(name, key, maps.shape, maps.mean(), flush=True)
    np.savez_compressed(OUT / "methods.npz", **arrays)


main()
