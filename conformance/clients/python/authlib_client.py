"""Authlib as an application uses it, against the provider: authlib_client.py ISSUER CONTROL SECRET."""

import json
import os
import time

from common import browse, callback, end, endpoints, issuer, refused, resource, secret, test

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT

server = endpoints()
token_url = server["token_endpoint"]
device_code = "urn:ietf:params:oauth:grant-type:device_code"

with open(os.path.join(os.path.dirname(__file__), "..", "signed.jwk")) as file:
    key = JsonWebKey.import_key(json.load(file))


def session(client, **more):
    method = {"signed": PrivateKeyJWT(token_url, alg="ES256"), "shared": ClientSecretJWT(token_url), "post": "client_secret_post", "public": "none"}.get(client, "client_secret_basic")
    # It puts a secret into the header as it is; RFC 6749, section 2.3.1 wants it encoded. One of letters is the same either way.
    known = {"public": None, "signed": key, "plain": "a-secret-of-letters", "passwords": "a-secret-of-letters"}.get(client, secret)
    made = OAuth2Session(client, known, scope="read", redirect_uri=callback, code_challenge_method="S256", token_endpoint_auth_method=method,
                         token_endpoint=token_url, revocation_endpoint_auth_method=method, **more)
    return made


def sign_in(client):
    made = session(client)
    verifier = generate_token(48)
    url, _ = made.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    made.fetch_token(token_url, authorization_response=browse(url), code_verifier=verifier)
    return made


for client in ["plain", "post", "public", "signed", "shared"]:

    @test(f"{client}: code and PKCE, a resource")
    def _():
        made = sign_in(client)
        assert made.token["scope"] == "read" and made.token["refresh_token"], made.token.keys()
        answer = made.get(resource)
        assert answer.json() == {"subject": "user-foo", "client": client, "scope": "read"}, answer.text

    @test(f"{client}: refresh, by itself and when it is asked for")
    def _():
        made = sign_in(client)
        first = dict(made.token)
        second = dict(made.refresh_token(token_url))
        assert second["access_token"] != first["access_token"] and second["refresh_token"] != first["refresh_token"]
        made.token = {**second, "expires_at": int(time.time()) - 10}
        assert made.get(resource).status_code == 200
        assert made.token["access_token"] != second["access_token"]

    @test(f"{client}: revocation (RFC 7009)")
    def _():
        made = sign_in(client)
        answer = made.revoke_token(server["revocation_endpoint"], made.token["refresh_token"], "refresh_token")
        assert answer.status_code == 200, answer.text
        assert made.get(resource).status_code == 401
        error = refused(lambda: made.refresh_token(token_url), OAuthError)
        assert error.error == "invalid_grant", error.error

    if client == "public":
        continue

    @test(f"{client}: introspection (RFC 7662)")
    def _():
        made = sign_in(client)
        info = made.introspect_token(server["introspection_endpoint"], made.token["access_token"], "access_token").json()
        assert info["active"] and info["sub"] == "user-foo" and info["client_id"] == client, info
        assert made.introspect_token(server["introspection_endpoint"], "nonsense").json() == {"active": False}

    @test(f"{client}: client credentials")
    def _():
        made = session(client)
        token = made.fetch_token(token_url, grant_type="client_credentials")
        assert token["scope"] == "read" and "refresh_token" not in token
        assert made.get(resource).json()["subject"] == ""


@test("a device (RFC 8628)")
def _():
    made = session("public")
    asked = requests.post(server["device_authorization_endpoint"], data={"client_id": "public", "scope": "read"}).json()
    poll = lambda: made.fetch_token(token_url, grant_type=device_code, device_code=asked["device_code"])
    assert refused(poll, OAuthError).error == "authorization_pending"
    browse(asked["verification_uri_complete"])
    time.sleep(asked["interval"] + 0.1)
    assert poll()["scope"] == "read"
    assert made.get(resource).json()["client"] == "public"


@test("an assertion as a grant (RFC 7523, 2.1)")
def _():
    made = session("signed")
    now = int(time.time())
    claims = {"iss": "signed", "sub": "user-foo", "aud": issuer, "iat": now, "exp": now + 60, "jti": generate_token(24)}
    assertion = jwt.encode({"alg": "ES256", "kid": "signed-1"}, claims, key).decode()
    made.fetch_token(token_url, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)
    assert made.get(resource).json()["subject"] == "user-foo"


@test("a password, for who must")
def _():
    made = session("passwords")
    made.fetch_token(token_url, username="foo", password="bar")
    assert made.get(resource).json()["subject"] == "user-foo"


@test("an implicit answer, for who must")
def _():
    made = session("script")
    url, _ = made.create_authorization_url(server["authorization_endpoint"], response_type="token")
    made.fetch_token(authorization_response=browse(url))
    assert made.get(resource).json()["client"] == "script"


@test("a wrong secret, another's code, a state that is another")
def _():
    made = session("post")
    made.client_secret = "wrong"
    error = refused(lambda: made.fetch_token(token_url, grant_type="client_credentials"), OAuthError)
    assert error.error == "invalid_client", error.error
    made = session("public")
    verifier = generate_token(48)
    url, state = made.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    back = browse(url)
    error = refused(lambda: session("post").fetch_token(token_url, authorization_response=back, code_verifier=verifier), OAuthError)
    assert error.error == "invalid_grant", error.error
    refused(lambda: made.fetch_token(token_url, authorization_response=back, code_verifier=verifier, state="another"), Exception)
    assert made.fetch_token(token_url, authorization_response=back, code_verifier=verifier, state=state)["scope"] == "read"


end()
