#!/bin/sh
# outside.sh OUT: programs outside this build that use the engine, the image reader and the facade. `mvn install` puts the
# parts into OUT/repository; then each program of java/ is built by a Maven of its own, the last by Gradle, too, and run.
# REPOSITORY names a local repository that has the parts already; GRADLE the command (gradle; left out where there is none).
set -eu
[ $# = 1 ] || {
  echo "usage: outside.sh OUT" >&2
  exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
downloaded=$HOME/.m2/repository

maven() {
  "$here/../../mvnw" -ntp -q "-Dmaven.repo.local=$REPOSITORY" "-Dmaven.repo.local.tail=$downloaded" \
    -Dmaven.repo.local.tail.ignoreAvailability=true "$@"
}

if [ -z "${REPOSITORY:-}" ]; then
  REPOSITORY=$out/repository
  maven -f "$here/../.." -DskipTests install
fi
export REPOSITORY

# What they work on: a run of the bundled sample.
[ -e "$out/run/run.json" ] || "$here/../bin/ttame" train --max-steps 2 --report 0 --quiet --out "$out/run"
scene=$(find "$out/run/sample/scenes/test" -name '*.jpg' | sort | head -n 1)

program() {
  project=$1
  shift
  rm -rf "${out:?}/$project"
  cp -r "$here/java/$project" "$out/$project"
  maven -f "$out/$project" compile org.apache.maven.plugins:maven-dependency-plugin:3.11.0:build-classpath \
    -Dmdep.outputFile=target/classpath
  echo "== $project, by Maven"
  java -cp "$out/$project/target/classes:$(cat "$out/$project/target/classpath")" "$@"
}
program engine RunGraph
program images ReadPhotograph "$scene"
program photograph ExplainPhotograph "$out/run" "$scene" "$out/heatmap.png"

gradle=${GRADLE:-gradle}
if ! command -v "$gradle" > /dev/null; then
  echo "there is no $gradle: the program that it builds is left out"
  exit 0
fi
rm -rf "$out/gradle"
mkdir "$out/gradle"
cp -r "$here/gradle" "$here/java" "$out/gradle"
"$gradle" -q --no-daemon -p "$out/gradle/gradle" classpath
echo "== photograph, by Gradle"
java -cp "$(cat "$out/gradle/gradle/build/classpath")" ExplainPhotograph "$out/run" "$scene" "$out/heatmap-gradle.png"
