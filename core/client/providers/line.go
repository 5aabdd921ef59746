package providers

import (
	"github.com/go-mandate/mandate/core/client"
	"github.com/go-mandate/mandate/core/jose"
)

// Line is LINE Login 2.1 (https://developers.line.biz/en/docs/line-login/integrate-line-login/). The channel's ID and secret are the credentials.
//
// ID tokens for websites are signed with the channel secret, HS256, although the metadata says ES256, which is for applications on phones.
// They have the profile, and the address where the channel has the permission for it and the scopes have "email"; LINE does not say that it is
// verified. Subjects are those of one provider in LINE's console.
func Line(c client.Credentials) client.OpenID {
	c.Method = orPost(c)
	return client.OpenID{
		Name: "line", Credentials: c, Issuer: "https://access.line.me",
		Scopes: []string{"openid", "profile", "email"}, Algs: []jose.Alg{jose.HS256}, APIURL: "https://api.line.me/",
		UserInfo: client.UserInfoNever, // it has less
	}
}
