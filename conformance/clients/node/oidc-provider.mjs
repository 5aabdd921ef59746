// oidc-provider as the OpenID provider that Mandate's client signs in with: node oidc-provider.mjs CLIENTS. It says READY and its issuer when it
// listens, on loopback. CLIENTS is a file with the metadata of clients.
//
// It is as its documentation has it, with keys of its own, and small pages in place of those that it ships for trying it out, which fetch fonts
// from elsewhere.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

// Older versions of Node have WebCrypto under another name, and no URL.parse.
if (!globalThis.crypto) globalThis.crypto = (await import('node:crypto')).webcrypto
URL.parse ??= (url, base) => { try { return new URL(url, base) } catch { return null } }
const { default: Provider } = await import('oidc-provider')

const clients = JSON.parse(readFileSync(process.argv[2]))

// People sign in with their name and any password but "wrong".
const people = {
  foo: { name: 'Foo Bar', preferred_username: 'foo', locale: 'en', picture: 'https://id.example.com/foo.png', email: 'foo@example.com', email_verified: true },
  baz: { email: 'baz@example.com', email_verified: false },
}

// newKeys returns fresh keys: the first of a kind signs.
function newKeys() {
  const jwk = (type, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', kid: randomUUID() })
  return [jwk('rsa', { modulusLength: 2048 }), jwk('ec', { namedCurve: 'P-256' }), jwk('ed25519')]
}

let keys = newKeys()

// Kept is where a provider keeps what it knows; all of this process share it, so that one with other keys knows the rest.
const kept = new Map()
class Kept {
  constructor(model) { this.model = model }
  key(id) { return `${this.model}:${id}` }
  async upsert(id, payload) { kept.set(this.key(id), { ...payload }) }
  async find(id) { return kept.get(this.key(id)) }
  async by(name, value) { for (const [key, p] of kept) if (key.startsWith(`${this.model}:`) && p[name] === value) return p }
  async findByUid(uid) { return this.by('uid', uid) }
  async findByUserCode(code) { return this.by('userCode', code) }
  async destroy(id) { kept.delete(this.key(id)) }
  async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000) }
  async revokeByGrantId(grant) { for (const [key, p] of kept) if (p.grantId === grant) kept.delete(key) }
}

const html = (title, body) => `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>${body}`

function newProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter: Kept,
    clients,
    jwks: { keys },
    // Its own refuses to call loopback addresses, which is where the applications are.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    cookies: { keys: ['a key for tests alone'] },
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'locale', 'picture'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 600, Interaction: 600, RefreshToken: 86400, Session: 86400 },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = html('Sign out', `<h1 id="page-logout">Sign out?</h1>${form}<button id="logout-yes" form="op.logoutForm" name="logout" value="yes">Yes</button>`) },
        postLogoutSuccessSource: (ctx) => { ctx.body = html('Signed out', '<h1 id="page-signed-out">Signed out</h1>') },
      },
    },
    renderError: (ctx, out) => {
      ctx.type = 'html'
      ctx.body = html('Error', `<h1 id="page-error">${out.error}</h1><p id="error-description">${String(out.error_description ?? '').replaceAll('<', '&lt;')}</p>`)
    },
  })
  provider.on('backchannel.error', (_, err, client) => console.error(`back-channel logout of ${client.clientId}: ${err.message} ${err.cause ?? ''}`))
  return provider
}

// interact is a page for a decision, or what somebody decided.
async function interact(provider, request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response)
  if (request.method === 'GET') {
    const fields = prompt.name === 'login' ? '<input id="username" name="username"><input id="password" name="password" type="password">' : `<p id="scopes">${String(params.scope).replaceAll('<', '&lt;')}</p>`
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(html('Sign in', `<h1 id="page-${prompt.name}">${prompt.name}</h1><form method="post">${fields}<button id="go" name="action" value="go">Go</button><button id="no" name="action" value="no">No</button></form>`))
    return
  }
  let body = ''
  for await (const chunk of request) body += chunk
  const form = new URLSearchParams(body)
  if (form.get('action') === 'no') {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'somebody said no' }, { mergeWithLastSubmission: false })
  }
  if (prompt.name === 'login') {
    const known = people[form.get('username')] && form.get('password') !== 'wrong'
    return provider.interactionFinished(request, response, known ? { login: { accountId: form.get('username'), amr: ['pwd'] } } : { error: 'access_denied' }, { mergeWithLastSubmission: false })
  }
  const details = await provider.interactionDetails(request, response)
  const grant = details.grantId ? await provider.Grant.find(details.grantId) : new provider.Grant({ accountId: details.session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  const grantId = await grant.save()
  return provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true })
}

let provider
const server = createServer(async (request, response) => {
  try {
    if (request.url === '/control/rotate-keys' && request.method === 'POST') {
      keys = [...newKeys(), ...keys] // the old ones stay published
      provider = newProvider(provider.issuer)
      response.writeHead(204).end()
    } else if (request.url.startsWith('/interaction/')) await interact(provider, request, response)
    else await provider.callback()(request, response)
  } catch (err) {
    if (!err.statusCode) console.error(err) // the others are the visitor's, who went back to a page that is over
    response.writeHead(err.statusCode ?? 500).end()
  }
})
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  provider = newProvider(issuer)
  console.log(`READY ${issuer}`)
})
process.on('SIGTERM', () => process.exit(0))
