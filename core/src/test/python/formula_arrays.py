"""Values that Java (FormulaArrays) and NumPy compute alike: element i of the array called NAME."""

import numpy as np

CHUNK = 1 << 22


def seed(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


def uniform(name, shape):
    """Uniform in [-1, 1), float32, of the given shape in C order."""
    count = int(np.prod(shape))
    values = np.empty(count, np.float32)
    with np.errstate(over="ignore"):
        for start in range(0, count, CHUNK):
            i = np.arange(start, min(start + CHUNK, count), dtype=np.uint64)
            z = seed(name) + i * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
            values[start : start + len(i)] = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return values.reshape(shape)
