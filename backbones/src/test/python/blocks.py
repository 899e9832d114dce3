"""Tiny classifiers of every kind of block, exported by PyTorch's two exporters: python blocks.py OUT [NAME…]; with names only those are made and added

Writes OUT/blocks.zip with NAME.onnx (the TorchScript exporter, batch free) or NAME.new.onnx (the newer one, for two images), and
OUT/blocks.npz: `x` [2,3,32,32], and of each NAME `NAME.logits` [2,10], `NAME.classes` [2] and `NAME.gradient` [2,3,8,8], the gradient of
the sum of those classes' logits, summed over patches of 4x4; computed in float64; `NAME.distance` [2], how far float32 is from either, relative
to the largest value. Needs torch, torchvision, timm, onnx, onnxscript."""
import copy
import io
import pathlib
import sys
import tempfile
import warnings
import zipfile

import numpy as np
import onnx
import timm
import timm.models as tm
import torch
import torchvision.models as tv
from timm.layers import StdConv2d
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

warnings.filterwarnings("ignore")
SIDE, CLASSES = 32, 10
SMALL = dict(img_size=SIDE, num_classes=CLASSES)
TOKENS = dict(SMALL, patch_size=8, embed_dim=8)


def resnet(block, **options):
    stem = dict(stem_width=4, stem_type="deep", channels=(4, 4, 8, 8), num_classes=CLASSES)
    return tm.resnet.ResNet(block, [1, 1, 1, 1], **{**stem, **options})


def swin(**options):
    return tv.SwinTransformer(patch_size=[4, 4], embed_dim=4, depths=[2, 2], num_heads=[2, 2], window_size=[4, 4], num_classes=CLASSES, **options)


BLOCKS = {
    "resnext": lambda: resnet(tm.resnet.Bottleneck, cardinality=4, base_width=16, avg_down=True),
    "squeeze": lambda: resnet(tm.resnet.BasicBlock, block_args=dict(attn_layer="se")),
    "channel-attention": lambda: resnet(tm.resnet.BasicBlock, block_args=dict(attn_layer="eca"), stem_type="deep_tiered"),
    "selective": lambda: resnet(tm.sknet.SelectiveKernelBasic, block_args=dict(sk_kwargs=dict(rd_ratio=1 / 8, rd_divisor=4, split_input=True))),
    "scales": lambda: resnet(tm.res2net.Bottle2neck, base_width=16, block_args=dict(scale=4)),
    "groups": lambda: resnet(tm.resnet.BasicBlock, norm_layer=lambda n, **_: torch.nn.GroupNorm(2, n), output_stride=8),
    "standardised": lambda: tm.resnetv2.ResNetV2([1, 1], channels=(16, 16), stem_chs=8, stem_type="fixed", conv_layer=StdConv2d,
                                                 norm_layer=timm.layers.BatchNormAct2d, num_classes=CLASSES),
    "dense": lambda: tv.DenseNet(growth_rate=4, block_config=(2, 2, 2), num_init_features=8, bn_size=2, num_classes=CLASSES),
    "shuffle": lambda: tv.ShuffleNetV2([1, 2, 1], [8, 16, 16, 16, 32], num_classes=CLASSES),
    "searched": lambda: tv.MobileNetV3([InvertedResidualConfig(8, 3, 8, 8, True, "RE", 2, 1, 1), InvertedResidualConfig(8, 5, 16, 16, True, "HS", 2, 1, 1)],
                                       last_channel=16, num_classes=CLASSES),
    "scaled": lambda: tv.EfficientNet([MBConvConfig(1, 3, 1, 8, 8, 1), MBConvConfig(4, 3, 2, 8, 16, 2), MBConvConfig(4, 5, 2, 16, 16, 1)],
                                      dropout=0.2, num_classes=CLASSES, last_channel=32),
    "patches": lambda: tm.convmixer.ConvMixer(dim=16, depth=2, kernel_size=5, patch_size=4, num_classes=CLASSES),
    "modern": lambda: tm.convnext.ConvNeXt(depths=(1, 1, 1, 1), dims=(4, 8, 8, 16), num_classes=CLASSES),
    "cosine-windows": lambda: swin(block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2),
    "windows": swin,
    "registers": lambda: tm.vision_transformer.VisionTransformer(**TOKENS, depth=2, num_heads=2, reg_tokens=2, init_values=0.1),
    "distilled": lambda: tm.deit.VisionTransformerDistilled(**TOKENS, depth=2, num_heads=2),
    "relative": lambda: tm.beit.Beit(**TOKENS, depth=2, num_heads=2, use_rel_pos_bias=True, init_values=0.1, use_abs_pos_emb=False),
    "pooled-attention": lambda: tm.vision_transformer.VisionTransformer(**TOKENS, depth=2, num_heads=2, class_token=False, global_pool="map"),
    "class-attention": lambda: tm.xcit.Xcit(**TOKENS, depth=3, num_heads=2, cls_attn_layers=1),
    "pyramid": lambda: tm.pvt_v2.PyramidVisionTransformerV2(depths=(1, 1, 1), embed_dims=(4, 8, 8), num_heads=(1, 2, 2), sr_ratios=(4, 2, 1),
                                                            mlp_ratios=(2, 2, 2), num_classes=CLASSES),
    "dual": lambda: tm.davit.DaVit(depths=(1, 1, 1), embed_dims=(4, 8, 8), num_heads=(2, 2, 2), window_size=4, num_classes=CLASSES),
    "mixer": lambda: tm.mlp_mixer.MlpMixer(**TOKENS, num_blocks=2),
    "affine": lambda: tm.mlp_mixer.MlpMixer(**TOKENS, num_blocks=2, block_layer=tm.mlp_mixer.ResBlock, mlp_ratio=2, norm_layer=tm.mlp_mixer.Affine),
}


class Sequence(torch.nn.Module):
    """Attention with the sequence in front of the batch, where tokens see only what comes before."""

    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 8, 8, 8)
        self.positions = torch.nn.Parameter(torch.randn(16, 1, 8))
        self.layers = torch.nn.ModuleList([torch.nn.TransformerEncoderLayer(8, 2, 16, activation="gelu") for _ in range(2)])
        self.register_buffer("mask", torch.triu(torch.full((16, 16), float("-inf")), 1))
        self.head = torch.nn.Linear(8, CLASSES)

    def forward(self, x):
        t = self.patches(x).flatten(2).permute(2, 0, 1) + self.positions
        for layer in self.layers:
            t = layer(t, src_mask=self.mask)
        return self.head(t.mean(0))


class SideBySide(torch.nn.Module):
    """Images side by side as groups of one convolution, which nothing frees from their number."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 4, 4)
        self.weight = torch.nn.Parameter(torch.randn(8, 4, 3, 3) / 6)
        self.block = torch.nn.Conv2d(8, 8, 3, 1, 1)
        self.down = torch.nn.Conv2d(8, 16, 3, 2, 1)
        self.head = torch.nn.Linear(16, CLASSES)

    def forward(self, x):
        count = x.shape[0]
        x = self.stem(x).relu().reshape(1, count * 4, 8, 8)
        x = torch.nn.functional.conv2d(x, self.weight.repeat(count, 1, 1, 1), stride=2, padding=1, groups=count)
        x = x.reshape(count, 8, 4, 4).relu()
        x = x + self.block(x)
        return self.head(self.down(x).relu().mean((2, 3)))


BLOCKS["side-by-side"] = SideBySide
BLOCKS["sequence"] = Sequence


def images():
    torch.manual_seed(2)
    coarse = torch.nn.functional.interpolate(torch.randn(8, 3, 4, 4), size=(SIDE, SIDE), mode="bicubic")
    return coarse + 0.3 * torch.randn(8, 3, SIDE, SIDE)


def make(name):
    """Random weights; what an initialisation leaves at one value is moved, running statistics are calibrated."""
    torch.manual_seed(1)
    model = BLOCKS[name]().eval()
    generator = torch.Generator().manual_seed(0)
    norms = [m for m in model.modules() if getattr(m, "running_mean", None) is not None]
    with torch.no_grad():
        for p in model.parameters():
            if p.numel() > 1 and float(p.std()) < 1e-6:
                value = float(p.flatten()[0])
                value = 0.3 if 0 < abs(value) < 0.05 else value
                p.copy_(value + (torch.rand(p.shape, generator=generator) - 0.5) * (0.6 if value else 0.2))
            elif p.dim() > 1 and float(p.std()) < 0.03:
                p.mul_(p[0].numel() ** -0.5 / p.std())
        for m in norms:
            m.train()
            m.momentum = 1.0
        model(images())
        model.eval()
        for m in norms:
            m.running_mean.add_(m.running_var.sqrt() * torch.randn(m.running_mean.shape, generator=generator) * 0.1)
    return model


def answers(model, x, classes=None):
    z = x.clone().requires_grad_()
    logits = model(z)
    classes = logits.argmax(1) if classes is None else classes
    logits[torch.arange(2), classes].sum().backward()
    patches = z.grad.reshape(2, 3, 8, 4, 8, 4).sum((3, 5))
    return logits.detach().numpy(), patches.numpy(), classes


def golden(model, x):
    logits, gradient, classes = answers(copy.deepcopy(model).double(), x.double())
    rounded = answers(model, x, classes)
    distance = [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(rounded, (logits, gradient))]
    return {"logits": logits, "classes": classes.numpy(), "gradient": gradient, "distance": np.array(distance)}


def script(model, x):
    buffer = io.BytesIO()
    torch.onnx.export(model, (x,), buffer, dynamo=False, opset_version=17, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    return buffer.getvalue()


def dynamo(model, x):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        torch.onnx.export(model, (x,), str(path), dynamo=True, external_data=False, verbose=False)
        exported = onnx.load(path)
    for node in exported.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*exported.graph.initializer, *exported.graph.input, *exported.graph.output]:
        value.doc_string = ""
        del value.metadata_props[:]
    del exported.graph.value_info[:], exported.graph.metadata_props[:], exported.metadata_props[:]
    return exported.SerializeToString()


def main(out, only):
    torch.set_num_threads(1)
    x = images()[:2]
    values = {"x": x.numpy()}
    if only:
        values = dict(np.load(out / "blocks.npz"))
    with zipfile.ZipFile(out / "blocks.zip", "a" if only else "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for i, name in enumerate(BLOCKS):
            if only and name not in only:
                continue
            model = make(name)
            values.update({f"{name}.{key}": value for key, value in golden(model, x).items()})
            file, data = (f"{name}.onnx", script(model, x)) if i % 2 else (f"{name}.new.onnx", dynamo(model, x))
            archive.writestr(zipfile.ZipInfo(file, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
            print(file, sum(p.numel() for p in model.parameters()), "parameters,", len(data), "bytes", flush=True)
    np.savez_compressed(out / "blocks.npz", **values)


main(pathlib.Path(sys.argv[1]), sys.argv[2:])
