#!/bin/sh
# Fetches the W3C's test cases of SPARQL 1.0 and 1.1: Apache Jena's source release on Maven Central
# has them. The target is there only when the release has the SHA-256 sum below, and holds nothing
# but the cases.
# Usage: fetch_w3c.sh DIRECTORY
set -eu
target=$1
[ ! -d "$target" ] || exit 0
version=5.6.0
sum=82bb58816253a597b117a8536a635a47043990d070bf69c5ef5c86025cc04982
mkdir -p "$(dirname "$target")"
fetched=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$fetched"' EXIT
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact=org.apache.jena:jena:$version:zip:source-release -DoutputDirectory="$fetched"
release=$fetched/jena-$version-source-release.zip
echo "$sum  $release" | sha256sum --check --quiet
python3 - "$release" "$fetched/cases" "jena-$version/jena-arq/testing/rdf-tests-cg/sparql/" <<'END'
import sys, zipfile
release, target, folder = sys.argv[1:]
with zipfile.ZipFile(release) as archive:
    for member in archive.infolist():
        inside = member.filename.removeprefix(folder)
        if inside.startswith(("sparql10/", "sparql11/")) and member.filename != inside:
            member.filename = inside
            archive.extract(member, target)
END
chmod 755 "$fetched/cases"
mv "$fetched/cases" "$target"
