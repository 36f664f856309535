# What one does with this tree. `make run` starts a server on this machine;
# `make test` proves everything, and installs what it needs to.

tool = go tool -modfile=tools/go.mod

run:
	go run ./cmd/copse serve

demo:
	go run ./cmd/copse demo

# One file that runs on any Linux of this architecture.
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/copse ./cmd/copse

test:
	test/run

lint:
	test/run lint

# Run this after changing a .templ file, and commit what it writes.
generate:
	$(tool) templ generate

check-generated:
	test/run check_generated

# What each thing costs, against its bar; docs/performance.md says how to read it.
bench:
	go run ./internal/bench

# Looks for bytes that break a parser, half a minute for each target.
fuzz:
	test/run fuzz

.PHONY: run demo build test lint generate check-generated bench fuzz
