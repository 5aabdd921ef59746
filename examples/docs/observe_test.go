package docs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/examples/docs"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

// TestObserve reads what OpenTelemetry was told of one request.
func TestObserve(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	srv, guard, err := docs.Observe(server.Config{Issuer: "http://127.0.0.1:8080", Store: memstore.New(), GrantTypes: []server.GrantType{server.ClientCredentials()}}, tracetest.NewInMemoryExporter(), reader)
	if err != nil || guard == nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := nethttp.Mount(mux, srv); err != nil {
		t.Fatal(err)
	}
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/jwks", nil))
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil || len(all.ScopeMetrics) != 1 || all.ScopeMetrics[0].Metrics[0].Name != "mandate.server.request.duration" {
		t.Errorf("metrics = %+v, %v", all.ScopeMetrics, err)
	}
}

// TestSigningClient makes a client that signs.
func TestSigningClient(t *testing.T) {
	t.Parallel()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	file, err := key.MarshalJWK()
	if err != nil {
		t.Fatal(err)
	}
	tokens, jwks, err := docs.SigningClient(file)
	if err != nil || tokens == nil {
		t.Fatal(err)
	}
	if set, err := jose.ParseKeySet(jwks); err != nil || !set.Has(key.Public()) {
		t.Errorf("key set %s: %v", jwks, err)
	}
}
