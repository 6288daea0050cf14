// A minimal chat on Rocket.Chat's message endpoints: start, say, read, edit, delete, end.
// What visitors and agents write is only ever put into text nodes: it is never markup.
'use strict'
{
  const api = document.documentElement.dataset.relay + '/api/v1/livechat/'
  const find = (id) => document.getElementById(id)
  const [start, room, log, say, state, errorLine] =
    ['chat-start', 'chat-room', 'chat-log', 'chat-say', 'chat-state', 'chat-error'].map(find)
  const items = new Map() // message id: its <li>
  // Who knows the token reads and writes this visitor's chats. It stays in this tab and is sent to the relay alone.
  let token = sessionStorage.getItem('chatrelay-token')
  let rid = null
  let newest = '' // time of the newest message that was shown

  function newToken () {
    return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  async function call (method, path, body) {
    const answer = await fetch(api + path, {
      method,
      credentials: 'omit',
      headers: body ? { 'Content-Type': 'application/json' } : {},
      body: body && JSON.stringify(body)
    })
    const said = await answer.json()
    if (!said.success) throw new Error(said.error)
    return said
  }

  // Runs what a button does and shows why it failed.
  function doing (action) {
    return async (event) => {
      event.preventDefault()
      errorLine.textContent = ''
      try {
        await action(event)
      } catch (error) {
        errorLine.textContent = error.message
      }
    }
  }

  async function open () {
    const got = await call('GET', 'room?token=' + encodeURIComponent(token))
    rid = got.room._id
    newest = ''
    items.clear()
    log.replaceChildren()
    start.hidden = true
    room.hidden = false
    state.textContent = 'The chat is open.'
    await refresh()
    follow(rid)
  }

  function ended (text) {
    rid = null
    room.querySelectorAll('button').forEach((button) => button.remove())
    say.hidden = true
    state.textContent = text
  }

  // Asks for news until the room is closed. The server answers when there is something, or after 25 seconds.
  async function follow (followed) {
    let pause_ms = 1000
    while (rid === followed) {
      try {
        await refresh(25)
        pause_ms = 1000
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pause_ms))
        pause_ms = Math.min(pause_ms * 2, 30000)
      }
    }
  }

  async function refresh (wait_s) {
    const asked = rid
    const query = new URLSearchParams({ token, limit: 100 })
    if (wait_s) {
      query.set('wait', wait_s)
      query.set('ls', newest)
    }
    const { messages } = await call('GET', `messages.history/${asked}?${query}`)
    if (rid === asked) show(messages)
  }

  function show (messages) { // newest first, as they come
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40
    const there = new Set(messages.map((message) => message._id))
    const oldest = messages.length === 100 ? messages.at(-1).ts : ''
    for (const [id, item] of items) {
      if (!there.has(id) && item.dataset.ts >= oldest) {
        item.remove()
        items.delete(id)
      }
    }
    for (const message of messages.toReversed()) showOne(message)
    if (messages.length) newest = messages[0].ts
    if (atEnd) log.scrollTop = log.scrollHeight
    if (messages.some((message) => message.t === 'livechat-close')) ended('The chat has ended.')
  }

  function showOne (message) {
    let item = items.get(message._id)
    if (item?.querySelector('form')) return // is being edited
    const text = message.msg + (message.editedAt ? ' (edited)' : '')
    if (item?.dataset.text === text) return
    if (!item) {
      item = document.createElement('li')
      item.dataset.ts = message.ts
      items.set(message._id, item)
      log.append(item)
    }
    item.dataset.text = text
    const own = message.token === token && !message.t
    item.classList.toggle('system', Boolean(message.t))
    const author = document.createElement('span')
    author.className = 'author'
    author.textContent = message.t ? '' : (own ? 'You' : message.alias || message.u.name || message.u.username) + ': '
    const words = document.createElement('span')
    words.className = 'words'
    words.textContent = message.t === 'livechat-close' ? 'The chat was closed.' : message.t ? 'The chat was opened.' : text
    item.replaceChildren(author, words)
    if (own) item.append(button('Edit', () => edit(message)), button('Delete', () => remove(message)))
  }

  function button (label, action) {
    const made = document.createElement('button')
    made.type = 'button'
    made.textContent = label
    made.addEventListener('click', doing(action))
    return made
  }

  function edit (message) {
    const item = items.get(message._id)
    const form = document.createElement('form')
    const input = Object.assign(document.createElement('input'), { value: message.msg, required: true, ariaLabel: 'Edit the message' })
    form.append(input, Object.assign(document.createElement('button'), { textContent: 'Save' }))
    form.addEventListener('submit', doing(async () => {
      await call('PUT', 'message/' + message._id, { token, rid, msg: input.value })
      form.remove()
      await refresh()
    }))
    item.replaceChildren(form)
    item.dataset.text = ''
    input.focus()
  }

  async function remove (message) {
    await call('DELETE', 'message/' + message._id, { token, rid })
    await refresh()
  }

  start.addEventListener('submit', doing(async () => {
    token ||= newToken()
    const visitor = { token }
    for (const [key, value] of new FormData(start)) if (value) visitor[key] = value
    await call('POST', 'visitor', { visitor })
    sessionStorage.setItem('chatrelay-token', token)
    await open()
    say.elements.text.focus()
  }))
  say.addEventListener('submit', doing(async () => {
    const msg = say.elements.text.value
    say.reset()
    await call('POST', 'message', { token, rid, msg })
    await refresh()
  }))
  find('chat-close').addEventListener('click', doing(async () => {
    await call('POST', 'room.close', { token, rid })
    await refresh()
  }))

  // After a reload of the page the open chat goes on.
  if (token) {
    call('GET', 'config?token=' + encodeURIComponent(token)).then(({ config }) => { if (config.room) return open() }).catch(() => {})
  }
}
