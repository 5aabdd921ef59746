// npm's oauth-1.0a against the provider: oauth-1.0a.mjs ISSUER CONTROL SECRET.
import assert from 'node:assert/strict'
import { createHmac, createSign } from 'node:crypto'
import { readFileSync } from 'node:fs'

import OAuth from 'oauth-1.0a'

import { browse, callback, issuer, secret, test } from './common.mjs'

const pem = readFileSync(new URL('../consumer.pem', import.meta.url))
const at = (name) => `${issuer}/oauth1/${name}`
const hmac = (hash) => (base, key) => createHmac(hash, key).update(base).digest('base64')
const methods = {
  'HMAC-SHA1': ['consumer', hmac('sha1')],
  'HMAC-SHA256': ['consumer', hmac('sha256')],
  'HMAC-SHA512': ['consumer', hmac('sha512')],
  'RSA-SHA1': ['consumer-rsa', (base) => createSign('RSA-SHA1').update(base).sign(pem, 'base64')],
  'RSA-SHA256': ['consumer-rsa', (base) => createSign('RSA-SHA256').update(base).sign(pem, 'base64')],
  PLAINTEXT: ['consumer', undefined],
}

// send signs a request, puts the parameters where place says, and returns the answer.
async function send(oauth, place, url, { method = 'POST', data = {}, token } = {}) {
  const signed = oauth.authorize({ url, method, data }, token)
  // The module leaves it to the application what goes where: what it returns has data in it.
  const form = new URLSearchParams()
  const headers = {}
  if (place === 'header') {
    Object.assign(headers, oauth.toHeader(signed))
    for (const [name, value] of Object.entries(data)) if (!name.startsWith('oauth_')) form.set(name, value)
  } else if (place === 'body') {
    for (const [name, value] of Object.entries(signed)) form.set(name, value)
  } else {
    const to = new URL(url)
    for (const [name, value] of Object.entries(signed)) {
      if (name.startsWith('oauth_')) to.searchParams.set(name, value)
      else form.set(name, value)
    }
    url = to
  }
  const response = await fetch(url, { method, headers, body: method === 'GET' ? undefined : form })
  return { status: response.status, text: await response.text(), challenge: response.headers.get('www-authenticate') }
}

const issued = ({ status, text }) => {
  assert.equal(status, 200, text)
  const params = new URLSearchParams(text)
  return { key: params.get('oauth_token'), secret: params.get('oauth_token_secret') }
}

for (const [method, [consumer, hash]] of Object.entries(methods)) {
  for (const place of ['header', 'body', 'query']) {
    await test(`${method} in ${place}: three legs and calls`, async () => {
      const oauth = new OAuth({ consumer: { key: consumer, secret: consumer === 'consumer' ? secret : '' }, signature_method: method, hash_function: hash })
      const temporary = issued(await send(oauth, place, at('request_token'), { data: { oauth_callback: callback } }))
      const back = await browse(`${at('authorize')}?oauth_token=${temporary.key}`)
      assert.equal(back.searchParams.get('oauth_token'), temporary.key)
      const data = { oauth_verifier: back.searchParams.get('oauth_verifier') }
      const token = issued(await send(oauth, place, at('access_token'), { data, token: temporary }))
      const want = { subject: 'user-foo', client: consumer, scope: 'read' }
      const posted = await send(oauth, place, at('resource'), { data: { color: 'grün & blau', tilde: '~*' }, token })
      assert.deepEqual(JSON.parse(posted.text), want)
      if (place !== 'body') assert.deepEqual(JSON.parse((await send(oauth, place, `${at('resource')}?b=2&a=1`, { method: 'GET', token })).text), want)
    })
  }
}

await test('a wrong secret', async () => {
  const oauth = new OAuth({ consumer: { key: 'consumer', secret: 'guess' }, signature_method: 'HMAC-SHA1', hash_function: hmac('sha1') })
  const { status, challenge } = await send(oauth, 'header', at('request_token'), { data: { oauth_callback: callback } })
  assert.equal(status, 401)
  assert.match(challenge, /^OAuth realm="photos", oauth_problem="signature_invalid"$/)
})
