// openid-client as an application uses it, for plain OAuth, against the provider: node openid-client.mjs ISSUER CONTROL SECRET.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { browse, callback, issuer, refused, secret, test } from './common.mjs'

const client = await import('openid-client')
const plain = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] } // http, on loopback

const jwk = JSON.parse(readFileSync(new URL('../signed.jwk', import.meta.url)))
const key = { key: await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: jwk.crv }, false, ['sign']), kid: jwk.kid }
const resource = new URL('/resource', issuer)
const discover = (id, auth, metadata) => client.discovery(new URL(issuer), id, metadata, auth, plain)

// request returns the parameters of an authorization request, and what its answer is checked against.
async function request(more = {}) {
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  return {
    checks,
    parameters: {
      redirect_uri: callback, scope: 'read', state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
    },
  }
}

for (const [id, auth] of [
  ['basic', client.ClientSecretBasic(secret)],
  ['post', client.ClientSecretPost(secret)],
  ['public', client.None()],
  ['jwt', client.ClientSecretBasic(secret)],
  ['signed', client.PrivateKeyJwt(key)],
  ['shared', client.ClientSecretJwt(secret)],
]) {
  const config = await discover(id, auth)
  let tokens
  await test(`${id}: code and PKCE`, async () => {
    const { checks, parameters } = await request()
    tokens = await client.authorizationCodeGrant(config, await browse(client.buildAuthorizationUrl(config, parameters)), checks)
    assert.equal(tokens.scope, 'read')
    assert(tokens.expiresIn() > 500)
  })
  await test(`${id}: a resource`, async () => {
    const response = await client.fetchProtectedResource(config, tokens.access_token, resource, 'GET')
    assert.deepEqual(await response.json(), { subject: 'user-foo', client: id, scope: 'read' })
  })
  await test(`${id}: refresh`, async () => {
    const next = await client.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(next.refresh_token, tokens.refresh_token)
    const same = await client.refreshTokenGrant(config, tokens.refresh_token) // lost in the network: the same successor
    assert.equal(same.refresh_token, next.refresh_token)
    tokens = next
  })
  if (id !== 'public') {
    await test(`${id}: introspection`, async () => {
      const info = await client.tokenIntrospection(config, tokens.access_token)
      assert.equal(info.active, true)
      assert.equal(info.sub, 'user-foo')
    })
    await test(`${id}: client credentials`, async () => {
      const own = await client.clientCredentialsGrant(config, { scope: 'write' })
      assert.equal(own.scope, 'write')
    })
  }
  await test(`${id}: revocation`, async () => {
    await client.tokenRevocation(config, tokens.refresh_token)
    const err = await refused(() => client.refreshTokenGrant(config, tokens.refresh_token))
    assert.equal(err.error, 'invalid_grant')
  })
}

for (const [name, id, more, build] of [
  ['a pushed request', 'basic', {}, client.buildAuthorizationUrlWithPAR],
  ['a signed request', 'signed', {}, (config, parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, key)],
  ['a signed response', 'signed', { authorization_signed_response_alg: 'ES256' }, (config, parameters) => {
    client.useJwtResponseMode(config)
    return client.buildAuthorizationUrl(config, parameters)
  }],
  ['a signed request that is pushed, of a client that must', 'strict', {}, async (config, parameters) => {
    const { searchParams } = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
    return client.buildAuthorizationUrlWithPAR(config, searchParams)
  }],
]) {
  await test(name, async () => {
    const config = await discover(id, id === 'basic' ? client.ClientSecretBasic(secret) : client.PrivateKeyJwt(key), more)
    const { checks, parameters } = await request()
    const authorize = await build(config, parameters)
    assert(!authorize.searchParams.has('scope') || more.authorization_signed_response_alg, authorize)
    const tokens = await client.authorizationCodeGrant(config, await browse(authorize), checks)
    assert.equal(tokens.scope, 'read')
  })
}

await test('a response that the browser posts', async () => {
  const config = await discover('basic', client.ClientSecretBasic(secret))
  const { checks, parameters } = await request({ response_mode: 'form_post' })
  const posted = await browse(client.buildAuthorizationUrl(config, parameters))
  assert(posted instanceof Request, posted)
  const answer = new URL(callback)
  answer.search = new URLSearchParams(await posted.text()) // as the module's documentation has it for requests that an application parsed
  const tokens = await client.authorizationCodeGrant(config, answer, checks)
  assert.equal(tokens.scope, 'read')
})

await test('a refusal reaches the application', async () => {
  const config = await discover('basic', client.ClientSecretBasic(secret))
  const { checks, parameters } = await request()
  const denied = await browse(client.buildAuthorizationUrl(config, parameters), { 'consent-form': { action: 'deny' }, 'login-form': { action: 'cancel' } })
  const err = await refused(() => client.authorizationCodeGrant(config, denied, checks))
  assert(err instanceof client.AuthorizationResponseError, err)
  assert.equal(err.error, 'access_denied')
})

// They poll as they were told, while the person is still at it.
await Promise.all([['post', client.ClientSecretPost(secret)], ['signed', client.PrivateKeyJwt(key)]].map(([id, auth]) =>
  test(`${id}: a device`, async () => {
    const config = await discover(id, auth)
    const asked = await client.initiateDeviceAuthorization(config, { scope: 'read' })
    const polled = client.pollDeviceAuthorizationGrant(config, asked)
    await browse(asked.verification_uri_complete)
    const tokens = await polled
    assert.equal(tokens.scope, 'read')
    const response = await client.fetchProtectedResource(config, tokens.access_token, resource, 'GET')
    assert.equal((await response.json()).subject, 'user-foo')
  })))

await test('token exchange', async () => {
  const config = await discover('basic', client.ClientSecretBasic(secret))
  const { checks, parameters } = await request()
  const tokens = await client.authorizationCodeGrant(config, await browse(client.buildAuthorizationUrl(config, parameters)), checks)
  const got = await client.genericGrantRequest(await discover('gateway', client.ClientSecretBasic(secret)), 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: tokens.access_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', resource: resource.href,
  })
  assert.equal(got.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  const response = await client.fetchProtectedResource(config, got.access_token, resource, 'GET')
  assert.deepEqual(await response.json(), { subject: 'user-foo', client: 'gateway', scope: 'read' })
})

await test('a signed answer of the introspection endpoint', async () => {
  const config = await discover('signed', client.PrivateKeyJwt(key), { introspection_signed_response_alg: 'ES256' })
  client.enableNonRepudiationChecks(config)
  const own = await client.clientCredentialsGrant(config, { scope: 'read' })
  const info = await client.tokenIntrospection(config, own.access_token)
  assert.equal(info.active, true)
  assert.equal(info.client_id, 'signed')
})

await test('a client that registers itself', async () => {
  const config = await client.dynamicClientRegistration(new URL(issuer), {
    client_name: 'A new client', redirect_uris: [callback], scope: 'read', token_endpoint_auth_method: 'client_secret_post', // as the module authenticates
  }, undefined, plain)
  const { checks, parameters } = await request()
  const tokens = await client.authorizationCodeGrant(config, await browse(client.buildAuthorizationUrl(config, parameters)), checks)
  assert.equal(tokens.scope, 'read')
})
