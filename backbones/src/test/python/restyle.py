"""The same networks written in other styles: what they compute, and so their golden values, are unchanged."""

import math

import torch
from torch import nn

from members import make


class SeparateAttention(nn.Module):
    """Query, key and value by three linear layers, the scores scaled after the product."""

    def __init__(self, packed):
        super().__init__()
        width = packed.embed_dim
        self.heads = packed.num_heads
        self.linears = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        for i, linear in enumerate(self.linears):
            linear.weight.data = packed.in_proj_weight.data[i * width : (i + 1) * width].clone()
            linear.bias.data = packed.in_proj_bias.data[i * width : (i + 1) * width].clone()
        self.out = packed.out_proj

    def forward(self, query, key, value, need_weights=False):
        b, t, d = query.shape
        q, k, v = (linear(query).view(b, t, self.heads, d // self.heads).permute(0, 2, 1, 3) for linear in self.linears)
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(d // self.heads)
        context = torch.matmul(scores.softmax(-1), v).permute(0, 2, 1, 3).reshape(b, t, d)
        return self.out(context), None


class EarlySelection(nn.Module):
    """Takes the class token before the last normalisation."""

    def __init__(self, vit):
        super().__init__()
        self.vit = vit
        for layer in vit.encoder.layers:
            layer.self_attention = SeparateAttention(layer.self_attention)

    def forward(self, x):
        x = self.vit._process_input(x)
        x = torch.cat([self.vit.class_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.vit.encoder.layers(x + self.vit.encoder.pos_embedding)
        return self.vit.heads(self.vit.encoder.ln(x[:, 0]))


class ChannelsLast(nn.Module):
    """Flattens the last map by height, width, channel, and ends in a softmax."""

    def __init__(self, vgg):
        super().__init__()
        self.vgg = vgg
        first = vgg.classifier[0]
        weight = first.weight.data.view(first.out_features, 8, 4, 4).permute(0, 2, 3, 1)
        first.weight.data = weight.reshape(first.out_features, -1).contiguous()

    def forward(self, x):
        x = self.vgg.features(x).permute(0, 2, 3, 1).flatten(1)
        return self.vgg.classifier(x).softmax(1)


class Affine(nn.Module):
    """Frozen batch normalisation as a multiplication and an addition."""

    def __init__(self, norm):
        super().__init__()
        scale = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
        self.scale = nn.Parameter(scale.view(1, -1, 1, 1))
        self.shift = nn.Parameter((norm.bias.data - norm.running_mean * scale).view(1, -1, 1, 1))

    def forward(self, x):
        return x * self.scale + self.shift


def affine(model):
    for name, child in model.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(model, name, Affine(child))
        else:
            affine(child)
    return model


RESTYLED = {
    "vit_separate": lambda: EarlySelection(make("vit")).eval(),
    "vgg_channels_last": lambda: ChannelsLast(make("vgg")).eval(),
    "resnet_affine": lambda: affine(make("resnet")).eval(),
}
