"""Authlib on Flask over a dict, for client credentials."""

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from flask import Flask


class Machine(ClientMixin):
    client_id = "machine"
    secret = "0123456789abcdef0123456789abcdef0123456789a"

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope if scope == "read" else ""

    def check_client_secret(self, client_secret):
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


CLIENTS = {Machine.client_id: Machine()}
TOKENS = {}


def save_token(token, request):
    TOKENS[token["access_token"]] = (request.client.client_id, token)


app = Flask(__name__)
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(grants.ClientCredentialsGrant)
app.add_url_rule("/token", methods=["POST"], view_func=server.create_token_response)
