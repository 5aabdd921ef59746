module github.com/go-mandate/mandate/stores/redis

go 1.26.0

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/go-mandate/mandate/conformance v0.1.0
	github.com/go-mandate/mandate/core v0.1.0
	github.com/go-mandate/mandate/stores/memory v0.1.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/go-mandate/mandate/conformance => ../../conformance
	github.com/go-mandate/mandate/core => ../../core
	github.com/go-mandate/mandate/stores/memory => ../memory
)
