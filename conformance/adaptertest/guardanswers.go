package adaptertest

import "strconv"

// The answers of guards, to the byte.

const (
	invalidText   = "the access token is unknown, expired, revoked or not for this resource"
	malformedText = "the access token is malformed"
	doubledText   = "more than one access token or scheme was sent"
	lackingText   = "the access token does not allow this"
	stepUpText    = "a more recent or stronger sign-in is required"
)

func statusText(status int) string { return strconv.Itoa(status) }

// refusedBy is a refusal with a challenge.
func refusedBy(status int, challenge, body string) string {
	return statusText(status) + "\nCache-Control: no-store\nContent-Type: application/json\nWww-Authenticate: " + challenge + "\n\n" + body
}

// named is a refusal whose challenge and body tell the same.
func named(status int, code, text, params, members string) string {
	return refusedBy(status, `Bearer error="`+code+`", error_description="`+text+`"`+params, `{"error":"`+code+`","error_description":"`+text+`"`+members+`}`)
}

// missing is the answer to a request without credentials, or with those of another scheme.
func missing(scope string) string {
	const body = `{"error":"missing_authorization","error_description":"send an access token: Authorization: Bearer"`
	if scope == "" {
		return refusedBy(401, `Bearer realm="`+guardedAPI+`"`, body+"}") // a challenge needs a parameter (RFC 6750, section 3)
	}
	return refusedBy(401, `Bearer scope="`+scope+`"`, body+`,"scope":"`+scope+`"}`)
}

func invalid() string   { return named(401, "invalid_token", invalidText, "", "") }
func malformed() string { return named(400, "invalid_request", malformedText, "", "") }
func doubled() string   { return named(400, "invalid_request", doubledText, "", "") }

// lacking is the answer to a token that does not have what scope says; "" where no scope would help.
func lacking(scope string) string {
	if scope == "" {
		return named(403, "insufficient_scope", lackingText, "", "")
	}
	return named(403, "insufficient_scope", lackingText, `, scope="`+scope+`"`, `,"scope":"`+scope+`"`)
}

// stepUp is the answer of RFC 9470, section 3.
func stepUp(params, members string) string {
	return named(401, "insufficient_user_authentication", stepUpText, params, members)
}

// userless is the answer to a token without a user, where one is needed.
func userless() string {
	return named(403, "insufficient_scope", "the access token stands for no user", "", "")
}

// away is the answer where nobody can tell.
func away() string {
	return "503\nCache-Control: no-store\nContent-Type: application/json\nRetry-After: 5\n\n" +
		`{"error":"temporarily_unavailable","error_description":"the access token cannot be checked at the moment"}`
}

// faulty is the answer to a fault of the application.
func faulty() string {
	return "500\nCache-Control: no-store\nContent-Type: application/json\n\n" + `{"error":"server_error"}`
}
