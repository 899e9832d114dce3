#!/usr/bin/env bash
# Installs the peers: what golden values are computed with and benchmarks run against.
#
#     core/src/test/python/peers/install.sh [FOLDER]      # .venv-peers in the project's folder
#     .venv-peers/bin/python core/src/test/python/bench/bench.py
#
# Needs Python 3.11 on x86_64 Linux (PYTHON=… names another than python3.11) and 6 GB: 2.5 GB come from PyPI.
# Versions are pinned, so numbers can be had again; running it again brings a folder to them. Left out is what
# only a GPU needs (Triton, CUDA's bindings), telemetry, and OpenCV's windows beside opencv-python-headless.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../../../../.venv-peers}
python=${PYTHON:-python3.11}

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"
"$folder/bin/python" - <<'PYTHON'
import captum, onnx, onnxruntime, onnxscript, openvino, PIL, pytorch_grad_cam, quantus, scipy, timm, torch, torchvision, transformers

print("PyTorch", torch.__version__, "ONNX", onnx.__version__, "ONNX Runtime", onnxruntime.__version__, "OpenVINO", openvino.__version__)
PYTHON
echo "installed in $(cd "$folder" && pwd)"
