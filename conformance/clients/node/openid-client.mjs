// openid-client as an application uses it, for plain OAuth, against the provider: node openid-client.mjs ISSUER CONTROL SECRET.
import assert from 'node:assert/strict'
import { browse, callback, issuer, refused, secret, test } from './common.mjs'

const client = await import('openid-client')

for (const [id, auth] of [
  ['basic', client.ClientSecretBasic(secret)],
  ['post', client.ClientSecretPost(secret)],
  ['public', client.None()],
  ['jwt', client.ClientSecretBasic(secret)],
]) {
  const config = await client.discovery(new URL(issuer), id, undefined, auth, { algorithm: 'oauth2', execute: [client.allowInsecureRequests] })
  let tokens
  await test(`${id}: code and PKCE`, async () => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const expectedState = client.randomState()
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: callback, scope: 'read', state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
    })
    tokens = await client.authorizationCodeGrant(config, await browse(to), { pkceCodeVerifier, expectedState })
    assert.equal(tokens.scope, 'read')
    assert(tokens.expiresIn() > 500)
  })
  await test(`${id}: a resource`, async () => {
    const response = await client.fetchProtectedResource(config, tokens.access_token, new URL('/resource', issuer), 'GET')
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
