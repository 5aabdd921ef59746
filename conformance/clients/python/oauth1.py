"""OAuth 1.0a as applications use it in Python, with requests-oauthlib and with Authlib, against the provider: oauth1.py ISSUER CONTROL SECRET MODULE."""

import pathlib
import sys

module = sys.argv.pop()

from common import browse, callback, end, issuer, refused, secret, test

key = pathlib.Path(__file__).parent.parent.joinpath("consumer.pem").read_text()
at = {name: f"{issuer}/oauth1/{name}" for name in ("request_token", "authorize", "access_token", "resource")}

if module == "requests-oauthlib":
    from requests_oauthlib import OAuth1Session
    from requests_oauthlib.oauth1_session import TokenRequestDenied

    denied, places = TokenRequestDenied, ("AUTH_HEADER", "BODY", "QUERY")
    def session(consumer, method, place, **more):
        keys = {"rsa_key": key} if method.startswith("RSA") else {"client_secret": secret}
        return OAuth1Session(consumer, signature_method=method, signature_type=place, callback_uri=callback, **keys, **more)

    def sign_in(client):
        client.fetch_request_token(at["request_token"])
        client.parse_authorization_response(browse(client.authorization_url(at["authorize"])))
        return client.fetch_access_token(at["access_token"])

else:
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.requests_client import OAuth1Session

    # In bodies and queries this version of the module sends each parameter twice, which RFC 5849, section 3.1 forbids.
    denied, places = OAuthError, ("HEADER",)
    def session(consumer, method, place, **more):
        keys = {"rsa_key": key} if method.startswith("RSA") else {}
        return OAuth1Session(consumer, secret, redirect_uri=callback, signature_method=method, signature_type=place, **keys, **more)

    def sign_in(client):
        client.fetch_request_token(at["request_token"])
        client.parse_authorization_response(browse(client.create_authorization_url(at["authorize"])))
        return client.fetch_access_token(at["access_token"])


methods = {"HMAC-SHA1": "consumer", "RSA-SHA1": "consumer-rsa", "PLAINTEXT": "consumer"}
if module == "requests-oauthlib":
    methods |= {"HMAC-SHA256": "consumer", "HMAC-SHA512": "consumer", "RSA-SHA256": "consumer-rsa", "RSA-SHA512": "consumer-rsa"}

for method, consumer in methods.items():
    for place in places:

        @test(f"{method} in {place}: three legs and calls")
        def _():
            client = session(consumer, method, place)
            token = sign_in(client)
            assert token["oauth_authorized_realms"] == "read", token
            want = {"subject": "user-foo", "client": consumer, "scope": "read"}
            if place != "BODY":
                answer = client.get(at["resource"], params={"b": "2 &~", "a": ["1", ""], "ü": "+"})
                assert answer.json() == want, (answer.status_code, answer.text)
                answer = client.put(at["resource"] + "?x=y", data=b"\x00\xff", headers={"Content-Type": "application/octet-stream"})
                assert answer.json() == want, (answer.status_code, answer.text)
            answer = client.post(at["resource"], data={"color": "grün & blau", "empty": "", "tilde": "~*"})
            assert answer.json() == want, (answer.status_code, answer.text)


@test("a wrong secret")
def _():
    client = OAuth1Session("consumer", "guess", **({"callback_uri": callback} if module == "requests-oauthlib" else {"redirect_uri": callback}))
    error = refused(lambda: client.fetch_request_token(at["request_token"]), denied)
    assert "signature_invalid" in str(error) or "401" in str(error), error


@test("two legs")
def _():
    client = OAuth1Session("consumer", secret)
    answer = client.post(at["resource"], data={"lti_message_type": "basic-lti-launch-request"})
    assert answer.json() == {"subject": "", "client": "consumer", "scope": "read"}, (answer.status_code, answer.text)


@test("a token that is not there")
def _():
    if module == "requests-oauthlib":
        client = OAuth1Session("consumer", secret, "token", "secret")
    else:
        client = OAuth1Session("consumer", secret, token="token", token_secret="secret")
    answer = client.get(at["resource"])
    assert answer.status_code == 401 and 'oauth_problem="signature_invalid"' in answer.headers["WWW-Authenticate"], answer.headers


end()
