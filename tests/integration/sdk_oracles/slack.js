// @slack/web-api.
'use strict'
const { run } = require('./intents')

function connect (load, login) {
  const { WebClient, LogLevel } = load('@slack/web-api')
  return new WebClient(login.token, { slackApiUrl: login.base_url, logLevel: LogLevel.ERROR, retryConfig: { retries: 0 } })
}

run(connect, {
  post: (client, { message }) => client.chat.postMessage(message),
  whose_token: (client) => client.auth.test()
})
