// A status widget: asks Live Helper Chat's isonline by JSONP, as widgets of many years do, and by fetch.
'use strict'
{
  const relay = document.documentElement.dataset.relay
  const every_ms = 60000

  function show (id, online) {
    const place = document.getElementById(id)
    place.dataset.online = String(online)
    place.textContent = online === null ? 'unknown' : online ? 'online' : 'offline'
  }

  // The answer is a script that calls this function, so it must be global.
  window.showStatus = (answer) => show('status-jsonp', answer.isonline)

  function askByJsonp () {
    const script = document.createElement('script')
    script.src = relay + '/restapi/isonline?callback=showStatus'
    script.onload = () => script.remove()
    script.onerror = () => { script.remove(); show('status-jsonp', null) }
    document.head.append(script)
  }

  async function askByFetch () {
    try {
      const answer = await fetch(relay + '/restapi/isonline', { credentials: 'omit' })
      show('status-fetch', answer.ok ? (await answer.json()).isonline : null)
    } catch {
      show('status-fetch', null)
    }
  }

  function ask () {
    askByJsonp()
    askByFetch()
  }

  document.getElementById('status-again').addEventListener('click', ask)
  setInterval(() => { if (!document.hidden) ask() }, every_ms)
  ask()
}
