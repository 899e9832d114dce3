#!/usr/bin/env bash
# An evaluation as a Slurm job array, one shard per task, and the merge once all have succeeded:
#   sbatch --array=0-31 slurm.sh runs/vgg16 lists/test.txt metrics
#   sbatch --dependency=afterok:JOB slurm.sh --merge metrics
# An interrupted task resumes: sbatch --requeue, or the same command again. To run some tasks only, set TTAME_SHARDS=32, too.
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
# The array's tasks count from 0; where it is only a part of them, TTAME_SHARDS says how many there are.
count=${TTAME_SHARDS:-$((SLURM_ARRAY_TASK_MAX + 1))}
ttame evaluate --run "$run" --data "$data" --metrics ad,ic,road --threads "${SLURM_CPUS_PER_TASK:-8}" \
  --shard "$index/$count" --out "$out/part-$index"
