// The client of the Model Context Protocol's own SDK, against the provider and, where its URL is the last argument, against the example
// of a server: node mcp-sdk.mjs ISSUER CONTROL SECRET [EXAMPLE].
import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { browse, callback, issuer, refused, test } from './common.mjs'

const example = process.argv[5]

// An application's half of the SDK: where it keeps what it is given, and how it opens a browser.
class Keeper {
  redirectUrl = callback
  asked = [] // the authorization requests
  constructor(grants, more = {}) {
    this.clientMetadata = {
      client_name: 'A client of the SDK', redirect_uris: [callback], grant_types: grants, response_types: ['code'], token_endpoint_auth_method: 'none',
    }
    Object.assign(this, more)
  }
  state() { return (this.begun = crypto.randomUUID()) }
  clientInformation() { return this.client }
  saveClientInformation(client) { this.client = client }
  tokens() { return this.kept }
  saveTokens(tokens) { this.kept = tokens }
  codeVerifier() { return this.verifier }
  saveCodeVerifier(verifier) { this.verifier = verifier }
  saveDiscoveryState(found) { this.found = found }
  discoveryState() { return this.found }
  redirectToAuthorization(url) { this.asked.push(url) }
}

// authorize goes where the SDK asked to, and hands it the code.
async function authorize(transport, keeper, answers) {
  const asked = keeper.asked.at(-1)
  const back = await browse(asked, answers)
  assert.equal(back.searchParams.get('state'), keeper.begun)
  assert.equal(back.searchParams.get('iss'), keeper.found.authorizationServerMetadata.issuer) // RFC 9207
  await transport.finishAuth(back.searchParams.get('code'))
  return asked.searchParams
}

const codes = ['authorization_code']
const refreshing = ['authorization_code', 'refresh_token']

// The provider's answers are empty results, so that the transport is used without the client above it.
for (const [name, more, client] of [
  ['a client that registers', {}, undefined],
  ['a client with a document', { clientMetadataUrl: 'https://app.example.com/client.json' }, 'https://app.example.com/client.json'],
  ['a client that was registered before', { client: { client_id: 'public' } }, 'public'],
]) {
  await test(`${name}: from a 401 to an answer, and the step up after a 403`, async () => {
    const keeper = new Keeper(codes, more)
    const url = new URL('/mcp', issuer)
    const transport = new StreamableHTTPClientTransport(url, { authProvider: keeper })
    const answers = []
    transport.onmessage = (message) => answers.push(message)
    await transport.start()
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'x' } }

    assert(await refused(() => transport.send(list)) instanceof UnauthorizedError)
    let asked = await authorize(transport, keeper)
    assert.equal(asked.get('scope'), 'read')
    assert.equal(asked.get('resource'), url.href)
    assert.equal(asked.get('code_challenge_method'), 'S256')
    if (client) assert.equal(asked.get('client_id'), client)
    assert.equal(keeper.found.resourceMetadataUrl, `${issuer}/.well-known/oauth-protected-resource/mcp`)
    assert.deepEqual(keeper.found.resourceMetadata.authorization_servers, [issuer])
    await transport.send(list)

    if (keeper.kept.refresh_token) delete keeper.kept.refresh_token // or the SDK refreshes, which brings no scope
    assert(await refused(() => transport.send(call)) instanceof UnauthorizedError)
    asked = await authorize(transport, keeper)
    assert.equal(asked.get('scope'), 'read write')
    await transport.send(call)
    assert.deepEqual(answers, [{ jsonrpc: '2.0', id: 1, result: {} }, { jsonrpc: '2.0', id: 2, result: {} }])
    await transport.close()
  })
}

await test('a token for another resource, and what a URL without a path leads to', async () => {
  const keeper = new Keeper(codes)
  const other = new StreamableHTTPClientTransport(new URL('/resource', issuer), { authProvider: keeper })
  await other.start()
  assert(await refused(() => other.send({ jsonrpc: '2.0', id: 1, method: 'ping' })) instanceof UnauthorizedError)
  await authorize(other, keeper)
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', issuer), { requestInit: { headers: { authorization: `Bearer ${keeper.kept.access_token}` } } })
  await transport.start()
  const err = await refused(() => transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' }))
  assert.equal(err.code, 401)
})

for (const [spelling, more] of [
  ['as the metadata have it', {}],
  ['with the slash that a parsed URL has', { validateResourceURL: async (_, resource) => new URL(resource) }],
]) {
  await test(`a resource that is an origin, ${spelling}`, async () => {
    const keeper = new Keeper(codes, more)
    const transport = new StreamableHTTPClientTransport(new URL('/origin', issuer), { authProvider: keeper })
    await transport.start()
    assert(await refused(() => transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' })) instanceof UnauthorizedError)
    const asked = await authorize(transport, keeper)
    assert.equal(asked.get('resource'), more.validateResourceURL ? `${issuer}/` : issuer)
    const response = await fetch(new URL('/origin', issuer), { headers: { authorization: `Bearer ${keeper.kept.access_token}` } })
    assert.equal(response.status, 200)
  })
}

if (example) {
  // connect is what an application does: it tries, and where it must it asks the person.
  const connect = async (keeper, answers) => {
    const url = new URL('/mcp', example)
    const begin = async () => {
      const client = new Client({ name: 'conformance', version: '1.0.0' })
      const transport = new StreamableHTTPClientTransport(url, { authProvider: keeper })
      try {
        await client.connect(transport)
        return { client, transport }
      } catch (err) {
        if (!(err instanceof UnauthorizedError)) throw err
        await authorize(transport, keeper, answers)
        return undefined
      }
    }
    return (await begin()) ?? (await begin())
  }
  const demo = { 'login-form': { username: 'demo', password: 'demo' } }
  const text = (result) => result.content[0].text

  await test('the example: from a 401 to a tool, and the step up for another', async () => {
    const keeper = new Keeper(codes)
    const { client, transport } = await connect(keeper, demo)
    assert.equal(keeper.asked[0].searchParams.get('scope'), 'notes:read')
    assert.equal(keeper.found.authorizationServerMetadata.client_id_metadata_document_supported, true)
    const { tools } = await client.listTools()
    assert.deepEqual(tools.map((tool) => tool.name), ['list_notes', 'add_note'])
    assert.equal(text(await client.callTool({ name: 'list_notes', arguments: {} })), 'no notes')
    const add = () => client.callTool({ name: 'add_note', arguments: { text: 'Buy milk' } })
    assert(await refused(add) instanceof UnauthorizedError)
    const asked = await authorize(transport, keeper, demo)
    assert.equal(asked.get('scope'), 'notes:read notes:write')
    assert.equal(text(await add()), 'added')
    assert.equal(text(await client.callTool({ name: 'list_notes', arguments: {} })), 'Buy milk')
    await client.close()
  })

  await test('the example: a refresh when the token was revoked', async () => {
    const keeper = new Keeper(refreshing)
    const { client } = await connect(keeper, demo)
    const before = keeper.kept
    assert(before.refresh_token)
    keeper.kept = { ...before, access_token: 'lost' }
    assert.equal((await client.listTools()).tools.length, 2)
    assert.notEqual(keeper.kept.access_token, before.access_token)
    assert.equal(keeper.asked.length, 1)
    await client.close()
  })

  await test('the example: an unknown tool, and a person who refuses', async () => {
    const { client } = await connect(new Keeper(codes), demo)
    const err = await refused(() => client.callTool({ name: 'nothing', arguments: {} }))
    assert.equal(err.code, -32602)
    await client.close()
    const keeper = new Keeper(codes)
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', example), { authProvider: keeper })
    await transport.start()
    await refused(() => transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }))
    const back = await browse(keeper.asked[0], { ...demo, 'consent-form': { action: 'deny' } })
    assert.equal(back.searchParams.get('error'), 'access_denied')
  })
}
