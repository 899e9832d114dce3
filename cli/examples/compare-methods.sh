#!/bin/sh
# Trains T-TAME and, for convolutional networks, L-CAM-Img on the embedded sample and measures them
# beside every other method, on the held-out scenes: the tables of eval/docs/methods.md.
#
#   cli/examples/compare-methods.sh OUT
#
# OUT/FAMILY/metrics/report.html shows the maps. Run it again to resume. Exit
# codes are ttame's: 0 done, 1 failed, 2 wrong usage.
#
#   TTAME     how to call the program        (java -jar cli/target/ttame-cli.jar)
#   BACKBONES families of the sample         (vgg16 resnet50 vit_b_16)
#   TRAIN     more options of the trainings  (none)
#   MASKS     RISE's passes an image         (1000)
#   LIMIT     how many images are measured   (600, all held-out scenes)
#   OPTIONS   more options of every command  (none)
set -eu

if [ $# -ne 1 ]; then
  echo "usage: compare-methods.sh OUT" >&2
  exit 2
fi
out=$1
ttame=${TTAME:-java -jar "$(dirname "$0")/../target/ttame-cli.jar"}

for backbone in ${BACKBONES:-vgg16 resnet50 vit_b_16}; do
  folder=$out/$backbone
  # What only networks of one kind have.
  case $backbone in
    vit*) variants=proposed own=transformer-lrp lcam= ;;
    *) variants="proposed lcam" own=iia-released,lcam lcam=$folder/lcam ;;
  esac
  for variant in $variants; do
    run=$folder/$variant
    if [ -e "$run/run.json" ]; then
      $ttame train --run "$run" --resume --report 0 --quiet ${OPTIONS:-}
    else
      $ttame train --backbone "$backbone" --variant "$variant" --run "$run" --report 0 --quiet \
        ${OPTIONS:-} ${TRAIN:-}
    fi
  done
  $ttame evaluate --run "$folder/proposed" ${lcam:+--lcam-run "$lcam"} \
    --methods "ttame,gradcam,gradcam++,scorecam,ablationcam,rise,iia,$own,untrained,random" \
    --metrics ad,ic,road,pointing,energy --rise-masks "${MASKS:-1000}" \
    --data "$folder/proposed/sample/scenes/test" --limit "${LIMIT:-600}" \
    --out "$folder/metrics" --quiet ${OPTIONS:-}
  cat "$folder/metrics/tables.md"
done
