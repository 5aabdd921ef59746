// What all of these clients need: a browser without eyes, and a count of what was done.
import assert from 'node:assert/strict'

// Older versions of Node have WebCrypto under another name.
if (!globalThis.crypto) globalThis.crypto = (await import('node:crypto')).webcrypto

export const callback = 'http://127.0.0.1:1/callback'
export const [issuer, control, secret] = process.argv.slice(2)

const decode = (s) => s.replaceAll('&#43;', '+').replaceAll('&#39;', "'").replaceAll('&#34;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

// What a person who allows everything does with a page's form.
const answers = {
  'login-form': { username: 'foo', password: 'bar', action: 'login' },
  'consent-form': { action: 'allow' },
  'device-confirm-form': { action: 'confirm' },
}

// browse signs somebody in, allows what is asked, and returns the URL at the client, or the request where it is a form that is posted
// there; undefined for a device. More are the answers of another site.
export async function browse(authorize, more = {}, home = callback) {
  const cookies = new Map()
  let url = new URL(authorize)
  let form
  for (let i = 0; i < 12; i++) {
    const response = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      body: form,
      headers: { accept: 'text/html', cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    form = undefined
    const location = response.headers.get('location')
    if (location) {
      assert.equal(response.status, 303)
      url = new URL(location, url)
      if (url.href.startsWith(home)) return url
      continue
    }
    const page = (await response.text()).replace(/<style>.*<\/style>/s, '')
    if (page.includes('id="page-device-done"')) return undefined
    const [, head] = page.match(/<form ([^>]*)>/) ?? []
    assert(head, `no form at ${url}: ${response.status} ${page}`)
    const action = new URL(decode(head.match(/action="([^"]*)"/)[1]), url)
    form = new URLSearchParams()
    for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) form.set(name, decode(value))
    if (action.href.startsWith(home)) return new Request(action, { method: 'POST', body: form })
    const id = head.match(/id="([^"]*)"/)?.[1]
    assert(answers[id], `an unknown form at ${url}: ${page}`)
    for (const [name, value] of Object.entries({ ...answers[id], ...more[id] })) form.set(name, value)
    url = action
  }
  assert.fail(`the browser does not come back to the client but ends at ${url}`)
}

// later moves the provider's clock, counted from the true time.
export async function later(seconds) {
  const response = await fetch(`${control}/clock`, { method: 'POST', body: JSON.stringify({ offset_s: seconds }) })
  assert.equal(response.status, 204)
}

// refused returns the error that do ends with.
export async function refused(doing) {
  try {
    await doing()
  } catch (err) {
    return err
  }
  assert.fail('it succeeds, want a refusal')
}

let done = 0
export async function test(name, doing) {
  try {
    await doing()
  } catch (err) {
    err.message = `${name}: ${err.message}`
    throw err
  }
  done++
}
process.on('exit', (code) => console.log(`${done} passed, ${code ? 1 : 0} failed`))
