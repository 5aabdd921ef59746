package main

import "github.com/go-mandate/mandate/core/server"

// serverScopes returns the scopes with the words that the consent page has for them.
func serverScopes(names []string) []server.Scope {
	words := map[string][2]string{
		"profile": {"Your profile", "Name, picture and other details about you"},
		"email":   {"Your e-mail address", "The address, and whether it was verified"},
		"address": {"Your postal address", ""},
		"phone":   {"Your phone number", "The number, and whether it was verified"},
		"read":    {"Read", "See what is stored under your account"},
		"write":   {"Write", "Change what is stored under your account"},
	}
	scopes := make([]server.Scope, 0, len(names))
	for _, name := range names {
		scopes = append(scopes, server.Scope{Name: name, Title: words[name][0], Description: words[name][1]})
	}
	return scopes
}
