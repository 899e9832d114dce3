"""Golden values of AdIc, written from Eq. 18 to 20 and 13/14: a linear classifier of 8x8 images.

    python make_ad_ic.py > ../../../metrics/src/test/resources/org/ttame/eval/metric/ad-ic.json
"""

import json
import math

import numpy
import torch

SIDE, CLASSES, IMAGES, MAP = 8, 4, 6, 3
MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])


def lcg(seed):
    state = seed

    def draw(n):
        nonlocal state
        out = []
        for _ in range(n):
            state = (state * 1103515245 + 12345) % 2**31
            out.append(state / 2**31)
        return torch.from_numpy(numpy.array(out, dtype=numpy.float32))

    return draw


draw = lcg(7)
weights = draw(SIDE * SIDE * 3 * CLASSES).reshape(-1, CLASSES) * 0.5 - 0.25
bias = draw(CLASSES)
images = draw(IMAGES * SIDE * SIDE * 3).reshape(IMAGES, SIDE, SIDE, 3)
maps = draw(IMAGES * MAP * MAP).reshape(IMAGES, 1, MAP, MAP)
low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
maps = (maps - low) / (high - low)
maps = torch.nn.functional.interpolate(maps, (SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0]


def standardise(x):
    return (x - MEAN) / STD


def probabilities(x):
    logits = x.reshape(len(x), -1).double() @ weights.double() + bias.double()
    return torch.softmax(logits, 1)


def keep_exactly(e, percent):
    count = math.ceil(percent * e.numel() / 100)
    order = torch.sort(e.flatten(), descending=True, stable=True).indices[:count]
    kept = torch.zeros_like(e.flatten())
    kept[order] = e.flatten()[order]
    return kept.reshape(e.shape)


def keep_quantile(e, percent):
    return torch.where(e >= torch.quantile(e, 1 - percent / 100), e, 0)


clean = probabilities(standardise(images))
y = clean.argmax(1)
psi = clean.gather(1, y[:, None])[:, 0]
result = {"classes": y.tolist(), "confidences": psi.tolist(), "cases": []}
for masking in ("cnn", "vit"):
    for keeping, keep in (("exact", keep_exactly), ("quantile", keep_quantile)):
        for percent in (100, 50, 15):
            kept = torch.stack([keep(e, percent) for e in maps])[..., None]
            x = standardise(kept * images) if masking == "cnn" else kept * standardise(images)
            masked = probabilities(x).gather(1, y[:, None])[:, 0]
            ad = 100 * torch.clamp(psi - masked, min=0) / psi
            ic = 100.0 * (masked > psi)
            result["cases"].append(
                {
                    "masking": masking,
                    "keeping": keeping,
                    "percent": percent,
                    "ad": ad.tolist(),
                    "ic": ic.tolist(),
                }
            )
print(json.dumps(result, indent=1))
