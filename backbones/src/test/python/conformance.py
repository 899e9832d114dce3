"""Writes ONNX's official node tests as files that the importer's conformance test reads.

    python conformance.py OUT                      # every test of PyPI's onnx, those for packing into OUT/packed.zip
    python conformance.py OUT --from FOLDER        # tests kept as files, e.g. Debian's libonnx-testdata: node/NAME/model.onnx, …

Per test OUT/NAME.onnx: the test's graph, its inputs' values as initialisers "given:INPUT", what it should give as
"expected:OUTPUT", and "tolerance", relative and absolute. Inputs that are a classifier's parameters (shapes, axes, indices, weights,
masks: all that is not float32, and those of BOUND) are initialisers of their own name and no inputs any more; the model's metadata
names them as "bound". OUT/index.tsv says for each test its operator, whether it counts as a float32 inference test, and since which
operator set that operator has been as it is. Needs onnx.
"""

import argparse
import pathlib
import warnings
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")

# What the importer and its evaluator of constants are for, in the order of the table.
OPERATORS = """
Conv ConvTranspose BatchNormalization InstanceNormalization GroupNormalization LayerNormalization RMSNormalization LRN
MeanVarianceNormalization LpNormalization Gemm MatMul Einsum LSTM
Relu LeakyRelu PRelu Elu Selu Celu ThresholdedRelu Softplus Softsign Mish Sigmoid HardSigmoid HardSwish Swish Tanh Erf Gelu Clip
Softmax LogSoftmax
MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool
Add Sub Mul Div Pow Mod Sqrt Abs Neg Sign Exp Log Reciprocal Floor Ceil Round Sin Cos Min Max Sum Mean
ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp CumSum
Concat Split Slice Pad Transpose Reshape Flatten Squeeze Unsqueeze Expand Tile Gather GatherElements GatherND ScatterND
ScatterElements Where Trilu OneHot NonZero
Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not IsNaN IsInf
Resize Upsample DepthToSpace SpaceToDepth Col2Im
Shape Size Range Constant ConstantOfShape Cast CastLike Identity Dropout Attention QuantizeLinear DequantizeLinear
""".split()

# Positions of float32 inputs that are parameters; "1-" means from there on.
BOUND = {
    "Conv": "1-", "ConvTranspose": "1-", "BatchNormalization": "1-", "InstanceNormalization": "1-", "GroupNormalization": "1-",
    "LayerNormalization": "1-", "RMSNormalization": "1-", "Gemm": "1-", "PRelu": "1-", "Clip": "1-", "Pad": "1-", "Resize": "1-",
    "Upsample": "1-", "OneHot": "0-", "Range": "0-", "QuantizeLinear": "0-", "DequantizeLinear": "0-", "Pow": "1-", "Dropout": "1-",
    "ScatterND": "1-", "ScatterElements": "1-", "Attention": "3-3", "CastLike": "1-",
    "LSTM": "1-",
}
EACH = 3
LARGEST = 12_000


def is_bound(operator, position, value):
    if value.data_type != TensorProto.FLOAT:
        return True
    first, _, last = BOUND.get(operator, "99").partition("-")
    return int(first) <= position <= int(last or 99)


def collected():
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        yield case.name, case.model, case.data_sets[0], case.rtol, case.atol


def read(folder):
    for file in sorted(folder.glob("**/model.onnx")):
        model = onnx.load(file)
        sets = []
        for kind, values in (("input", model.graph.input), ("output", model.graph.output)):
            arrays = []
            for i in range(len(values)):
                tensor = TensorProto()
                tensor.ParseFromString((file.parent / f"test_data_set_0/{kind}_{i}.pb").read_bytes())
                arrays.append(numpy_helper.to_array(tensor))
            sets.append(arrays)
        yield file.parent.name, model, sets, 1e-3, 1e-7


def operator_of(name, model, by_name):
    """The operator that a test is of: an expanded test has its body's nodes instead."""
    single = by_name.get(name.split("_expanded")[0])
    return single if single else model.graph.node[0].op_type


def since(operator, model):
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    return onnx.defs.get_schema(operator, version).since_version


def tensor(value, name):
    if not isinstance(value, TensorProto):
        value = numpy_helper.from_array(np.array(value, order="C"))
    if value.data_type == TensorProto.STRING:
        raise TypeError("no numbers")
    made = TensorProto()
    made.CopyFrom(value)
    made.name = name
    return made


def self_contained(model, operator, data, rtol, atol):
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    present = [value for value in graph.input]
    bound = []
    for position, (value, array) in enumerate(zip(present, data[0])):
        made_of = tensor(array, value.name)
        if is_bound(operator, position, made_of):
            bound.append(value.name)
        else:
            made_of.name = "given:" + value.name
        graph.initializer.append(made_of)
    for value, array in zip(graph.output, data[1]):
        graph.initializer.append(tensor(array, "expected:" + value.name))
    kept = [value for value in present if value.name not in bound]
    del graph.input[:]
    graph.input.extend(kept)
    graph.initializer.append(numpy_helper.from_array(np.array([rtol, atol], np.float32), "tolerance"))
    helper.set_model_props(made, {"bound": " ".join(bound)})
    for node in graph.node:
        node.doc_string = ""
    return made


def counts(made):
    """Whether a float32 classifier could hold it: float32 goes in and comes out, and nothing is trained."""
    values = list(made.graph.input) + list(made.graph.output)
    floats = all(v.type.tensor_type.elem_type == TensorProto.FLOAT for v in values)
    return floats and len(made.graph.input) > 0 and not any(a.name == "training_mode" and a.i for n in made.graph.node for a in n.attribute)


def pack(out, rows):
    """Some tests of every operator, evenly spread over its tests, the small ones."""
    chosen = []
    for operator in OPERATORS:
        names = [r[0] for r in rows if r[1] == operator and "_expanded" not in r[0] and (out / f"{r[0]}.onnx").stat().st_size < LARGEST]
        chosen += [names[round(i * (len(names) - 1) / max(1, EACH - 1))] for i in range(min(EACH, len(names)))]
    with zipfile.ZipFile(out / "packed.zip", "w") as archive:
        for name in sorted(set(chosen)):
            archive.writestr(zipfile.ZipInfo(f"{name}.onnx", (2020, 1, 1, 0, 0, 0)), (out / f"{name}.onnx").read_bytes(), zipfile.ZIP_DEFLATED, 9)
        index = "".join("\t".join(map(str, r)) + "\n" for r in rows if r[0] in chosen)
        archive.writestr(zipfile.ZipInfo("index.tsv", (2020, 1, 1, 0, 0, 0)), index, zipfile.ZIP_DEFLATED, 9)
    print(f"packed {len(set(chosen))} tests, {(out / 'packed.zip').stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--from", dest="folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    cases = list(read(arguments.folder) if arguments.folder else collected())
    by_name = {name: model.graph.node[0].op_type for name, model, *_ in cases if len(model.graph.node) == 1 and "_expanded" not in name}
    rows, without = [], []
    for name, model, data, rtol, atol in sorted(cases, key=lambda case: case[0]):
        operator = operator_of(name, model, by_name)
        if operator not in OPERATORS:
            continue
        try:
            made = self_contained(model, operator, data, rtol, atol)
            version = since(operator, model)
        except (TypeError, AttributeError, ValueError, onnx.defs.SchemaError) as e:
            without.append(f"{name}: {str(e)[:80]}")
            continue
        (arguments.out / f"{name}.onnx").write_bytes(made.SerializeToString(deterministic=True))
        rows.append((name, operator, version, "float32" if counts(made) else "other"))
    (arguments.out / "index.tsv").write_text("".join("\t".join(map(str, r)) + "\n" for r in rows))
    print(f"wrote {len(rows)} tests of {len({r[1] for r in rows})} operators; left out, no tensors of plain numbers: {len(without)}")
    print("\n".join(without))
    print("operators without a test:", " ".join(o for o in OPERATORS if o not in {r[1] for r in rows}))
    pack(arguments.out, rows)


if __name__ == "__main__":
    main()
