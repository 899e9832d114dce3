"""What an explanation costs: files of `ttame export --format onnx` beside their classifier in ONNX Runtime.

explainer_cost.py CLASSIFIER.onnx EXPLAINER.onnx ... [--batch N] [--threads N] [--rounds N] [--seconds S]

All run in turn in the same process, so that whatever else the machine does meets all of them alike. Prints medians of
the rounds, and the median of each round's ratio to the classifier alone, with its quartiles.
"""
import argparse
import time

import numpy as np
import onnxruntime


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no round after that")
    given = parser.parse_args()
    sessions = [session(path, given.threads) for path in given.files]
    feeds = []
    for each in sessions:
        image = each.get_inputs()[0]
        feed = {image.name: np.random.default_rng(1).standard_normal([given.batch] + image.shape[1:]).astype("float32")}
        for more in each.get_inputs()[1:]:
            feed[more.name] = np.arange(given.batch, dtype="int64")
        feeds.append(feed)
        each.run(None, feed)
        each.run(None, feed)
    began = time.perf_counter()
    times = []
    while len(times) < given.rounds and time.perf_counter() - began < given.seconds:
        row = []
        for each, feed in zip(sessions, feeds):
            start = time.perf_counter()
            each.run(None, feed)
            row.append(time.perf_counter() - start)
        times.append(row)
    times = np.array(times)
    ratios = times / times[:, :1]
    for i, path in enumerate(given.files):
        low, middle, high = np.percentile(ratios[:, i], [25, 50, 75])
        print(f"{path}: {1000 * np.median(times[:, i]):.1f} ms, {middle:.3f} of the classifier's ({low:.3f} to {high:.3f})")
    print(f"batch {given.batch}, {given.threads} threads, {len(times)} rounds, ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
