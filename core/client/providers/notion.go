package providers

import (
	"context"
	"net/http"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// notionVersion is the version of the API that calls ask for.
const notionVersion = "2026-03-11"

// Notion is a public connection of Notion (https://developers.notion.com/guides/get-started/authorization). It has capabilities instead of scopes, which are
// set where it is registered.
//
// The token is asked for with JSON, and revoked with it. Its answer has the user, so that there is no call for the profile; a workspace's token, which no
// user owns, signs nobody in. Every call names the version of the API: set the header Notion-Version for another one. The e-mail address takes a
// capability, and nothing says that it is verified.
func Notion(c client.Credentials) client.OAuth2 {
	return client.OAuth2{
		Name: "notion", Credentials: c,
		AuthURL: "https://api.notion.com/v1/oauth/authorize", TokenURL: "https://api.notion.com/v1/oauth/token",
		RevocationURL: "https://api.notion.com/v1/oauth/revoke", IntrospectionURL: "https://api.notion.com/v1/oauth/introspect",
		TokenEncoding: client.EncodeJSON, TokenHeader: mandate.Fields{{Name: "Notion-Version", Value: notionVersion}},
		AuthParams: mandate.Params{{Name: "owner", Value: "user"}},
		APIURL:     "https://api.notion.com/v1/",
		BeforeCall: func(r *http.Request) error {
			if r.Header.Get("Notion-Version") == "" {
				r.Header.Set("Notion-Version", notionVersion)
			}
			return nil
		},
		Profile: func(_ context.Context, g *client.Granted) (client.Profile, error) {
			owner, _ := g.Token.Extra("owner").(map[string]any)
			raw, _ := owner["user"].(map[string]any)
			return client.Profile{
				Subject: text(raw, "id"), Name: text(raw, "name"), Email: text(raw, "person", "email"), Picture: text(raw, "avatar_url"), Raw: raw,
			}, nil
		},
	}
}
