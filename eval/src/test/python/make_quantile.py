"""Golden values of PixelKeeping.QUANTILE: torch.quantile thresholds with ties kept.

    python make_quantile.py > ../../../metrics/src/test/resources/org/ttame/eval/metric/quantile.csv

Columns: map (name), percent, pixels kept, threshold's bits. The maps are made by integer arithmetic
that the test repeats.
"""

import numpy
import torch


def noise(n):
    # A linear congruential generator: the same numbers in any language.
    state, out = 12345, []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(numpy.float32(state / 2**31))
    return numpy.array(out, dtype=numpy.float32)


maps = {
    "noise": noise(56 * 56),
    "ties": numpy.floor(noise(56 * 56) * 8).astype(numpy.float32) / numpy.float32(8),
    "relu": numpy.maximum(noise(64 * 64) - numpy.float32(0.75), numpy.float32(0)),
    "odd": noise(37 * 41),
}
print("# map,percent,kept,threshold bits: written by make_quantile.py, torch", torch.__version__)
for name, values in maps.items():
    for percent in (100, 90, 50, 33.3, 15, 10, 1):
        tensor = torch.from_numpy(values)
        threshold = torch.quantile(tensor, 1 - percent / 100)
        kept = int((tensor >= threshold).sum())
        print(f"{name},{percent},{kept},{threshold.numpy().view(numpy.int32)}")
