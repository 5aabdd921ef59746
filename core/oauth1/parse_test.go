package oauth1_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

const (
	inQuery  = `oauth_consumer_key=k&oauth_token=t&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_nonce=n&oauth_signature=s%3D`
	inHeader = `OAuth oauth_consumer_key="k", oauth_token="t", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="n", oauth_signature="s%3D"`
	resource = "http://example.com/photos"
)

func TestParsePlacements(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r    *mandate.Request
		want oauth1.Placement
	}{
		"header":                            {request("GET", resource, inHeader, "", ""), oauth1.InHeader},
		"header, beside a form and a query": {request("POST", resource+"?a=1", inHeader, form, "b=2"), oauth1.InHeader},
		"query":                             {request("GET", resource+"?a=1&"+inQuery, "", "", ""), oauth1.InQuery},
		"form body":                         {request("POST", resource, "", form+"; charset=UTF-8", inQuery+"&a=1"), oauth1.InBody},
		"form body, beside other credentials": {
			request("POST", resource, "Bearer x", strings.ToUpper(form), inQuery), oauth1.InBody,
		},
		"the body is no form, whatever it holds": {request("POST", resource+"?"+inQuery, "", "text/plain", inQuery), oauth1.InQuery},
		"encoded names":                          {request("GET", resource+"?"+strings.ReplaceAll(inQuery, "oauth_", "%6fauth%5F"), "", "", ""), oauth1.InQuery},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := oauth1.Parse(tc.r, "")
			if err != nil {
				t.Fatal(err)
			}
			if m.Placement != tc.want || m.ConsumerKey != "k" || m.Token != "t" || m.Timestamp != 137131201 || m.Nonce != "n" || m.Signature != "s=" {
				t.Errorf("Parse() = %q, %q, %q, %d, %q, %q", m.Placement, m.ConsumerKey, m.Token, m.Timestamp, m.Nonce, m.Signature)
			}
		})
	}
}

func TestParseWithoutCredentials(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*mandate.Request{
		"nothing":                request("GET", resource, "", "", ""),
		"no header at all":       {Method: "GET", Origin: "http://example.com", Path: "/photos"},
		"another scheme":         request("GET", resource, "Bearer oauth_token", "", ""),
		"a scheme that starts":   request("GET", resource, "OAuth2 oauth_token", "", ""),
		"other parameters":       request("POST", resource+"?a=oauth_token&oauth=1&x_oauth_token=2", "", form, "%6fauth=1"),
		"a body that is no form": request("POST", resource, "", "multipart/form-data; boundary=x", inQuery),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := oauth1.Parse(r, ""); !errors.Is(err, oauth1.ErrNoCredentials) {
				t.Errorf("Parse() = %v, %v, want ErrNoCredentials", m, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	type refused struct {
		r     *mandate.Request
		code  mandate.Code
		names []string
	}
	query := func(s string) *mandate.Request { return request("GET", resource+"?"+s, "", "", "") }
	header := func(s string) *mandate.Request { return request("GET", resource, s, "", "") }
	two := header(inHeader)
	two.Header = append(two.Header.(mandate.Fields), mandate.Field{Name: "Authorization", Value: inHeader})
	large := request("POST", resource, inHeader, form, "")
	large.Oversized = true
	cases := map[string]refused{
		"a scheme and nothing else": {header("OAuth"), oauth1.ParameterAbsent, []string{
			"oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_timestamp", "oauth_nonce",
		}},
		"PLAINTEXT without a signature":     {header(`OAuth oauth_consumer_key="k",oauth_signature_method="PLAINTEXT"`), oauth1.ParameterAbsent, []string{"oauth_signature"}},
		"two headers":                       {two, oauth1.ParameterRejected, nil},
		"header and query":                  {request("GET", resource+"?oauth_token=t", inHeader, "", ""), oauth1.ParameterRejected, nil},
		"header and body":                   {request("POST", resource, inHeader, form, "oauth_version=1.0"), oauth1.ParameterRejected, nil},
		"query and body":                    {request("POST", resource+"?"+inQuery, "", form, "%6Fauth_token=t"), oauth1.ParameterRejected, nil},
		"unknown protocol parameters count": {request("GET", resource+"?oauth_x=t", inHeader, "", ""), oauth1.ParameterRejected, nil},
		"another version":                   {header(inHeader + `, oauth_version="1.0a"`), oauth1.VersionRejected, nil},
		"an empty version":                  {header(inHeader + `, oauth_version=""`), oauth1.VersionRejected, nil},
		"1 MiB of header":                   {header(inHeader + `, oauth_x="` + strings.Repeat("x", 1<<20) + `"`), oauth1.ParameterRejected, nil},
		"1 MiB of commas":                   {header("OAuth " + strings.Repeat(",", 1<<20)), oauth1.ParameterRejected, nil},
		"too many parameters":               {query(inQuery + strings.Repeat("&a", 10_000)), oauth1.ParameterRejected, nil},
		"a form that is too large":          {large, oauth1.ParameterRejected, nil},
		"a fragment":                        {query(inQuery + "#x"), oauth1.ParameterRejected, nil},
		"a fragment in the path":            {request("GET", resource+"#x?"+inQuery, "", "", ""), oauth1.ParameterRejected, nil},
		"a query in the path":               {&mandate.Request{Method: "GET", Path: "/photos?" + inQuery}, oauth1.ParameterRejected, nil},
		"a query in the path, without more": {&mandate.Request{Method: "GET", Path: "/photos?", Header: http.Header{}}, oauth1.ParameterRejected, nil},
		"a query in the path, signed":       {&mandate.Request{Method: "GET", Path: "/photos?a=b", Header: http.Header{"Authorization": {inHeader}}}, oauth1.ParameterRejected, nil},
		"a query in the origin":             {&mandate.Request{Method: "GET", Origin: resource + "?a=b", Header: http.Header{"Authorization": {inHeader}}}, oauth1.ParameterRejected, nil},
		"a fragment in the origin":          {&mandate.Request{Method: "GET", Origin: "http://example.com#", Path: "/photos", Header: http.Header{"Authorization": {inHeader}}}, oauth1.ParameterRejected, nil},
		"oauth_body_hash of a form":         {request("POST", resource, inHeader+`, oauth_body_hash="x"`, form, "a=1"), oauth1.ParameterRejected, []string{"oauth_body_hash"}},
		"broken escape in the query":        {query(inQuery + "&a=%f"), oauth1.ParameterRejected, []string{"a"}},
		"broken escape in the form":         {request("POST", resource, inHeader, form, "%zz=1"), oauth1.ParameterRejected, nil},
		"broken escape of a lone percent":   {query(inQuery + "&a=%"), oauth1.ParameterRejected, []string{"a"}},
		"NUL":                               {query(inQuery + "&oauth_x=%00"), oauth1.ParameterRejected, []string{"oauth_x"}},
		"not UTF-8":                         {header(inHeader + `, oauth_x="%ff"`), oauth1.ParameterRejected, []string{"oauth_x"}},
	}
	for _, stamp := range []string{"0", "-1", "+1", "01", "1.0", "abc", "1 ", "9223372036854775808", "137131201x", "１"} {
		cases["timestamp "+stamp] = refused{
			header(strings.Replace(inHeader, "137131201", stamp, 1)), oauth1.ParameterRejected, []string{"oauth_timestamp"},
		}
	}
	for _, name := range []string{"consumer_key", "signature_method", "signature", "timestamp", "nonce"} {
		name = "oauth_" + name
		i := strings.Index(inQuery, name+"=")
		before, rest := inQuery[:i], inQuery[i:]
		_, after, _ := strings.Cut(rest, "&")
		missing, empty := before+after, before+name+"=&"+after
		cases["no "+name] = refused{query(missing), oauth1.ParameterAbsent, []string{name}}
		cases["empty "+name] = refused{query(empty), oauth1.ParameterAbsent, []string{name}}
	}
	for _, name := range []string{
		"consumer_key", "token", "signature_method", "signature", "timestamp", "nonce", "version", "callback", "verifier", "body_hash", "anything",
	} {
		name = "oauth_" + name
		value := "1.0"
		if i := strings.Index(inQuery, name+"="); i >= 0 {
			value, _, _ = strings.Cut(inQuery[i+len(name)+1:], "&")
		}
		pair, list := "&"+name+"="+value, fmt.Sprintf(`, %s="%s"`, name, value)
		if !strings.Contains(inQuery, name+"=") {
			pair, list = pair+pair, list+list
		}
		cases["twice in the header: "+name] = refused{header(inHeader + list), oauth1.ParameterRejected, []string{name}}
		cases["twice in the query: "+name] = refused{query(inQuery + pair), oauth1.ParameterRejected, []string{name}}
		cases["twice in the body: "+name] = refused{request("POST", resource, "", form, inQuery+pair), oauth1.ParameterRejected, []string{name}}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := oauth1.Parse(tc.r, "")
			e, ok := errors.AsType[*oauth1.Error](err)
			if !ok || !errors.Is(err, tc.code) || e.Status() != 400 {
				t.Fatalf("Parse() = %v, %v, want %s with status 400", m, err, tc.code)
			}
			if tc.names != nil && !slices.Equal(e.Parameters, tc.names) {
				t.Errorf("Parameters = %q, want %q", e.Parameters, tc.names)
			}
		})
	}
}

func TestParseOfAGuard(t *testing.T) {
	t.Parallel()
	r := request("GET", "/photos?b=1", inHeader, "", "")
	for origin, want := range map[string]string{
		"https://api.example.com":      "GET&https%3A%2F%2Fapi.example.com%2Fphotos&b%3D1%26",
		"http://API.example.com:80":    "GET&http%3A%2F%2Fapi.example.com%2Fphotos&b%3D1%26",
		"https://api.example.com:8443": "GET&https%3A%2F%2Fapi.example.com%3A8443%2Fphotos&b%3D1%26",
		"http://[::1]:8080":            "GET&http%3A%2F%2F%5B%3A%3A1%5D%3A8080%2Fphotos&b%3D1%26",
	} {
		m, err := oauth1.Parse(r, origin)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.BaseString(); !strings.HasPrefix(got, want) || err != nil {
			t.Errorf("BaseString() at %q = %q, %v, want %q...", origin, got, err, want)
		}
	}
	m, err := oauth1.Parse(r, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.BaseString(); err == nil {
		t.Error("BaseString() without an origin: want an error")
	}
	if err := m.Verify(oauth1.HMACSHA1, &oauth1.Keys{}); !errors.Is(err, oauth1.SignatureInvalid) {
		t.Errorf("Verify() without an origin = %v, want %s", err, oauth1.SignatureInvalid)
	}
	m, err = oauth1.Parse(&mandate.Request{Method: "GET", Path: ".example.net/photos", Header: r.Header}, "https://api.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(oauth1.HMACSHA1, &oauth1.Keys{}); !errors.Is(err, oauth1.SignatureInvalid) {
		t.Errorf("Verify() of a path that would go on with the host = %v, want %s", err, oauth1.SignatureInvalid)
	}
	if base, err := m.BaseString(); err == nil {
		t.Errorf("BaseString() of a path that would go on with the host = %q, want an error", base)
	}
}

func TestMessageShowsNoSecret(t *testing.T) {
	t.Parallel()
	m, err := oauth1.Parse(request("GET", resource, `OAuth oauth_consumer_key="client",oauth_signature_method="PLAINTEXT",oauth_signature="hush%26hush"`, "", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %v", m, m, m, m, slog.AnyValue(m).Resolve())
	if strings.Contains(text, "hush") || !strings.Contains(text, "client") {
		t.Errorf("a message is printed as %q", text)
	}
	base, err := m.BaseString()
	if err != nil || strings.Contains(base, "hush") {
		t.Errorf("BaseString() = %q, %v", base, err)
	}
	if err := m.Verify(oauth1.Plaintext, &oauth1.Keys{ClientSecret: "hush", TokenSecret: "hus"}); err == nil || strings.Contains(fmt.Sprintf("%v %#v", err, err), "hush") {
		t.Errorf("Verify() = %v", err)
	}
}
