// A peer that is not copse and is really there: a small program on Fedify, which
// Ghost, Hollo and others stand on. What it says and takes is signed and verified by
// Fedify itself. It signs by RFC 9421 first, verifies both forms, and puts proofs
// into what it sends.

import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { createFederation, generateCryptoKeyPair, MemoryKvStore, verifyObject } from '@fedify/fedify'
import { Accept, Announce, Create, Endpoints, Follow, Page, Person, PUBLIC_COLLECTION } from '@fedify/fedify/vocab'
import { councils, until } from '../browser/councils.mjs'

// Names under localhost are this machine (RFC 6761, 6.3). The C library, which
// Node.js asks, need not know.
const { lookup } = dns
dns.lookup = (host, ...rest) => lookup(host.endsWith('.localhost') ? 'localhost' : host, ...rest)

// What Fedify posts, and how that is answered at the first knock and the second.
const posted = []
const { fetch } = globalThis
globalThis.fetch = async (request, ...rest) => {
  const response = await fetch(request, ...rest)
  if (request.method === 'POST') {
    posted.push(`${formOf(Object.fromEntries(request.headers))}: ${response.status}`)
  }
  return response
}

const formOf = (headers) => ('signature-input' in headers ? 'RFC 9421' : 'draft-cavage')

test('somebody on Fedify joins a community, is heard there, and hears it', { timeout: 60_000 }, () =>
  councils(['harlow'], async ({ harlow }) => {
    const fedify = await neighbour()
    try {
      await harlow.run(['peer', 'allow', fedify.host])
      await harlow.addPerson({ name: 'joan', title: 'Joan Whitlock', job: 'Tree officer', email: 'joan@harlow.gov.test' })
      await harlow.addCommunity({ name: 'trees', title: 'Trees', purpose: 'What grows where.', join: 'open', audience: 'public', owner: 'joan' })
      const shows = (title) => until(`the community shows ${title}`, async () =>
        (await harlow.ask('/c/trees/forum')).body.includes(title))

      const trees = await fedify.find(`${harlow.url}/c/trees`)
      assert.equal(trees.name.toString(), 'Trees')
      const join = await fedify.joins(trees)
      assert.equal((await fedify.hears('Accept', join)).form, 'draft-cavage', 'what a stranger is sent')

      // Its words come back as the community passes them on, their proof unbroken.
      const question = await fedify.asks(trees, 'Which oak stands drought')
      await shows('Which oak stands drought')
      const echo = await fedify.hears('Announce', question)
      assert.equal(echo.form, 'draft-cavage')
      assert.equal(echo.activity.object.proof?.type, 'DataIntegrityProof')
      assert.ok(await fedify.proves(echo.activity.object), 'the proof does not fit any more')

      // One day it takes RFC 9421 alone. Nothing is lost, and it is asked in the old
      // form just once.
      fedify.refuses = 'draft-cavage'
      for (const title of ['Who has a spare chipper', 'Is ivy a nuisance']) {
        const question = await fedify.asks(trees, title)
        await shows(title)
        assert.equal((await fedify.hears('Announce', question)).form, 'RFC 9421')
      }
      assert.equal(fedify.refused, 1, 'requests in the old form')
      assert.deepEqual(posted, Array(4).fill('RFC 9421: 202'), 'what Fedify posted')
    } finally {
      await fedify.close()
    }
  }))

/** Starts the program, with Bob on it. */
async function neighbour() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `fedify.localhost:${server.address().port}`
  const heard = []
  const keys = await Promise.all(['RSASSA-PKCS1-v1_5', 'Ed25519'].map((kind) => generateCryptoKeyPair(kind)))

  const federation = createFederation({ kv: new MemoryKvStore(), origin: `http://${host}`, allowPrivateAddress: true })
  federation
    .setActorDispatcher('/users/{identifier}', async (context, name) => {
      const pairs = await context.getActorKeyPairs(name)
      return name !== 'bob' ? null : new Person({
        id: context.getActorUri(name), preferredUsername: name, name: 'Bob',
        inbox: context.getInboxUri(name), endpoints: new Endpoints({ sharedInbox: context.getInboxUri() }),
        publicKey: pairs[0].cryptographicKey, assertionMethods: pairs.map((pair) => pair.multikey),
      })
    })
    .setKeyPairsDispatcher((_, name) => (name === 'bob' ? keys : []))
  // It is told everything because it says that it understands communities.
  federation.setNodeInfoDispatcher('/nodeinfo/2.1', () => ({
    software: { name: 'neighbour', version: '1.0.0' }, protocols: ['activitypub'],
    usage: { users: {}, localPosts: 0, localComments: 0 }, metadata: { capabilities: ['fep-1b12'] },
  }))
  // A listener is called if Fedify has verified what came.
  const note = ({ data }) => heard.push(data)
  federation.setInboxListeners('/users/{identifier}/inbox', '/inbox').on(Accept, note).on(Announce, note)

  const context = federation.createContext(new URL(`http://${host}`))
  const bob = context.getActorUri('bob')
  const send = async (to, activity) => {
    await context.sendActivity({ identifier: 'bob' }, to, activity)
    return activity.id.href
  }
  let asked = 0

  const self = {
    host,
    refuses: '', // the form of signature that is not taken
    refused: 0,
    find: (url) => context.lookupObject(url),
    joins: (community) => send(community, new Follow({ id: new URL('#join', bob), actor: bob, object: community.id, to: community.id })),
    asks: (community, title) => {
      asked++
      const addressed = { tos: [community.id, PUBLIC_COLLECTION], audience: community.id }
      const object = new Page({
        id: new URL(`/pages/${asked}`, bob), attribution: bob, ...addressed, name: title, content: `<p>${title}</p>`,
      })
      return send(community, new Create({ id: new URL(`/creates/${asked}`, bob), actor: bob, ...addressed, object }))
    },
    /** Waits for what a community does with an activity; resolves to { form, activity }. */
    hears: (type, id) => until(`Fedify hears the ${type} of ${id}`, () =>
      heard.find(({ activity }) => activity.type === type && activity.object.id === id)),
    /** Verifies the proof in an activity of Bob's, which was made before Fedify signed the whole. */
    proves: ({ signature, ...activity }) => {
      const { documentLoader, contextLoader } = context
      return verifyObject(Create, activity, { documentLoader, contextLoader })
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  server.on('request', async (incoming, outgoing) => {
    const chunks = await incoming.toArray()
    const body = chunks.length ? Buffer.concat(chunks) : null
    const form = formOf(incoming.headers)
    let response
    if (body && form === self.refuses) {
      self.refused++
      response = new Response(null, { status: 401 })
    } else {
      const request = new Request(`http://${host}${incoming.url}`, { method: incoming.method, headers: incoming.headers, body })
      response = await federation.fetch(request, { contextData: { form, activity: body && JSON.parse(body) } })
    }
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  return self
}
