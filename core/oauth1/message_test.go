package oauth1_test

import (
	"errors"
	"strings"
	"testing"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth1"
)

const form = "application/x-www-form-urlencoded"

// request makes a request as an endpoint sees it.
func request(method, url, authorization, kind, body string) *mandate.Request {
	header := mandate.Fields{}
	if authorization != "" {
		header = append(header, mandate.Field{Name: "Authorization", Value: authorization})
	}
	if kind != "" {
		header = append(header, mandate.Field{Name: "Content-Type", Value: kind})
	}
	return at(url, &mandate.Request{Method: method, Header: header, Body: body})
}

// at gives r its URL: an absolute one, or path and query as a guard sees it.
func at(url string, r *mandate.Request) *mandate.Request {
	r.Path, r.RawQuery, _ = strings.Cut(url, "?")
	if scheme, rest, ok := strings.Cut(r.Path, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		r.Origin, r.Path = scheme+"://"+host, rest[len(host):]
	}
	return r
}

const rfcHeader = `OAuth realm="Example",
	oauth_consumer_key="9djdj82h48djs9d2",
	oauth_token="kkk9d7dh3k39sjv7",
	oauth_signature_method="HMAC-SHA1",
	oauth_timestamp="137131201",
	oauth_nonce="7d8f3e4a",
	oauth_signature="r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D"`

func TestParse(t *testing.T) {
	t.Parallel()
	r := request("POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", rfcHeader, form, "c2&a3=2+q")
	m, err := oauth1.Parse(r, "")
	if err != nil {
		t.Fatal(err)
	}
	if m.Realm != "Example" || m.ConsumerKey != "9djdj82h48djs9d2" || m.Token != "kkk9d7dh3k39sjv7" || m.Timestamp != 137131201 ||
		m.Nonce != "7d8f3e4a" || m.SignatureMethod != "HMAC-SHA1" || m.Placement != oauth1.InHeader {
		t.Errorf("Parse() = %+v", *m)
	}
	const want = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got, err := m.BaseString(); got != want || err != nil {
		t.Errorf("BaseString() = %q, %v, want %q", got, err, want)
	}
	keys := oauth1.Keys{ClientSecret: "j49sk3j29djd", TokenSecret: "dh893hdasih9"}
	if err := m.Verify(oauth1.HMACSHA1, &keys); err != nil {
		t.Error(err)
	}
	keys.TokenSecret += "x"
	if err := m.Verify(oauth1.HMACSHA1, &keys); !errors.Is(err, oauth1.SignatureInvalid) {
		t.Errorf("Verify() with a wrong secret = %v", err)
	}
}
