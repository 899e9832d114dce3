"""Writes the colour tables of org.ttame.eval.render.ColorMap.

The tables are those of matplotlib's viridis and inferno, designed by Stefan van der Walt, Nathaniel
Smith and (viridis) Eric Firing, who dedicated them to the public domain (CC0):
https://bids.github.io/colormap/

    python make_colormaps.py ../../../report/src/main/resources/org/ttame/eval/render
"""

import sys
from pathlib import Path

import matplotlib
import numpy

out = Path(sys.argv[1])
for name in ("viridis", "inferno"):
    table = numpy.round(numpy.array(matplotlib.colormaps[name].colors) * 255).astype(int)
    lines = [
        f"// {name}: 256 colours, RRGGBB, from the smallest value to the largest.",
        "// By Stefan van der Walt, Nathaniel Smith and Eric Firing; public domain (CC0).",
    ]
    lines += ["%02x%02x%02x" % tuple(row) for row in table]
    (out / f"{name}.txt").write_text("\n".join(lines) + "\n")
