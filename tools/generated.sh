#!/usr/bin/env bash
# Fails when generated code differs from what its source makes today. Needs protoc; installs it on Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v protoc >/dev/null; then
  echo "installing protoc (Debian package protobuf-compiler)"
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends protobuf-compiler >/dev/null
fi
before=$(sha256sum cluster/wire/*.pb.go)
go generate ./cluster/wire
after=$(sha256sum cluster/wire/*.pb.go)
[ "$before" = "$after" ] || { echo "cluster/wire: run make generate and commit the result"; exit 1; }
