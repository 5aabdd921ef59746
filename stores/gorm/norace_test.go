//go:build !race

package gormstore_test

const fewRounds = 10
