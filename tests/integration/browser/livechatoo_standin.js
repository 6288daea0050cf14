// Stands in for http(s)://app.livechatoo.com/js/web.min.js, which cannot be had for a test. It does what Livechatoo's documentation
// for web developers says and nothing that a test would like: it calls livechatooCmd when it is loaded, takes options from init() or from
// `options`, keeps a running chat over page loads and tabs, tells onchatopened on every load while a chat runs, and gives callbacks
// one object. `standin` is the test's remote control: what an operator or the visitor would do in the ChatBar.
(function () {
  'use strict'
  const running = 'livechatoo-standin-ticket'
  const fired = [] // every callback that was due, whether the page takes it or not

  function Window () { // embed or popup
    let options = {}
    let shown = false
    const self = {
      options: {},
      init (given) {
        if (given) self.options = given
        options = self.options
        if (!options.account) throw new Error('Livechatoo: no account')
        shown = true
        // Not within init: Livechatoo builds its ChatBar first.
        setTimeout(() => {
          tell('onload', { page: localStorage.getItem(running) ? 'mini' : 'start-online', online: 1 })
          const ticket = localStorage.getItem(running)
          if (ticket) tell('onchatopened', { ticket: Number(ticket), initiator: 'client' })
        }, 0)
      },
      // "Useful for websites with JavaScript History API": the same again, with the options as they are now.
      reload () { self.init() },
      status () { return shown ? 'online' : 'offline' },
      stop () { shown = false },
      flip () { shown = !shown },
      bubble () {},
      switch_side (side) { options.side = side },
      page () {}
    }
    function tell (name, data) {
      fired.push(name)
      if (typeof options[name] === 'function') options[name](data)
    }
    self.tell = tell
    return self
  }

  const embed = Window()
  const popup = Window()
  const tells = { embed: embed.tell, popup: popup.tell }
  delete embed.tell
  delete popup.tell
  window.livechatoo = {
    embed,
    popup,
    standin: {
      fired,
      tell: (name, data, where = 'embed') => tells[where](name, data),
      startChat (ticket, initiator) {
        localStorage.setItem(running, ticket)
        tells.embed('onchatstart', { ticket, initiator })
        tells.embed('onchatopened', { ticket, initiator })
      },
      endChat: () => localStorage.removeItem(running)
    }
  }
  if (typeof window.livechatooCmd === 'function') window.livechatooCmd()
})()
