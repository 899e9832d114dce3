"""One small member of each family, built from torchvision's own classes so that the exported graphs have the family's shape."""

from functools import partial

import torch
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers
from torchvision.models.vision_transformer import VisionTransformer

from compose import LABELS, SIDE

CLASSES = len(LABELS)


def vgg():
    """Six 3x3 convolutions, four max pools (maps 32, 16, 8, 4), no batch normalisation, three linear layers."""
    features = make_layers([16, "M", 32, "M", 64, 64, "M", 128, 128, "M"])
    model = VGG(features, num_classes=CLASSES)
    # At side 64 the last map is 4x4 already, so this pool is the identity, as the 7x7 one of vgg16 is at 224.
    model.avgpool = torch.nn.AdaptiveAvgPool2d((4, 4))
    hidden = 96
    model.classifier = torch.nn.Sequential(
        torch.nn.Linear(128 * 4 * 4, hidden),
        torch.nn.ReLU(True),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(hidden, hidden),
        torch.nn.ReLU(True),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(hidden, CLASSES),
    )
    return model


class NarrowResNet(ResNet):
    """ResNet with a quarter of the width.

    The stem's 7x7 convolution has stride 1 instead of 2: the input is 64 wide, not 224, and with the usual stem layer4
    would be 2x2, too coarse to show where anything is. Maps are 32, 16, 8, 4.
    """

    WIDTH = 16

    def __init__(self, layers):
        super().__init__(Bottleneck, layers, num_classes=CLASSES)
        width = self.WIDTH
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 7, stride=1, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        self.layer1 = self._make_layer(Bottleneck, width, layers[0])
        self.layer2 = self._make_layer(Bottleneck, width * 2, layers[1], stride=2)
        self.layer3 = self._make_layer(Bottleneck, width * 4, layers[2], stride=2)
        self.layer4 = self._make_layer(Bottleneck, width * 8, layers[3], stride=2)
        self.fc = torch.nn.Linear(width * 8 * Bottleneck.expansion, CLASSES)
        for module in self.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def resnet():
    return NarrowResNet([1, 2, 2, 1])


def vit():
    """Six blocks of four heads, width 96, patches of 8: an 8x8 grid and the class token."""
    return VisionTransformer(
        image_size=SIDE,
        patch_size=8,
        num_layers=6,
        num_heads=4,
        hidden_dim=96,
        mlp_dim=256,
        num_classes=CLASSES,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )


FAMILIES = {"vgg": vgg, "resnet": resnet, "vit": vit}
