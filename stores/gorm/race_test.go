//go:build race

package gormstore_test

const fewRounds = 2 // SQLite in Go is slow under the detector
