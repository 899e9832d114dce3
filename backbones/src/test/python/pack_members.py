"""Chooses among the exported members, adds other encodings of weights, and packs them: python pack_members.py IN OUT.zip

What tells nothing of the network (comments, the exporter's notes) is dropped, to keep the fixture small.
Needs onnx; IN holds what export_members.py wrote with both versions of PyTorch.
"""

import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IN, OUT = Path(sys.argv[1]), Path(sys.argv[2])

CHOSEN = """
vgg-torch1.13-script-opset9 vgg-torch1.13-script-opset16 vgg-torch1.13-script-opset13-dynamic vgg-torch1.13-script-opset13-kept
vgg-torch2.15-script-opset9 vgg-torch2.15-script-opset20 vgg-torch2.15-dynamo-opset18 vgg-torch2.15-dynamo-opset20-dynamic-raw
vgg-torch2.15-dynamo-opset23 vgg_channels_last-torch2.15-script-opset17
vgg_bn-torch1.13-script-opset13 vgg_bn-torch1.13-script-opset13-training vgg_bn-torch2.15-script-opset17
vgg_bn-torch2.15-dynamo-opset18 vgg_bn-torch2.15-dynamo-opset20-dynamic-raw
vgg_pooled-torch1.13-script-opset13 vgg_pooled-torch2.15-dynamo-opset18-dynamic
resnet-torch1.13-script-opset9 resnet-torch1.13-script-opset16 resnet-torch1.13-script-opset13-dynamic
resnet-torch1.13-script-opset13-kept resnet-torch1.13-script-opset13-training
resnet-torch2.15-script-opset9 resnet-torch2.15-script-opset20 resnet-torch2.15-script-opset17-dynamic-nofold
resnet-torch2.15-script-opset17-training resnet-torch2.15-dynamo-opset18 resnet-torch2.15-dynamo-opset20-dynamic-raw
resnet-torch2.15-dynamo-opset23-dynamic resnet_affine-torch2.15-script-opset17
vit-torch1.13-script-opset11 vit-torch1.13-script-opset16 vit-torch1.13-script-opset13-nofold vit-torch1.13-script-opset13-dynamic
vit-torch1.13-script-opset13-dynamic-nofold vit-torch1.13-script-opset13-batch1
vit-torch2.15-script-opset14 vit-torch2.15-script-opset17 vit-torch2.15-script-opset20 vit-torch2.15-script-opset17-nofold
vit-torch2.15-script-opset17-dynamic-nofold vit-torch2.15-script-opset17-kept
vit-torch2.15-dynamo-opset18 vit-torch2.15-dynamo-opset18-dynamic-raw vit-torch2.15-dynamo-opset20-dynamic
vit-torch2.15-dynamo-opset20-raw vit-torch2.15-dynamo-opset23 vit-torch2.15-dynamo-opset23-dynamic-raw
vit_separate-torch1.13-script-opset13 vit_separate-torch2.15-script-opset17
""".split()


def strip(model):
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in model.graph.initializer:
        value.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    return model


def typed(model):
    """Weights as lists of numbers instead of raw bytes."""
    for i, tensor in enumerate(model.graph.initializer):
        array = numpy_helper.to_array(tensor)
        model.graph.initializer[i].CopyFrom(helper.make_tensor(tensor.name, tensor.data_type, tensor.dims, array.ravel().tolist()))
    return model


def constants(model):
    """Weights as Constant nodes behind Identity nodes."""
    nodes = []
    for tensor in model.graph.initializer:
        nodes.append(helper.make_node("Constant", [], [tensor.name + "_value"], value=tensor))
        nodes.append(helper.make_node("Identity", [tensor.name + "_value"], [tensor.name]))
    nodes += list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def halves(model):
    """Weights in half precision, cast where they are used: other values, so an oracle of its own."""
    nodes = []
    for i, tensor in enumerate(model.graph.initializer):
        if tensor.data_type == TensorProto.FLOAT:
            half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name + "_half")
            nodes.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            model.graph.initializer[i].CopyFrom(half)
    nodes += list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def functions(model):
    """Linear layers as a model-local function of two nodes, normalisation as one with an attribute passed through."""
    opset = model.opset_import[0]
    linear = helper.make_function(
        "local", "Linear", ["x", "w", "b"], ["y"],
        [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])], [opset],
    )
    norm_node = helper.make_node("LayerNormalization", ["x", "w", "b"], ["y"], axis=-1)
    epsilon = norm_node.attribute.add()
    epsilon.name, epsilon.ref_attr_name, epsilon.type = "epsilon", "eps", onnx.AttributeProto.FLOAT
    norm = helper.make_function("local", "Norm", ["x", "w", "b"], ["y"], [norm_node], [opset], ["eps"])
    products = {n.output[0]: n for n in model.graph.node if n.op_type == "MatMul"}
    weights = {t.name for t in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "LayerNormalization":
            eps = [a.f for a in node.attribute if a.name == "epsilon"][0]
            node = helper.make_node("Norm", node.input, node.output, domain="local", eps=eps)
        elif node.op_type == "Add" and any(i in products and products[i].input[1] in weights for i in node.input):
            product = next(products[i] for i in node.input if i in products)
            bias = next(i for i in node.input if i not in products)
            node = helper.make_node("Linear", [*product.input, bias], node.output, domain="local")
        nodes.append(node)
    used = {i for n in nodes for i in n.input} | {o.name for o in model.graph.output}
    nodes = [n for n in nodes if any(o in used for o in n.output)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.functions.extend([linear, norm])
    model.opset_import.append(helper.make_opsetid("local", 1))
    return model


REWRITTEN = {
    "vit-torch2.15-script-opset17-typed": ("vit-torch2.15-script-opset17", typed),
    "vgg-torch1.13-script-opset13-typed": ("vgg-torch1.13-script-opset13", typed),
    "resnet-torch2.15-script-opset17-constants": ("resnet-torch2.15-script-opset17-dynamic-nofold", constants),
    "vit-torch2.15-dynamo-opset18-constants": ("vit-torch2.15-dynamo-opset18", constants),
    "half_vgg-torch2.15-dynamo-opset18": ("vgg-torch2.15-dynamo-opset18", halves),
    "vit-torch2.15-dynamo-opset18-functions": ("vit-torch2.15-dynamo-opset18", functions),
}


def load(name):
    return strip(onnx.load(IN / f"{name}.onnx"))


with zipfile.ZipFile(OUT, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

    def add(name, data):
        archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)

    for name in CHOSEN:
        add(f"{name}.onnx", load(name).SerializeToString())
    for name, (source, rewrite) in REWRITTEN.items():
        add(f"{name}.onnx", rewrite(load(source)).SerializeToString())
    for name in ["vgg-torch2.15-dynamo-opset18", "vit-torch2.15-script-opset17"]:
        path = OUT.parent / f"{name}-external.onnx"
        onnx.save(load(name), path, save_as_external_data=True, location=f"{name}-external.data", size_threshold=64)
        data = path.with_suffix(".data")
        add(path.name, path.read_bytes())
        add(data.name, data.read_bytes())
        path.unlink()
        data.unlink()
print(OUT, OUT.stat().st_size)
