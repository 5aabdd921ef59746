package gormstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
	gormstore "github.com/go-mandate/mandate/stores/gorm"
)

func ExampleNew() {
	ctx := context.Background()
	db, err := gorm.Open(sqlite.Open(":memory:"), &gorm.Config{}) // or the application's own
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, _ := db.DB()
	pool.SetMaxOpenConns(1) // in memory every connection has a database of its own

	s, err := gormstore.New(db)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := s.Plan(ctx)
	fmt.Println("to do:", len(plan) > 0, err)
	fmt.Println("done:", s.Migrate(ctx))
	plan, err = s.Plan(ctx)
	fmt.Println("left to do:", len(plan), err)
	// Output:
	// to do: true <nil>
	// done: <nil>
	// left to do: 0 <nil>
}

func ExampleKeepPruned() {
	db, err := gorm.Open(sqlite.Open(":memory:"), &gorm.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, _ := db.DB()
	pool.SetMaxOpenConns(1)
	s, err := gormstore.New(db)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	now := time.Now()
	fmt.Println(s.Migrate(ctx))
	fmt.Println(s.CreateGrant(ctx, store.Grant{ID: "old", Key: mandate.DigestOf("handle"), Created: now, Expires: now.Add(-time.Hour)}))

	// A program writes: go gormstore.KeepPruned(ctx, s, time.Minute, nil)
	err = gormstore.KeepPruned(ctx, s, time.Minute, func(n int, err error) {
		fmt.Println("removed:", n, err)
		stop()
	})
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
	// removed: 1 <nil>
	// context canceled
}

// Account is an application's own user.
type Account struct {
	Login string
	Name  string
}

func ExampleUserBy() {
	db, err := gorm.Open(sqlite.Open(":memory:"), &gorm.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, _ := db.DB()
	pool.SetMaxOpenConns(1)
	if err := db.AutoMigrate(&Account{}); err != nil {
		fmt.Println(err)
		return
	}
	db.Create(&Account{Login: "ann", Name: "Ann"})

	load := gormstore.UserBy[Account](db, "login") // resource.Config{User: load}
	user, err := load(context.Background(), mandate.NewToken(mandate.TokenInfo{Subject: "ann"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", user)
	// Output: &{Login:ann Name:Ann}
}
