// Whoever runs Stevenage's server looks after its dealings with Harlow: why it has
// not got something, a pause, and the exchange with everybody off and on again.

import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn, words } from './people.mjs'

journey('an administrator sees and mends what is wrong with another council', (open, script) =>
  councils(['stevenage', 'harlow'], async ({ stevenage, harlow }) => {
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
    }
    const [olga, joan, tess] = [await open(), await open(), await open()]
    await setUp(olga, stevenage, { title: 'Stevenage Borough Council', name: 'Olga Owner', email: 'olga@stevenage.gov.test' })
    await setUp(joan, harlow, { title: 'Harlow District Council', name: 'Joan Whitlock', email: 'joan@harlow.gov.test' })
    await stevenage.addPerson({ name: 'tess', title: 'Tess Okafor', job: 'Officer', email: 'tess@stevenage.gov.test' })
    const trees = await stevenage.addCommunity({
      name: 'trees', title: 'Street trees', purpose: 'What lives.', join: 'open', audience: 'members', owner: 'olga_owner',
    })
    await signIn(tess, stevenage, 'tess@stevenage.gov.test')
    await tess.goto(`${stevenage.url}/communities`)
    if ((await tess.content()).includes('/admin/councils')) {
      throw new Error('Tess is led to pages for administrators')
    }
    await find(joan, harlow, trees)
    await press(joan, 'Join')
    const there = `${harlow.url}/c/${trees.slice(1)}`
    await shows(joan, there, 'Ask a question', performance.now())

    const ask = async (title) => {
      await olga.goto(`${stevenage.url}/c/trees/ask`)
      await olga.getByLabel('Your question in one line').fill(title)
      await press(olga, 'Post question')
    }
    const list = `${stevenage.url}/admin/councils`
    const page = `${list}/${encodeURIComponent(harlow.host)}`
    await olga.goto(list)
    await follow(olga, 'Harlow District Council')
    await says(olga, 'Receiving', 'It has everything.', 'Allowed in the configuration')
    await press(olga, 'Test the connection now')
    await says(olga, 'It takes our signature', 'Its clock agrees with ours')
    await look(olga, 'oversee-tested')

    // Harlow is down: it says so, and why it has not got what was asked.
    await harlow.kill()
    await ask('Which species live?')
    await shows(olga, page, /It has not answered since .* It was tried .* 1 thing is waiting for it\./, performance.now(), 20_000)
    await says(olga, 'The council takes nothing: it is not answering.', 'Something new, in Street trees')
    await look(olga, 'oversee-away')
    await press(olga, 'Test the connection now')
    await says(olga, 'It cannot be reached', 'Not tried')
    await olga.goto(list)
    await says(olga, 'Not answering')
    await look(olga, 'oversee-list')

    // Back, and paused: nothing arrives until that is over.
    await olga.goto(page)
    await press(olga, 'Pause')
    await says(olga, 'Paused by you', 'You have paused it.')
    await harlow.start()
    await ask('And which die?')
    await olga.getByText('have this').click()
    await says(olga, /whoever runs this service has paused the exchange with it/)
    await olga.goto(page)
    await olga.getByLabel('Day of the agreement').fill('3/11/2026')
    await olga.getByLabel('Note').fill('Ring Joan Whitlock.')
    await press(olga, 'Save')
    await says(olga, '3 November 2026', 'Ring Joan Whitlock.')
    await look(olga, 'oversee-paused')
    await joan.goto(`${there}/forum`)
    await saysNot(joan, 'Which species live?')
    await press(olga, 'Resume')
    await shows(joan, `${there}/forum`, 'And which die?', performance.now(), 10_000)
    await shows(olga, page, 'It has everything.', performance.now())

    // Everything off: in sight of Olga, and on again without a loss.
    await olga.goto(list)
    await press(olga, 'Switch the exchange off')
    await says(olga, 'The exchange with other councils is off', 'It has been off since')
    await look(olga, 'oversee-off')
    await ask('What of the roots?')
    await olga.getByText('have this').click()
    await says(olga, 'The exchange with other councils is off', /has switched off the exchange with other councils/)
    await olga.goto(`${list}?lang=cy`)
    await look(olga, 'oversee-welsh')
    await olga.goto(`${page}?lang=cy`)
    await look(olga, 'oversee-welsh-one')
    await olga.goto(`${list}?lang=en`)
    await press(olga, 'Switch the exchange on')
    await shows(joan, `${there}/forum`, 'What of the roots?', performance.now(), 10_000)
    await until('Harlow has everything', async () => {
      await olga.goto(page)
      return (await words(olga)).includes('It has everything.')
    })
  }))
