// Runs the published client through a whole chat against the server named on the command line, prints what it got as one
// line of JSON, and ends with 1 when something is not as it must be. Plain HTTP only: connect() is never called.
'use strict'
const assert = require('node:assert/strict')
const path = require('node:path')
const { createRequire } = require('node:module')

const [host, folder, token] = process.argv.slice(2)
const load = createRequire(path.join(folder, 'package.json'))
const Livechat = load('@rocket.chat/sdk/lib/clients/Livechat').default
const nothing = () => {}
const client = new Livechat({
  host,
  useSsl: false,
  logger: { debug: nothing, info: nothing, warn: nothing, warning: nothing, error: nothing }
})

async function rejected (promise, error, status = 400) {
  const reason = await promise.then(() => { throw new Error(`${error} was expected`) }, (reason) => reason)
  if (reason instanceof Error) throw reason
  assert.equal(reason.status, status)
  assert.equal(reason.data.error, error)
}

async function run () {
  const before = await client.config({ token })
  assert.equal(before.enabled, true)
  assert.equal(before.guest, undefined)
  assert.deepEqual(before.survey.values, ['1', '2', '3', '4', '5'])

  const visitor = await client.grantVisitor({ visitor: { token, name: 'Ann', email: 'ann@example.com', customFields: [{ key: 'plan', value: 'pro', overwrite: true }] } })
  assert.equal(visitor.token, token)
  assert.equal((await client.visitor()).visitor._id, visitor._id)
  assert.equal(await client.updateVisitorStatus('away'), 'away')

  const room = await client.room({})
  const rid = room._id
  assert.equal(room.open, true)
  assert.equal((await client.room({ rid })).v._id, visitor._id)
  assert.equal((await client.config({ token })).room._id, rid)

  const sent = []
  for (const msg of ['one', 'two', 'three']) sent.push((await client.sendMessage({ rid, msg })).message)
  assert.deepEqual(sent.map((m) => [m.msg, m.rid, m.token, m.u._id]), ['one', 'two', 'three'].map((msg) => [msg, rid, token, visitor._id]))

  const newest = await client.loadMessages(rid, { limit: 2 })
  assert.deepEqual(newest.map((m) => m.msg), ['three', 'two'])
  const earlier = await client.loadMessages(rid, { limit: 2, end: newest[1].ts })
  assert.deepEqual(earlier.map((m) => m.msg)[0], 'one')
  assert.equal(earlier.length, 2)
  assert.ok(earlier[1].t)
  assert.equal((await client.loadMessages(rid, { ls: new Date(0) })).length, 4) // the client quotes a Date as JSON
  assert.equal((await client.message(sent[0]._id, { rid })).msg, 'one')

  const edited = (await client.editMessage(sent[1]._id, { rid, token, msg: 'two, edited' })).message
  assert.equal(edited.ts, sent[1].ts)
  const shown = (await client.loadMessages(rid, {})).find((m) => m._id === sent[1]._id)
  assert.equal(shown.msg, 'two, edited')
  assert.ok(shown.editedAt)
  assert.deepEqual(shown.editedBy, { _id: visitor._id, username: visitor.username })

  assert.equal((await client.deleteMessage(sent[2]._id, { rid })).message._id, sent[2]._id)
  await rejected(client.message(sent[2]._id, { rid }), 'invalid-message')
  assert.deepEqual((await client.loadMessages(rid, { limit: 2 })).map((m) => m.msg), ['two, edited', 'one'])

  assert.equal((await client.sendVisitorNavigation({ token, rid, pageInfo: { title: 'Cart', change: 'url', location: { href: 'https://shop.example/cart' } } })).success, true)
  assert.equal((await client.sendCustomField({ token, key: 'plan', value: 'free', overwrite: true })).success, true)
  assert.equal((await client.sendCustomFields({ token, customFields: [{ key: 'plan', value: 'team', overwrite: true }] })).success, true)
  assert.equal((await client.chatSurvey({ rid, data: [{ name: 'satisfaction', value: '5' }] })).rid, rid)
  assert.equal((await client.requestTranscript('ann@example.com', { rid })).success, true)
  await rejected(client.agent({ rid }), 'invalid-agent')
  assert.equal(await client.nextAgent(), undefined)

  assert.deepEqual(await client.closeChat({ rid }), { rid, comment: 'Closed by visitor', success: true })
  await rejected(client.sendMessage({ rid, msg: 'late' }), 'room-closed')
  await rejected(client.closeChat({ rid }), 'room-closed')
  assert.equal((await client.loadMessages(rid, {}))[0].t, 'livechat-close')
  assert.notEqual((await client.room({}))._id, rid)

  assert.equal(await client.sendOfflineMessage({ name: 'Ann', email: 'ann@example.com', message: 'Call me' }), 'Livechat offline message sent')
  return { rid, visitor: visitor._id, kept: sent.slice(0, 2).map((m) => m._id), deleted: sent[2]._id }
}

run().then(
  (got) => console.log(JSON.stringify(got)),
  (error) => {
    console.error(error instanceof Error ? error.stack : JSON.stringify(error))
    process.exitCode = 1
  })
