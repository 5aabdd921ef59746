module github.com/go-mandate/mandate/conformance

go 1.26.0

require (
	github.com/go-mandate/mandate/core v0.1.0
	github.com/go-mandate/mandate/stores/memory v0.1.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/go-mandate/mandate/core => ../core
	github.com/go-mandate/mandate/stores/memory => ../stores/memory
)
