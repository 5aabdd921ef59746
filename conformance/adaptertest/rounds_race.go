//go:build race

package adaptertest

const defaultRounds = 20
