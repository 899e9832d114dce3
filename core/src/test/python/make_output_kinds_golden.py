"""Golden values of what a classifier's output may mean: probabilities, cross-entropy and gradients by PyTorch.

A linear classifier on images of 2x3 pixels and two channels, in double precision from inputs that are exact in
float32. For each kind: x [4, 2, 3, 2], w [12, K], labels [4], psi [4, classes], ce (the batch's mean), ce_gradient
(at x), score_gradient (at x, of the labels' scores summed). Writes output_kinds.npz into core/method's resources.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).parent / "../../../method/src/test/resources/org/ttame/core/classifier"


def main():
    rng = np.random.default_rng(17)
    arrays = {}
    for kind, width in (("logits", 3), ("multi-label", 3), ("one-logit", 1)):
        x = torch.tensor(rng.normal(size=(4, 2, 3, 2)).astype(np.float32).astype(np.float64), requires_grad=True)
        w = torch.tensor((3 * rng.normal(size=(12, width))).astype(np.float32).astype(np.float64))
        labels = torch.tensor([0, 1, 1, 0] if width == 1 else [2, 0, 1, 2])
        z = x.reshape(4, 12) @ w
        if kind == "logits":
            psi, ce = F.softmax(z, 1), F.cross_entropy(z, labels)
            score = z.gather(1, labels[:, None]).sum()
        elif kind == "multi-label":
            own = z.gather(1, labels[:, None])[:, 0]
            psi, ce = torch.sigmoid(z), F.binary_cross_entropy_with_logits(own, torch.ones(4, dtype=torch.float64))
            score = own.sum()
        else:
            p = torch.sigmoid(z[:, 0])
            psi = torch.stack([1 - p, p], 1)
            ce = F.binary_cross_entropy_with_logits(z[:, 0], labels.double())
            score = (z[:, 0] * (2 * labels - 1)).sum()
        (ce_gradient,) = torch.autograd.grad(ce, x, retain_graph=True)
        (score_gradient,) = torch.autograd.grad(score, x)
        values = dict(x=x, w=w, labels=labels, psi=psi, ce=ce, ce_gradient=ce_gradient, score_gradient=score_gradient)
        for name, value in values.items():
            arrays[f"{kind}.{name}"] = value.detach().numpy().astype(np.float32)
    OUT.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(OUT / "output_kinds.npz", **arrays)


if __name__ == "__main__":
    main()
