package mandate_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	mandate "github.com/go-mandate/mandate/core"
)

// FuzzParamsAgainstURL holds ParseParams against a plain reading of the same rules with net/url's unescaping.
func FuzzParamsAgainstURL(f *testing.F) {
	for _, s := range []string{
		"", "&", "&&", "=", "=1", "a=&&b=1", "a", "a=1&a=2", "a=b=c", "a==", "%", "%4", "%41=%42", "a=%zz", "%zz", "%zz=1&", "a=%00", "%00=1", "a=\x00",
		"a=\xff", "\xff", "a=%ff", "a=%e2%82%ac", "a=%e2%82", "%e2&%82%ac=1", "a=+&+=b", "a;b=1;c", "x=1&y=%20&z=3&w=+&v=5", "a=1%", "a=%+1", "a=%2B%26%3D", strings.Repeat("a=%41&", 199) + "b=+",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := mandate.ParseParams(in)
		want, ok := plainly(in)
		if (err == nil) != ok {
			t.Fatalf("ParseParams(%q) error = %v, net/url says ok = %t", in, err, ok)
		}
		if err == nil && !slices.Equal(got, want) {
			t.Fatalf("ParseParams(%q) = %q, want %q", in, got, want)
		}
	})
}

func plainly(in string) (mandate.Params, bool) {
	if strings.Count(in, "&") >= 200 || !utf8.ValidString(in) || strings.Contains(in, "\x00") {
		return nil, false
	}
	var list mandate.Params
	for pair := range strings.SplitSeq(in, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || !utf8.ValidString(name) || !utf8.ValidString(value) || strings.Contains(name+value, "\x00") {
			return nil, false
		}
		if value != "" {
			list = append(list, mandate.Field{Name: name, Value: value})
		}
	}
	return list, true
}
