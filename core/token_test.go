package mandate_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	mandate "github.com/go-mandate/mandate/core"
)

func full() mandate.TokenInfo {
	at := time.UnixMilli(1_772_000_000_123).UTC()
	return mandate.TokenInfo{
		ID: "jti", GrantID: "grant", Issuer: "https://id", Subject: "u1", ClientID: "app", Type: "DPoP", Scopes: "a b", Audience: []string{"x", "y"},
		IssuedAt: at, Expires: at.Add(time.Hour), AuthTime: at.Add(-time.Hour), ACR: "gold",
		Confirmed: mandate.Confirmation{JKT: "thumb"}, Claims: `{"roles":["r"]}`,
	}
}

func TestTokenKeepsEverything(t *testing.T) {
	t.Parallel()
	info := full()
	for _, f := range reflect.ValueOf(&info).Elem().Fields() {
		if f.IsZero() {
			t.Fatal("full() leaves a member out: a new one is not tested")
		}
	}
	if got := mandate.NewToken(info).Info(); !reflect.DeepEqual(got, info) {
		t.Errorf("Info() = %+v, want %+v", got, info)
	}
	if got := mandate.NewToken(mandate.TokenInfo{}).Info(); !reflect.DeepEqual(got, mandate.TokenInfo{}) {
		t.Errorf("Info() of nothing = %+v", got)
	}
	var back mandate.TokenInfo
	data, err := json.Marshal(info)
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || !reflect.DeepEqual(back, info) {
		t.Errorf("through JSON: %+v, %v", back, err)
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		info mandate.TokenInfo
		want bool
	}{
		"plain":                  {},
		"rare, but not bound":    {info: mandate.TokenInfo{ACR: "gold"}},
		"to a DPoP key":          {info: mandate.TokenInfo{Confirmed: mandate.Confirmation{JKT: "thumb"}}, want: true},
		"to a certificate":       {info: mandate.TokenInfo{Confirmed: mandate.Confirmation{X5T: "thumb"}}, want: true},
		"by a method of another": {info: mandate.TokenInfo{Confirmed: mandate.Confirmation{Other: true}}, want: true},
	} {
		if got := mandate.NewToken(tc.info).Bound(); got != tc.want {
			t.Errorf("%s: Bound() = %v, want %v", name, got, tc.want)
		}
	}
}

func TestTokenCannotBeChanged(t *testing.T) {
	t.Parallel()
	info := full()
	token := mandate.NewToken(info)
	info.Audience[0] = "z"
	token.Info().Audience[0] = "z"
	token.Audience()[0] = "z"
	if !token.For("x") || token.For("z") {
		t.Error("the audience changed with a copy of it")
	}
}

func TestNilTokenAllowsNothing(t *testing.T) {
	t.Parallel()
	var token *mandate.Token
	for _, m := range reflect.ValueOf(token).Methods() {
		args := make([]reflect.Value, m.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(m.Type().In(j))
		}
		m.Call(args) // must not panic
	}
	if token.For("") || token.Restricted() || !token.ExpiredAt(time.Time{}) || token.Scopes() != "" || token.Subject() != "" {
		t.Error("a nil token allows something")
	}
}

func TestTokenTime(t *testing.T) {
	t.Parallel()
	end := time.UnixMilli(1_772_000_000_000)
	token := mandate.NewToken(mandate.TokenInfo{Expires: end})
	if token.ExpiredAt(end.Add(-time.Millisecond)) || !token.ExpiredAt(end) {
		t.Error("a token ends at its exp, not before and not after (RFC 7519, 4.1.4)")
	}
	if mandate.NewToken(mandate.TokenInfo{}).ExpiredAt(end) {
		t.Error("a token without an end ended")
	}
}

func TestTokenHidesItself(t *testing.T) {
	t.Parallel()
	token := mandate.NewToken(full())
	for _, s := range []string{token.String(), token.LogValue().String()} {
		if strings.Contains(s, "u1") || strings.Contains(s, "thumb") {
			t.Errorf("%q says more than it should", s)
		}
	}
}

func TestTokenFrom(t *testing.T) {
	t.Parallel()
	if mandate.TokenFrom(context.Background()) != nil {
		t.Error("a token out of nowhere")
	}
	token := mandate.NewToken(full())
	if mandate.TokenFrom(context.WithValue(context.Background(), mandate.TokenKey{}, token)) != token {
		t.Error("the token got lost")
	}
}

// TestClaimIsNobodysToAppendTo: tokens are remembered, so that the requests of many share one.
func TestClaimIsNobodysToAppendTo(t *testing.T) {
	t.Parallel()
	tok := mandate.NewToken(mandate.TokenInfo{Claims: `{"tenant":"a","long":"` + strings.Repeat("x", 50) + `"}`})
	for _, name := range []string{"tenant", "long"} {
		if raw := tok.Claim(name); cap(raw) != len(raw) {
			t.Errorf("Claim(%s) has room for %d bytes behind its %d, where two who append meet", name, cap(raw)-len(raw), len(raw))
		}
	}
}
