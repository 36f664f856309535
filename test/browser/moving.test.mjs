// Tess goes to work for Wigan, and takes along what she is a member of. Then the
// community at Harlow moves to Wigan too.

import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, password, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn } from './people.mjs'

journey('an officer and a community move to another council', (open, script) =>
  councils(['stevenage', 'harlow', 'wigan'], async ({ stevenage, harlow, wigan }) => {
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
    }
    const inWelsh = async (page, name, ...texts) => {
      const url = page.url()
      await page.goto(`${url}?lang=cy`)
      await says(page, ...texts)
      await look(page, name)
      await page.goto(`${url}?lang=en`)
    }
    const [olga, joan, martin, tess, tessa] = [await open(), await open(), await open(), await open(), await open()]
    await setUp(olga, stevenage, { title: 'Stevenage Borough Council', name: 'Olga Owner', email: 'olga@stevenage.gov.test' })
    await setUp(joan, harlow, { title: 'Harlow District Council', name: 'Joan Whitlock', email: 'joan@harlow.gov.test' })
    await setUp(martin, wigan, { title: 'Wigan Council', name: 'Martin Leigh', email: 'martin@wigan.gov.test' })
    await stevenage.addPerson({ name: 'tess', title: 'Tess Okafor', job: 'Officer', email: 'tess@stevenage.gov.test' })
    await wigan.addPerson({ name: 'tess_okafor', title: 'Tess Okafor', job: 'Manager', email: 'tess@wigan.gov.test' })
    const trees = await harlow.addCommunity({
      name: 'trees', title: 'Street trees', purpose: 'What lives.', join: 'approval', audience: 'public', owner: 'joan_whitlock',
    })
    const at = `/c/${trees.slice(1)}`
    await signIn(tess, stevenage, 'tess@stevenage.gov.test')
    await find(tess, stevenage, trees)
    await follow(tess, 'Ask to join')
    await press(tess, 'Ask to join')
    await shows(joan, `${harlow.url}/c/trees/facilitate/requests`, 'Tess Okafor', performance.now())
    await joan.getByRole('button', { name: 'Let them in' }).or(joan.locator('button[value=accept]')).first().click()
    await shows(tess, stevenage.url + at, 'Ask a question', performance.now())
    await tess.goto(`${stevenage.url}${at}/ask`)
    await tess.getByLabel('Your question in one line').fill('Which species live?')
    await press(tess, 'Post question')
    await shows(joan, `${harlow.url}/c/trees/forum`, 'Which species live?', performance.now())

    // At Wigan she says who she was; at Stevenage, who she is.
    await signIn(tessa, wigan, 'tess@wigan.gov.test')
    await tessa.goto(`${wigan.url}/settings`)
    await follow(tessa, 'Say which council you were at before')
    await press(tessa, 'Save')
    await says(tessa, 'There is a problem', 'Enter an address')
    await checkPage(tessa)
    await tessa.getByLabel('Your old address').fill(`tess@${stevenage.host}`)
    await press(tessa, 'Save')
    await says(tessa, `tess@${stevenage.host}`)
    await look(tessa, 'moving-was')

    await tess.goto(`${stevenage.url}/settings/move`)
    await look(tess, 'moving-to')
    await inWelsh(tess, 'moving-to-welsh', 'Symud i’r cyfrif newydd')
    await tess.getByLabel('Your new address').fill(`martin_leigh@${wigan.host}`)
    await tess.getByLabel('Current password').fill(password)
    await press(tess, 'Move to the new account')
    await says(tess, 'There is a problem', /does not say yet that it was tess@/)
    await look(tess, 'moving-not-named')
    await tess.getByLabel('Your new address').fill(`tess_okafor@${wigan.host}`)
    await tess.getByLabel('Current password').fill(password)
    await press(tess, 'Move to the new account')
    await says(tess, 'You have moved. Every council that knows you is being told', 'Use this account again')
    await look(tess, 'moving-moved')

    // She is offered what she was in, and let in without asking.
    await shows(tessa, wigan.url, 'Communities you were in before', performance.now())
    await follow(tessa, 'Communities you were in before')
    await look(tessa, 'moving-offers')
    await press(tessa, 'Join them all')
    await says(tessa, 'You have joined, or asked to join, all of them')
    await shows(tessa, wigan.url + at, 'Ask a question', performance.now())
    await tess.goto(`${stevenage.url}${at}`)
    await saysNot(tess, 'Ask a question')
    await shows(joan, `${harlow.url}/c/trees/forum`, 'Which species live?', performance.now())
    await follow(joan, 'Which species live?')
    await says(joan, 'now at Wigan Council')
    await look(joan, 'moving-byline')
    await follow(joan, 'Wigan Council')
    await says(joan, 'Tess Okafor', 'Wigan Council')

    // The community goes to Wigan.
    const wider = await wigan.addCommunity({
      name: 'trees', title: 'Trees in streets', purpose: 'What lives.', join: 'open', audience: 'public', owner: 'martin_leigh',
    })
    await martin.goto(`${wigan.url}/c/trees/facilitate/requests`)
    await follow(martin, 'Moving this community')
    await martin.getByLabel('The community it takes over from').fill(trees)
    await press(martin, 'Save')
    await says(martin, trees.slice(1))
    await look(martin, 'moving-takes-over')
    await joan.goto(`${harlow.url}/c/trees/facilitate/move`)
    await inWelsh(joan, 'moving-community-welsh', 'Symud y gymuned hon')
    await joan.getByLabel('The community that takes over').fill(wider)
    await press(joan, 'Move this community')
    await says(joan, 'This community has moved', 'It goes on as Trees in streets, at Wigan Council.')
    await look(joan, 'moving-community-moved')
    await joan.goto(`${harlow.url}/c/trees/facilitate/move`)
    await look(joan, 'moving-community-back')

    // At Wigan an administrator decides about Tess.
    await shows(martin, wigan.url, 'Street trees says that it has moved', performance.now())
    await follow(martin, 'Street trees says that it has moved')
    await says(martin, '1 person here is in it.')
    await look(martin, 'moving-decide')
    await inWelsh(martin, 'moving-decide-welsh', 'Symud ein haelodau')
    await Promise.all([martin.waitForEvent('load'), martin.getByRole('button', { name: 'Move our members' }).click()])
    await says(martin, 'No community waits for you to decide.')
    await shows(tessa, `${wigan.url}/c/trees`, 'Ask a question', performance.now())
    await tessa.goto(wigan.url + at)
    await says(tessa, 'This community has moved')
    await look(tessa, 'moving-old-community')
    await until('nothing is on its way', async () => JSON.parse(await wigan.run(['status', '--json'])).outbox === 0)
  }))
