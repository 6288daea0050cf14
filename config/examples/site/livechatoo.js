// Livechatoo, as its documentation says to insert it. Nothing here knows of chatrelay but the last lines: the bridge in the head of
// the page wraps what is given to init, and the page's own callbacks are called as without it.
'use strict'
{
  const list = document.getElementById('callbacks')
  const names = ['onload', 'onchange', 'onchatstart', 'onchatopened', 'onchatrating', 'onofflinemessage', 'ontrigger',
    'onnamerequired', 'onemailrequired', 'onphonerequired']
  const callbacks = {}
  for (const name of names) {
    callbacks[name] = (data) => {
      const item = document.createElement('li')
      item.dataset.callback = name
      item.textContent = `${name} ${JSON.stringify(data)}`
      list.append(item)
    }
  }

  // Called by Livechatoo's script as soon as it is loaded.
  window.livechatooCmd = () => window.livechatoo.embed.init({
    account: 'shop',
    lang: 'en',
    side: 'right',
    departments: '2,5',
    target: '*/basket',
    c_name: 'Ann',
    c_email: 'ann@example.com',
    c_name_byop: 'Ann, who buys a lot', // for operators only
    custom: 'PHPSESSID=the-session-of-this-visitor', // a secret between your shop, Livechatoo and /livechatoo/identity
    ...callbacks
  })
  const script = document.createElement('script')
  script.async = true
  script.src = location.protocol + '//app.livechatoo.com/js/web.min.js'
  document.head.append(script)

  // A sale while a chat runs becomes a conversion of that chat.
  document.getElementById('buy').addEventListener('click', () => {
    window.chatrelay?.track('conversion', { value: 49.9, currency: 'EUR', order: 'A-1001' })
  })
}
