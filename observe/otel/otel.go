// Package mandateotel tells OpenTelemetry what an authorization server and its guards do: a span and a duration for each request at an
// endpoint, an event on the span and a count for each thing that happens.
//
//	hooks, err := mandateotel.Hooks(mandateotel.Config{})
//	srv, err := server.New(server.Config{Hooks: hooks, ...})
//	guard, err := resource.New(resource.Config{Hooks: hooks, ...})
//
// Spans are children of the one that the framework's own instrumentation put into the request's context, if there is one. Nothing that is told is a
// secret: neither tokens nor codes, and subjects only where they are asked for.
package mandateotel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	mandate "github.com/go-mandate/mandate/core"
)

// scope is the instrumentation scope of everything that is told.
const scope = "github.com/go-mandate/mandate/observe/otel"

// The attributes and instruments.
const (
	attrEndpoint  = attribute.Key("mandate.endpoint")
	attrEvent     = attribute.Key("mandate.event")
	attrClient    = attribute.Key("mandate.client_id")
	attrGrant     = attribute.Key("mandate.grant_id")
	attrGrantType = attribute.Key("mandate.grant_type")
	attrScope     = attribute.Key("mandate.scope")
	attrSubject   = attribute.Key("enduser.id")
	attrStatus    = attribute.Key("http.response.status_code")
	attrError     = attribute.Key("error.type")

	nameDuration = "mandate.server.request.duration"
	nameEvents   = "mandate.events"
)

// Config says where to tell. The zero value tells the global providers and leaves subjects out.
type Config struct {
	// TracerProvider makes spans. Default: the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider counts. Default: the global one.
	MeterProvider metric.MeterProvider
	// Subjects puts the user's subject into span events, as enduser.id. Default: it stays out of traces.
	Subjects bool
	// Now is the clock that measures durations. Default: time.Now.
	Now func() time.Time
}

// Hooks returns hooks for server.Config and resource.Config. They may be called from any number of goroutines. An error is that of the
// MeterProvider.
func Hooks(c Config) (mandate.Hooks, error) {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	meter := c.MeterProvider.Meter(scope)
	duration, err1 := meter.Float64Histogram(nameDuration, metric.WithUnit("s"), metric.WithDescription("How long a request at an endpoint of the authorization server took."),
		metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	events, err2 := meter.Int64Counter(nameEvents, metric.WithUnit("{event}"), metric.WithDescription("What happened at the authorization server and its guards."))
	if err := errors.Join(err1, err2); err != nil {
		return mandate.Hooks{}, fmt.Errorf("mandateotel: MeterProvider: %w", err)
	}
	t := teller{tracer: c.TracerProvider.Tracer(scope), duration: duration, events: events, subjects: c.Subjects, now: c.Now}
	return mandate.Hooks{Around: t.around, On: t.on}, nil
}

type teller struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	events   metric.Int64Counter
	subjects bool
	now      func() time.Time
}

// around makes the span of a request, and measures it.
func (t teller) around(ctx context.Context, endpoint string) (context.Context, func(int, error)) {
	start := t.now()
	ctx, span := t.tracer.Start(ctx, "mandate "+endpoint, trace.WithAttributes(attrEndpoint.String(endpoint)))
	return ctx, func(status int, err error) {
		attrs := []attribute.KeyValue{attrEndpoint.String(endpoint), attrStatus.Int(status)}
		if err != nil {
			attrs = append(attrs, attrError.String(string(mandate.AsError(err).Code)))
		}
		span.SetAttributes(attrs[1:]...)
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
		t.duration.Record(ctx, t.now().Sub(start).Seconds(), metric.WithAttributes(attrs...))
	}
}

// on puts an event on the current span, and counts it. What a stranger may choose is no attribute of a count.
func (t teller) on(ctx context.Context, e mandate.Event) {
	count := []attribute.KeyValue{attrEvent.String(string(e.Name))}
	if refusal, ok := errors.AsType[*mandate.Error](e.Err); ok {
		count = append(count, attrError.String(string(refusal.Code)))
	}
	if e.GrantType != "" && e.Name == mandate.TokenIssued {
		count = append(count, attrGrantType.String(e.GrantType))
	}
	t.events.Add(ctx, 1, metric.WithAttributes(count...))
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attrs := count[1:len(count):len(count)]
	for _, a := range [...]struct {
		key   attribute.Key
		value string
	}{{attrClient, e.ClientID}, {attrGrant, e.GrantID}, {attrScope, string(e.Scopes)}, {attrSubject, e.Subject}} {
		if a.value != "" && (a.key != attrSubject || t.subjects) {
			attrs = append(attrs, a.key.String(a.value))
		}
	}
	span.AddEvent(string(e.Name), trace.WithAttributes(attrs...))
}
