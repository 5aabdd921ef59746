package jose_test

import (
	"fmt"
	"time"

	"github.com/go-mandate/mandate/core/jose"
)

func ExampleVerify() {
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1700000000, 0)
	token, err := jose.Sign(key, "at+jwt", jose.Claims{Subject: "alice", Expires: now.Add(time.Minute)})
	if err != nil {
		fmt.Println(err)
		return
	}

	header, payload, err := jose.Verify(token, jose.NewKeySet(key.Public()), []jose.Alg{jose.ES256})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := jose.ParseClaims(payload)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(header.Is("at+jwt"), claims.Subject, claims.CheckTimes(now, 0))
	fmt.Println(claims.CheckTimes(now.Add(time.Hour), 0))
	// Output:
	// true alice <nil>
	// jose: token is invalid: expired at 2023-11-14T22:14:20Z
}

func ExampleRing_Rotate() {
	now := time.Unix(1700000000, 0)
	ring, err := jose.NewRing(now, jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := ring.Rotate(now, 10*time.Minute, time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, after := range []time.Duration{0, 10 * time.Minute, 70 * time.Minute} {
		at := now.Add(after)
		fmt.Println(after, next.Public(at).Len(), next.Signer(jose.ES256, at) == ring.Signer(jose.ES256, at))
	}
	// Output:
	// 0s 2 true
	// 10m0s 2 false
	// 1h10m0s 1 false
}
