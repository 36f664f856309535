// Harlow, where the community lives, is away for a while. What is written
// meanwhile waits, in sight of those who wrote it, and arrives once, in order.

import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn, words } from './people.mjs'

const before = 'Who pays for the survey?'
const tessAsks = 'Do you inspect before every letting?'
const martinAsks = 'What do you do about condensation?'

journey('what is written while Harlow is away waits and arrives once', (open, script) =>
  councils(['stevenage', 'harlow', 'northampton', 'wigan'], async ({ stevenage, harlow, northampton, wigan }) => {
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
    }
    const [tess, joan, rosa, martin] = [await open(), await open(), await open(), await open()]
    await setUp(tess, stevenage, { title: 'Stevenage Borough Council', name: 'Tess Okafor', email: 'tess@stevenage.gov.test' })
    await setUp(joan, harlow, { title: 'Harlow District Council', name: 'Joan Whitlock', email: 'joan@harlow.gov.test' })
    await setUp(rosa, northampton, { title: 'Northampton Borough Council', name: 'Rosa Almeida', email: 'rosa@northampton.gov.test' })
    await setUp(martin, wigan, { title: 'Wigan Council', name: 'Martin Leigh', email: 'martin@wigan.gov.test' })
    await stevenage.addPerson({ name: 'tom', title: 'Tom Baxter', job: 'ICT officer', email: 'tom@stevenage.gov.test' })
    const damp = await harlow.addCommunity({
      name: 'damp', title: 'Damp, mould and repairs', purpose: 'What works against damp.', join: 'open', audience: 'members', owner: 'joan_whitlock',
    })
    const there = `/c/${damp.slice(1)}`
    const tom = await open()
    await signIn(tom, stevenage, 'tom@stevenage.gov.test')
    for (const [page, council] of [[tess, stevenage], [tom, stevenage], [rosa, northampton], [martin, wigan]]) {
      await find(page, council, damp)
      await press(page, 'Join')
      await shows(page, council.url + there, 'Ask a question', performance.now())
    }
    await joan.goto(`${harlow.url}/c/damp/ask`)
    await ask(joan, before)
    const everywhere = [[joan, harlow, '/c/damp'], [tess, stevenage, there], [rosa, northampton, there], [martin, wigan, there]]
    const elsewhere = everywhere.slice(1)
    const conversations = (council, at) => `${council.url}${at}/forum`
    await Promise.all(elsewhere.map(([page, council, at]) => shows(page, conversations(council, at), before, performance.now())))

    // Harlow is gone. There is a copy to read, and what is written is kept.
    await harlow.kill()
    await tess.goto(stevenage.url + there)
    await says(tess, before)
    const banner = /Harlow District Council is not answering\s+You are reading a copy from \S.*\. New posts will be sent when it is back\./
    await shows(tess, stevenage.url + there, banner, performance.now())
    await tess.goto(`${stevenage.url + there}/ask`)
    await ask(tess, tessAsks)
    await says(tess, tessAsks, 'Waiting to send to Harlow District Council')
    const asked = tess.url()
    await shows(tess, asked, banner, performance.now())
    await look(tess, 'away-waiting')
    await tess.goto(stevenage.url + there)
    await says(tess, banner, before)
    await look(tess, 'away-copy')
    await tom.goto(asked)
    await says(tom, tessAsks, 'Waiting to send to Harlow District Council')

    await martin.goto(`${wigan.url + there}/ask`)
    await ask(martin, martinAsks)
    await says(martin, 'Waiting to send to Harlow District Council')
    const answeredHere = martin.url()
    await martin.getByLabel('Your reply').fill('I mean in bathrooms.')
    await press(martin, 'Post reply')
    await says(martin, 'Your reply is saved and waits to be sent')
    for (const [page, council, others] of [[martin, wigan, tessAsks], [tess, stevenage, martinAsks], [rosa, northampton, tessAsks]]) {
      await page.goto(conversations(council, there))
      await saysNot(page, others)
    }
    await look(martin, 'away-conversations')

    // Harlow is back.
    let since = performance.now()
    await harlow.start()
    console.log(`Harlow answers after ${Math.round(performance.now() - since)} ms`)
    // How soon depends on when it was last tried: see firstRetry in federation/deliver.go.
    const arrived = await Promise.all(everywhere.map(async ([page, council, at]) => {
      await shows(page, conversations(council, at), tessAsks, since, 60_000)
      return shows(page, conversations(council, at), martinAsks, since, 60_000)
    }))
    console.log(`both are everywhere after ${Math.max(...arrived)} ms`)
    for (const [page] of everywhere) {
      assert.deepEqual(await titles(page), [martinAsks, tessAsks, before], page.url())
    }
    for (const [page, at, reply] of [[tess, asked, ''], [tom, asked, ''], [martin, answeredHere, 'I mean in bathrooms.']]) {
      await until(`no mark is left at ${at}`, async () => {
        await page.goto(at)
        return !/Waiting to send|is not answering/.test(await words(page))
      })
      await says(page, reply)
    }
    await joan.goto(conversations(harlow, '/c/damp'))
    await follow(joan, martinAsks)
    await says(joan, 'I mean in bathrooms.')
    await look(tess, 'away-sent')

    // Stevenage is killed while it delivers: nothing is lost, and nothing is there twice.
    const several = Array.from({ length: 12 }, (_, i) => `Number ${i + 1} of twelve at once`)
    const cookie = (await tess.context().cookies(stevenage.url)).map(({ name, value }) => `${name}=${value}`).join('; ')
    const promised = new Set() // what Stevenage said it has
    await Promise.allSettled(several.map(async (title) => {
      const { status } = await stevenage.ask(`${there}/ask`, { cookie, form: { title } })
      assert.equal(status, 303)
      if (promised.add(title).size === several.length / 2) {
        await stevenage.kill()
      }
    }))
    await stevenage.kill()
    console.log(`killed with ${promised.size} of ${several.length} posted`)
    assert.ok(promised.size > 0, 'nothing was posted')
    since = performance.now()
    await stevenage.start()
    await tess.goto(conversations(stevenage, there))
    const kept = (await titles(tess)).filter((title) => several.includes(title))
    assert.deepEqual([...promised].filter((title) => !kept.includes(title)), [], 'lost at Stevenage')
    const all = [...kept, martinAsks, tessAsks, before]
    await Promise.all(everywhere.map(async ([page, council, at]) => {
      await lists(page, conversations(council, at), all)
      console.log(`${kept.length} are at ${council.host}, once, ${Math.round(performance.now() - since)} ms after the restart began`)
    }))

    // Who has it, and who has not.
    await wigan.kill()
    await joan.goto(`${harlow.url}/c/damp/new`)
    await joan.getByLabel('What it is about, in one line').fill('A day of talks in May')
    await joan.getByLabel('What you want to say').fill('Who would come?')
    await press(joan, 'Post')
    const talks = joan.url()
    await shows(joan, talks, '2 of 3 councils have this', performance.now())
    await until('the receipt says why', async () => {
      await joan.goto(talks)
      await joan.getByText('2 of 3 councils have this').click()
      return (await words(joan)).includes('Wigan Council is not answering. We keep trying.')
    })
    await look(joan, 'away-receipt')
    since = performance.now()
    await wigan.start()
    console.log(`Wigan has it ${await shows(joan, talks, 'All 3 other councils have this', since, 30_000)} ms after it began to start`)

    // Nothing that is still on its way changes that.
    await Promise.all(everywhere.map(([, council]) => council.rest()))
    await Promise.all(everywhere.map(([page, council, at]) => lists(page, conversations(council, at), ['A day of talks in May', ...all])))
  }))

// ask fills in the form for a question that is open.
async function ask(page, question) {
  await page.getByLabel('Your question in one line').fill(question)
  await press(page, 'Post question')
}

// lists opens a list of conversations again and again until it has these titles
// and no others, in this order.
async function lists(page, url, want) {
  let got
  await until(`${url} is right`, async () => {
    await page.goto(url)
    got = await titles(page)
    return isDeepStrictEqual(got, want)
  }, 30_000).catch(() => assert.deepEqual(got, want, url))
}

// titles are those of the list of conversations that is open, the newest first.
const titles = (page) => page.getByRole('main').getByRole('listitem').getByRole('heading', { level: 2 }).allInnerTexts()
