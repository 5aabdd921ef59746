"""A provider of OAuth 1.0a made of oauthlib's endpoints: oauth1_provider.py CALLBACK SECRET. It listens on a free port of loopback, says where, and has one
consumer, "demo", and one user. Its pages are forms that ask for nothing but the decision."""

import html
import http.server
import json
import sys
import threading
from urllib.parse import parse_qs, urlencode

from oauthlib.oauth1 import RequestValidator, WebApplicationServer

callback, consumer_secret = sys.argv[1:]


class Validator(RequestValidator):
    enforce_ssl = False  # on loopback
    client_key_length = (3, 30)
    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT")
    realms = ["photos"]
    dummy_client, dummy_request_token, dummy_access_token = "dummy", "dummy-request-token", "dummy-access-token"

    def __init__(self):
        super().__init__()
        self.temporary, self.tokens, self.nonces, self.lock = {}, {}, set(), threading.Lock()

    # What requests are verified with.
    def get_client_secret(self, client_key, request):
        return consumer_secret if client_key == "demo" else "dummy"

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary.get(token, {}).get("secret", "dummy")

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, {}).get("secret", "dummy")

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        with self.lock:
            seen = (client_key, timestamp, nonce, request_token, access_token)
            fresh = seen not in self.nonces
            self.nonces.add(seen)
            return fresh

    # Who and what there is.
    def validate_client_key(self, client_key, request):
        return client_key == "demo"

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == callback

    def validate_requested_realms(self, client_key, realms, request):
        return set(realms) <= set(self.realms)

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return set(realms or ()) <= set(self.tokens.get(token, {}).get("realms", ()))

    def validate_verifier(self, client_key, token, verifier, request):
        known = self.temporary.get(token, {}).get("verifier")
        return known is not None and known == verifier

    def verify_request_token(self, token, request):
        return token in self.temporary

    def verify_realms(self, token, realms, request):
        return set(realms) <= set(self.temporary[token]["realms"])

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return self.temporary[token]["realms"]

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    # What is kept.
    def save_request_token(self, token, request):
        self.temporary[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "callback": request.redirect_uri, "realms": request.realms}

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "realms": request.realms}

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]


server = WebApplicationServer(Validator())
user = {"sub": "user-1", "name": "Demo of oauthlib"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = self.path.partition("?")[0]
        asked = (f"http://127.0.0.1:{self.server.server_port}{self.path}", self.command, body, dict(self.headers))
        if path == "/oauth1/request_token":
            self.answer(*server.create_request_token_response(*asked))
        elif path == "/oauth1/access_token":
            self.answer(*server.create_access_token_response(*asked, credentials={"user_id": user["sub"]}))
        elif path == "/oauth1/authorize" and self.command == "GET":
            realms, credentials = server.get_realms_and_credentials(*asked)
            token = html.escape(credentials["resource_owner_key"])
            self.answer({"Content-Type": "text/html"}, f'<form method="post" action="{path}"><input name="oauth_token" value="{token}">May it see {" ".join(realms)}?</form>', 200)
        elif path == "/oauth1/authorize":
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if form["action"] == "allow":
                realms, _ = server.get_realms_and_credentials(*asked)
                self.answer(*server.create_authorization_response(*asked, realms=realms))
            else:
                answer = urlencode({"oauth_token": form["oauth_token"], "oauth_problem": "user_refused"})
                self.answer({"Location": f"{callback}?{answer}"}, None, 302)
        elif path in ("/me", "/photos"):
            valid, _ = server.validate_protected_resource_request(*asked, realms=["photos"])
            said = json.dumps(user if path == "/me" else ["sea.jpg", "hills.jpg"])
            self.answer({"Content-Type": "application/json"}, said if valid else "{}", 200 if valid else 401)
        else:
            self.answer({}, "", 404)

    do_GET = do_POST = handle_one

    def answer(self, headers, body, status):
        data = (body or "").encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"READY http://127.0.0.1:{listener.server_port}", flush=True)
listener.serve_forever()
