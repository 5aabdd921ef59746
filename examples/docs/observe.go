package docs

import (
	mandate "github.com/go-mandate/mandate/core"
	mandateotel "github.com/go-mandate/mandate/observe/otel"
)

// Observe tells OpenTelemetry.
func Observe() (mandate.Hooks, error) {
	// doc:start observe
	hooks, err := mandateotel.Hooks(mandateotel.Config{}) // the global providers
	// doc:end
	return hooks, err
}
