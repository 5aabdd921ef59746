module github.com/go-mandate/mandate/stores/cache

go 1.26.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/go-mandate/mandate/conformance v0.1.0
	github.com/go-mandate/mandate/core v0.1.0
)

replace (
	github.com/go-mandate/mandate/conformance => ../../conformance
	github.com/go-mandate/mandate/core => ../../core
)
