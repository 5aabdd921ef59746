module github.com/go-mandate/mandate/conformance

go 1.26.0

require github.com/go-mandate/mandate/core v0.1.0

replace github.com/go-mandate/mandate/core => ../core
