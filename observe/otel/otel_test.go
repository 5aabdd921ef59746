package mandateotel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/nethttp"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/resource"
	"github.com/go-mandate/mandate/core/server"
	"github.com/go-mandate/mandate/core/store"
	mandateotel "github.com/go-mandate/mandate/observe/otel"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

const issuer = "http://127.0.0.1"

// site is a server and an API, and what OpenTelemetry was told.
type site struct {
	*http.ServeMux
	spans  *tracetest.InMemoryExporter
	reader *metric.ManualReader
	secret string
}

func newSite(t *testing.T, c mandateotel.Config) *site {
	t.Helper()
	s := &site{ServeMux: http.NewServeMux(), spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	c.TracerProvider = trace.NewTracerProvider(trace.WithSyncer(s.spans))
	c.MeterProvider = metric.NewMeterProvider(metric.WithReader(s.reader))
	hooks, err := mandateotel.Hooks(c)
	if err != nil {
		t.Fatal(err)
	}
	secret, kept := server.NewClientSecret()
	s.secret = secret
	srv, err := server.New(server.Config{
		Issuer: issuer, Store: memstore.New(), Hooks: hooks, Scopes: []server.Scope{{Name: "read"}}, DefaultScopes: "read",
		GrantTypes: []server.GrantType{server.ClientCredentials(), server.AuthorizationCode()},
		Clients: []*store.Client{{ID: "job", Secrets: []store.Secret{kept}, Metadata: oauth2.ClientMetadata{
			GrantTypes: []string{"client_credentials", "authorization_code"}, RedirectURIs: []string{"https://app.example.com/cb"},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	decide := func(http.ResponseWriter, *http.Request, *server.Ask) (server.Answer, error) {
		return server.Approve(server.User{Subject: "canary-subject"}), nil
	}
	if err := nethttp.Mount(s.ServeMux, srv, nethttp.MountConfig{Decide: decide}); err != nil {
		t.Fatal(err)
	}
	guard, err := resource.New(resource.Config{Verifiers: []resource.Verifier{resource.Of(srv)}, Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	s.Handle("/api", nethttp.New(guard).Require("read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return s
}

func (s *site) token(secret, grant string) string {
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader("grant_type="+url.QueryEscape(grant)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("job", secret)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var body struct {
		Token string `json:"access_token"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &body) // no token where there is none
	return body.Token
}

// told returns the spans with their attributes and events, one a line.
func (s *site) told() string {
	var b strings.Builder
	for _, span := range s.spans.GetSpans() {
		fmt.Fprintf(&b, "%s %s", span.Name, span.Status.Code)
		for _, a := range span.Attributes {
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.String())
		}
		for _, e := range span.Events {
			fmt.Fprintf(&b, " [%s", e.Name)
			for _, a := range e.Attributes {
				fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.String())
			}
			b.WriteString("]")
		}
		b.WriteString("\n")
	}
	s.spans.Reset()
	return b.String()
}

// counts returns the sums of the events and the numbers of durations, by their attributes.
func (s *site) counts(t *testing.T) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					counts[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] += p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					counts[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] += int64(p.Count)
				}
			}
		}
	}
	return counts
}

func TestHooks(t *testing.T) {
	t.Parallel()
	s := newSite(t, mandateotel.Config{})
	tok := s.token(s.secret, "client_credentials")
	if tok == "" {
		t.Fatal("no token")
	}
	if got, want := s.told(), "mandate token Unset mandate.endpoint=token http.response.status_code=200"+
		" [client.authenticated mandate.client_id=job] [token.issued mandate.grant_type=client_credentials mandate.client_id=job mandate.grant_id=client/job/0 mandate.scope=read]\n"; got != want {
		t.Errorf("spans = %swant %s", got, want)
	}
	s.token("canary-wrong-secret", "client_credentials")
	s.token(s.secret, "canary-grant-type")
	got := s.told()
	for _, want := range []string{"http.response.status_code=401 error.type=invalid_client [client.refused ", "http.response.status_code=400 error.type=unsupported_grant_type"} {
		if !strings.Contains(got, want) {
			t.Errorf("spans = %s, want %s in them", got, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/api", nil)
	r.Header.Set("Authorization", "Bearer "+tok)
	s.ServeHTTP(httptest.NewRecorder(), r)
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/authorize?client_id=job&response_type=code&code_challenge_method=S256&code_challenge="+strings.Repeat("a", 43), nil))
	all, counts := got+s.told(), s.counts(t)
	for name, want := range map[string]int64{
		"mandate.events mandate.event=token.issued,mandate.grant_type=client_credentials":                                1,
		"mandate.events mandate.event=client.refused":                                                                    1,
		"mandate.events error.type=unsupported_grant_type,mandate.event=request.refused":                                 1,
		"mandate.events mandate.event=token.authenticated":                                                               1,
		"mandate.server.request.duration http.response.status_code=200,mandate.endpoint=token":                           1,
		"mandate.server.request.duration error.type=invalid_client,http.response.status_code=401,mandate.endpoint=token": 1,
		"mandate.server.request.duration http.response.status_code=303,mandate.endpoint=authorization":                   1,
	} {
		if counts[name] != want {
			t.Errorf("%s = %d, want %d", name, counts[name], want)
		}
	}
	all += strings.Join(slices.Collect(maps.Keys(counts)), " ")
	for _, canary := range []string{"canary", tok, s.secret} {
		if strings.Contains(all, canary) {
			t.Errorf("%.10s... was told: %s", canary, all)
		}
	}
}

func TestSubjectsOnDemand(t *testing.T) {
	t.Parallel()
	s := newSite(t, mandateotel.Config{Subjects: true})
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/authorize?client_id=job&response_type=code&code_challenge_method=S256&code_challenge="+strings.Repeat("a", 43), nil))
	if got := s.told(); !strings.Contains(got, "enduser.id=canary-subject") {
		t.Errorf("spans = %s", got)
	}
}

func TestGlobalProviders(t *testing.T) {
	t.Parallel()
	hooks, err := mandateotel.Hooks(mandateotel.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := hooks.Around(context.Background(), "token")
	hooks.Tell(ctx, mandate.Event{Name: mandate.TokenIssued})
	end(200, nil)
}
