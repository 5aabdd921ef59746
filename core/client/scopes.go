package client

import (
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Scopes returns the scopes that tok has been granted, whether the server separates them by spaces, as it should, or by commas. nil means that
// nobody has said so. Servers grant more, less and in another order: that is data, not an error; see [MissingScopes].
func Scopes(tok *oauth2.Token) []string {
	if tok == nil {
		return nil
	}
	granted := tok.Extra("scope")
	if granted == nil {
		granted = tok.Extra("scopes") // Bitbucket's name for it
	}
	switch scope := granted.(type) {
	case string:
		return strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	case []any: // some servers answer with a list
		return texts(scope)
	}
	return nil
}

// MissingScopes returns which of the scopes that were asked for tok has not been granted.
func MissingScopes(tok *oauth2.Token, asked ...string) []string {
	granted := Scopes(tok)
	return slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return slices.Contains(granted, s) })
}
