#!/bin/sh
# Fetches the jars that pom.xml in a folder here names from Maven Central; it runs nothing of them.
# The target is there only when every jar, and no other, has the SHA-256 sum in jars.sha256.
# Usage: fetch_jars.sh NAME DIRECTORY [--lock]     NAME is jena or robot
#                                                  --lock writes jars.sha256 anew, after a change of pom.xml
set -eu
here=$(cd "$(dirname "$0")" && pwd)/$1
target=$2
[ "${3:-}" = --lock ] || [ ! -d "$target" ] || exit 0
mkdir -p "$(dirname "$target")"
fetched=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$fetched"' EXIT
mvn --quiet --batch-mode --file "$here/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$fetched"
sums() { (cd "$fetched" && LC_ALL=C && export LC_ALL && sha256sum -- *.jar); }
[ "${3:-}" != --lock ] || sums >"$here/jars.sha256"
if ! sums | cmp -s - "$here/jars.sha256"; then
    echo "The jars that were fetched are not those of $here/jars.sha256:" >&2
    sums | diff "$here/jars.sha256" - >&2
    exit 1
fi
rm -rf "$target"
chmod 755 "$fetched"
mv "$fetched" "$target"
