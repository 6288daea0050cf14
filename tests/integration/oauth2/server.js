// oauth2-mock-server on a free port of 127.0.0.1. What that server leaves open is decided through its published hooks: who the
// client is, which codes and refresh tokens hold, and for how long an access token does.
//
// The first line of standard input is the options; each further line a change of them, answered by one line. The first line
// printed says where it listens. Ends when standard input does.
'use strict'
const path = require('node:path')
const readline = require('node:readline')
const { randomUUID } = require('node:crypto')
const { createRequire } = require('node:module')

const load = createRequire(path.join(process.argv[2], 'package.json'))
const { OAuth2Server } = load('oauth2-mock-server')

// client_id, client_secret, refresh_tokens (that hold at the start), token_path, authorize_path; expires_in: 0 names none;
// adds: further members of each answer; hold: token requests wait until it is false; status: answered in place of a token;
// rotates: a refresh token is good for one request; deny: the person at the authorization page says no.
const options = { expires_in: 3600, adds: {}, hold: false, status: 0, rotates: true, deny: false }
const seen = [] // token requests, in the order in which they arrived
const refreshTokens = new Set()
const codes = new Map() // code → the authorization request that it came of
let held = []

function client (req) {
  const [kind, value] = (req.headers.authorization ?? '').split(' ')
  if (kind !== 'Basic') return [req.body.client_id, req.body.client_secret]
  const [id, secret] = Buffer.from(value, 'base64').toString('utf8').split(':')
  const decoded = (text) => decodeURIComponent((text ?? '').replace(/\+/g, ' ')) // RFC 6749 §2.3.1
  return [decoded(id), decoded(secret)]
}

function refusal (req) {
  const [id, secret] = client(req)
  if (id !== options.client_id || secret !== options.client_secret) return [401, 'invalid_client', 'Client authentication failed']
  if (req.body.grant_type === 'refresh_token' && !refreshTokens.has(req.body.refresh_token)) {
    return [400, 'invalid_grant', 'expired access/refresh token']
  }
  if (req.body.grant_type === 'authorization_code') {
    const asked = codes.get(req.body.code)
    codes.delete(req.body.code)
    const fits = asked && asked.redirect_uri === req.body.redirect_uri && asked.client_id === id
    if (!fits) return [400, 'invalid_grant', 'authentication failure']
    if (!('code_verifier' in req.body)) return [400, 'invalid_request', 'code_verifier is missing']
  }
}

function shape (answer, req) {
  const refused = refusal(req)
  if (refused) {
    answer.statusCode = refused[0]
    answer.body = { error: refused[1], error_description: refused[2] }
    return
  }
  if (req.body.grant_type === 'refresh_token' && options.rotates) refreshTokens.delete(req.body.refresh_token)
  if (req.body.grant_type === 'refresh_token' && !options.rotates) delete answer.body.refresh_token
  if (answer.body.refresh_token) refreshTokens.add(answer.body.refresh_token)
  delete answer.body.expires_in
  if (options.expires_in) answer.body.expires_in = options.expires_in
  Object.assign(answer.body, options.adds)
}

function token (jwt) {
  jwt.payload.jti = randomUUID() // two tokens of one second would be the same one
  jwt.payload.exp = Math.ceil(Date.now() / 1000) + (options.expires_in || 3600)
}

function redirect (to, req) {
  const code = to.url.searchParams.get('code')
  if (!options.deny) return codes.set(code, { ...req.query })
  to.url.searchParams.delete('code')
  to.url.searchParams.set('error', 'access_denied')
  to.url.searchParams.set('error_description', 'end-user denied authorization')
}

let serve = () => {} // the published server's request handler, once its paths are known

function arrived (req, res) {
  const at = new URL(req.url, 'http://localhost').pathname
  if (at !== options.token_path) return serve(req, res)
  const entry = { headers: req.headers, form: null, status: null, answer: null }
  seen.push(entry)
  const end = res.end
  res.end = function (chunk, ...more) {
    entry.form = req.body ?? null
    entry.status = res.statusCode
    try { entry.answer = JSON.parse(chunk) } catch { entry.answer = null }
    return end.call(this, chunk, ...more)
  }
  const go = () => {
    if (req.socket.destroyed) return // who asked did not wait for it
    if (!options.status) return serve(req, res)
    req.resume()
    res.statusCode = options.status
    res.end('<html>Service Unavailable</html>')
  }
  if (options.hold) held.push(go)
  else go()
}

function change (wanted) {
  for (const one of wanted.refresh_tokens ?? []) refreshTokens.add(one)
  if (wanted.forget_refresh_tokens) refreshTokens.clear()
  for (const key of Object.keys(wanted)) if (key in options) options[key] = wanted[key]
  if (options.hold) return
  const waiting = held
  held = []
  for (const go of waiting) go()
}

async function start (first) {
  Object.assign(options, { client_id: first.client_id, client_secret: first.client_secret, token_path: first.token_path })
  change(first)
  const published = new OAuth2Server(undefined, undefined, { endpoints: { token: first.token_path, authorize: first.authorize_path } })
  await published.issuer.keys.generate('RS256')
  published.service.on('beforeTokenSigning', token)
  published.service.on('beforeResponse', shape)
  published.service.on('beforeAuthorizeRedirect', redirect)
  serve = published.service.requestHandler
  const http = require('node:http').createServer(arrived)
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  published.issuer.url = `http://127.0.0.1:${http.address().port}`
  return { url: published.issuer.url }
}

async function main () {
  let begun = false
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const wanted = JSON.parse(line)
    let answer = { seen, refresh_tokens: [...refreshTokens], codes: codes.size }
    if (begun) change(wanted)
    else answer = await start(wanted)
    begun = true
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
