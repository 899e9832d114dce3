"""Checks a file of `ttame export --format onnx` from outside: onnx.checker, ONNX Runtime, PyTorch and OpenVINO.

check_explainer.py CLASSIFIER.onnx EXPLAINER.onnx [--attention attention.npz] [--batch N] [--no-openvino]

What the classifier's file holds has to be in the other one as it was. Logits have to be the same bits with ONNX
Runtime's optimisations off, and within 1e-6 of the largest at its default level. With --attention (the checkpoint's
own file) the maps are computed anew in PyTorch, from layers' values and the weights as they were trained: convolution,
batch normalisation, skip, activation, interpolation, fusion. OpenVINO, in float32, has to give the same maps.
"""
import argparse
import json
import sys

import numpy as np
import onnx
import onnxruntime

MAPS = 1e-5  # of values in [0, 1]: float32 summed in another order
ULPS = 4
LOGITS = 1e-6
OPENVINO = 1e-3  # its layers' values, too, are rounded otherwise
AMPLIFIED = 10  # of what rounding makes of its class scores, relative to the largest


def kept(before, after):
    """Whether a message's repeated fields begin with another's, element by element, byte by byte."""
    for field in ("node", "initializer", "input", "output", "value_info"):
        old, new = getattr(before.graph, field), getattr(after.graph, field)
        assert len(new) >= len(old), field
        for a, b in zip(old, new):
            assert a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True), (field, a.name)
    assert before.opset_import == after.opset_import and before.ir_version == after.ir_version
    added = list(after.graph.node)[len(before.graph.node):]
    assert added and all(node.domain == "" for node in added)
    return added


def run(path, feeds, names=None, optimised=True):
    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    own = {each.name for each in session.get_inputs()}
    names = names or [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: value for name, value in feeds.items() if name in own})))


def sources(added):
    """Of each branch, or fusion where there are none, the value that it reads, and how that is turned before."""
    producer = {name: node for node in added for name in node.output}
    found = []
    for start in [n for n in added if n.op_type == "Conv" and "/branch." in n.name] or [
        n for n in added if n.name.endswith((".pixels", ".maps"))
    ]:
        name = start.input[0]
        turned = None
        while name in producer:
            if producer[name].op_type == "Transpose":
                turned = list(producer[name].attribute[0].ints)
            name = producer[name].input[0]
        found.append((name, turned))
    return found


def layer_values(path, names, feeds):
    model = onnx.load(path)
    present = {each.name for each in model.graph.output}
    for name in names:
        if name not in present:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
            present.add(name)
    return run(model.SerializeToString(), feeds, names)


def mechanism(arrays, features, variant):
    """Maps before scaling, [B, K, h, w], of layers as [B, C, h, w]; the paper's Section III-C."""
    import torch
    import torch.nn.functional as F

    weights = {name: torch.from_numpy(value) for name, value in arrays.items()}
    size = [max(f.shape[2] for f in features), max(f.shape[3] for f in features)]
    branches = []
    for i, feature in enumerate(features):
        x = torch.from_numpy(np.ascontiguousarray(feature, dtype="float32"))
        own = {name[len(f"branch.{i}."):]: w for name, w in weights.items() if name.startswith(f"branch.{i}.")}
        if own:
            y = F.conv2d(x, own["conv.weight"], own["conv.bias"])
            if "bn.weight" in own:
                y = F.batch_norm(
                    y, own["bn.running_mean"], own["bn.running_var"], own["bn.weight"], own["bn.bias"], eps=1e-5)
            y = y + x if not variant.startswith("no-skip") else y
            x = torch.sigmoid(y) if variant == "sigmoid" else torch.relu(y)
        branches.append(F.interpolate(x, size=size, mode="bilinear", align_corners=False))
    return F.conv2d(torch.cat(branches, 1), weights["fusion.weight"], weights["fusion.bias"]).numpy()


def as_map(value, turned):
    """Channels first; tokens as a square grid, without those in front of it."""
    if value.ndim == 4:
        return value.transpose(turned) if turned else value
    side = int(np.sqrt(value.shape[1]))
    grid = value[:, value.shape[1] - side * side:]
    return grid.transpose(0, 2, 1).reshape(value.shape[0], -1, side, side)


def scaled(raw, size):
    import torch
    import torch.nn.functional as F

    low, high = raw.min((-2, -1), keepdims=True), raw.max((-2, -1), keepdims=True)
    maps = np.where(high > low, (raw - low) / np.where(high > low, high - low, 1), 0)
    bound = MAPS + ULPS * np.spacing(np.abs(raw).max((-2, -1)).astype("float32")) / np.maximum(high - low, 1e-30)[..., 0, 0]
    if maps.shape[-2:] != size:
        flat = torch.from_numpy(maps.reshape((maps.shape[0], -1) + maps.shape[-2:]))
        large = F.interpolate(flat, size=size, mode="bilinear", align_corners=False).numpy()
        maps = large.reshape(maps.shape[:-2] + size)
    return maps, bound


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("classifier")
    parser.add_argument("explainer")
    parser.add_argument("--attention")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--no-openvino", action="store_true")
    given = parser.parse_args()

    onnx.checker.check_model(given.explainer, full_check=True)
    before, after = onnx.load(given.classifier), onnx.load(given.explainer)
    added = kept(before, after)
    meta = {p.key[6:]: p.value for p in after.metadata_props if p.key.startswith("ttame.")}
    print(f"{given.explainer}: {len(added)} nodes added, {meta['variant']}, {meta['classes']}, maps {meta['map-size']}")

    shape = [d.dim_value for d in next(i for i in after.graph.input if i.name == meta["image"]).type.tensor_type.shape.dim]
    batch = shape[0] or given.batch
    image = np.random.default_rng(3).standard_normal([batch] + shape[1:]).astype("float32")
    feeds = {meta["image"]: image}
    if "class" in meta:
        feeds[meta["class"]] = np.arange(batch, dtype="int64")
    exact = run(given.explainer, feeds, optimised=False)
    for name, value in run(given.classifier, feeds, optimised=False).items():
        assert np.array_equal(exact[name], value), name
    usual = run(given.explainer, feeds)
    for name, value in run(given.classifier, feeds).items():
        gap = np.abs(usual[name] - value).max() / np.abs(value).max()
        assert gap <= LOGITS, (name, gap)
        print(f"  {name}: same bits unoptimised, {gap:.1e} of the largest optimised")

    maps = usual[meta["map"]]
    assert np.isfinite(maps).all() and maps.min() >= 0 and maps.max() <= 1
    if given.attention:
        names = sources(added)
        assert len(names) == len(json.loads(meta["layers"])), names
        values = layer_values(given.explainer, [name for name, _ in names], feeds)
        layers = [as_map(values[name], turned) for name, turned in names]
        raw = mechanism(dict(np.load(given.attention)), layers, meta["variant"])
        if meta["classes"] != "all":
            classes = feeds[meta["class"]] if "class" in meta else usual[meta["output"]].argmax(1)
            raw = raw[np.arange(batch), classes]
        expected, bound = scaled(raw, maps.shape[-2:])
        gaps = np.abs(maps - expected).max((-2, -1))
        assert (gaps <= bound).all(), (gaps / bound).max()
        print(f"  maps: {gaps.max():.1e} from PyTorch's, {(gaps / bound).max():.2f} of the bound")
    if not given.no_openvino:
        import openvino

        model = openvino.Core().compile_model(given.explainer, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        answer = model(feeds)
        scores = usual[meta["output"]]
        rounding = np.abs(answer[meta["output"]] - scores).max() / np.abs(scores).max()
        gap = np.abs(answer[meta["map"]] - maps).max()
        assert gap <= OPENVINO + AMPLIFIED * rounding, (gap, rounding)
        print(f"  maps: {gap:.1e} from OpenVINO's, whose class scores are {rounding:.1e} away")


if __name__ == "__main__":
    sys.exit(main())
