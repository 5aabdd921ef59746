// oauth4webapi, which is strict about what a server answers, against the provider: node oauth4webapi.mjs ISSUER CONTROL SECRET.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { browse, callback, issuer, later, refused, secret, test } from './common.mjs'

const oauth = await import('oauth4webapi')
const plain = { [oauth.allowInsecureRequests]: true } // http, on loopback

const url = new URL(issuer)
const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...plain }))

await test('metadata (RFC 8414)', async () => {
  assert.equal(as.issuer, issuer)
  assert.deepEqual(as.code_challenge_methods_supported, ['S256'])
  assert.equal(as.authorization_response_iss_parameter_supported, true)
  const jwks = await (await fetch(as.jwks_uri)).json()
  assert(jwks.keys.length > 0 && jwks.keys.every((k) => k.kid && k.alg && k.use === 'sig' && !k.d))
})

const jwk = JSON.parse(readFileSync(new URL('../signed.jwk', import.meta.url)))
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: jwk.crv }, false, ['sign'])

const clients = [
  ['basic', oauth.ClientSecretBasic(secret)],
  ['odd:+%/&=', oauth.ClientSecretBasic(secret)],
  ['post', oauth.ClientSecretPost(secret)],
  ['public', oauth.None()],
  ['jwt', oauth.ClientSecretBasic(secret)],
  ['signed', oauth.PrivateKeyJwt({ key, kid: jwk.kid })],
  ['shared', oauth.ClientSecretJwt(secret)],
]

async function signIn(client, auth) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const authorize = new URL(as.authorization_endpoint)
  authorize.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri: callback, response_type: 'code', scope: 'read write', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const params = oauth.validateAuthResponse(as, client, await browse(authorize), state)
  const exchange = () => oauth.authorizationCodeGrantRequest(as, client, auth, params, callback, verifier, plain)
  return { exchange, tokens: await oauth.processAuthorizationCodeResponse(as, client, await exchange()) }
}

for (const [client_id, auth] of clients) {
  const client = { client_id }
  let tokens
  await test(`${client_id}: code and PKCE`, async () => {
    ;({ tokens } = await signIn(client, auth))
    assert.equal(tokens.token_type, 'bearer')
    assert.equal(tokens.scope, 'read write')
    assert(tokens.expires_in > 0 && tokens.refresh_token)
  })
  await test(`${client_id}: a resource`, async () => {
    const response = await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain)
    assert.deepEqual(await response.json(), { subject: 'user-foo', client: client_id, scope: 'read write' })
  })
  await test(`${client_id}: refresh, narrowed`, async () => {
    const next = await oauth.processRefreshTokenResponse(as, client,
      await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, { ...plain, additionalParameters: { scope: 'read' } }))
    assert.equal(next.scope, 'read')
    assert.notEqual(next.refresh_token, tokens.refresh_token)
    tokens = next
  })
  await test(`${client_id}: revocation (RFC 7009)`, async () => {
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.access_token, plain))
    const err = await refused(() => oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain))
    assert(err instanceof oauth.WWWAuthenticateChallengeError, err)
    assert.equal(err.status, 401)
    assert.equal(err.cause[0].scheme, 'bearer')
    assert.equal(err.cause[0].parameters.error, 'invalid_token')
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.refresh_token, plain))
    const over = await refused(async () => oauth.processRefreshTokenResponse(as, client,
      await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, plain)))
    assert(over instanceof oauth.ResponseBodyError, over)
    assert.equal(over.error, 'invalid_grant')
    assert.equal(over.status, 400)
  })
  await test(`${client_id}: a code is single use (RFC 6749, 4.1.2)`, async () => {
    const { exchange, tokens: got } = await signIn(client, auth)
    const err = await refused(async () => oauth.processAuthorizationCodeResponse(as, client, await exchange()))
    assert.equal(err.error, 'invalid_grant')
    const dead = await refused(() => oauth.protectedResourceRequest(got.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain))
    assert.equal(dead.status, 401)
  })
  if (client_id === 'public') continue
  await test(`${client_id}: client credentials and introspection (RFC 7662)`, async () => {
    const got = await oauth.processClientCredentialsResponse(as, client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'read' }, plain))
    assert.equal(got.refresh_token, undefined)
    const ask = async (id, how, token) => oauth.processIntrospectionResponse(as, { client_id: id },
      await oauth.introspectionRequest(as, { client_id: id }, how, token, plain))
    const info = await ask(client_id, auth, got.access_token)
    assert.equal(info.active, true)
    assert.equal(info.client_id, client_id)
    assert.equal(info.sub, undefined)
    assert.equal((await ask('reader', oauth.ClientSecretBasic(secret), got.access_token)).active, true)
    if (client_id !== 'basic') assert.deepEqual(await ask('basic', oauth.ClientSecretBasic(secret), got.access_token), { active: false })
    assert.deepEqual(await ask(client_id, auth, 'nonsense'), { active: false })
  })
}

await test('the challenges of a guard and what they lead to (RFC 6750, RFC 9728)', async () => {
  const resource = new URL('/resource', issuer)
  const challenges = async (authorization) => {
    const response = await fetch(resource, { headers: authorization ? { authorization } : {} })
    await response.text()
    // The client's own parser: it throws what it read of WWW-Authenticate.
    const err = await refused(() => oauth.processUserInfoResponse(as, { client_id: 'basic' }, oauth.skipSubjectCheck, new Response(null, response)))
    assert(err instanceof oauth.WWWAuthenticateChallengeError, err)
    assert.equal(err.cause.length, 1)
    assert.equal(err.cause[0].scheme, 'bearer')
    return { status: response.status, ...err.cause[0].parameters }
  }
  const metadata = new URL('/.well-known/oauth-protected-resource/resource', issuer).href
  assert.deepEqual({ ...await challenges() }, { status: 401, scope: 'read', resource_metadata: metadata })
  const bad = await challenges('Bearer nonsense')
  assert.deepEqual([bad.status, bad.error, bad.resource_metadata], [401, 'invalid_token', metadata])
  assert(bad.error_description)
  const malformed = await challenges('Bearer a b')
  assert.deepEqual([malformed.status, malformed.error], [400, 'invalid_request'])
  const other = await oauth.processClientCredentialsResponse(as, { client_id: 'basic' },
    await oauth.clientCredentialsGrantRequest(as, { client_id: 'basic' }, oauth.ClientSecretBasic(secret), { scope: 'write' }, plain))
  const little = await challenges(`Bearer ${other.access_token}`)
  assert.deepEqual([little.status, little.error, little.scope], [403, 'insufficient_scope', 'read'])
  const found = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, plain))
  assert.equal(found.resource, resource.href)
  assert.deepEqual(found.authorization_servers, [issuer])
  assert.deepEqual(found.scopes_supported, ['read'])
  assert.deepEqual(found.bearer_methods_supported, ['header'])
})

await test('errors of the authorization endpoint', async () => {
  const client = { client_id: 'basic' }
  const authorize = new URL(as.authorization_endpoint)
  authorize.search = new URLSearchParams({ client_id: 'basic', redirect_uri: callback, response_type: 'code', scope: 'read', state: 'x' })
  const back = await browse(authorize) // without PKCE
  const err = await refused(async () => oauth.validateAuthResponse(as, client, back, 'x'))
  assert(err instanceof oauth.AuthorizationResponseError, err)
  assert.equal(err.error, 'invalid_request')
})

await test('an assertion that is sent again, or is for another server (RFC 7523, 3)', async () => {
  const client = { client_id: 'signed' }
  const grant = async (change) => oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client,
    oauth.PrivateKeyJwt({ key, kid: jwk.kid }, { [oauth.modifyAssertion]: (header, payload) => change(payload) }), { scope: 'read' }, plain))
  const once = (payload) => { payload.jti = 'once' }
  await grant(once)
  for (const change of [once, (payload) => { payload.aud = 'https://as.example.com' }]) {
    const err = await refused(() => grant(change))
    assert(err instanceof oauth.ResponseBodyError, err)
    assert.deepEqual([err.error, err.status], ['invalid_client', 400])
  }
})

await test('a wrong secret (RFC 6749, 5.2)', async () => {
  const grant = async (id, auth) => oauth.processClientCredentialsResponse(as, { client_id: id },
    await oauth.clientCredentialsGrantRequest(as, { client_id: id }, auth, { scope: 'read' }, plain))
  const challenged = await refused(() => grant('basic', oauth.ClientSecretBasic('wrong')))
  assert(challenged instanceof oauth.WWWAuthenticateChallengeError, challenged)
  assert.equal(challenged.status, 401)
  assert.equal(challenged.cause[0].scheme, 'basic')
  const told = await refused(() => grant('post', oauth.ClientSecretPost('wrong')))
  assert(told instanceof oauth.ResponseBodyError, told)
  assert.equal(told.error, 'invalid_client')
  assert.equal(told.status, 400)
})

await test('an expired token', async () => {
  const { tokens } = await signIn({ client_id: 'basic' }, oauth.ClientSecretBasic(secret))
  await later(tokens.expires_in + 1)
  const err = await refused(() => oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain))
  assert.equal(err.status, 401)
  await later(0)
})
