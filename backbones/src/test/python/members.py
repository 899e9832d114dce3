"""Tiny members of each family, the same weights under every PyTorch: all values come from NumPy's generator."""

from functools import partial

import numpy as np
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers
from torchvision.models.vision_transformer import VisionTransformer

SIDE = 32
CLASSES = 7


def vgg(batch_norm=False):
    model = VGG(make_layers([4, "M", 6, "M", 8, 8, "M"], batch_norm), num_classes=CLASSES)
    model.avgpool = nn.AdaptiveAvgPool2d((4, 4))  # the identity: the last map is 4x4, as 7x7 in vgg16
    model.classifier = nn.Sequential(
        nn.Linear(8 * 16, 12), nn.ReLU(True), nn.Dropout(), nn.Linear(12, 10), nn.ReLU(True), nn.Dropout(), nn.Linear(10, CLASSES)
    )
    return model


def vgg_pooled():
    """The average pool does average: 4x4 to 2x2."""
    model = vgg()
    model.avgpool = nn.AdaptiveAvgPool2d((2, 2))
    model.classifier[0] = nn.Linear(8 * 4, 12)
    return model


class TinyResNet(ResNet):
    def __init__(self):
        super().__init__(Bottleneck, [1, 2, 1, 1], num_classes=CLASSES)
        self.inplanes = 4
        self.conv1 = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = self._make_layer(Bottleneck, 2, 1)
        self.layer2 = self._make_layer(Bottleneck, 3, 2, stride=2)
        self.layer3 = self._make_layer(Bottleneck, 4, 1, stride=2)
        self.layer4 = self._make_layer(Bottleneck, 5, 1, stride=2)
        self.fc = nn.Linear(20, CLASSES)


def resnet():
    return TinyResNet()


def vit():
    return VisionTransformer(
        image_size=SIDE, patch_size=8, num_layers=3, num_heads=3, hidden_dim=12, mlp_dim=20, num_classes=CLASSES,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )


MEMBERS = {"vgg": vgg, "vgg_bn": partial(vgg, batch_norm=True), "vgg_pooled": vgg_pooled, "resnet": resnet, "vit": vit}


def randomise(model, seed):
    """Every parameter and statistic far from its default, so that a forgotten or swapped one shows."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            shape = tuple(tensor.shape)
            if name.endswith("running_var"):
                values = rng.uniform(0.4, 2.0, shape)
            elif len(shape) >= 2 and "pos_embedding" not in name and "class_token" not in name:
                values = rng.normal(0, 1.4 / np.sqrt(np.prod(shape[1:])), shape)
            elif name.endswith("weight"):
                values = rng.uniform(0.6, 1.6, shape)
            else:
                values = rng.normal(0, 0.3, shape)
            tensor.copy_(torch.from_numpy(np.asarray(values, dtype=np.float32)))
    return model.eval()


def make(member):
    return randomise(MEMBERS[member](), seed=sum(map(ord, member)))


def images(batch=2):
    rng = np.random.default_rng(7)
    return torch.from_numpy(rng.normal(0, 1.2, (batch, 3, SIDE, SIDE)).astype(np.float32))
