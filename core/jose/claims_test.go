package jose_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	c := jose.Claims{
		Issuer: "https://id.example", Subject: "u", Audience: []string{"a"}, ID: "j",
		Expires: time.Unix(1700000600, 5e8), NotBefore: time.Unix(1700000000, 0), IssuedAt: time.Unix(1700000000, 0),
	}
	for name, value := range map[string]any{"scope": "a b", "auth_time": 1699999999.25, "cnf": map[string]string{"jkt": "x"}} {
		if err := c.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	got, err := json.Marshal(c)
	want := `{"iss":"https://id.example","sub":"u","aud":"a","exp":1700000600,"nbf":1700000000,"iat":1700000000,"jti":"j","auth_time":1699999999.25,"cnf":{"jkt":"x"},"scope":"a b"}`
	if err != nil || string(got) != want {
		t.Fatalf("Marshal = %s, %v, want %s", got, err, want)
	}
	back, err := jose.ParseClaims(got)
	if err != nil {
		t.Fatal(err)
	}
	if back.Issuer != c.Issuer || back.Subject != "u" || back.ID != "j" || !back.For("a") || back.For("b") || back.Expires.Unix() != 1700000600 || back.Text("scope") != "a b" || back.Text("cnf") != "" || back.Text("x") != "" {
		t.Errorf("claims read again = %+v", back)
	}
	if at, err := back.Time("auth_time"); err != nil || !at.Equal(time.UnixMilli(1699999999250)) {
		t.Errorf("auth_time = %v, %v", at, err)
	}
	var cnf struct {
		JKT string `json:"jkt"`
	}
	if ok, err := back.Read("cnf", &cnf); !ok || err != nil || cnf.JKT != "x" {
		t.Errorf("Read = %v, %v, %+v", ok, err, cnf)
	}
	if ok, err := back.Read("none", &cnf); ok || err != nil {
		t.Errorf("Read of an absent claim = %v, %v", ok, err)
	}
	if _, err := back.Read("scope", &cnf); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("Read of another type: %v, want ErrInvalid", err)
	}
	if _, err := back.Time("scope"); !errors.Is(err, jose.ErrInvalid) {
		t.Errorf("Time of a string: %v, want ErrInvalid", err)
	}
	if got, err := json.Marshal(jose.Claims{}); err != nil || string(got) != "{}" {
		t.Errorf("empty: %s, %v", got, err)
	}
	if got, err := json.Marshal(jose.Claims{Audience: []string{"a", "b"}}); err != nil || string(got) != `{"aud":["a","b"]}` {
		t.Errorf("two audiences: %s, %v", got, err)
	}
	if err := c.Set("exp", 1); err == nil {
		t.Error("Set of exp: want an error")
	}
	if _, err := json.Marshal(jose.Claims{Other: map[string]json.RawMessage{"iss": []byte(`"x"`)}}); err == nil {
		t.Error("iss among Other: want an error")
	}
	if _, err := json.Marshal(jose.Claims{Other: map[string]json.RawMessage{"x": []byte(`{`)}}); err == nil {
		t.Error("broken JSON among Other: want an error")
	}
}

func TestParseClaims(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"empty":                 "",
		"null":                  "null",
		"array":                 "[]",
		"string":                `"x"`,
		"something after":       "{} {}",
		"iss twice":             `{"iss":"a","iss":"b"}`,
		"iss a number":          `{"iss":1}`,
		"iss null":              `{"iss":null}`,
		"sub an array":          `{"sub":["a"]}`,
		"sub an object":         `{"sub":{}}`,
		"jti true":              `{"jti":true}`,
		"aud a number":          `{"aud":1}`,
		"aud null":              `{"aud":null}`,
		"aud an object":         `{"aud":{"a":1}}`,
		"aud with a number":     `{"aud":["a",1]}`,
		"aud with a null":       `{"aud":["a",null]}`,
		"exp a string":          `{"exp":"1700000000"}`,
		"exp null":              `{"exp":null}`,
		"exp true":              `{"exp":true}`,
		"exp an object":         `{"exp":{}}`,
		"exp negative":          `{"exp":-1}`,
		"exp a bit negative":    `{"exp":-0.5}`,
		"exp in milliseconds":   `{"exp":1700000000000}`,
		"exp of the year 10000": `{"exp":253402300800}`,
		"exp over int64":        `{"exp":99999999999999999999}`,
		"exp over float64":      `{"exp":1e400}`,
		"exp huge":              `{"exp":1e300}`,
		"exp with many digits":  `{"exp":1` + strings.Repeat("0", 5000) + `}`,
		"nbf a string":          `{"nbf":"x"}`,
		"iat an array":          `{"iat":[1]}`,
		"over 16 KiB":           `{"x":"` + strings.Repeat("x", 16<<10) + `"}`,
		"deep":                  strings.Repeat("[", 16<<10),
	} {
		if c, err := jose.ParseClaims([]byte(payload)); !errors.Is(err, jose.ErrInvalid) || c != nil {
			t.Errorf("%s: ParseClaims = %+v, %v, want ErrInvalid", name, c, err)
		}
	}
	for payload, want := range map[string]time.Time{
		`{"exp":0}`:               time.Unix(0, 0),
		`{"exp":-0}`:              time.Unix(0, 0),
		`{"exp":1700000000}`:      time.Unix(1700000000, 0),
		`{"exp":1700000000.0}`:    time.Unix(1700000000, 0),
		`{"exp":1.7e9}`:           time.Unix(1700000000, 0),
		`{"exp":1700000000.125}`:  time.UnixMilli(1700000000125),
		`{"exp":1700000000.9996}`: time.UnixMilli(1700000000999),
		`{"exp":253402300799}`:    time.Unix(253402300799, 0),
	} {
		c, err := jose.ParseClaims([]byte(payload))
		if err != nil || !c.Expires.Equal(want) || c.Expires.IsZero() {
			t.Errorf("%s = %+v, %v, want %v", payload, c, err, want)
		}
	}
	c, err := jose.ParseClaims([]byte(`{"aud":["a","b"],"AUD":"c","Exp":1,"x":null}`))
	if err != nil || !slices.Equal(c.Audience, []string{"a", "b"}) || !c.Expires.IsZero() || len(c.Other) != 3 {
		t.Errorf("names in another case = %+v, %v, want them among the others", c, err)
	}
}

func TestCheckTimes(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	for name, tc := range map[string]struct {
		claims jose.Claims
		leeway time.Duration
		ok     bool
	}{
		"alive":                        {jose.Claims{Expires: now.Add(time.Second)}, 0, true},
		"no exp":                       {jose.Claims{}, time.Hour, false},
		"at exp":                       {jose.Claims{Expires: now}, 0, false},
		"at exp, with leeway":          {jose.Claims{Expires: now}, time.Second, true},
		"past exp and leeway":          {jose.Claims{Expires: now.Add(-time.Second)}, time.Second, false},
		"at nbf":                       {jose.Claims{Expires: now.Add(time.Hour), NotBefore: now}, 0, true},
		"before nbf":                   {jose.Claims{Expires: now.Add(time.Hour), NotBefore: now.Add(time.Second)}, 0, false},
		"before nbf, with leeway":      {jose.Claims{Expires: now.Add(time.Hour), NotBefore: now.Add(time.Second)}, time.Second, true},
		"iat ahead":                    {jose.Claims{Expires: now.Add(time.Hour), IssuedAt: now.Add(time.Second)}, 0, false},
		"iat ahead, but within leeway": {jose.Claims{Expires: now.Add(time.Hour), IssuedAt: now.Add(time.Second)}, time.Second, true},
	} {
		if err := tc.claims.CheckTimes(now, tc.leeway); (err == nil) != tc.ok || err != nil && !errors.Is(err, jose.ErrInvalid) {
			t.Errorf("%s: CheckTimes = %v, want ok = %v", name, err, tc.ok)
		}
	}
}
