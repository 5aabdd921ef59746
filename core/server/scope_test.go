package server_test

import (
	"strings"
	"testing"

	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/server"
)

func TestScopeIn(t *testing.T) {
	t.Parallel()
	scope := server.Scope{Name: "read", Title: "Read", Description: "All of it.", Optional: true, Locales: map[string]server.ScopeText{
		"de": {Title: "Lesen", Description: "Alles."}, "pt-BR": {Title: "Ler"}, "fr": {Description: "Tout."},
	}}
	for tag, want := range map[string][2]string{
		"": {"Read", "All of it."}, "en": {"Read", "All of it."}, "de": {"Lesen", "Alles."}, "DE-ch": {"Lesen", "Alles."},
		"pt-br": {"Ler", "All of it."}, "pt": {"Read", "All of it."}, "fr-FR": {"Read", "Tout."}, "-": {"Read", "All of it."},
	} {
		if got := scope.In(tag); got.Title != want[0] || got.Description != want[1] || got.Name != "read" || !got.Optional {
			t.Errorf("%q: %+v, want %q", tag, got, want)
		}
	}
}

func TestLocalesAreRefused(t *testing.T) {
	t.Parallel()
	german, err := pages.New(pages.Options{Lang: "de"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		config server.Config
		want   string
	}{
		"pages in another language": {server.Config{Locales: map[string]*pages.Set{"fr": german}}, `Locales has pages in "de" for "fr"`},
		"pages of a region":         {server.Config{Locales: map[string]*pages.Set{"de-AT": german}}, `Locales has pages in "de" for "de-AT"`},
		"a scope in no language":    {server.Config{Scopes: []server.Scope{{Name: "a", Locales: map[string]server.ScopeText{"d e": {}}}}}, `scope "a" has the language "d e"`},
		"a scope twice":             {server.Config{Scopes: []server.Scope{{Name: "a", Locales: map[string]server.ScopeText{"DE": {}, "de": {}}}}}, `scope "a" has the language "de"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.config.Issuer, tc.config.Store = "http://127.0.0.1", nowhere{}
			if _, err := server.New(tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
	if _, err := server.New(server.Config{Issuer: "http://127.0.0.1", Store: nowhere{}, Locales: map[string]*pages.Set{"DE": german}}); err != nil {
		t.Errorf("another case: %v", err)
	}
}
