#!/bin/sh
# Makes the embedded sample anew: make_sample.sh <work folder> [output folder] [folder of Fashion-MNIST's idx.gz files]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
out=${2:-$here/../../../main/resources/org/ttame/training/sample}
dataset=${3:-/usr/share/datasets/fashion-mnist}
python=${PYTHON:-python3}

cd "$here"
"$python" compose.py --dataset "$dataset" --out "$out"
"$python" train_backbones.py vgg --work "$work" --dataset "$dataset"
"$python" train_backbones.py resnet --work "$work" --dataset "$dataset"
"$python" train_backbones.py vit --work "$work" --dataset "$dataset"
"$python" export.py --work "$work" --out "$out" --dataset "$dataset"
