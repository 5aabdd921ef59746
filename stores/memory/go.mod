module github.com/go-mandate/mandate/stores/memory

go 1.26.0

require (
	github.com/go-mandate/mandate/conformance v0.1.0
	github.com/go-mandate/mandate/core v0.1.0
)

replace (
	github.com/go-mandate/mandate/conformance => ../../conformance
	github.com/go-mandate/mandate/core => ../../core
)
