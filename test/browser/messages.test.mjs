// Tess, of Stevenage, writes to Joan, of Harlow, and to her alone. Joan answers,
// and has enough of it.

import assert from 'node:assert/strict'
import { checkPage, journey, screenshot } from './rig.mjs'
import { councils } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn } from './people.mjs'

const asks = 'Could you look at our draft before it goes out?'
const answers = 'Gladly. Send it by Friday.'

journey('two people at two councils write to each other', (open, script) =>
  councils(['stevenage', 'harlow'], async ({ stevenage, harlow }) => {
    const seen = []
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
      seen.push(page.url())
    }
    const [tess, joan] = [await open(), await open()]
    await setUp(tess, stevenage, { title: 'Stevenage Borough Council', name: 'Tess Okafor', email: 'tess@stevenage.gov.test' })
    await setUp(joan, harlow, { title: 'Harlow District Council', name: 'Joan Whitlock', email: 'joan@harlow.gov.test' })
    const damp = await harlow.addCommunity({
      name: 'damp', title: 'Damp, mould and repairs', purpose: 'What works against damp.', join: 'open', audience: 'members', owner: 'joan_whitlock',
    })
    await find(tess, stevenage, damp)
    await press(tess, 'Join')
    await shows(tess, `${stevenage.url}/c/${damp.slice(1)}`, 'Ask a question', performance.now())

    await tess.goto(`${stevenage.url}/messages`)
    await says(tess, 'You have no messages yet')
    await look(tess, 'messages-none')
    await tess.goto(`${stevenage.url}/u/joan_whitlock@${new URL(harlow.url).host}`)
    await look(tess, 'messages-profile')
    await follow(tess, 'Message')
    await look(tess, 'messages-new')
    await press(tess, 'Send message')
    await says(tess, 'There is a problem', 'Enter your message')
    await look(tess, 'messages-problem')
    await tess.getByLabel('Your message').fill(asks)
    await press(tess, 'Send message')
    await says(tess, 'Your message is sent', asks, 'Joan Whitlock')
    await look(tess, 'messages-sent')
    const conversation = tess.url()

    // Joan is told by a letter without the words, and by every page.
    await shows(joan, `${harlow.url}/messages`, asks, performance.now())
    assert.match(await joan.getByRole('navigation', { name: 'Service' }).innerText(), /1 unread conversation/)
    await look(joan, 'messages-list')
    const letter = await harlow.letter('joan@harlow.gov.test', 'has sent you a private message')
    assert.ok(!letter.includes(asks), letter)
    await follow(joan, 'Tess Okafor')
    await says(joan, asks)
    await joan.getByLabel('Your message').fill(answers)
    await press(joan, 'Send message')
    await saysNot(joan, 'unread conversation')
    await look(joan, 'messages-conversation')
    await shows(tess, conversation, answers, performance.now())

    // An administrator, as both are of their own server, reads nothing of others.
    await harlow.addPerson({ name: 'ann', title: 'Ann Reed', job: 'Officer', email: 'ann@harlow.gov.test' })
    const ann = await open()
    await signIn(ann, harlow, 'ann@harlow.gov.test')
    await ann.goto(joan.url())
    await says(ann, 'Page not found')

    await tess.goto(conversation)
    await follow(tess, 'Edit')
    await look(tess, 'messages-edit')
    await tess.getByLabel('Your message').fill(`${asks} It is short.`)
    await press(tess, 'Save')
    await says(tess, 'Edited')
    await shows(joan, joan.url(), 'It is short.', performance.now())
    await tess.goto(conversation)
    await follow(tess, 'Delete')
    await look(tess, 'messages-delete')
    await press(tess, 'Delete message')
    await shows(joan, joan.url(), 'Tess Okafor deleted this message', performance.now())
    await look(joan, 'messages-deleted')

    await press(joan, 'Mute this conversation')
    await says(joan, 'You hear no more of this conversation')
    await follow(joan, 'Block Tess Okafor')
    await look(joan, 'messages-block')
    await press(joan, 'Block Tess Okafor')
    await says(joan, 'Tess Okafor is blocked')
    await look(joan, 'messages-blocked')
    await tess.goto(conversation)
    await tess.getByLabel('Your message').fill('Hello?')
    await press(tess, 'Send message')
    await harlow.rest()
    await joan.goto(`${harlow.url}/messages`)
    await saysNot(joan, 'Hello?')
    await joan.goto(`${harlow.url}/settings`)
    await joan.getByLabel('Nobody').check()
    await press(joan, 'Save who may write')
    await look(joan, 'messages-settings')

    for (const url of seen) {
      const page = url.startsWith(stevenage.url) ? tess : joan
      await page.goto(`${url}${url.includes('?') ? '&' : '?'}lang=cy`)
      await checkPage(page)
    }
  }))
