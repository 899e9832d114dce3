"""Our time beside PyTorch's and ONNX Runtime's, on the same weights, in turn.

    python core/src/test/python/bench/bench.py [--backbones a,b] [--batches 4,16] [--repeats N]
                                               [--weights FOLDER] [--out FILE.json]
                                               [--only forward,step,explain,bfloat16,fair]
    python core/src/test/python/bench/bench.py --table FILE.json

Run it from the project's folder, after `mvn -ntp package`, with nothing else running, by the Python
that ../peers/install.sh makes. Random weights are exported from torchvision once; weights do not
change how long work takes.

For each row every engine is a process of its own that has loaded and warmed up; then one after the
other does the work once, and again, so that all see the same machine. Peak memory is that of the
whole process. Ratios are ours over the better of PyTorch's two layouts: of medians, and the smallest
and largest of the ratios round by round.

bfloat16 measures our --precision bfloat16 beside our float32, OpenVINO as it comes and PyTorch's
autocast, and needs a processor that has it. fair is the step beside PyTorch's with the two identities that
ours has: only the asked classes' maps, upsampled after the fusion; eager, and compiled.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
JAR = HERE.parents[4] / "cli/target/ttame-cli.jar"
WARMUP_RUNS, WARMUP_SECONDS = 2, 4
# Threads that have just worked wait for more in a loop, for a while, and would slow the next engine.
PAUSE = 0.5
FORWARD = ["torch", "torch-channels-last", "onnxruntime", "openvino", "openvino-default"]
STEP = ["torch", "torch-channels-last"]
FAIR = ["torch-channels-last-identities", "torch-channels-last-identities-compile"]
NARROW_FORWARD = ["openvino-default", "torch-channels-last-autocast"]
NARROW_STEP = ["torch-channels-last-identities-autocast"]


def export(backbone, folder):
    file = folder / f"{backbone}.onnx"
    if not file.exists():
        import torch
        import torchvision

        torch.manual_seed(0)
        model = getattr(torchvision.models, backbone)(weights=None).eval()
        batch = torch.zeros(2, 3, 224, 224)
        torch.onnx.export(
            model, (batch,), str(file), opset_version=17, dynamo=False,
            input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        )
    return file


class Engine:
    """A process that works when it is told to."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.seconds = []

    def expect_ready(self):
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{self.name} did not start:\n{self.process.stderr.read()}")

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} stopped:\n{self.process.stderr.read()}")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ours(file, work, batch, precision="float32"):
    return Engine(
        f"ours-{work}" if precision == "float32" else f"ours-{work}-{precision}",
        ["java", "-jar", str(JAR), "bench", "--weights", str(file), "--work", work, "--precision", precision,
         "--batch-sizes", str(batch), "--threads", "2", "--lockstep", "--quiet"],
    )


def peer(name, backbone, work, batch, file):
    return Engine(name, [sys.executable, str(HERE / "peers.py"), name, backbone, work, str(batch), str(file)])


def measure(engines, repeats):
    with contextlib.ExitStack() as stack:
        for engine in engines:
            stack.callback(engine.close)
        for engine in engines:
            engine.expect_ready()
            warm = []
            while len(warm) < WARMUP_RUNS or sum(warm) < WARMUP_SECONDS:
                warm.append(engine.ask("run"))
        for _ in range(repeats):
            for engine in engines:
                time.sleep(PAUSE)
                engine.seconds.append(engine.ask("run"))
        return {
            engine.name: {
                "seconds": engine.seconds,
                "median": statistics.median(engine.seconds),
                "min": min(engine.seconds),
                "max": max(engine.seconds),
                "peak_bytes": engine.ask("memory"),
            }
            for engine in engines
        }


def ratio(figures, mine, others):
    best = min(others, key=lambda name: figures[name]["median"])
    rounds = [a / b for a, b in zip(figures[mine]["seconds"], figures[best]["seconds"])]
    return {
        "of": best,
        "medians": figures[mine]["median"] / figures[best]["median"],
        "min": min(rounds),
        "max": max(rounds),
        "memory": figures[mine]["peak_bytes"] / min(figures[name]["peak_bytes"] for name in others),
    }


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    import onnxruntime
    import openvino
    import torch

    return {
        "processor": model,
        "threads": 2,
        "date": datetime.date.today().isoformat(),
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        "openvino": openvino.__version__.split("-")[0],
        "python": platform.python_version(),
        "ours": subprocess.run(
            ["java", "-jar", str(JAR), "version"], capture_output=True, text=True
        ).stdout.strip(),
    }


def row(record, backbone, batch, work, label, mine, others, figures, limit=None):
    r = ratio(figures, mine, others)
    a, b = figures[mine], figures[r["of"]]
    line = (
        f"{backbone:9} {batch:3} {label:24} ours {a['median'] * 1e3:7.0f} ms ({a['min'] * 1e3:.0f}-{a['max'] * 1e3:.0f})"
        f"  {r['of']:20} {b['median'] * 1e3:7.0f} ms ({b['min'] * 1e3:.0f}-{b['max'] * 1e3:.0f})"
        f"  ratio {r['medians']:.2f} ({r['min']:.2f}-{r['max']:.2f})"
        f"  memory {a['peak_bytes'] / 2**20:.0f}/{b['peak_bytes'] / 2**20:.0f} MiB = {r['memory']:.2f}"
    )
    print(line, flush=True)
    record["rows"].append(
        {"backbone": backbone, "batch": batch, "work": work, "against": label, "ours": mine, "figures": figures,
         "ratio": r}
    )


LIMITS = {"forward": "forward", "explain": "forward and a map", "step": "training step"}


def table(record):
    """The record as Markdown: medians in ms, ratios with their range, peak memory in MiB."""
    m = record["machine"]
    print(f"{m['processor']}, {m['threads']} threads, {m['date']}; PyTorch {m['torch']}, "
          f"ONNX Runtime {m['onnxruntime']}, OpenVINO {m.get('openvino', '-')}.\n")
    print("| classifier | batch | work | ours, ms | against | its ms | ratio | memory, MiB | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in record["rows"]:
        own = r["figures"][r["ours"]]
        other = r["figures"][r["ratio"]["of"]]
        mine = r["ours"]
        print(f"| {r['backbone']} | {r['batch']} | {LIMITS[r['work']]}{' in bfloat16' * mine.endswith('bfloat16')} | {own['median'] * 1e3:.0f} | "
              f"{r['against']} | {other['median'] * 1e3:.0f} | **{r['ratio']['medians']:.2f}** "
              f"({r['ratio']['min']:.2f}–{r['ratio']['max']:.2f}) | {own['peak_bytes'] / 2**20:.0f} / "
              f"{other['peak_bytes'] / 2**20:.0f} | {r['ratio']['memory']:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backbones", default="vgg16,resnet50,vit_b_16", help="names in torchvision")
    parser.add_argument("--batches", default="4,16")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="forward,step,explain")
    parser.add_argument("--weights", type=pathlib.Path, default=pathlib.Path("target/bench"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench/bench.json"))
    parser.add_argument("--table", type=pathlib.Path, help="only print this record as Markdown")
    options = parser.parse_args()
    if options.table:
        table(json.loads(options.table.read_text()))
        return
    options.weights.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine(), "rows": []}
    only = options.only.split(",")
    for backbone in options.backbones.split(","):
        file = export(backbone, options.weights)
        for batch in map(int, options.batches.split(",")):
            if "forward" in only:
                figures = measure(
                    [ours(file, "forward", batch)] + [peer(n, backbone, "forward", batch, file) for n in FORWARD],
                    options.repeats,
                )
                row(record, backbone, batch, "forward", "PyTorch", "ours-forward", STEP, figures)
                row(record, backbone, batch, "forward", "ONNX Runtime", "ours-forward", FORWARD[2:3], figures)
                row(record, backbone, batch, "forward", "OpenVINO", "ours-forward", FORWARD[3:4], figures)
                row(record, backbone, batch, "forward", "OpenVINO as it comes", "ours-forward", FORWARD[4:], figures)
            if "explain" in only:
                figures = measure([ours(file, "explain", batch), ours(file, "forward", batch)], options.repeats)
                row(record, backbone, batch, "explain", "our forward", "ours-explain", ["ours-forward"], figures)
            if "step" in only:
                figures = measure(
                    [ours(file, "step", batch)] + [peer(n, backbone, "step", batch, file) for n in STEP],
                    options.repeats,
                )
                row(record, backbone, batch, "step", "PyTorch", "ours-step", STEP, figures)
            if "fair" in only:
                figures = measure(
                    [ours(file, "step", batch)] + [peer(n, backbone, "step", batch, file) for n in FAIR],
                    options.repeats,
                )
                row(record, backbone, batch, "step", "PyTorch, identities", "ours-step", FAIR[:1], figures)
                row(record, backbone, batch, "step", "PyTorch, identities, compiled", "ours-step", FAIR[1:], figures)
            if "bfloat16" in only:
                for work, names in (("forward", NARROW_FORWARD), ("step", NARROW_STEP)):
                    mine = f"ours-{work}-bfloat16"
                    figures = measure(
                        [ours(file, work, batch, "bfloat16"), ours(file, work, batch)]
                        + [peer(n, backbone, work, batch, file) for n in names],
                        options.repeats,
                    )
                    row(record, backbone, batch, work, "our float32", mine, [f"ours-{work}"], figures)
                    for name in names:
                        label = "OpenVINO as it comes" if name.startswith("openvino") else "PyTorch autocast"
                        row(record, backbone, batch, work, label, mine, [name], figures)
            options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
