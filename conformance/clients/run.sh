#!/usr/bin/env bash
# Drives other people's clients against the provider on every framework, and Mandate's client against another provider, and prints what
# ran:
#
#	bash conformance/clients/run.sh
#
# It ends with another code than 0 if anything failed or did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

../../.ci/need node nodejs
../../.ci/need npm npm
../../.ci/need chromium chromium # for logins with oidc-provider
../../.ci/need python3 python3
# Not pip's: the packages that Debian ships, which its own Python sees.
../../.ci/need python3:authlib python3 python3-authlib python3-cryptography
../../.ci/need python3:requests_oauthlib python3-requests-oauthlib
../../.ci/need python3:oauthlib python3-oauthlib
npm ci --prefix node --ignore-scripts --no-progress

export GOWORK=off
log=$(mktemp)
trap 'rm -f "$log" "$log.openid"' EXIT
code=0
go vet ./... || code=1
# Most of their time they wait, as devices do between two polls.
go test -count=1 -v -parallel 32 ./... >"$log" 2>&1 || code=1
grep -E '^ *--- (PASS|FAIL|SKIP)|^(FAIL|ok|panic:)|passed, [0-9]+ failed' "$log" || true
if [ "$code" -ne 0 ]; then
	cat "$log"
fi
for way in token_source http_client; do
	if ! grep -q -- "--- PASS: TestSDK/$way " "$log"; then
		echo "did not pass: go-github with a $way"
		code=1
	fi
done
# Mandate's client, with a browser in between, at a provider of other people.
export OIDC_PROVIDER=$PWD/node/oidc-provider.mjs CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if ! go test -C ../provider -count=1 -v -run '^TestOpenIDLogins$' . >"$log.openid" 2>&1; then
	code=1
	cat "$log.openid"
fi
grep -E '^ *--- (PASS|FAIL|SKIP)' "$log.openid" || true
cat "$log.openid" >>"$log"
for framework in gin echo fiber nethttp; do
	for visit in sign_in sign_out "the_provider's_end" an_answer_by_a_form; do
		if ! grep -qF -- "--- PASS: TestOpenIDLogins/visits/$framework,_desktop,_$visit " "$log.openid"; then
			echo "did not pass: $visit with oidc-provider on $framework"
			code=1
		fi
	done
done
# A client that did not run is a failure too.
for framework in gin echo fiber nethttp; do
	for client in x-oauth2 oauth4webapi openid-client mcp-sdk requests-oauthlib authlib urllib dghubble-oauth1 requests-oauthlib-1 authlib-1 oauth-1.0a; do
		if ! grep -q -- "--- PASS: TestClients/$framework/now/$client " "$log"; then
			echo "did not pass: $client with $framework"
			code=1
		fi
	done
done
for framework in gin echo fiber; do
	for method in HMAC-SHA1 HMAC-SHA256 HMAC-SHA512 PLAINTEXT; do
		if ! grep -q -- "--- PASS: TestLoginWithOAuthlib/$framework/$method " "$log"; then
			echo "did not sign in with oauthlib: $framework with $method"
			code=1
		fi
	done
done
if grep -q -- '--- SKIP' "$log"; then
	echo "skipped tests prove nothing"
	code=1
fi
exit "$code"
