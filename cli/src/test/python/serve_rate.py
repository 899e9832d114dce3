"""How many photographs a second `ttame serve` explains for many clients at once, beside `ttame explain` on the same files.

    python3 serve_rate.py --ttame "java -jar cli/target/ttame-cli.jar" --run runs/vgg16 --images photos

Neither the start of the JVM nor the first batch counts: of `explain` the time from the first batch to the last is taken, the
server is asked for half of the files first. Rounds alternate. Only Python's own library is needed.
"""

import argparse
import http.client
import pathlib
import shlex
import statistics
import subprocess
import tempfile
import threading
import time


def explain(ttame, run, images, threads):
    """Images a second, from the first batch's maps to the last's: without the start of the JVM."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*ttame, "explain", "--run", run, "--images", images, "--format", "npy", "--quiet"]
        command += ["--threads", threads, "--out", str(pathlib.Path(folder, "maps"))]
        times = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if "probability" in line:
                    times.append(time.monotonic())
        if process.returncode:
            raise SystemExit(f"explain ended with {process.returncode}")
        # The images of a batch are told at once.
        batch = sum(moment - times[0] < 0.1 for moment in times)
        return (len(times) - batch) / (times[-1] - times[0])


def ask(port, files, clients):
    """Seconds until every file has been answered, by so many clients at once."""
    waiting = list(files)
    failures = []

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        while True:
            try:
                body = waiting.pop()
            except IndexError:
                return
            connection.request("POST", "/v1/explain", body, {"Accept": "application/x-npy"})
            answer = connection.getresponse()
            map_ = answer.read()
            if answer.status != 200 or not map_.startswith(b"\x93NUMPY"):
                failures.append((answer.status, map_[:200]))

    began = time.monotonic()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"{len(failures)} requests failed, first {failures[0]}")
    return time.monotonic() - began


def resident(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ttame", required=True, help="the command")
    parser.add_argument("--run", required=True)
    parser.add_argument("--images", required=True, help="a folder of photographs")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    ttame = shlex.split(options.ttame)
    files = sorted(file for file in pathlib.Path(options.images).resolve().iterdir() if file.is_file())
    bodies = [file.read_bytes() for file in files]
    server = subprocess.Popen(
        [*ttame, "serve", "--run", options.run, "--port", "0", "--threads", options.threads, "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(server.stdout.readline().strip().rstrip("/").rsplit(":", 1)[1])
        ask(port, bodies[: len(files) // 2], options.clients)
        before = resident(server)
        rates = {"explain": [], "serve": []}
        for _ in range(options.rounds):
            rates["serve"].append(len(bodies) / ask(port, bodies, options.clients))
            rates["explain"].append(explain(ttame, options.run, options.images, options.threads))
        for name, values in rates.items():
            shown = ", ".join(f"{value:.2f}" for value in values)
            print(f"{name:8} {statistics.median(values):6.2f} images/s (rounds {shown})")
        ratio = statistics.median(rates["serve"]) / statistics.median(rates["explain"])
        print(f"serve over explain: {ratio:.2f}; {options.clients} clients, {len(files)} files a round")
        print(f"resident memory of the server: {before} MiB after the warm-up, {resident(server)} MiB at the end")
    finally:
        server.terminate()
        print(f"exit code of the server after SIGTERM: {server.wait()}")


if __name__ == "__main__":
    main()
