"""Writes npz/ in core/image's resources: arrays as numpy writes them."""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "../../../image/src/test/resources/npz"
OUT.mkdir(parents=True, exist_ok=True)

counting = np.arange(24).reshape(2, 3, 4)
np.save(OUT / "f4.npy", (counting / 8 - 1).astype("<f4"))
np.save(OUT / "f4-fortran.npy", np.asfortranarray((counting / 8 - 1).astype("<f4")))
np.save(OUT / "f4-vector.npy", np.array([1.5, -0.0, np.inf, np.nan], "<f4"))
np.save(OUT / "f4-scalar.npy", np.array(2.25, "<f4"))
np.save(OUT / "f8.npy", counting / 8 - 1)
np.save(OUT / "f2.npy", np.array([0, -0.0, 1, -2.5, 65504, 6e-8, 6.1e-5, 1e-4, np.inf, np.nan], "<f2"))
np.save(OUT / "i4.npy", (counting - 12).astype("<i4"))
np.save(OUT / "i8.npy", (counting - 12).astype("<i8"))
np.save(OUT / "u1.npy", np.array([[0, 127], [128, 255]], "|u1"))
np.save(OUT / "b1.npy", np.array([True, False, True]))
np.save(OUT / "big-endian.npy", np.array([1, 2], ">f4"))
np.save(OUT / "complex.npy", np.array([1j]))
np.save(OUT / "records.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
np.save(OUT / "empty.npy", np.zeros((0, 3), "<f4"))
with open(OUT / "version2.npy", "wb") as f:
    np.lib.format.write_array(f, np.arange(3, dtype="<f4"), version=(2, 0))
with open(OUT / "version3.npy", "wb") as f:
    np.lib.format.write_array(f, np.arange(3, dtype="<f4"), version=(3, 0))
several = {"fusion.weight": (counting / 8 - 1).astype("<f4"), "fusion.bias": np.arange(3, dtype="<f4")}
np.savez(OUT / "stored.npz", **several)
np.savez_compressed(OUT / "deflated.npz", **several)
