#!/bin/sh
# Trains T-TAME twice on the embedded sample, with the paper's loss and with that of the released
# program, and says which maps are better, image by image, with 95 % intervals.
#
#   cli/examples/compare-runs.sh OUT
#
# The second run takes part as maps made elsewhere, so that both are measured on the same images in
# one table. Run it again to resume. Exit codes are ttame's: 0 done, 1 failed,
# 2 wrong usage.
#
#   TTAME    how to call the program      (java -jar cli/target/ttame-cli.jar)
#   BACKBONE a family of the sample       (vgg16)
#   TRAIN    more options of the training (none)
#   LIMIT    how many images are measured (600, all held-out scenes)
set -eu

if [ $# -ne 1 ]; then
  echo "usage: compare-runs.sh OUT" >&2
  exit 2
fi
out=$1
ttame=${TTAME:-java -jar "$(dirname "$0")/../target/ttame-cli.jar"}
limit=${LIMIT:-600}

for loss in paper released; do
  run=$out/$loss
  if [ -e "$run/run.json" ]; then
    $ttame train --run "$run" --resume --report 0 --quiet
  else
    $ttame train --backbone "${BACKBONE:-vgg16}" --run "$run" --loss "$loss" --report 0 --quiet ${TRAIN:-}
  fi
done

scenes=$out/paper/sample/scenes/test
$ttame explain --run "$out/released" --images "$scenes" --limit "$limit" --format npy \
  --out "$out/released-maps" --quiet > "$out/explain.log"
$ttame evaluate --run "$out/paper" --methods ttame,random --maps "released=$out/released-maps" \
  --data "$scenes" --limit "$limit" --metrics ad,ic,pointing,energy --out "$out/metrics" --quiet
cat "$out/metrics/tables.md"
