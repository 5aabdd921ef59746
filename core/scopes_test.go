package mandate_test

import (
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func TestParseScopes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want mandate.Scopes
		bad  bool
	}{
		"nothing":                   {},
		"one":                       {in: "read", want: "read"},
		"several":                   {in: "read write:all", want: "read write:all"},
		"a repeated one":            {in: "read write read", want: "read write"},
		"spaces around and between": {in: "  read   write ", want: "read write"},
		"spaces alone":              {in: "   "},
		"a quote":                   {in: `re"ad`, bad: true},
		"a backslash":               {in: `re\ad`, bad: true},
		"a tab":                     {in: "read\twrite", bad: true},
		"a line break":              {in: "read\r\nX: y", bad: true},
		"what is not ASCII":         {in: "lesen-ü", bad: true},
		"a NUL":                     {in: "re\x00ad", bad: true},
		"101 of them":               {in: strings.TrimSpace(strings.Repeat("a ", 101)), bad: true},
		"100 of them":               {in: strings.TrimSpace(strings.Repeat("a ", 100)), want: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mandate.ParseScopes(tc.in)
			if tc.bad {
				if mandate.AsError(err).Code != mandate.InvalidScope {
					t.Errorf("ParseScopes(%q) error = %v, want %s (RFC 6749, 3.3)", tc.in, err, mandate.InvalidScope)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("ParseScopes(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
			}
		})
	}
}

func TestScopesHas(t *testing.T) {
	t.Parallel()
	const s mandate.Scopes = "read write:all admin"
	for name, want := range map[string]bool{
		"read": true, "write:all": true, "admin": true,
		"": false, " ": false, "rea": false, "ead": false, "write": false, "read write:all": false, "READ": false, "adminx": false,
	} {
		if got := s.Has(name); got != want {
			t.Errorf("%q.Has(%q) = %v, want %v", s, name, got, want)
		}
	}
}

func TestScopesSets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have, want mandate.Scopes
		covers     bool
		with, only mandate.Scopes
	}{
		{"a b c", "c a", true, "a b c", "a c"},
		{"a b", "c", false, "a b c", ""},
		{"a", "", true, "a", ""},
		{"", "", true, "", ""},
		{"", "a", false, "a", ""},
		{"ab", "a", false, "ab a", ""},
	} {
		if got := tc.have.Covers(tc.want); got != tc.covers {
			t.Errorf("%q.Covers(%q) = %v", tc.have, tc.want, got)
		}
		if got := tc.have.With(tc.want); got != tc.with {
			t.Errorf("%q.With(%q) = %q, want %q", tc.have, tc.want, got, tc.with)
		}
		if got := tc.have.Only(tc.want); got != tc.only {
			t.Errorf("%q.Only(%q) = %q, want %q", tc.have, tc.want, got, tc.only)
		}
	}
	if got := slices.Collect(mandate.Scopes("a b").All()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("All() = %q", got)
	}
}

func FuzzParseScopes(f *testing.F) {
	for _, s := range []string{"", "a", "a b", " a  b a ", "\x00", `"`, strings.Repeat("a ", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := mandate.ParseScopes(in)
		if err != nil {
			return
		}
		again, err := mandate.ParseScopes(string(s))
		if err != nil || again != s {
			t.Errorf("ParseScopes(%q) = %q, and of that %q, %v", in, s, again, err)
		}
		for name := range strings.FieldsSeq(in) {
			if !s.Has(name) {
				t.Errorf("ParseScopes(%q) = %q lost %q", in, s, name)
			}
		}
	})
}
