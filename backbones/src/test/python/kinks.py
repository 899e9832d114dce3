"""The gradient of an ONNX file's own graph, by PyTorch's autograd, and how kinks change it.

    python kinks.py [--fold] FOLDER NAME [NAME...]

For FOLDER/NAME.onnx with FOLDER/NAME.npz (of NAME.new.onnx that of NAME): writes FOLDER/NAME.kinks.npz with
`logits64` and `grad64` of the file's graph in float64, and prints the relative distance (L2) of
  file     that gradient from the model's own in float64: what the exporter's folding in float32 moves,
  float32  the graph's gradient in float32 from float64, with the number of values on another side of a kink,
  held     the same with every ReLU, clip, max pool and maximum held to its branch of float64,
  d        the model's own gradient in float32 from float64.
With --fold each batch normalisation is a factor and a summand in float32, as the importer stores them: of a network that
amplifies roundings by 1e5 only such a graph can be compared within 1e-6.
Knows the operators of convolutional networks. Needs onnx and torch."""
import pathlib
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


class Branches:
    """Notes which piece of a piecewise linear function each value is on, or prescribes it."""

    def __init__(self, held=None):
        self.held = held
        self.seen = {}

    def __call__(self, node, branch):
        self.seen[node.output[0]] = branch
        return self.held[node.output[0]] if self.held else branch


class Normalisation:
    """A batch normalisation as the file has it, or by a factor and a summand that are rounded to float32."""

    folded = False

    def __call__(self, a, i):
        if a.get("training_mode", 0):
            raise ValueError("a normalisation in training mode")
        epsilon = a.get("epsilon", 1e-5)
        if not self.folded:
            return F.batch_norm(i[0], i[3], i[4], i[1], i[2], False, 0.0, epsilon)
        scale, shift, mean, variance = (v.double() for v in i[1:])
        factor = scale / torch.sqrt(variance + epsilon)
        over = [-1] + [1] * (i[0].dim() - 2)
        factor, summand = (v.float().to(i[0].dtype).view(over) for v in (factor, shift - mean * factor))
        return i[0] * factor + summand


normalise = Normalisation()


def even(pads):
    half = len(pads) // 2
    if pads[:half] != pads[half:]:
        raise ValueError(f"padding {pads}")
    return pads[:half]


def tensor(proto, dtype):
    value = torch.from_numpy(numpy_helper.to_array(proto).copy())
    return value.to(dtype) if value.is_floating_point() else value


def constant(a, dtype):
    if "value" in a:
        return tensor(a["value"], dtype)
    value = torch.tensor(next(iter(a.values())))
    return value.to(dtype) if value.is_floating_point() else value


def conv(a, i):
    x, weight, bias = i[0], i[1], i[2] if len(i) > 2 else None
    dims = x.dim() - 2
    pads = list(a.get("pads", [0] * (2 * dims)))
    if pads[:dims] != pads[dims:]:
        order = [v for axis in reversed(range(dims)) for v in (pads[axis], pads[axis + dims])]
        x, pads = F.pad(x, order), [0] * (2 * dims)
    run = F.conv2d if dims == 2 else F.conv1d
    ones = [1] * dims
    return run(x, weight, bias, a.get("strides", ones), pads[:dims], a.get("dilations", ones), a.get("group", 1))


def max_pool(a, i, branch):
    y, index = F.max_pool2d(i[0], a["kernel_shape"], a["strides"], even(a.get("pads", [0] * 4)),
                            ceil_mode=bool(a.get("ceil_mode", 0)), return_indices=True)
    return i[0].flatten(2).gather(2, branch(index).flatten(2)).view(y.shape)


def largest(x, along, keep, branch):
    """The first of the largest values along one axis."""
    if len(along) != 1:
        raise ValueError(f"a maximum over the axes {along}")
    y = x.gather(along[0], branch(x.argmax(along[0], keepdim=True)))
    return y if keep else y.squeeze(along[0])


def pieces(x, low, high, branch):
    """x between two bounds, of which either may be none."""
    low, high = (torch.tensor(end, dtype=x.dtype) if bound is None else bound
                 for bound, end in ((low, -torch.inf), (high, torch.inf)))
    side = branch((x > low).int() + (x >= high).int())
    return torch.where(side == 1, x, torch.where(side == 2, high, low))


def axes(a, i):
    return [int(v) for v in (a["axes"] if "axes" in a else i[1])]


def slices(i):
    x, starts, ends = i[0], i[1].tolist(), i[2].tolist()
    along = i[3].tolist() if len(i) > 3 else range(len(starts))
    steps = i[4].tolist() if len(i) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(along, starts, ends, steps):
        size = x.shape[axis]
        x = x.index_select(axis, torch.tensor(range(size)[slice(start, end if abs(end) < 2**40 else None, step)], dtype=torch.long))
    return x


def gather(a, i):
    axis = a.get("axis", 0)
    shape = i[0].shape[:axis] + i[1].shape + i[0].shape[axis + 1:]
    return i[0].index_select(axis, i[1].reshape(-1)).reshape(shape)


def nearest(i):
    """Repeats values by the scales, or to the sizes, that a Resize has."""
    x = i[0]
    by_size = len(i) > 3 and i[3] is not None
    for axis, n in enumerate(x.shape):
        size = int(i[3][axis]) if by_size else int(n * float(i[2][axis]))
        if size != n:
            x = x.index_select(axis, torch.arange(size) * n // size)
    return x


def reshape(i):
    return i[0].reshape([i[0].shape[k] if v == 0 else v for k, v in enumerate(i[1].tolist())])


def apply(node, i, dtype, branches):
    a = {v.name: onnx.helper.get_attribute_value(v) for v in node.attribute}
    number = lambda v: torch.tensor(v, dtype=dtype)
    branch = lambda b: branches(node, b)
    simple = {
        "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Pow": torch.pow, "MatMul": torch.matmul,
        "Sqrt": torch.sqrt, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Erf": torch.erf, "Exp": torch.exp, "Ceil": torch.ceil,
        "Identity": lambda x: x, "Div": lambda p, q: p / q if p.is_floating_point() else p // q,
        "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
    }
    match node.op_type:
        case kind if kind in simple:
            return simple[kind](*i)
        case "Constant":
            return constant(a, dtype)
        case "Conv":
            return conv(a, i)
        case "Relu":
            return i[0] * branch(i[0] > 0).to(dtype)
        case "LeakyRelu":
            return i[0] * torch.where(branch(i[0] > 0), number(1.0), number(a.get("alpha", 0.01)))
        case "Clip":
            return pieces(*(i + [None, None])[:3], branch)
        case "HardSigmoid":
            return pieces(i[0] * a.get("alpha", 0.2) + a.get("beta", 0.5), number(0.0), number(1.0), branch)
        case "HardSwish":
            return i[0] * pieces(i[0] / 6 + 0.5, number(0.0), number(1.0), branch)
        case "MaxPool":
            return max_pool(a, i, branch)
        case "AveragePool":
            return F.avg_pool2d(i[0], a["kernel_shape"], a["strides"], even(a.get("pads", [0] * 4)),
                                bool(a.get("ceil_mode", 0)), bool(a.get("count_include_pad", 0)))
        case "BatchNormalization":
            return normalise(a, i)
        case "InstanceNormalization":
            return F.instance_norm(i[0], weight=i[1], bias=i[2], eps=a.get("epsilon", 1e-5))
        case "GroupNormalization":
            return F.group_norm(i[0], a["num_groups"], i[1], i[2], a.get("epsilon", 1e-5))
        case "LayerNormalization":
            return F.layer_norm(i[0], i[0].shape[a.get("axis", -1):], i[1], i[2], a.get("epsilon", 1e-5))
        case "Gemm":
            left, right = (i[k].T if a.get(f"trans{'AB'[k]}", 0) else i[k] for k in (0, 1))
            return a.get("alpha", 1.0) * (left @ right) + a.get("beta", 1.0) * i[2]
        case "Softmax":
            return torch.softmax(i[0], a.get("axis", -1))
        case "Flatten":
            return i[0].reshape(i[0].shape[:a.get("axis", 1)].numel(), -1)
        case "Concat":
            return torch.cat([v.reshape(-1) if v.dim() == 0 else v for v in i], a["axis"])
        case "Transpose":
            return i[0].permute(a["perm"])
        case "Reshape":
            return reshape(i)
        case "ConstantOfShape":
            return torch.full(i[0].tolist(), tensor(a["value"], dtype).item() if "value" in a else 0.0)
        case "Shape":
            return torch.tensor(i[0].shape[a.get("start", 0):a.get("end")])
        case "Gather":
            return gather(a, i)
        case "GatherND" if not a.get("batch_dims", 0):
            return i[0][tuple(i[1].unbind(-1))]
        case "Resize" if (a["mode"], a["coordinate_transformation_mode"], a.get("nearest_mode")) == (b"nearest", b"asymmetric", b"floor"):
            return nearest(i)
        case "Unsqueeze":
            x = i[0]
            for axis in sorted(axes(a, i)):
                x = x.unsqueeze(axis)
            return x
        case "Squeeze":
            return i[0].squeeze(axes(a, i))
        case "ReduceMean" | "ReduceSum" as kind:
            reduce = torch.mean if kind == "ReduceMean" else torch.sum
            return reduce(i[0], axes(a, i), keepdim=bool(a.get("keepdims", 1)))
        case "ReduceMax":
            return largest(i[0], axes(a, i), bool(a.get("keepdims", 1)), branch)
        case "Slice":
            return slices(i)
        case "Split":
            axis = a.get("axis", 0)
            sizes = i[1].tolist() if len(i) > 1 else i[0].shape[axis] // len(node.output)
            return list(torch.split(i[0], sizes, axis))
        case "Pad":
            pads = i[1].tolist()
            half = len(pads) // 2
            return F.pad(i[0], [v for k in reversed(range(half)) for v in (pads[k], pads[k + half])])
        case "Cast":
            return i[0].to({1: dtype, 6: torch.int32, 7: torch.int64, 9: torch.bool}[a["to"]])
        case "Expand":
            return i[0].expand(torch.broadcast_shapes(i[0].shape, tuple(i[1].tolist())))
        case other:
            raise ValueError(f"no {other}")


def gradient(model, found, dtype, held=None):
    """Logits, and the gradient of the sum of the asked classes' logits."""
    branches = Branches(held)
    graph = model.graph
    values = {w.name: tensor(w, dtype) for w in graph.initializer}
    x = torch.tensor(found["x"]).to(dtype).requires_grad_()
    values[graph.input[0].name] = x
    for node in graph.node:
        result = apply(node, [values[k] if k else None for k in node.input], dtype, branches)
        values.update(zip(node.output, result if isinstance(result, list) else [result]))
    logits = values[graph.output[0].name]
    logits[torch.arange(len(x)), torch.tensor(found["classes"])].sum().backward()
    return logits.detach().numpy(), x.grad.double().numpy(), branches.seen


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def main(folder, *names):
    torch.set_num_threads(2)
    for name in names:
        found = np.load(folder / f"{name.removesuffix('.new')}.npz")
        model = onnx.load(folder / f"{name}.onnx")
        logits, exact, sides = gradient(model, found, torch.float64)
        np.savez(folder / f"{name}.kinks.npz", logits64=logits, grad64=exact)
        _, rounded, other = gradient(model, found, torch.float32)
        _, held, _ = gradient(model, found, torch.float32, sides)
        moved = sum(int((sides[k] != other[k]).sum()) for k in sides)
        count = sum(v.numel() for v in sides.values())
        print(f"| {name} | {distance(exact, found['grad64']):.1e} | {distance(rounded, exact):.1e} | {moved} of {count:,} |"
              f" {distance(held, exact):.1e} | {distance(found['grad'], found['grad64']):.1e} |", flush=True)


if __name__ == "__main__":
    normalise.folded = "--fold" in sys.argv
    folder, *names = [argument for argument in sys.argv[1:] if argument != "--fold"]
    main(pathlib.Path(folder), *names)
