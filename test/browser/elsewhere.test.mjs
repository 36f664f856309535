// Tess, at Stevenage, looks after a community that lives at Harlow, from her own
// council's pages: lets Martin in from Wigan, tidies up, and sees what Harlow has
// still to do while it is away.

import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn, words } from './people.mjs'

journey('a facilitator looks after a community at another council', (open, script) =>
  councils(['stevenage', 'harlow', 'wigan'], async ({ stevenage, harlow, wigan }) => {
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
    }
    const [olga, joan, martin, tess] = [await open(), await open(), await open(), await open()]
    await setUp(olga, stevenage, { title: 'Stevenage Borough Council', name: 'Olga Owner', email: 'olga@stevenage.gov.test' })
    await setUp(joan, harlow, { title: 'Harlow District Council', name: 'Joan Whitlock', email: 'joan@harlow.gov.test' })
    await setUp(martin, wigan, { title: 'Wigan Council', name: 'Martin Leigh', email: 'martin@wigan.gov.test' })
    await stevenage.addPerson({ name: 'tess', title: 'Tess Okafor', job: 'Officer', email: 'tess@stevenage.gov.test' })
    const trees = await harlow.addCommunity({
      name: 'trees', title: 'Street trees', purpose: 'What lives.', join: 'approval', audience: 'members', owner: 'joan_whitlock',
    })
    const there = `/c/${trees.slice(1)}`
    const asks = async (page, council) => {
      await find(page, council, trees)
      await follow(page, 'Ask to join')
      await page.getByLabel('Why do you want to join?').fill('I plant them.')
      await press(page, 'Ask to join')
    }
    await signIn(tess, stevenage, 'tess@stevenage.gov.test')
    await asks(tess, stevenage)
    await shows(joan, `${harlow.url}/c/trees/facilitate/requests`, 'Tess Okafor', performance.now())
    await press(joan, 'Let in Tess Okafor')
    await shows(tess, stevenage.url + there, 'Ask a question', performance.now())
    await tess.goto(`${stevenage.url}${there}/facilitate/requests`) // which is not there for an ordinary member
    await saysNot(tess, 'Requests to join')
    await joan.goto(`${harlow.url}/c/trees/members`)
    await press(joan, /^Make a facilitator/)
    const requests = `${stevenage.url}${there}/facilitate/requests`
    await shows(tess, requests, 'Nobody is waiting to join.', performance.now())
    await look(tess, 'elsewhere-nobody')

    // Martin asks, and Tess lets him in while Harlow is away.
    await asks(martin, wigan)
    await shows(tess, requests, /Martin Leigh[\s\S]*I plant them\./, performance.now())
    await look(tess, 'elsewhere-requests')
    await harlow.kill()
    await press(tess, 'Let in Martin Leigh')
    await says(tess, 'We have asked Harlow District Council to do this.', 'Waiting to send to Harlow District Council', 'to let Martin Leigh in.')
    await look(tess, 'elsewhere-waits')
    await harlow.start()
    await shows(martin, `${wigan.url}${there}`, 'Ask a question', performance.now(), 60_000)
    await shows(tess, requests, 'Nobody is waiting to join.', performance.now())

    // What Martin writes is closed, pinned, removed and put back.
    await martin.goto(`${wigan.url}${there}/ask`)
    await martin.getByLabel('Your question in one line').fill('Which species live?')
    await press(martin, 'Post question')
    const asked = martin.url()
    await shows(tess, `${stevenage.url}${there}/forum`, 'Which species live?', performance.now())
    await follow(tess, 'Which species live?')
    const topic = tess.url()
    await press(tess, /^Pin to the top/)
    await says(tess, 'We have asked Harlow District Council to do this.')
    await shows(tess, topic, 'Pinned', performance.now())
    await follow(tess, 'Close to replies')
    await tess.getByLabel('Why you are closing it').fill('See the list')
    await press(tess, 'Close the conversation')
    await shows(martin, asked, /A facilitator has closed this conversation[\s\S]*See the list/, performance.now())
    await shows(tess, topic, 'A facilitator has closed this conversation', performance.now())
    await harlow.kill()
    await press(tess, /^Open again/)
    await says(tess, 'Waiting to send to Harlow District Council', 'to open this conversation again.', 'A facilitator has closed this conversation')
    await look(tess, 'elsewhere-topic')
    await tess.goto(`${topic}?lang=cy`)
    await says(tess, 'Yn aros i’w anfon i Harlow District Council')
    await look(tess, 'elsewhere-welsh')
    await tess.goto(`${topic}?lang=en`)
    await harlow.start()
    await until('it is open again', async () => {
      await tess.goto(topic)
      return !(await words(tess)).includes('has closed this conversation')
    }, 60_000)
    await follow(tess, 'Delete')
    await tess.getByLabel('Why you are removing it').fill('Asked before')
    await press(tess, 'Delete')
    await shows(martin, asked, 'Removed by a facilitator', performance.now())
    await shows(tess, topic, 'Put it back', performance.now())
    await press(tess, /^Put it back/)
    await shows(martin, asked, 'Which species live?', performance.now())

    // He is kept out, and let back in; and the community is described anew.
    await shows(tess, topic, 'Which species live?', performance.now())
    await follow(tess, 'Block')
    await look(tess, 'elsewhere-block')
    await tess.getByLabel('Why you are blocking them').fill('Rude')
    await press(tess, 'Block')
    await says(tess, 'We have asked Harlow District Council to do this.')
    await shows(martin, `${wigan.url}${there}`, /Rude/, performance.now())
    const members = `${stevenage.url}${there}/members`
    await shows(tess, members, 'Let back in', performance.now())
    await look(tess, 'elsewhere-members')
    await press(tess, /^Let back in/)
    await shows(martin, `${wigan.url}${there}`, 'Ask to join', performance.now())
    await tess.goto(`${stevenage.url}${there}/facilitate/settings`)
    await look(tess, 'elsewhere-settings')
    await tess.getByLabel('Name').fill('All our trees')
    await press(tess, 'Save')
    await shows(joan, `${harlow.url}/c/trees`, 'All our trees', performance.now())
    await shows(tess, `${stevenage.url}${there}`, 'All our trees', performance.now())
  }))
