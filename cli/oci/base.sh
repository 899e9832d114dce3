#!/bin/sh
# base.sh OUT.tar: an image of Debian packages alone, Java 17 without a display, as a base for jib's tar://.
# Needs mmdebstrap and a Debian mirror; SUITE and MIRROR choose them.
set -eu
[ $# = 1 ] || {
  echo "usage: base.sh OUT.tar" >&2
  exit 2
}
out=$1
suite=${SUITE:-bookworm}
# So that the same packages make the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck disable=SC2086 # no word where there is no mirror
mmdebstrap --variant=essential --include=openjdk-17-jre-headless,libstdc++6 \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
  "$suite" "$work/layer.tar" ${MIRROR:-}

id=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
architecture=$(dpkg --print-architecture)
printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$architecture" "$id" > "$work/config.json"
printf '[{"Config":"config.json","RepoTags":["ttame-base:%s"],"Layers":["layer.tar"]}]' "$suite" > "$work/manifest.json"
mkdir -p "$(dirname "$out")"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 -C "$work" -cf "$out.partial" manifest.json config.json layer.tar
mv -f "$out.partial" "$out"
