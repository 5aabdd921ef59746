package oauth1_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- of RFC 5849
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/oauth1"
)

// escape is percent-encoding, one byte at a time.
func escape(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// normalize orders parameters as RFC 5849, section 3.4.1.3.2 says it, step by step.
func normalize(forms ...string) (string, bool) {
	var pairs [][2]string
	for _, form := range forms {
		for pair := range strings.SplitSeq(form, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			name, err1 := url.QueryUnescape(name)
			value, err2 := url.QueryUnescape(value)
			if err1 != nil || err2 != nil {
				return "", false
			}
			if name != "oauth_signature" {
				pairs = append(pairs, [2]string{escape(name), escape(value)})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	lines := make([]string, len(pairs))
	for i, p := range pairs {
		lines[i] = p[0] + "=" + p[1]
	}
	return strings.Join(lines, "&"), true
}

// FuzzBaseString compares base strings with those of the plain way.
func FuzzBaseString(f *testing.F) {
	f.Add("/", "a=1&a&b=%7E~+", "c=;d=&&=x")
	f.Add("/r%20v/X", "b5=%3D%253D&a3=a&c%40=&a2=r%20b", "c2&a3=2+q")
	f.Add("/:@!$'()*,;=", "a-=1&a=1&a%2D=0&a.=&a%=", "")
	f.Add("/", strings.Repeat("a=b&c=%C3%BC&", 40), strings.Repeat("z", 3000))
	f.Fuzz(func(t *testing.T, path, query, body string) {
		if strings.ContainsAny(path, "?# ") || strings.Contains(query, "#") {
			return
		}
		const own = "oauth_consumer_key=k&oauth_signature_method=PLAINTEXT&oauth_signature=s"
		m, err := oauth1.Parse(request("post", "HTTPS://Example.com:443/"+path+"?"+query, plain, form, body), "")
		want, ok := normalize(query, body, own)
		if err != nil {
			if _, refused := normalize(body, query); refused && !strings.Contains(query+body, "auth") && strings.Count(query+body, "&") < 9000 && !strings.Contains(query+body, "%") {
				t.Errorf("Parse() = %v", err)
			}
			return
		}
		if !ok {
			t.Fatalf("Parse() takes %q and %q", query, body)
		}
		want = "POST&" + escape("https://example.com/"+path) + "&" + escape(want)
		if got, err := m.BaseString(); got != want || err != nil {
			t.Errorf("BaseString() = %q, %v\nwant %q", got, err, want)
		}
	})
}

const plain = `OAuth oauth_consumer_key="k", oauth_signature_method="PLAINTEXT", oauth_signature="s"`

// FuzzParse looks for what makes Parse fail otherwise than with an error, and for signatures that should not be.
func FuzzParse(f *testing.F) {
	f.Add("GET", resource, inHeader, "", "")
	f.Add("POST", resource+"?"+inQuery, "", form, "a=1")
	f.Add("POST", "/x", "", form, inQuery)
	f.Add("POST", "http://[::1", rfcHeader, form, inQuery)
	f.Add("", "", `OAuth realm="\"\\`, "", "")
	f.Add("GET", resource, `OAuth a="b\`, "", "")
	f.Add("GET", resource, `OAuth a= , =, "=",=="`, form+";;", "%")
	f.Fuzz(func(t *testing.T, method, target, authorization, kind, body string) {
		m, err := oauth1.Parse(request(method, target, authorization, kind, body), "http://origin.example")
		if err != nil {
			return
		}
		if m.ConsumerKey == "" || m.SignatureMethod == "" || m.Signature == "" {
			t.Errorf("Parse() = %#v without an error", m)
		}
		if base, err := m.BaseString(); err == nil && strings.Count(base, "&") != 2 {
			t.Errorf("BaseString() = %q: want three parts", base)
		}
		k := oauth1.Keys{ClientSecret: "known to nobody", TokenSecret: "known to nobody"}
		for _, s := range []oauth1.Standard{oauth1.HMACSHA1, oauth1.HMACSHA256, oauth1.RSASHA1, oauth1.Plaintext} {
			if err := m.Verify(s, &k); err == nil {
				t.Errorf("Verify(%s) of %q", s, authorization)
			}
		}
	})
}

// FuzzSign verifies what was signed, whatever that is.
func FuzzSign(f *testing.F) {
	f.Add("k", "s", "t", "ts", "/p?q=1", "a=1", "nonce", "cb", "realm", uint8(0))
	f.Add("ü%", "&", "", "", "/?", "", "+", "", `"\`, uint8(1))
	f.Add("k=", "\x00", "a b", "=", "/%7e?a=~&a=%7E", "&&", "~", "http://x/?a=b&c", "", uint8(2))
	f.Fuzz(func(t *testing.T, key, secret, token, tokenSecret, path, body, nonce, callback, realm string, place uint8) {
		k := oauth1.Keys{ClientSecret: secret, TokenSecret: tokenSecret}
		s, err := oauth1.NewSigner(oauth1.SignerConfig{
			ConsumerKey: key, Token: token, Keys: k, Realm: realm, Method: oauth1.HMACSHA256,
			Placement: [...]oauth1.Placement{oauth1.InHeader, oauth1.InBody, oauth1.InQuery}[place%3],
			Nonce:     func() string { return nonce }, Now: func() time.Time { return time.Unix(1700000000, 0) },
		})
		if err != nil {
			return
		}
		out, err := s.Sign(oauth1.Outgoing{Method: "POST", URL: "http://example.com" + path, ContentType: form, Body: body, Callback: callback})
		if err != nil || strings.Contains(out.URL, "#") {
			return
		}
		m, err := oauth1.Parse(request("POST", out.URL, out.Authorization, out.ContentType, out.Body), "")
		if err != nil {
			if clean(key, token, nonce, callback) && nonce != "" && len(out.Authorization) < 16<<10 && strings.Count(body+path, "&") < 9000 {
				t.Errorf("Parse() of %+v = %v", out, err)
			}
			return
		}
		if err := m.Verify(oauth1.HMACSHA256, &k); err != nil {
			t.Errorf("Verify() of %+v = %v", out, err)
		}
		if m.ConsumerKey != key || m.Token != token || m.Nonce != nonce || m.Callback != callback || place%3 == 0 && m.Realm != realm {
			t.Errorf("Parse() of %+v = %q, %q, %q, %q, %q", out, m.ConsumerKey, m.Token, m.Nonce, m.Callback, m.Realm)
		}
	})
}

// clean reports whether all of them are UTF-8 without a NUL.
func clean(all ...string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return strings.ToValidUTF8(s, "") != s || strings.Contains(s, "\x00") })
}

// FuzzMAC compares with crypto/hmac.
func FuzzMAC(f *testing.F) {
	f.Add("base", "secret", "")
	for _, n := range []int{62, 63, 64, 126, 127, 128, 254, 255, 256, 1000} { // about the lengths of blocks and buffers: "&" is a part of the key
		f.Add(strings.Repeat("b", 3*n), strings.Repeat("s", n), "")
	}
	f.Fuzz(func(t *testing.T, base, secret, tokenSecret string) {
		k := oauth1.Keys{ClientSecret: secret, TokenSecret: tokenSecret}
		for s, h := range map[oauth1.Standard]func() hash.Hash{oauth1.HMACSHA1: sha1.New, oauth1.HMACSHA256: sha256.New, oauth1.HMACSHA512: sha512.New} {
			mac := hmac.New(h, []byte(escape(secret)+"&"+escape(tokenSecret)))
			mac.Write([]byte(base))
			want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
			if got, err := s.Sign(base, &k); got != want || err != nil {
				t.Errorf("%s.Sign() = %q, %v, want %q", s, got, err, want)
			}
		}
	})
}

// FuzzIssued looks for answers that break ParseIssued.
func FuzzIssued(f *testing.F) {
	f.Add(200, "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true")
	f.Add(401, "oauth_problem=token_rejected&oauth_problem_advice=no")
	f.Add(200, `{"oauth_token":"t","x":{},"n":1}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		got, err := oauth1.ParseIssued(status, body)
		if err == nil && (got.Token == "" || status >= 400) || err != nil && got.Token != "" {
			t.Errorf("ParseIssued(%d, %q) = %+v, %v", status, body, got, err)
		}
	})
}
