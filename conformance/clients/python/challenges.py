"""The challenges of a guard, read by the parsers of Python's own HTTP library: challenges.py ISSUER CONTROL SECRET."""

import base64
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

issuer, _, secret = sys.argv[1:]
passed, failed = 0, 0


def ask(url, authorization=None, form=None):
    """Returns status, header and body of a request."""
    request = urllib.request.Request(url, data=urllib.parse.urlencode(form).encode() if form else None)
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def challenge(authorization=None):
    """Returns status and challenge of the guarded resource, as urllib reads it."""
    status, header, body = ask(issuer + "/resource", authorization)
    fields = header.get_all("WWW-Authenticate")
    assert len(fields) == 1, fields
    # As urllib.request.AbstractDigestAuthHandler reads a field.
    scheme, rest = fields[0].split(" ", 1)
    params = urllib.request.parse_keqv_list(filter(None, urllib.request.parse_http_list(rest)))
    assert scheme == "Bearer" and all(re.fullmatch(r"[!#-\[\]-~ ]*", v) for v in params.values()), fields[0]
    assert status != 401 or "error" not in params or params["error"] == body["error"], body
    return status, params


def test(name, want, authorization=None):
    global passed, failed
    try:
        got = challenge(authorization)
        assert (got[0], {k: v for k, v in got[1].items() if k != "error_description"}) == want, got
        passed += 1
    except Exception as error:  # each of them is a failed test
        print(f"FAIL {name}: {error!r}")
        failed += 1


where = {"resource_metadata": issuer + "/.well-known/oauth-protected-resource/resource"}
basic = "Basic " + base64.b64encode(("basic:" + urllib.parse.quote_plus(secret)).encode()).decode()
_, _, token = ask(issuer + "/token", basic, {"grant_type": "client_credentials", "scope": "write"})

test("no credentials", (401, {"scope": "read", **where}))
test("another scheme", (401, {"scope": "read", **where}), "Basic YTpi")
test("a bad token", (401, {"error": "invalid_token", **where}), "Bearer nonsense")
test("no token", (400, {"error": "invalid_request", **where}), "Bearer a b")
test("too little scope", (403, {"error": "insufficient_scope", "scope": "read", **where}), "Bearer " + token["access_token"])

status, _, found = ask(where["resource_metadata"])
if status == 200 and found["resource"] == issuer + "/resource" and found["authorization_servers"] == [issuer]:
    passed += 1
else:
    print(f"FAIL metadata: {status} {found}")
    failed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
