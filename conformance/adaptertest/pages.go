package adaptertest

import (
	"context"
	"errors"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/server"
)

// signIn is the Config.SignIn of a world with the built-in pages: anybody whose password is "password of" the name. The
// name "fault" cannot be told.
func signIn(_ context.Context, name, password string) (server.User, error) {
	switch {
	case name == "fault":
		return server.User{}, errors.New("secret detail of the directory")
	case name == "" || password != "password of "+name:
		return server.User{}, mandate.AccessDenied
	}
	return server.User{Subject: name, Name: "The " + name}, nil
}
