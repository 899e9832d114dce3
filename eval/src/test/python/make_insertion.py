"""Golden values of InsertionDeletion: RISE's definition in SciPy and PyTorch, a linear classifier.

    python make_insertion.py > ../../../metrics/src/test/resources/org/ttame/eval/metric/insertion.json
"""

import json

import numpy
import torch
from scipy.ndimage import gaussian_filter

SIDE, CLASSES, IMAGES = 16, 4, 3
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)


def lcg(seed):
    state = seed

    def draw(n):
        nonlocal state
        out = []
        for _ in range(n):
            state = (state * 1103515245 + 12345) % 2**31
            out.append(state / 2**31)
        return torch.from_numpy(numpy.array(out, dtype=numpy.float32)).double()

    return draw


draw = lcg(11)
weights = (draw(SIDE * SIDE * 3 * CLASSES) * 0.0625 - 0.03125).reshape(-1, CLASSES)
bias = draw(CLASSES)
images = draw(IMAGES * SIDE * SIDE * 3).reshape(IMAGES, SIDE, SIDE, 3)
maps = draw(IMAGES * SIDE * SIDE).reshape(IMAGES, -1)

point = numpy.zeros((11, 11))
point[5, 5] = 1
kernel = torch.zeros(3, 3, 11, 11, dtype=torch.float64)
for c in range(3):
    kernel[c, c] = torch.from_numpy(gaussian_filter(point, 5))


def blur(x):
    return torch.nn.functional.conv2d(x.permute(2, 0, 1)[None], kernel, padding=5)[0].permute(1, 2, 0)


def probabilities(x):
    return torch.softmax(x.reshape(-1) @ weights + bias, 0)


def area(start, finish, order, y):
    scores, now = [], start.reshape(-1, 3).clone()
    for step in range(SIDE + 1):
        scores.append(probabilities(now)[y].item())
        chosen = order[step * SIDE : (step + 1) * SIDE]
        now[chosen] = finish.reshape(-1, 3)[chosen]
    scores = numpy.array(scores)
    return 100 * (scores.sum() - scores[0] / 2 - scores[-1] / 2) / SIDE


result = {"classes": [], "insertion": [], "deletion": []}
for image, e in zip((images - MEAN) / STD, maps):
    y = probabilities(image).argmax().item()
    order = torch.sort(e, descending=True, stable=True).indices
    result["classes"].append(y)
    result["insertion"].append(area(blur(image), image, order, y))
    result["deletion"].append(area(image, torch.zeros_like(image), order, y))
print(json.dumps(result))
