package docs_test

import (
	"slices"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/examples/docs"
)

// TestPresets registers what the documentation shows.
func TestPresets(t *testing.T) {
	t.Parallel()
	c := client.Credentials{ID: "us", Secret: "secret"}
	env := func(string) client.Credentials { return c }
	for name, apps := range map[string][]client.App{
		"all":     docs.PresetsOAuth2(env),
		"changed": docs.PresetChanged(c),
		"own":     {docs.PresetOwn(c)},
	} {
		reg, err := client.NewRegistry(client.Config{BaseURL: "https://app.example.com", Secret: mandate.NewRandomSecret(), Apps: slices.Clone(apps)})
		if err != nil || len(reg.Apps()) != len(apps) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}
