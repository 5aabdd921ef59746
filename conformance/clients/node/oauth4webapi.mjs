// oauth4webapi, which is strict about what a server answers, against the provider: node oauth4webapi.mjs ISSUER CONTROL SECRET.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { browse, callback, issuer, refused, secret, test } from './common.mjs'

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

// begin returns an authorization request of client.
async function begin(client, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters = {
    client_id: client.client_id, redirect_uri: callback, response_type: 'code', scope: 'read write', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  }
  const authorize = new URL(as.authorization_endpoint)
  authorize.search = new URLSearchParams(parameters)
  return { authorize, parameters, verifier, state }
}

async function signIn(client, auth, scope = 'read write') {
  const { authorize, verifier, state } = await begin(client, { scope })
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
  const { tokens } = await signIn({ client_id: 'brief' }, oauth.ClientSecretBasic(secret))
  assert.equal(tokens.expires_in, 1)
  await setTimeout(1100)
  const err = await refused(() => oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain))
  assert.equal(err.status, 401)
  assert.equal(err.cause[0].parameters.error, 'invalid_token')
})

await test('a response that the browser posts (OAuth 2.0 Form Post Response Mode)', async () => {
  const client = { client_id: 'basic' }
  const { authorize, verifier, state } = await begin(client, { response_mode: 'form_post' })
  const posted = await browse(authorize)
  assert(posted instanceof Request, posted)
  const params = oauth.validateAuthResponse(as, client, new URLSearchParams(await posted.text()), state)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client,
    await oauth.authorizationCodeGrantRequest(as, client, oauth.ClientSecretBasic(secret), params, callback, verifier, plain))
  assert.equal(tokens.scope, 'read write')
})

// answered exchanges what the browser came back with, which validate has looked at.
async function answered(client, auth, params, verifier) {
  return oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(as, client, auth, params, callback, verifier, plain))
}

// push returns the authorization URL of a request that was pushed.
async function push(client, auth, parameters) {
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, parameters, plain))
  assert(pushed.expires_in > 0)
  const authorize = new URL(as.authorization_endpoint)
  authorize.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  return authorize
}

for (const [client_id, auth] of clients) {
  await test(`${client_id}: a pushed request (RFC 9126), which is good for one answer`, async () => {
    const client = { client_id }
    const { parameters, verifier, state } = await begin(client)
    const authorize = await push(client, auth, parameters)
    const params = oauth.validateAuthResponse(as, client, await browse(authorize), state)
    assert.equal((await answered(client, auth, params, verifier)).scope, 'read write')
    const again = await fetch(authorize, { redirect: 'manual', headers: { accept: 'text/html' } })
    assert.equal(again.status, 400)
    const err = await refused(() => push(client, auth, { ...parameters, redirect_uri: 'https://evil.example.com/' }))
    assert(err instanceof oauth.ResponseBodyError, err)
    assert.deepEqual([err.error, err.status], ['invalid_request', 400])
  })
}

const signedBy = oauth.PrivateKeyJwt({ key, kid: jwk.kid })

await test('a signed request (RFC 9101)', async () => {
  const client = { client_id: 'signed' }
  const { parameters, verifier, state } = await begin(client)
  const request = await oauth.issueRequestObject(as, client, parameters, { key, kid: jwk.kid })
  const authorize = new URL(as.authorization_endpoint)
  authorize.search = new URLSearchParams({ client_id: 'signed', request, scope: 'admin' }) // what stands beside it counts for nothing
  const params = oauth.validateAuthResponse(as, client, await browse(authorize), state)
  assert.equal((await answered(client, signedBy, params, verifier)).scope, 'read write')
  authorize.searchParams.set('request', `${request.slice(0, -8)}AAAAAAAA`)
  const forged = await browse(authorize) // to the only URI that the client has registered, with nothing of what was sent
  assert.equal(forged.searchParams.get('error'), 'invalid_request_object')
  assert(!forged.searchParams.has('state'))
})

await test('a signed request, pushed, of a client that must do both', async () => {
  const client = { client_id: 'strict' }
  const { parameters, verifier, state } = await begin(client)
  const request = await oauth.issueRequestObject(as, client, parameters, { key, kid: jwk.kid })
  const params = oauth.validateAuthResponse(as, client, await browse(await push(client, signedBy, { request })), state)
  assert.equal((await answered(client, signedBy, params, verifier)).scope, 'read write')
  const bare = await refused(() => push(client, signedBy, parameters))
  assert.deepEqual([bare.error, bare.status], ['invalid_request', 400])
})

await test('a signed response (JARM)', async () => {
  const client = { client_id: 'signed', authorization_signed_response_alg: 'ES256' }
  const { authorize, verifier, state } = await begin(client, { response_mode: 'jwt' })
  const back = await browse(authorize)
  assert.deepEqual([...back.searchParams.keys()], ['response'])
  const params = await oauth.validateJwtAuthResponse(as, client, back, state, plain)
  assert.equal((await answered(client, signedBy, params, verifier)).scope, 'read write')
})

await test('authorization details (RFC 9396)', async () => {
  const client = { client_id: 'signed' }
  assert(as.authorization_details_types_supported.includes('payment_initiation'), as.authorization_details_types_supported)
  const details = [{ type: 'payment_initiation', actions: ['initiate'], instructedAmount: { currency: 'EUR', amount: '123.50' } }]
  const { parameters, verifier, state } = await begin(client, { authorization_details: JSON.stringify(details) })
  const params = oauth.validateAuthResponse(as, client, await browse(await push(client, signedBy, parameters)), state)
  const tokens = await answered(client, signedBy, params, verifier)
  assert.deepEqual(tokens.authorization_details, details)
  const unknown = await refused(() => push(client, signedBy, { ...parameters, authorization_details: '[{"type":"nothing"}]' }))
  assert.equal(unknown.error, 'invalid_authorization_details')
})

await test('token exchange (RFC 8693)', async () => {
  const client = { client_id: 'gateway' }
  const auth = oauth.ClientSecretBasic(secret)
  const exchange = async (subject_token) => oauth.processGenericTokenEndpointResponse(as, client,
    await oauth.genericTokenEndpointRequest(as, client, auth, 'urn:ietf:params:oauth:grant-type:token-exchange',
      { subject_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', scope: 'read', resource: `${issuer}/resource` }, plain))
  const { tokens } = await signIn({ client_id: 'basic' }, oauth.ClientSecretBasic(secret))
  const got = await exchange(tokens.access_token)
  assert.equal(got.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  assert.equal(got.refresh_token, undefined)
  const response = await oauth.protectedResourceRequest(got.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain)
  assert.deepEqual(await response.json(), { subject: 'user-foo', client: 'gateway', scope: 'read' })
  const { tokens: others } = await signIn({ client_id: 'post' }, oauth.ClientSecretPost(secret)) // whose tokens are not for it
  const err = await refused(() => exchange(others.access_token))
  assert.equal(err.status, 400)
  assert(['invalid_request', 'invalid_target', 'invalid_grant', 'access_denied', 'unauthorized_client'].includes(err.error), err.error)
})

await test('an assertion as a grant (RFC 7523, 2.1)', async () => {
  const client = { client_id: 'signed' }
  const now = Math.floor(Date.now() / 1000)
  const assertion = await oauth.issueRequestObject(as, client, {}, { key, kid: jwk.kid }, {
    [oauth.modifyAssertion]: (header, payload) => {
      header.typ = 'JWT'
      for (const name of Object.keys(payload)) delete payload[name]
      Object.assign(payload, { iss: 'signed', sub: 'user-foo', aud: issuer, iat: now, exp: now + 60, jti: oauth.generateRandomState() })
    },
  })
  const got = await oauth.processGenericTokenEndpointResponse(as, client, await oauth.genericTokenEndpointRequest(as, client,
    oauth.PrivateKeyJwt({ key, kid: jwk.kid }), 'urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion, scope: 'read' }, plain))
  const response = await oauth.protectedResourceRequest(got.access_token, 'GET', new URL('/resource', issuer), undefined, null, plain)
  assert.equal((await response.json()).subject, 'user-foo')
})

await test('a signed answer of the introspection endpoint (RFC 9701)', async () => {
  const client = { client_id: 'signed', introspection_signed_response_alg: 'ES256' }
  const auth = oauth.PrivateKeyJwt({ key, kid: jwk.kid })
  const { tokens } = await signIn(client, auth)
  const response = await oauth.introspectionRequest(as, client, auth, tokens.access_token, { ...plain, requestJwtIntrospectionResponse: true })
  assert.equal(response.headers.get('content-type'), 'application/token-introspection+jwt')
  const info = await oauth.processIntrospectionResponse(as, client, response)
  await oauth.validateApplicationLevelSignature(as, response, plain)
  assert.equal(info.active, true)
  assert.equal(info.sub, 'user-foo')
})

await test('a client that registers itself (RFC 7591) and manages itself (RFC 7592)', async () => {
  const registered = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, {
    client_name: 'A new client', redirect_uris: [callback], grant_types: ['authorization_code', 'refresh_token'], scope: 'read write',
  }, plain))
  assert.equal(registered.token_endpoint_auth_method, 'client_secret_basic')
  const { tokens } = await signIn(registered, oauth.ClientSecretBasic(registered.client_secret))
  assert.equal(tokens.scope, 'read write')
  const manage = async (method, body) => oauth.protectedResourceRequest(registered.registration_access_token, method,
    new URL(registered.registration_client_uri), new Headers({ 'content-type': 'application/json' }), body, plain)
  const read = await (await manage('GET')).json()
  assert.equal(read.client_name, 'A new client')
  const { registration_access_token, registration_client_uri, client_secret_expires_at, client_id_issued_at, ...own } = read
  const changed = await (await manage('PUT', JSON.stringify({ ...own, client_name: 'A newer client' }))).json()
  assert.equal(changed.client_name, 'A newer client')
  if (changed.registration_access_token) registered.registration_access_token = changed.registration_access_token
  assert.equal((await manage('DELETE')).status, 204)
  const gone = await refused(async () => oauth.processRefreshTokenResponse(as, registered,
    await oauth.refreshTokenGrantRequest(as, registered, oauth.ClientSecretBasic(registered.client_secret), tokens.refresh_token, plain)))
  assert.equal(gone.status, 401)
  const err = await refused(async () => oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, { redirect_uris: [`${callback}#fragment`] }, plain)))
  assert.deepEqual([err.error, err.status], ['invalid_redirect_uri', 400])
})

await test('a client that is a document on its own site', async () => {
  assert.equal(as.client_id_metadata_document_supported, true)
  const { tokens } = await signIn({ client_id: 'https://app.example.com/client.json' }, oauth.None(), 'read')
  assert.equal(tokens.scope, 'read')
})

// They wait for seconds, and so they come together.
await Promise.all([['public', oauth.None()], ['signed', oauth.PrivateKeyJwt({ key, kid: jwk.kid })]].map(([client_id, auth]) =>
  test(`${client_id}: a device (RFC 8628)`, async () => {
    const client = { client_id }
    const asked = await oauth.processDeviceAuthorizationResponse(as, client,
      await oauth.deviceAuthorizationRequest(as, client, auth, { scope: 'read' }, plain))
    const poll = async () => oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, auth, asked.device_code, plain))
    for (const want of ['authorization_pending', 'slow_down']) {
      const err = await refused(poll)
      assert(err instanceof oauth.ResponseBodyError, err)
      assert.deepEqual([err.error, err.status], [want, 400])
    }
    await browse(asked.verification_uri_complete)
    await setTimeout((asked.interval + 5.1) * 1000) // it was told to slow down
    const tokens = await poll()
    assert.equal(tokens.scope, 'read')
    assert.equal((await refused(poll)).error, 'invalid_grant')
  })))
