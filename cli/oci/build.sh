#!/bin/sh
# build.sh [BASE]: the image of ttame as target/jib-image.tar, for `docker load`. Its base is made of Debian packages by
# base.sh, or is BASE, an image of a registry, e.g. eclipse-temurin:17-jre. FLAVOUR chooses ND4J's build (onednn-avx2).
set -eu
[ $# -le 1 ] || {
  echo "usage: build.sh [BASE]" >&2
  exit 2
}
cd "$(dirname "$0")"
../../mvnw -ntp -q -f ../.. -DskipTests "-Dnd4j.flavour=${FLAVOUR:-onednn-avx2}" -pl cli -am package
if [ $# = 1 ]; then
  set -- "-Dbase=$1"
else
  [ -e target/base.tar ] || ./base.sh target/base.tar
fi
../../mvnw -ntp -q package "$@"
ls -l "$PWD/target/jib-image.tar"
