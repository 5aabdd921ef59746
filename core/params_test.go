package mandate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
)

func TestParseParams(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want mandate.Params
		bad  bool
	}{
		"nothing":                 {},
		"pairs in order":          {in: "b=2&a=1&b=3", want: mandate.Params{{"b", "2"}, {"a", "1"}, {"b", "3"}}},
		"plus and percent":        {in: "a=x+y%20z%2B", want: mandate.Params{{"a", "x y z+"}}},
		"empty is absent":         {in: "a=&b&c=1", want: mandate.Params{{"c", "1"}}},
		"an escaped name":         {in: "%61=1", want: mandate.Params{{"a", "1"}}},
		"a value with equal":      {in: "a=b=c", want: mandate.Params{{"a", "b=c"}}},
		"broken percent":          {in: "a=%zz", bad: true},
		"percent at the end":      {in: "a=%4", bad: true},
		"not UTF-8":               {in: "a=%ff", bad: true},
		"not UTF-8, unescaped":    {in: "a=\xff", bad: true},
		"UTF-8, escaped or not":   {in: "%c3%a9=é&é=%E2%82%AC+€", want: mandate.Params{{"é", "é"}, {"é", "€ €"}}},
		"UTF-8, half escaped":     {in: "a=\xc3%a9", bad: true},
		"UTF-8 over two halves":   {in: "%c3=%a9", bad: true},
		"a NUL":                   {in: "a=%00", bad: true},
		"a NUL in a name":         {in: "a%00b=1", bad: true},
		"broken and empty":        {in: "%zz=", bad: true},
		"more than 200":           {in: strings.Repeat("a=1&", 200) + "a=1", bad: true},
		"200 are not too many":    {in: strings.TrimSuffix(strings.Repeat("a=&", 199)+"b=1", "&"), want: mandate.Params{{"b", "1"}}},
		"semicolons part nothing": {in: "a=1;b=2", want: mandate.Params{{"a", "1;b=2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mandate.ParseParams(tc.in)
			if tc.bad {
				if mandate.AsError(err).Code != mandate.InvalidRequest {
					t.Errorf("ParseParams error = %v, want %s", err, mandate.InvalidRequest)
				}
				return
			}
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("ParseParams(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
			}
		})
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in, want string
		ok       bool
	}{
		"nothing":                     {"", "", true},
		"nothing to do":               {"a-é", "a-é", true},
		"plus and percent":            {"x+y%20z%2B", "x y z+", true},
		"UTF-8":                       {"é%c3%A9", "éé", true},
		"UTF-8, half escaped":         {in: "\xc3%a9"},
		"UTF-8, half escaped, before": {in: "%c3\xa9"},
		"not UTF-8":                   {in: "a\xff"},
		"not UTF-8, beside an escape": {in: "\xff%41"},
		"a NUL beside an escape":      {in: "+\x00"},
		"an escaped NUL":              {in: "a%00"},
		"broken percent":              {in: "%4"},
	} {
		if got, ok := mandate.Unescape(tc.in); got != tc.want && tc.ok || ok != tc.ok {
			t.Errorf("%s: Unescape(%q) = %q, %t, want %q, %t", name, tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestParamsOnly(t *testing.T) {
	t.Parallel()
	p := mandate.Params{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "a", Value: "1"}}
	for name, want := range map[string]struct {
		value string
		ok    bool
	}{"a": {"", false}, "b": {"2", true}, "c": {"", true}} {
		if value, ok := p.Only(name); value != want.value || ok != want.ok {
			t.Errorf("Only(%q) = %q, %t, want %q, %t", name, value, ok, want.value, want.ok)
		}
	}
}

func TestRequestForm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind, body string
		bad        bool
	}{
		"a form":                {kind: "application/x-www-form-urlencoded", body: "a=1"},
		"a form with charset":   {kind: "Application/X-WWW-Form-Urlencoded; charset=utf-8", body: "a=1"},
		"no body needs no type": {},
		"JSON":                  {kind: "application/json", body: `{"a":1}`, bad: true},
		"no type":               {body: "a=1", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &mandate.Request{Method: "POST", Origin: "https://h", Path: "/p", RawQuery: "a=2", Body: tc.body, Header: http.Header{"Content-Type": {tc.kind}}}
			form, err := r.Form()
			if tc.bad {
				if mandate.AsError(err).Code != mandate.InvalidRequest {
					t.Errorf("Form error = %v, want %s", err, mandate.InvalidRequest)
				}
				return
			}
			if err != nil || tc.body != "" && form.Get("a") != "1" {
				t.Errorf("Form() = %q, %v", form, err)
			}
			query, err := r.Query()
			if err != nil || query.Get("a") != "2" {
				t.Errorf("Query() = %q, %v", query, err)
			}
		})
	}
}

// What is parsed second, and what is appended to either, leaves the other as it was: few and many, in both orders.
func TestRequestKeepsParams(t *testing.T) {
	t.Parallel()
	for few := range 10 {
		for many := range 10 {
			query, form := strings.Repeat("q=1&", few)+"end=q", strings.Repeat("f=2&", many)+"end=f"
			r := &mandate.Request{Method: "POST", Origin: "https://h", Path: "/p", RawQuery: query, Body: form, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
			first, second := r.Query, r.Form
			if few > many {
				first, second = r.Form, r.Query
			}
			for range 2 {
				for _, parse := range []func() (mandate.Params, error){first, second} {
					p, err := parse()
					if err != nil {
						t.Fatalf("%d and %d parameters: %v", few+1, many+1, err)
					}
					_ = append(p, mandate.Field{Name: "more", Value: "3"})
				}
			}
			if q, err := r.Query(); err != nil || len(q) != few+1 || q.Get("end") != "q" || len(q.Values("q")) != few {
				t.Errorf("%d and %d parameters: Query() = %q, %v", few+1, many+1, q, err)
			}
			if f, err := r.Form(); err != nil || len(f) != many+1 || f.Get("end") != "f" || len(f.Values("f")) != many {
				t.Errorf("%d and %d parameters: Form() = %q, %v", few+1, many+1, f, err)
			}
		}
	}
}

func TestRequestCookie(t *testing.T) {
	t.Parallel()
	r := &mandate.Request{Header: http.Header{"Cookie": {`a=1; bb="2"`, "c=3=4"}}}
	for name, want := range map[string]string{"a": "1", "bb": "2", "c": "3=4", "b": "", "": ""} {
		if got := r.Cookie(name); got != want {
			t.Errorf("Cookie(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzParseParams(f *testing.F) {
	for _, s := range []string{"", "a=1", "a=%41+b", "%", "a=%ff", "=&&=", "a&b=c=d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := mandate.ParseParams(in)
		if err != nil {
			return
		}
		values := url.Values{}
		for _, x := range p {
			if x.Value == "" {
				t.Errorf("ParseParams(%q) has the empty parameter %q", in, x.Name)
			}
			values.Add(x.Name, x.Value)
		}
		again, err := mandate.ParseParams(values.Encode())
		if err != nil || len(again) != len(p) {
			t.Errorf("ParseParams(%q) = %q does not survive encoding: %q, %v", in, p, again, err)
		}
	})
}
