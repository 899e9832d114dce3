"""Golden values of schedule and optimiser from PyTorch. Run from the module's folder.

one-cycle.json: total steps -> [[lr, momentum] of each step] for maximum learning rate 1e-3.
sgd.json: a weight and a bias over 12 steps of OneCycle(12, 0.5) on given gradients, decay 0.05.
"""

import json
import pathlib
import warnings

import torch

warnings.simplefilter("ignore")
OUT = pathlib.Path("src/test/resources/optimizer")
OUT.mkdir(parents=True, exist_ok=True)


def schedule(optimizer, total, max_lr):
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=max_lr, total_steps=total, pct_start=0.3, anneal_strategy="cos",
        cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
        final_div_factor=1e4)


def used(optimizer):
    group = optimizer.param_groups[0]
    return [float(group["lr"]), float(group["momentum"])]


tables = {}
for total in (1, 2, 3, 4, 5, 7, 10, 20, 33, 100, 257):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1, momentum=0.9, nesterov=True)
    plan = schedule(optimizer, total, 1e-3)
    rows = []
    for step in range(total):
        rows.append(used(optimizer))
        optimizer.step()
        if step + 1 < total:
            plan.step()
    tables[total] = rows
(OUT / "one-cycle.json").write_text(json.dumps(tables))

torch.manual_seed(5)
weight = torch.nn.Parameter(torch.randn(2, 3))
bias = torch.nn.Parameter(torch.randn(3))
record = {"weight": weight.tolist(), "bias": bias.tolist(), "steps": []}
optimizer = torch.optim.SGD(
    [{"params": [weight], "weight_decay": 0.05}, {"params": [bias], "weight_decay": 0.0}],
    lr=1, momentum=0.9, nesterov=True)
plan = schedule(optimizer, 12, 0.5)
for step in range(12):
    weight.grad = torch.randn(2, 3)
    bias.grad = torch.randn(3)
    lr, momentum = used(optimizer)
    optimizer.step()
    if step < 11:
        plan.step()
    record["steps"].append({
        "lr": lr, "momentum": momentum,
        "weight.grad": weight.grad.tolist(), "bias.grad": bias.grad.tolist(),
        "weight": weight.tolist(), "bias": bias.tolist(),
        "weight.velocity": optimizer.state[weight]["momentum_buffer"].tolist()})
(OUT / "sgd.json").write_text(json.dumps(record))
