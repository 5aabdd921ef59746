"""What the clients in Python need: a browser without eyes, and a count of what was done."""

import html
import os
import re
import sys
import urllib.parse

import requests

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # http, on loopback
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
sys.dont_write_bytecode = True

issuer, control, secret = sys.argv[1:]
callback = "http://127.0.0.1:1/callback"
resource = issuer + "/resource"
passed, failed = 0, 0

# What foo, who allows everything, does with a page's form.
answers = {
    "login-form": {"username": "foo", "password": "bar", "action": "login"},
    "consent-form": {"action": "allow"},
    "device-confirm-form": {"action": "confirm"},
}


def browse(url):
    """Signs foo in, allows what is asked, and returns the URL at the client; None for a device."""
    browser = requests.Session()
    response = browser.get(url, allow_redirects=False)
    for _ in range(12):
        if "Location" in response.headers:
            url = urllib.parse.urljoin(response.url, response.headers["Location"])
            if url.startswith(callback):
                return url
            response = browser.get(url, allow_redirects=False)
            continue
        page = response.text
        if 'id="page-device-done"' in page:
            return None
        form = re.search(r'<form id="([^"]*)" method="post" action="([^"]*)"', page)
        assert form and form[1] in answers, (response.url, response.status_code, page)
        fields = {n: html.unescape(v) for n, v in re.findall(r'name="(handle|csrf)" value="([^"]*)"', page)}
        to = urllib.parse.urljoin(response.url, html.unescape(form[2]))
        response = browser.post(to, data={**fields, **answers[form[1]]}, allow_redirects=False)
    raise AssertionError(f"the browser does not come back to the client but ends at {response.url}")


def endpoints():
    """Returns the server's metadata (RFC 8414)."""
    return requests.get(issuer + "/.well-known/oauth-authorization-server").json()


def test(name):
    """Runs a function at once, and counts it."""

    def run(function):
        global passed, failed
        try:
            function()
            passed += 1
        except Exception as error:  # each of them is a failed test
            print(f"FAIL {name}: {error!r}")
            failed += 1
        return function

    return run


def refused(function, *kinds):
    """Returns the error that function ends with."""
    try:
        function()
    except kinds as error:
        return error
    raise AssertionError("it succeeds, want a refusal")


def end():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
