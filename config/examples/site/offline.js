// A form for messages while nobody is there: one call, and the rules beside this file turn it into a mail.
'use strict'
{
  const relay = document.documentElement.dataset.relay
  const form = document.getElementById('offline')
  const state = document.getElementById('offline-state')

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    state.textContent = 'Sending …'
    try {
      const answer = await fetch(relay + '/api/v1/livechat/offline.message', {
        method: 'POST',
        credentials: 'omit',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(Object.fromEntries(new FormData(form)))
      })
      const said = await answer.json()
      if (!said.success) throw new Error(said.error)
      form.reset()
      state.textContent = 'Thank you. We answer by e-mail.'
    } catch (error) {
      state.textContent = 'The message was not sent: ' + error.message
    }
  })
}
