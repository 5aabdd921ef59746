package client

import (
	"crypto/sha256"
	"encoding/base64"

	mandate "github.com/go-mandate/mandate/core"
)

// pageStyle is the look of the pages here: a card, on screens of any size, by day and by night.
const pageStyle = `:root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--text:#1b1e25;--muted:#596071;--line:#d9dce4;--accent:#2f55c9;--on-accent:#fff}
@media (prefers-color-scheme:dark){:root{--page:#101217;--card:#191c23;--text:#e7e9ef;--muted:#a2a9b9;--line:#31353f;--accent:#94adff;--on-accent:#0e1430}}
*,::before,::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;padding:1.5rem 1rem;display:flex;flex-direction:column;align-items:center;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
body::before{content:"";flex:2}
body::after{content:"";flex:3}
main{width:100%;max-width:26rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem;box-shadow:0 1px 2px rgb(0 0 0/4%),0 8px 24px rgb(0 0 0/5%)}
h1{margin:0;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
p{margin:.5rem 0 0;color:var(--muted)}
a,button{display:flex;align-items:center;justify-content:center;width:100%;min-height:2.75rem;margin-top:1.5rem;padding:.5rem 1rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
:focus-visible{outline:.1875rem solid var(--accent);outline-offset:.125rem}
@media (max-width:30rem){body{padding:1rem .75rem}main{padding:1.5rem 1.25rem}}`

// page writes a page of the library's own: content is HTML, and script, which may be empty, runs after it. It loads nothing, and nobody may frame it.
func page(resp *mandate.Response, title, content, script string) {
	policy := "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src " + hashSource(pageStyle)
	body := "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n<title>" + title + "</title>\n<style>" + pageStyle + "</style>\n<main>\n" + content + "</main>\n"
	if script != "" {
		policy += "; script-src " + hashSource(script)
		body += "<script>" + script + "</script>\n"
	}
	resp.Header = append(resp.Header,
		mandate.Field{Name: "Content-Type", Value: "text/html; charset=utf-8"},
		mandate.Field{Name: "Content-Security-Policy", Value: policy},
		mandate.Field{Name: "X-Content-Type-Options", Value: "nosniff"},
		mandate.Field{Name: "X-Frame-Options", Value: "DENY"})
	resp.Body = []byte(body)
}

// hashSource names exactly this text in a Content-Security-Policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
