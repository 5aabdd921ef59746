package docs

import (
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	mandateotel "github.com/go-mandate/mandate/observe/otel"
)

// Observe tells OpenTelemetry what a server and a guard do.
func Observe(c server.Config, spans trace.SpanExporter, reader metric.Reader) (*server.Server, *resource.Guard, error) {
	// doc:start observe
	hooks, err := mandateotel.Hooks(mandateotel.Config{ // without fields: the global providers, otel.SetTracerProvider and otel.SetMeterProvider
		TracerProvider: trace.NewTracerProvider(trace.WithBatcher(spans)),  // go.opentelemetry.io/otel/sdk/trace; spans is an exporter: otlptracehttp.New(ctx)
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(reader)), // go.opentelemetry.io/otel/sdk/metric; metric.NewPeriodicReader(exporter)
	})
	if err != nil {
		return nil, nil, err
	}
	c.Hooks = hooks // beside your own: mandate.JoinHooks(hooks, yours)
	srv, err := server.New(c)
	if err != nil {
		return nil, nil, err
	}
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Of(srv)}, Hooks: hooks}) // token.refused and token.authenticated
	// doc:end
	return srv, guard, err
}
