#!/usr/bin/env bash
# An evaluation as a Slurm job array, a shard a task, and the merge when all have ended well:
#   sbatch --array=0-31 slurm.sh runs/vgg16 lists/test.txt metrics
#   sbatch --dependency=afterok:JOB slurm.sh --merge metrics
# A task that was ended begins where it was: sbatch --requeue, or the same command again.
#SBATCH --job-name=ttame
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --time=04:00:00
set -euo pipefail

jar=${TTAME_JAR:-ttame-cli.jar}
ttame() { java -Xmx2g -jar "$jar" "$@"; }

if [ "$1" = --merge ]; then
  ttame merge "$2"/part-* --out "$2"
  exit
fi
run=$1 data=$2 out=$3
index=$SLURM_ARRAY_TASK_ID
# The number of shards is that of the array's tasks, whichever of them are run again.
count=${TTAME_SHARDS:-$((SLURM_ARRAY_TASK_MAX + 1))}
ttame evaluate --run "$run" --data "$data" --metrics ad,ic,road --threads "${SLURM_CPUS_PER_TASK:-8}" \
  --shard "$index/$count" --out "$out/part-$index"
