// Carries out intents, read as JSON from standard input, with one published client, and ends with 1 when a call fails.
// Input: {name: what to call, …what it needs} for each, in order; the first member says where and with which login.
'use strict'
const path = require('node:path')
const { createRequire } = require('node:module')

const [folder] = process.argv.slice(2)

// `connect` makes the client from the login; `calls` has a function (client, intent) for each name. Both get the login.
exports.run = async function (connect, calls) {
  process.exitCode = 1 // also when Node ends because nothing is left that a promise could wait for
  try {
    const chunks = []
    for await (const chunk of process.stdin) chunks.push(chunk)
    const [login, ...intents] = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const client = await connect(createRequire(path.join(folder, 'package.json')), login)
    const answers = []
    for (const intent of intents) {
      if (!calls[intent.name]) throw new Error(`no intent is called ${intent.name}`)
      answers.push(await calls[intent.name](client, intent, login) ?? null)
    }
    process.stdout.write(JSON.stringify(answers) + '\n')
    process.exitCode = 0
  } catch (error) {
    console.error(error)
  }
}
