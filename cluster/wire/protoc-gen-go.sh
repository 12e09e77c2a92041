#!/bin/sh
# The generator at the version pinned in go.mod, where protoc can find it as a program.
exec go tool protoc-gen-go "$@"
