// Drives Chromium over the example page. Takes one argument, JSON: {playwright, chromium, page, strange, relay, presence, screenshot}.
// Prints what it saw as one line of JSON, and ends with 1 when something is not as it must be.
'use strict'
const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { createRequire } = require('node:module')

const given = JSON.parse(process.argv[2])
const { chromium } = createRequire(path.join(given.playwright, 'package.json'))('playwright-core')
const standin = fs.readFileSync(path.join(__dirname, 'livechatoo_standin.js'), 'utf8')
const callbacks = ['onload', 'onchange', 'onchatstart', 'onchatopened', 'onchatrating', 'onofflinemessage', 'ontrigger',
  'onnamerequired', 'onemailrequired', 'onphonerequired']
const elsewhere = [] // requests to anybody but us: there must be none

async function until (what, condition, limit_s = 20) {
  const end = Date.now() + limit_s * 1000
  for (;;) {
    const got = await condition()
    if (got) return got
    if (Date.now() > end) throw new Error(`after ${limit_s} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function newContext (browser) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url())
    if (url.hostname === 'app.livechatoo.com' && url.pathname === '/js/web.min.js') {
      return route.fulfill({ contentType: 'application/javascript', body: standin })
    }
    if (url.hostname === '127.0.0.1') return route.continue()
    elsewhere.push(url.href)
    return route.abort()
  })
  return context
}

async function open (context, url, errors) {
  const page = await context.newPage()
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(url)
  await page.waitForFunction(() => window.livechatoo?.standin.fired.includes('onload'))
  return page
}

function presence (state) {
  execFileSync(given.presence[0], [...given.presence.slice(1), 'presence', 'set', state, '--user', '1'], { env: { ...process.env, ...given.environment } })
}

// The widget asks until the answer is there: what it got before may be kept by the browser for a while, as its headers say.
async function widgetShows (page, online) {
  for (const way of ['jsonp', 'fetch']) {
    await until(`by ${way}: ${online}`, async () => {
      if (await page.locator(`#status-${way}[data-online="${online}"]`).count()) return true
      await page.locator('#status-again').click()
      return false
    }, 90)
    assert.equal(await page.locator('#status-' + way).textContent(), online ? 'online' : 'offline')
  }
}

async function status (page) {
  await widgetShows(page, false)
  presence('online')
  await widgetShows(page, true)
  presence('offline')
  await widgetShows(page, false)
  presence('online')
}

const tell = (page, name, data, where) => page.evaluate(([name, data, where]) => window.livechatoo.standin.tell(name, data, where), [name, data, where])

// What the stand-in told, the page's own callbacks must have heard: as often, and in that order.
async function pageHeardAll (page) {
  const told = await page.evaluate(() => window.livechatoo.standin.fired)
  const heard = await page.locator('#callbacks li').evaluateAll((items) => items.map((item) => item.dataset.callback))
  assert.deepEqual(heard, told)
  return told
}

async function livechatoo (page) {
  await page.evaluate(() => window.livechatoo.standin.startChat(4711, 'client'))
  await tell(page, 'onchange', { chat_status: 'max' })
  await page.locator('#buy').click()
  await tell(page, 'onnamerequired', { accepted: true, name: 'Ann Novak' })
  await tell(page, 'onemailrequired', { accepted: true, email: 'ann.novak@example.com' })
  await tell(page, 'onphonerequired', { accepted: false })
  await tell(page, 'ontrigger', { id: 7, title: 'Help with the basket' })
  const before = await page.evaluate(() => window.livechatoo.standin.fired.length)
  await page.evaluate(() => window.livechatoo.embed.reload())
  await page.waitForFunction((before) => window.livechatoo.standin.fired.length === before + 2, before) // onload, onchatopened
  await tell(page, 'ontrigger', { id: 8, title: 'After a reload' })
  await tell(page, 'onchatrating', { ticket: 4711, name: 'Ann Novak', email: 'ann.novak@example.com', phone: '', rating: '5', message: 'very kind', operator_id: 3, department_id: 2 })
  await tell(page, 'onofflinemessage', { name: 'Ann Novak', email: 'ann.novak@example.com', phone: null, message: 'Call me tomorrow' })
  const told = await pageHeardAll(page)
  assert.deepEqual([...new Set(told)].sort(), [...callbacks].sort(), 'every callback was told')
}

// A second tab in the same browser: the chat is told once more, and what is said as the page goes away still arrives.
async function secondTab (context, errors) {
  const page = await open(context, given.page, errors)
  await page.waitForFunction(() => window.livechatoo.standin.fired.includes('onchatopened'))
  await pageHeardAll(page)
  await page.evaluate(() => {
    window.addEventListener('pagehide', () => window.livechatoo.standin.tell('onofflinemessage', { name: 'Ann', email: 'ann@example.com', message: 'said while leaving' }))
  })
  await page.goto('about:blank')
  await page.close()
}

// The other ways into Livechatoo: options and then init(), new options and then reload(), and the popup window.
async function otherWays (context, errors) {
  const page = await open(context, given.page, errors)
  const heard = await page.evaluate(async () => {
    const heard = []
    const options = (mark) => ({ account: 'shop', ontrigger: (data) => heard.push(`${mark} ${data.id}`) })
    const { embed, popup, standin } = window.livechatoo
    const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
    embed.options = options('options')
    embed.init()
    await settled()
    standin.tell('ontrigger', { id: 21, title: 'options' })
    embed.options = options('reload')
    embed.reload()
    await settled()
    standin.tell('ontrigger', { id: 22, title: 'reload' })
    popup.init({ ...options('popup'), mode: 'custom' })
    await settled()
    standin.tell('ontrigger', { id: 23, title: 'popup' }, 'popup')
    embed.init({ account: 'shop' }) // a page without callbacks of its own is told nothing, and we are
    await settled()
    standin.tell('ontrigger', { id: 24, title: 'none' })
    return heard
  })
  assert.deepEqual(heard, ['options 21', 'reload 22', 'popup 23'])
  // A callback of the page that throws is the page's affair: Livechatoo sees it as without us, and we are told all the same.
  const thrown = await page.evaluate(async () => {
    window.livechatoo.embed.init({ account: 'shop', ontrigger: () => { throw new Error('the page is broken') } })
    await new Promise((resolve) => setTimeout(resolve, 20))
    try {
      window.livechatoo.standin.tell('ontrigger', { id: 25, title: 'throws' })
    } catch (error) {
      return error.message
    }
  })
  assert.equal(thrown, 'the page is broken')
  return page
}

async function reply (rid, text, id) {
  const answer = await fetch(given.relay + '/hooks/desk', {
    method: 'POST',
    headers: { Authorization: 'Bearer ' + given.desk, 'Content-Type': 'application/json' },
    body: JSON.stringify({ id, chat: rid, text })
  })
  assert.equal(answer.status, 200)
}

async function chat (page) {
  const says = (text) => page.locator('#chat-log li', { hasText: text })
  await page.locator('#chat-start [name=name]').fill('Ann Novak')
  await page.locator('#chat-start [name=email]').fill('ann@example.com')
  const opened = page.waitForResponse((response) => /\/livechat\/room\?/.test(response.url()))
  await page.getByRole('button', { name: 'Start a chat' }).click()
  const rid = (await (await opened).json()).room._id
  for (const text of ['Do you ship to Malta?', 'Delete me']) {
    await page.locator('#chat-say').getByLabel('Message').fill(text)
    await page.locator('#chat-say button').click()
    await says('You: ' + text).waitFor()
  }
  await reply(rid, 'Yes, we do.', 'R1')
  await says('Jo: Yes, we do.').waitFor()
  await reply(rid, '<img src="x" onerror="window.attacked = true"><b>bold</b>', 'R2')
  await says('<b>bold</b>').waitFor() // as text
  assert.equal(await page.evaluate(() => window.attacked), undefined)
  assert.equal(await page.locator('#chat-log img').count(), 0)

  await says('You: Do you ship to Malta?').getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Edit the message').fill('Do you ship to Gozo?')
  await page.getByRole('button', { name: 'Save' }).click()
  await says('You: Do you ship to Gozo? (edited)').waitFor()
  await says('You: Delete me').getByRole('button', { name: 'Delete' }).click()
  await says('Delete me').waitFor({ state: 'detached' })

  await page.reload() // the chat goes on
  await says('You: Do you ship to Gozo? (edited)').waitFor()
  await page.screenshot({ path: given.screenshot, fullPage: true })
  await page.getByRole('button', { name: 'End the chat' }).click()
  await page.getByText('The chat has ended.').waitFor()
  assert.equal(await page.locator('#chat-error').textContent(), '')
  return rid
}

async function offline (page) {
  const form = page.locator('#offline')
  await form.locator('[name=name]').fill('Ann Novak')
  await form.locator('[name=email]').fill('ann@example.com')
  await form.locator('[name=message]').fill('I need an invoice')
  await form.getByRole('button').click()
  await page.getByText('Thank you. We answer by e-mail.').waitFor()
}

// The same page at an origin that is not configured: nothing of it is taken, and its scripts read nothing.
async function stranger (browser) {
  const context = await newContext(browser)
  const page = await open(context, given.strange, [])
  await tell(page, 'ontrigger', { id: 666, title: 'from a stranger' })
  await page.getByRole('button', { name: 'Start a chat' }).click()
  await until('the chat says that it cannot', () => page.locator('#chat-error').textContent())
  const read = await page.evaluate((url) => fetch(url).then((answer) => answer.text(), () => null), given.relay + '/api/v1/livechat/config')
  assert.equal(read, null)
  await page.goto('about:blank') // what was on its way has left
  await context.close()
}

async function run () {
  const parts = given.parts ?? ['status', 'livechatoo', 'chat', 'offline', 'stranger']
  const errors = []
  const browser = await chromium.launch({ executablePath: given.chromium, args: ['--disable-dev-shm-usage'], chromiumSandbox: process.getuid() !== 0 })
  try {
    const context = await newContext(browser)
    const page = await open(context, given.page, errors)
    const got = {}
    if (parts.includes('status')) await status(page)
    if (parts.includes('livechatoo')) {
      await livechatoo(page)
      await secondTab(context, errors)
    }
    if (parts.includes('chat')) got.rid = await chat(page)
    if (parts.includes('offline')) await offline(page)
    if (parts.includes('stranger')) await stranger(browser)
    if (parts.includes('livechatoo')) await (await otherWays(context, errors)).goto('about:blank')
    assert.deepEqual(errors, [], 'errors in the page')
    assert.deepEqual(elsewhere, [], 'the page asked strangers')
    return got
  } finally {
    await browser.close()
  }
}

run().then(
  (got) => console.log(JSON.stringify(got)),
  (error) => {
    console.error(error.stack)
    process.exitCode = 1
  })
