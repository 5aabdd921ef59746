package main

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// account is somebody who can sign in.
type account struct {
	Username string                     `json:"username"`
	Password string                     `json:"password"`
	Subject  string                     `json:"sub"`
	ACR      string                     `json:"acr"`
	Claims   map[string]json.RawMessage `json:"claims"`
}

// people are the accounts, ready to sign in.
type people struct {
	byName map[string]person
	nobody []byte // the hash of a password that nobody has: an unknown name takes as long as a wrong password
}

type person struct {
	hash []byte
	user server.User
}

// newPeople hashes the passwords of accounts.
func newPeople(accounts []account, cost int) (*people, error) {
	p := &people{byName: make(map[string]person)}
	subjects := make(map[string]bool)
	for i, a := range accounts {
		switch {
		case a.Username == "" || a.Password == "" || a.Subject == "":
			return nil, fmt.Errorf("accounts[%d] lacks username, password or sub", i)
		case p.byName[a.Username].hash != nil:
			return nil, fmt.Errorf("accounts[%d]: username %q is there twice", i, a.Username)
		case subjects[a.Subject]:
			return nil, fmt.Errorf("accounts[%d]: sub %q is there twice", i, a.Subject)
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(a.Password), cost)
		if err != nil {
			return nil, fmt.Errorf("accounts[%d]: password: %w", i, err)
		}
		user := server.User{Subject: a.Subject, Name: a.Username, ACR: a.ACR, AMR: []string{"pwd"}}
		if raw, ok := a.Claims["name"]; ok {
			if err := json.Unmarshal(raw, &user.Name); err != nil {
				return nil, fmt.Errorf("accounts[%d]: claims.name is not a string", i)
			}
		}
		subjects[a.Subject] = true
		p.byName[a.Username] = person{hash, user}
	}
	var err error
	p.nobody, err = bcrypt.GenerateFromPassword([]byte("nobody's"), cost)
	return p, err
}

// signIn is server.Config.SignIn.
func (p *people) signIn(_ context.Context, name, password string) (server.User, error) {
	who, ok := p.byName[name]
	if !ok {
		who.hash = p.nobody
	}
	if bcrypt.CompareHashAndPassword(who.hash, []byte(password)) != nil || !ok {
		return server.User{}, mandate.AccessDenied
	}
	return who.user, nil
}
