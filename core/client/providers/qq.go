package providers

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2/endpoints"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/client"
)

// QQ is Tencent QQ (https://wiki.connect.qq.com/). The APP ID is the client id, the APP Key its secret. The callback must be below the address that
// was registered.
//
// Nothing of it is quite OAuth 2: the token is asked for with GET, with the secret in the URL, answers are JSON because fmt=json is sent, and
// sometimes the call of a JavaScript function all the same; errors are numbers with the status 200; the token goes into the
// query of calls. Subject is the openid, the user's id for this application alone. Where unionid is granted, the user's id for all applications
// of a company, it is in Raw. There are no e-mail addresses, and no revocation. A no is usercancel at the callback, where there is one.
func QQ(c client.Credentials) client.OAuth2 {
	c.Method = orPost(c)
	return client.OAuth2{
		Name: "qq", Credentials: c,
		AuthURL: endpoints.QQ.AuthURL, TokenURL: endpoints.QQ.TokenURL, TokenEncoding: client.EncodeQuery,
		TokenParams: mandate.Params{{Name: "fmt", Value: "json"}},
		TokenAnswer: qqAnswer,
		APIURL:      "https://graph.qq.com/",
		Scopes:      []string{"get_user_info"}, ScopeSeparator: ",",
		Declined: func(answer mandate.Params) bool {
			cancelled := answer.Get("usercancel")
			return cancelled != "" && cancelled != "0"
		},
		BeforeCall: func(r *http.Request) error {
			if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
				r.Header.Del("Authorization")
				query := r.URL.Query()
				query.Set("access_token", token)
				r.URL.RawQuery = query.Encode()
			}
			return nil
		},
		Profile: qqProfile,
	}
}

func qqProfile(ctx context.Context, g *client.Granted) (client.Profile, error) {
	who, err := qqCall(ctx, g, "oauth2.0/me", url.Values{"unionid": {"1"}, "fmt": {"json"}})
	if err != nil {
		return client.Profile{}, err
	}
	raw, err := qqCall(ctx, g, "user/get_user_info", url.Values{"oauth_consumer_key": {text(who, "client_id")}, "openid": {text(who, "openid")}})
	if err != nil {
		return client.Profile{}, err
	}
	p := client.Profile{Subject: text(who, "openid"), Name: text(raw, "nickname"), Picture: text(raw, "figureurl_qq_2"), Raw: raw}
	if p.Picture == "" {
		p.Picture = text(raw, "figureurl_qq_1") // the large one is missing where the user has set none
	}
	for _, name := range []string{"openid", "unionid"} {
		if id := text(who, name); id != "" {
			raw[name] = id
		}
	}
	return p, nil
}

// qqAnswer makes a proper answer of what the token endpoint says: all of it is said to be HTML.
func qqAnswer(res *mandate.Response) {
	kind := "application/x-www-form-urlencoded"
	if res.Body = unwrap(res.Body); bytes.HasPrefix(res.Body, []byte("{")) {
		kind = "application/json"
	} else if !bytes.HasPrefix(res.Body, []byte("access_token=")) {
		return // a page
	}
	for i := range res.Header {
		if strings.EqualFold(res.Header[i].Name, "Content-Type") {
			res.Header[i].Value = kind
		}
	}
}

// qqCall returns what a call answers, or the error that it says.
func qqCall(ctx context.Context, g *client.Granted, to string, query url.Values) (map[string]any, error) {
	res, err := g.Do(ctx, client.Call{URL: to, Query: query})
	if err != nil {
		return nil, err
	}
	res.Raw = unwrap(res.Raw)
	m, err := members(g, res)
	if err != nil {
		return nil, err
	}
	for _, names := range [][2]string{{"error", "error_description"}, {"ret", "msg"}} {
		if code := text(m, names[0]); code != "" && code != "0" {
			e := g.Refused(res)
			e.Code, e.Description = mandate.Code(code[:min(len(code), 64)]), text(m, names[1])
			e.Description = e.Description[:min(len(e.Description), 1024)]
			return nil, e
		}
	}
	return m, nil
}

// unwrap returns the object of "callback( {...} );", and anything else as it is.
func unwrap(body []byte) []byte {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(body), []byte("callback("))
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 {
		return body
	}
	return bytes.TrimSpace(rest[:end])
}
