package jose_test

import (
	"testing"

	"github.com/go-mandate/mandate/core/jose"
)

// The examples of the RFCs.
const (
	joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

	// RFC 7515, appendix A.1.
	hs256Key   = "\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3"
	hs256Token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

	// RFC 7515, appendix A.2.
	rs256Key   = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`
	rs256Token = "eyJhbGciOiJSUzI1NiJ9." + joe + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

	// RFC 7515, appendix A.3.
	es256Key     = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	es256Private = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	es256Token   = "eyJhbGciOiJFUzI1NiJ9." + joe + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

	// RFC 8037, appendix A.
	edKey        = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	edPrivate    = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	edThumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	edToken      = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

	// RFC 7638, section 3.1.
	printKey   = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
)

const joeJSON = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

func publicKey(tb testing.TB, jwk string) *jose.PublicKey {
	tb.Helper()
	k, err := jose.ParsePublicJWK([]byte(jwk))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func newKey(tb testing.TB, alg jose.Alg) *jose.Key {
	tb.Helper()
	k, err := jose.Generate(alg)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key, token string
		alg        jose.Alg
		payload    string
	}{
		"RS256 (RFC 7515, A.2)": {rs256Key, rs256Token, jose.RS256, joeJSON},
		"ES256 (RFC 7515, A.3)": {es256Key, es256Token, jose.ES256, joeJSON},
		"EdDSA (RFC 8037, A.5)": {edKey, edToken, jose.EdDSA, "Example of Ed25519 signing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := jose.NewKeySet(publicKey(t, tc.key))
			for range 3 { // the second finds the header known
				h, payload, err := jose.Verify(tc.token, set, []jose.Alg{tc.alg})
				if err != nil || h != (jose.Header{Alg: tc.alg}) || string(payload) != tc.payload {
					t.Fatalf("Verify = %+v, %q, %v", h, payload, err)
				}
			}
		})
	}
}

func TestHMACVector(t *testing.T) {
	t.Parallel()
	h, payload, err := jose.VerifyHMAC(hs256Token, []byte(hs256Key), []jose.Alg{jose.HS256})
	if err != nil || h != (jose.Header{Alg: jose.HS256, Type: "JWT"}) || string(payload) != joeJSON {
		t.Errorf("VerifyHMAC (RFC 7515, A.1) = %+v, %q, %v", h, payload, err)
	}
}

func TestThumbprint(t *testing.T) {
	t.Parallel()
	k := publicKey(t, printKey)
	if k.Thumbprint() != thumbprint || k.ID() != "2011-04-29" || k.Alg() != jose.RS256 {
		t.Errorf("key = %s, %s, %s, want the thumbprint of RFC 7638, 3.1", k.ID(), k.Alg(), k.Thumbprint())
	}
	if k := publicKey(t, edKey); k.ID() != edThumbprint {
		t.Errorf("ID = %s, want the thumbprint of RFC 8037, A.3", k.ID())
	}
}
