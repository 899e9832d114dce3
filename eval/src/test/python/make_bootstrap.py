"""Golden values of Bootstrap: percentile intervals of means and of paired differences.

    python make_bootstrap.py > ../../../metrics/src/test/resources/org/ttame/eval/statistics/bootstrap.json

"ours" draws the same images as Bootstrap, from SplitMix64 streams, and leaves means and quantiles to
numpy; "scipy" is scipy.stats.bootstrap with draws of its own, so that it agrees only as well as two
seeds do.
"""

import json

import numpy
import scipy
from scipy import stats

B = 2000
SEED = 7
M64 = 2**64


def noise(n, state):
    # A linear congruential generator: the same numbers in any language.
    out = []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state / 2**31)
    return numpy.array(out)


def draws(resample, n):
    stream = (SEED * 0xD1B54A32D192ED03 + resample * n * 0x9E3779B97F4A7C15) % M64
    out = []
    for i in range(n):
        z = (stream + (i + 1) * 0x9E3779B97F4A7C15) % M64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % M64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % M64
        z ^= z >> 31
        out.append(int((z >> 11) * 2.0**-53 * n))
    return out


def interval(values):
    means = [values[draws(r, len(values))].mean() for r in range(B)]
    low, high = numpy.quantile(means, [0.025, 0.975])
    return [values.mean(), low, high]


def scipys(values):
    found = stats.bootstrap(
        (values,), numpy.mean, n_resamples=20000, method="percentile", rng=numpy.random.default_rng(1)
    ).confidence_interval
    return [found.low, found.high]


a = 100 * noise(60, 5)
b = 0.7 * a + 20 * noise(60, 99)
skewed = 100 * noise(60, 31) ** 6
cases = {"a": a, "b": b, "skewed": skewed, "a-b": a - b}
print(
    json.dumps(
        {
            "made_by": f"make_bootstrap.py, numpy {numpy.__version__}, scipy {scipy.__version__}",
            "resamples": B,
            "seed": SEED,
            "ours": {name: interval(values) for name, values in cases.items()},
            "scipy": {name: scipys(values) for name, values in cases.items()},
        },
        indent=1,
    )
)
