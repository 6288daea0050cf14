// jsforce.
'use strict'
const { run } = require('./intents')

let OAuth2
const app = (login) => ({ loginUrl: login.base_url, clientId: login.client_id, clientSecret: login.client_secret })

function connect (load, login) {
  const jsforce = load('jsforce')
  OAuth2 = jsforce.OAuth2
  return new jsforce.Connection({ instanceUrl: login.base_url, accessToken: login.token, version: login.version, maxRequest: 1 })
}

run(connect, {
  token_of_app: (_, __, login) => new OAuth2(app(login)).requestToken({ grant_type: 'client_credentials' }),
  token_of_assertion: (_, { assertion }, login) => new OAuth2({ loginUrl: login.base_url }).requestToken(
    { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
  authorize_address: (_, { redirect_uri: redirectUri, scope, state }, login) =>
    new OAuth2({ ...app(login), redirectUri }).getAuthorizationUrl({ scope, state }),
  token_of_code: (_, { redirect_uri: redirectUri, code }, login) => new OAuth2({ ...app(login), redirectUri }).requestToken(code),
  token_of_refresh_token: (_, { refresh_token: token }, login) => new OAuth2(app(login)).refreshToken(token),
  query: (client, { soql }) => client.query(soql).then(({ records }) => records),
  upsert: (client, { type, key, record }) => client.sobject(type).upsert(record, key),
  update: (client, { type, record }) => client.sobject(type).update(record),
  create: (client, { type, record }) => client.sobject(type).create(record),
  limits: (client) => client.limits()
})
