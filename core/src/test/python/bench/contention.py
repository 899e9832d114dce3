"""Two threads beside another busy process: images a second for ways of waiting, idle and not, in turn.

    python core/src/test/python/bench/contention.py [--weights FILE.onnx] [--work forward,step] [--batch 8]
                                                    [--rounds N] [--settings A,B] [--jar FILE] [--out FILE.json]

Run it from the project's folder, after `mvn -ntp package`, with nothing else running: it starts the
busy process itself. A setting is "default" (what the program does), or a variable of OpenMP's such as
GOMP_SPINCOUNT=300000, which is what OpenMP does when nobody says anything. Each setting is a process
of its own that has loaded and warmed up; one after the other does the work once, and again, so that
all see the same machine. One thread is measured beside them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from bench import JAR, PAUSE, WARMUP_RUNS, Engine

ROOT = pathlib.Path(__file__).resolve().parents[5]
SAMPLE = ROOT / "training/src/main/resources/org/ttame/training/sample/vgg.onnx"
BUSY = [sys.executable, "-c", "while True: pass"]


def engine(jar, weights, work, batch, threads, setting):
    if setting != "default":
        name, value = setting.split("=")
        os.environ[name] = value
    try:
        return Engine(
            f"{threads} {'thread' if threads == 1 else 'threads'}, {setting}",
            ["java", "-jar", str(jar), "bench", "--weights", str(weights), "--work", work,
             "--batch-sizes", str(batch), "--threads", str(threads), "--lockstep", "--quiet"],
        )
    finally:
        if setting != "default":
            del os.environ[name]


def rates(engines, batch, rounds):
    for each in engines:
        each.seconds.clear()
    for _ in range(rounds):
        for each in engines:
            time.sleep(PAUSE)
            each.seconds.append(each.ask("run"))
    return {each.name: batch / statistics.median(each.seconds) for each in engines}


def measure(jar, weights, work, batch, rounds, settings):
    with contextlib.ExitStack() as stack:
        engines = [engine(jar, weights, work, batch, 1, "default")]
        engines += [engine(jar, weights, work, batch, 2, setting) for setting in settings]
        for each in engines:
            stack.callback(each.close)
        for each in engines:
            each.expect_ready()
            for _ in range(WARMUP_RUNS):
                each.ask("run")
        idle = rates(engines, batch, rounds)
        other = subprocess.Popen(BUSY)
        try:
            busy = rates(engines, batch, rounds)
        finally:
            other.kill()
            other.wait()
        return [{"work": work, "setting": e.name, "idle": idle[e.name], "busy": busy[e.name]} for e in engines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=pathlib.Path, default=SAMPLE)
    parser.add_argument("--work", default="forward,step")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--settings", default="default,GOMP_SPINCOUNT=300000")
    parser.add_argument("--jar", type=pathlib.Path, default=JAR)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    print("| work | threads, waiting | images/s idle | beside a busy process | of one thread's | of the last's idle |")
    print("|---|---|---|---|---|---|")
    rows = []
    for work in options.work.split(","):
        found = measure(options.jar, options.weights, work, options.batch, options.rounds, options.settings.split(","))
        for row in found:
            print(f"| {work} | {row['setting']} | {row['idle']:.1f} | {row['busy']:.1f} | "
                  f"{row['busy'] / found[0]['busy']:.2f} | {row['idle'] / found[-1]['idle']:.2f} |", flush=True)
        rows += found
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
