#!/usr/bin/env bash
# Drives other people's clients against the provider on every framework, and prints what ran:
#
#	bash conformance/clients/run.sh
#
# It ends with another code than 0 if anything failed or did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

../../.ci/need node nodejs
../../.ci/need npm npm
../../.ci/need python3 python3
npm ci --prefix node --ignore-scripts --no-progress

export GOWORK=off
log=$(mktemp)
trap 'rm -f "$log"' EXIT
code=0
go vet ./... || code=1
go test -count=1 -v ./... >"$log" 2>&1 || code=1
grep -E '^ *--- (PASS|FAIL|SKIP)|^(FAIL|ok|panic:)|passed, [0-9]+ failed' "$log" || true
if [ "$code" -ne 0 ]; then
	cat "$log"
fi
# A program that ran but tested nothing is a failure too.
for client in TestXOAuth2 oauth4webapi openid-client urllib; do
	if ! grep -q -- "--- PASS: .*$client" "$log"; then
		echo "did not pass: $client"
		code=1
	fi
done
if grep -q -- '--- SKIP' "$log"; then
	echo "skipped tests prove nothing"
	code=1
fi
exit "$code"
