"""Prints the CPU time, in nanoseconds, that oauthlib takes to verify one signed request: the median of nine rounds."""
import statistics
import time

from oauthlib import oauth1

KEY, SECRET = "consumerkey0001abcdefg", "consumer-secret-0001-abcdef"
TOKEN, TOKEN_SECRET = "token0001abcdefghijklmn", "token-secret-0001-abcdef"
URL = "https://api.example/photos?file=vacation.jpg&size=original"


class Everybody(oauth1.RequestValidator):
    dummy_client = "dummy"
    dummy_access_token = "dummy"

    def validate_client_key(self, client_key, request):
        return client_key == KEY

    def validate_access_token(self, client_key, token, request):
        return token == TOKEN

    def validate_timestamp_and_nonce(self, *args, **kwargs):
        return True

    def validate_realms(self, *args, **kwargs):
        return True

    def get_client_secret(self, client_key, request):
        return SECRET

    def get_access_token_secret(self, client_key, token, request):
        return TOKEN_SECRET


endpoint = oauth1.ResourceEndpoint(Everybody())
_, headers, _ = oauth1.Client(KEY, SECRET, TOKEN, TOKEN_SECRET).sign(URL)
assert endpoint.validate_protected_resource_request(URL, "GET", None, headers)[0]
assert not endpoint.validate_protected_resource_request(URL + "x", "GET", None, headers)[0]

rounds = []
for _ in range(9):
    begun = time.thread_time_ns()
    for _ in range(400):
        endpoint.validate_protected_resource_request(URL, "GET", None, headers)
    rounds.append((time.thread_time_ns() - begun) / 400)
print(statistics.median(rounds))
