package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	memstore "github.com/go-mandate/mandate/stores/memory"
)

func ExampleNew() {
	ctx, now := context.Background(), time.Now()
	s := memstore.New()
	err := s.CreateGrant(ctx, store.Grant{ID: "g1", Key: mandate.DigestOf("handle"), ClientID: "web", Expires: now.Add(time.Hour)})
	fmt.Println("approved:", err)

	code := store.Redemption{GrantID: "g1", Now: now, Expires: now.Add(time.Hour), KeyID: "k1"}
	_, err = s.Redeem(ctx, code)
	fmt.Println("redeemed:", err)
	_, err = s.Redeem(ctx, code)
	fmt.Println("used again:", errors.Is(err, store.ErrUsed))
	// Output:
	// approved: <nil>
	// redeemed: <nil>
	// used again: true
}
