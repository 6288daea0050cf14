// @hubspot/api-client. The numbers of the associations are the client's own.
'use strict'
const { run } = require('./intents')

let types
const tie = (id, type) => ({ to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: type }] })
const object = (intent, associations) => ({ properties: intent.properties, associations })

function connect (load, login) {
  const hubspot = load('@hubspot/api-client')
  types = hubspot.AssociationTypes
  return new hubspot.Client({ accessToken: login.token, basePath: login.base_url, numberOfApiCallRetries: 0 })
}

run(connect, {
  upsert_contact: (client, { id, trace, properties }) =>
    client.crm.contacts.batchApi.upsert({ inputs: [{ idProperty: 'email', id, objectWriteTraceId: trace, properties }] }),
  note_of_contact_and_ticket: (client, intent) => client.crm.objects.notes.basicApi.create(
    object(intent, [tie(intent.contact, types.noteToContact), tie(intent.ticket, types.noteToTicket)])),
  note_of_ticket: (client, intent) => client.crm.objects.notes.basicApi.create(object(intent, [tie(intent.ticket, types.noteToTicket)])),
  ticket_of_contact: (client, intent) => client.crm.tickets.basicApi.create(object(intent, [tie(intent.contact, types.ticketToContact)])),
  task_of_contact: (client, intent) => client.crm.objects.tasks.basicApi.create(object(intent, [tie(intent.contact, types.taskToContact)])),
  first_contact: (client) => client.crm.contacts.basicApi.getPage(1),
  token_of_code: (client, { client_id: id, client_secret: secret, code, redirect_uri: redirect }) =>
    client.oauth.tokensApi.create('authorization_code', code, redirect, id, secret),
  token_of_refresh_token: (client, { client_id: id, client_secret: secret, refresh_token: token }) =>
    client.oauth.tokensApi.create('refresh_token', undefined, undefined, id, secret, token),
  authorize_address: (client, { client_id: id, redirect_uri: redirect, scope, state }) =>
    client.oauth.getAuthorizationUrl(id, redirect, scope, undefined, state)
})
