module github.com/go-mandate/mandate/conformance/clients

go 1.26.0

require (
	github.com/dghubble/oauth1 v0.7.3
	github.com/go-mandate/mandate/conformance v0.1.0
	github.com/go-mandate/mandate/core v0.1.0
	github.com/go-mandate/mandate/stores/memory v0.1.0
	github.com/google/go-github/v92 v92.0.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
)

replace (
	github.com/go-mandate/mandate/conformance => ..
	github.com/go-mandate/mandate/core => ../../core
	github.com/go-mandate/mandate/stores/memory => ../../stores/memory
)
