"""requests-oauthlib as an application uses it, against the provider: requests_oauthlib_client.py ISSUER CONTROL SECRET."""

import base64
import hashlib
import secrets
import urllib.parse

from common import browse, callback, end, endpoints, issuer, refused, resource, secret, test

import oauthlib.oauth2
import requests
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, MobileApplicationClient, TokenExpiredError
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

server = endpoints()
token_url = server["token_endpoint"]


def sign_in(client_id, times=1, **authentication):
    """Goes through the code flow. This version of the module leaves PKCE to the application."""
    session = OAuth2Session(client_id, redirect_uri=callback, scope=["read"])
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url, _ = session.authorization_url(server["authorization_endpoint"], code_challenge=challenge, code_challenge_method="S256")
    back = browse(url)
    for _ in range(times):
        session.fetch_token(token_url, authorization_response=back, code_verifier=verifier, **authentication)
    return session


# What each client authenticates with. The module puts a secret into the header as it is; RFC 6749, section 2.3.1 wants it encoded, and
# so an application must do it whose secret has such characters.
encoded = urllib.parse.quote_plus(secret)
ways = {
    "basic": {"client_secret": encoded},
    "post": {"client_secret": secret, "include_client_id": True, "auth": None},
    "public": {"include_client_id": True, "auth": None},
}

for client, way in ways.items():

    @test(f"{client}: code and PKCE, a resource")
    def _():
        session = sign_in(client, **way)
        assert session.token["scope"] == ["read"] and session.token["refresh_token"], session.token.keys()
        answer = session.get(resource)
        assert answer.json() == {"subject": "user-foo", "client": client, "scope": "read"}, answer.text

    @test(f"{client}: refresh, by itself and when it is asked for")
    def _():
        session = sign_in(client, **way)
        first = dict(session.token)
        extra = {"client_id": client} if client != "basic" else {}
        if client == "post":
            extra["client_secret"] = secret
        auth = HTTPBasicAuth("basic", encoded) if client == "basic" else None
        again = session.refresh_token(token_url, auth=auth, **extra)
        assert again["access_token"] != first["access_token"] and again["refresh_token"] != first["refresh_token"]
        saved = []
        renewing = OAuth2Session(client, token={**again, "expires_in": -1, "expires_at": 1}, auto_refresh_url=token_url, auto_refresh_kwargs=extra, token_updater=saved.append)
        if client == "basic":
            refused(lambda: OAuth2Session(client, token={**again, "expires_at": 1}).get(resource), TokenExpiredError)
            return
        assert renewing.get(resource).status_code == 200 and saved[0]["access_token"] != again["access_token"]

    @test(f"{client}: revocation (RFC 7009)")
    def _():
        session = sign_in(client, **way)
        url, headers, body = oauthlib.oauth2.WebApplicationClient(client).prepare_token_revocation_request(
            server["revocation_endpoint"], session.token["refresh_token"], "refresh_token", **({} if client == "basic" else {"client_id": client}), **({"client_secret": secret} if client == "post" else {}))
        answer = requests.post(url, headers=headers, data=body, auth=HTTPBasicAuth(client, encoded) if client == "basic" else None)
        assert answer.status_code == 200, answer.text
        assert session.get(resource).status_code == 401


@test("client credentials")
def _():
    session = OAuth2Session(client=BackendApplicationClient("basic", scope=["read", "write"]))
    token = session.fetch_token(token_url, client_secret=encoded)
    assert token["scope"] == ["read", "write"] and "refresh_token" not in token
    assert session.get(resource).json()["subject"] == ""


@test("introspection (RFC 7662)")
def _():
    session = sign_in("basic", **ways["basic"])
    info = requests.post(server["introspection_endpoint"], data={"token": session.token["access_token"]}, auth=HTTPBasicAuth("basic", encoded)).json()
    assert info["active"] and info["sub"] == "user-foo" and info["scope"] == "read", info


@test("a password, for who must")
def _():
    session = OAuth2Session(client=LegacyApplicationClient("legacy", scope=["read"]))
    token = session.fetch_token(token_url, username="foo", password="bar", auth=HTTPBasicAuth("legacy", encoded))
    assert token["refresh_token"] and session.get(resource).json()["subject"] == "user-foo"
    error = refused(lambda: session.fetch_token(token_url, username="foo", password="wrong", auth=HTTPBasicAuth("legacy", encoded)), OAuth2Error)
    assert error.error == "invalid_grant", error.error


@test("an implicit answer, for who must")
def _():
    session = OAuth2Session(client=MobileApplicationClient("script"), redirect_uri=callback, scope=["read"])
    url, _ = session.authorization_url(server["authorization_endpoint"])
    token = session.token_from_fragment(browse(url))
    assert token["token_type"] == "Bearer" and "refresh_token" not in token
    assert session.get(resource).json() == {"subject": "user-foo", "client": "script", "scope": "read"}


@test("a wrong secret")
def _():
    session = OAuth2Session(client=BackendApplicationClient("basic", scope=["read"]))
    error = refused(lambda: session.fetch_token(token_url, client_secret="wrong"), InvalidClientError)
    assert error.status_code == 401, error.status_code


@test("a code for the second time")
def _():
    error = refused(lambda: sign_in("public", times=2, **ways["public"]), InvalidGrantError)
    assert error.status_code == 400, error.status_code


end()
