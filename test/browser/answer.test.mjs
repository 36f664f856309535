// Somebody registers at Stevenage, joins a community at Harlow, asks, and gets
// an answer from Northampton.

import assert from 'node:assert/strict'
import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, password, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn, words } from './people.mjs'

const question = 'Do you screen every policy or only some?'
const detail = 'We are writing our first equality impact assessment.'
// What must not push a page off a phone.
const wide = `${'| column '.repeat(30)}|\n${'|---'.repeat(30)}|\n${'| 1 '.repeat(30)}|`
const unruly = `${'> '.repeat(200)}deep\n\n${'x'.repeat(400)}\n\n<script>alert(1)</script>`
const reply = 'Only those that touch the public. We keep a one-page test for the rest.'

journey('somebody new asks people at other councils and gets an answer', (open, script) =>
  councils(['stevenage', 'harlow', 'northampton', 'wigan'], async ({ stevenage, harlow, northampton, wigan }) => {
    const seen = [] // each page once, to be looked at in Welsh
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
      seen.push(page.url())
    }
    const took = (what, ms) => {
      console.log(`${what}: ${ms} ms`)
      assert.ok(ms <= 10_000, what)
    }

    const tom = await open()
    await tom.goto(stevenage.url)
    await says(tom, 'This service is not set up yet')
    await look(tom, 'answer-not-set-up')
    await tom.goto(stevenage.setUpLink)
    await look(tom, 'answer-set-up')
    await press(tom, 'Set up and sign in')
    await says(tom, 'There is a problem', 'Enter the name of your council')
    await checkPage(tom)
    await setUp(tom, stevenage, { title: 'Stevenage Borough Council', name: 'Tom Baxter', email: 'tom@stevenage.gov.test' })
    await says(tom, 'The communities of practice of Stevenage Borough Council are ready')
    assert.match(await tom.getByRole('banner').innerText(), /Stevenage Borough Council/)
    await look(tom, 'answer-ready')
    await tom.goto(stevenage.setUpLink)
    await says(tom, 'This link has been used')
    await checkPage(tom)

    const [helen, rosa, martin] = [await open(), await open(), await open()]
    await setUp(helen, harlow, { title: 'Harlow District Council', name: 'Helen Stroud', email: 'helen@harlow.gov.test' })
    await setUp(rosa, northampton, { title: 'Northampton Borough Council', name: 'Rosa Almeida', email: 'rosa@northampton.gov.test' })
    await setUp(martin, wigan, { title: 'Wigan Council', name: 'Martin Leigh', email: 'martin@wigan.gov.test' })
    await harlow.addPerson({ name: 'joan', title: 'Joan Whitlock', job: 'Housing strategy manager', email: 'joan@harlow.gov.test' })
    const equality = await harlow.addCommunity({
      name: 'equality', title: 'Equality and Diversity', purpose: 'Equality impact assessments, and what we learn from them.',
      join: 'approval', audience: 'members', owner: 'joan',
    })
    const there = `/c/${equality.slice(1)}` // as councils elsewhere show it

    // Tess registers. What she typed stays when something is wrong with it.
    const tess = await open()
    await tess.goto(stevenage.url)
    await look(tess, 'answer-welcome')
    await tess.getByRole('banner').getByRole('link', { name: 'Sign in' }).click()
    await follow(tess, 'Create an account')
    await look(tess, 'answer-register')
    await tess.getByLabel('Full name').fill('Tess Okafor')
    await tess.getByLabel('Work email address').fill('tess@stevenage')
    await tess.getByLabel('Job title').fill('Project support officer')
    await tess.getByLabel('Password').fill('too short')
    await press(tess, 'Create an account')
    for (const key of ['Tab', 'Enter', 'Tab']) { // past what is on every page, to what is wrong with this one
      await tess.keyboard.press(key)
    }
    assert.match(await tess.evaluate(() => document.activeElement.textContent), /^Enter an email address/)
    await checkErrors(tess, {
      'Enter an email address in the correct format': 'Work email address',
      'The password must have 12 characters or more': 'Password',
      'Read the rules': 'I have read the rules',
    })
    await look(tess, 'answer-register-problem')
    const kept = await Promise.all(['Full name', 'Work email address', 'Job title', 'Password'].map((label) => tess.getByLabel(label).inputValue()))
    assert.deepEqual(kept, ['Tess Okafor', 'tess@stevenage', 'Project support officer', ''])
    await tess.getByLabel('Work email address').fill('tess@stevenage.gov.test')
    await tess.getByLabel('Password').fill(password)
    await tess.getByLabel('I have read the rules').check()
    await press(tess, 'Create an account')
    await says(tess, 'Check your email', 'tess@stevenage.gov.test')
    await look(tess, 'answer-check-email')

    // The link in the letter works once, and only when she says so.
    const link = (await stevenage.letter('tess@stevenage.gov.test', 'confirm that this is your email')).match(/http\S+\/confirm\?token=\S+/)[0]
    assert.equal((await stevenage.letters('tess@stevenage.gov.test')).length, 1)
    await tess.goto(link)
    await look(tess, 'answer-confirm')
    await press(tess, 'Confirm and sign in')
    await says(tess, 'Your email address is confirmed and you are signed in')
    await look(tess, 'answer-confirmed')
    await tess.goto(link)
    await says(tess, 'This link has been used')
    await tess.getByRole('link', { name: 'Send a new link' }).waitFor()
    await look(tess, 'answer-link-used')
    await signOut(tess)
    await says(tess, 'You have signed out')
    await look(tess, 'answer-signed-out')
    await tess.getByLabel('Email address').fill('tess@stevenage.gov.test')
    await tess.getByLabel('Password').fill('not her password')
    await press(tess, 'Sign in')
    await checkErrors(tess, { 'Enter the email address and password of your account': 'Email address' })
    await checkPage(tess)
    await signIn(tess, stevenage, 'tess@stevenage.gov.test')

    // She finds the community by its address, and asks to join.
    await find(tess, stevenage, 'gobbledygook')
    await checkErrors(tess, { 'Enter an address like !equality@harlow.gov.uk': 'Paste an address' })
    assert.equal(await tess.getByLabel('Paste an address').inputValue(), 'gobbledygook')
    await look(tess, 'answer-find-problem')
    await find(tess, stevenage, '!equality@copse.outsider.test')
    await says(tess, 'This council does not exchange anything with copse.outsider.test yet')
    await find(tess, stevenage, `!nothing@${harlow.host}`)
    await says(tess, `${harlow.host} has nothing at that address`)
    assert.equal(await find(tess, stevenage, equality), stevenage.url + there)
    await says(tess, 'Equality and Diversity', 'Run by Harlow District Council', 'What is said here is for members only')
    await look(tess, 'answer-closed')
    await tess.goto(`${stevenage.url}/communities?q=equality`)
    await says(tess, 'Communities that mention “equality”', 'Equality and Diversity', 'Ask to join')
    await look(tess, 'answer-communities')
    await follow(tess, 'Ask to join')
    await tess.getByLabel('Why do you want to join?').fill('I am writing our first EIA.')
    await look(tess, 'answer-join')
    await press(tess, 'Ask to join')
    await says(tess, 'You have asked to join Equality and Diversity', 'Waiting for a facilitator')
    await look(tess, 'answer-waiting')

    // Joan has a welcome for everybody, changes it for Tess and lets her in.
    const joan = await open()
    await signIn(joan, harlow, 'joan@harlow.gov.test')
    await shows(joan, harlow.url, 'Tess Okafor asks to join Equality and Diversity', performance.now())
    await look(joan, 'answer-to-decide')
    await harlow.letter('joan@harlow.gov.test', 'Tess Okafor asks to join')
    await joan.goto(`${harlow.url}/c/equality/facilitate/settings`)
    await joan.getByLabel('A welcome for new members').fill('Welcome! Tell us what you are working on.')
    await look(joan, 'answer-settings')
    await press(joan, 'Save')
    await says(joan, 'Your changes are saved')
    await joan.goto(`${harlow.url}/c/equality/facilitate/requests`)
    await says(joan, 'Tess Okafor', 'Project support officer, Stevenage Borough Council', 'I am writing our first EIA.')
    await joan.getByText('Change the welcome').click()
    const welcome = joan.getByLabel('What to say to welcome them')
    assert.equal(await welcome.inputValue(), 'Welcome! Tell us what you are working on.')
    await welcome.fill('Welcome, Tess. Rosa at Northampton has done many of these.')
    await look(joan, 'answer-requests')
    let since = performance.now()
    await press(joan, 'Let in Tess Okafor')
    await says(joan, 'You have let in Tess Okafor', 'Nobody is waiting to join')
    took('let in at Harlow, a member at Stevenage', await shows(tess, stevenage.url + there, 'Ask a question', since))
    await look(joan, 'answer-nobody-waits')
    await look(tess, 'answer-member')
    await stevenage.letter('tess@stevenage.gov.test', 'Welcome, Tess. Rosa at Northampton has done many of these.')

    for (const [page, council, name] of [[rosa, northampton, 'Rosa Almeida'], [martin, wigan, 'Martin Leigh']]) {
      await find(page, council, equality)
      await follow(page, 'Ask to join')
      await press(page, 'Ask to join')
      await shows(joan, `${harlow.url}/c/equality/facilitate/requests`, name, performance.now())
      await press(joan, `Let in ${name}`)
      await shows(page, council.url + there, 'Ask a question', performance.now())
    }

    // She asks, and is told before who will see it.
    await tess.goto(stevenage.url + there)
    await follow(tess, 'Ask a question')
    await press(tess, 'Post question')
    await checkErrors(tess, { 'Enter your question in one line': 'Your question in one line' })
    await look(tess, 'answer-ask-problem')
    await tess.getByLabel('Your question in one line').fill(question)
    await tess.getByLabel('What you need to know').fill(detail)
    await press(tess, 'Preview')
    await says(tess, 'How it will look', detail, 'Who will see this:', /Members of Equality and Diversity/, 'Harlow District Council', 'It is not public.')
    await look(tess, 'answer-ask')

    // Everybody has it.
    since = performance.now()
    await press(tess, 'Post question')
    took('asked at Stevenage, answered with a page', Math.round(performance.now() - since))
    const asked = tess.url()
    const everybody = [[joan, harlow, '/c/equality'], [rosa, northampton, there], [martin, wigan, there]]
    await Promise.all(everybody.map(async ([page, council, at]) =>
      took(`asked at Stevenage, on the list at ${council.host}`, await shows(page, `${council.url}${at}/questions`, question, since))))
    await tess.goto(asked)
    await says(tess, question, detail, 'Asked by Tess Okafor, Stevenage Borough Council')
    await saysNot(tess, 'Waiting to send')
    await look(tess, 'answer-asked')
    for (const [page] of everybody) {
      await follow(page, question)
      await says(page, detail, 'Tess Okafor', 'Project support officer, Stevenage Borough Council')
      assert.ok(await page.getByText(', confirmed by the council').count() > 0, `${page.url()} does not say that the council confirms who asks`)
    }
    await says(joan, 'All 3 other councils have this')
    await look(joan, 'answer-asked-at-home')

    // Rosa answers.
    await rosa.getByLabel('Your reply').fill(reply)
    await look(rosa, 'answer-reply')
    since = performance.now()
    await press(rosa, 'Post reply')
    took('answered at Northampton, to read at Stevenage', await shows(tess, asked, reply, since))
    await look(tess, 'answer-answered')

    // Tess accepts it, and everybody sees that.
    since = performance.now()
    await press(tess, /^Accept as the answer.*Rosa Almeida$/)
    await says(tess, 'Accepted by Tess Okafor', 'Answered')
    const places = everybody.map(([page]) => page.url().replace(/#.*/, ''))
    await Promise.all(everybody.map(async ([page, council], i) =>
      took(`accepted at Stevenage, ticked at ${council.host}`, await shows(page, places[i], 'Accepted by Tess Okafor', since))))
    await look(tess, 'answer-accepted')
    await look(martin, 'answer-accepted-elsewhere')

    since = performance.now()
    await press(martin, /^Helpful.*Rosa Almeida$/)
    took('helpful at Wigan, counted at Stevenage', await shows(tess, asked, 'Helpful (1)', since))

    await tess.getByRole('link', { name: 'Edit', exact: false }).first().click()
    await tess.getByLabel('Text').fill(`${detail} It is about parking.`)
    await look(tess, 'answer-edit')
    since = performance.now()
    await press(tess, 'Save')
    took('changed at Stevenage, changed at Wigan', await shows(martin, places[2], 'It is about parking.', since))
    await says(martin, 'Edited: see what changed', 'Accepted by Tess Okafor')
    for (const page of [tess, martin]) {
      await follow(page, 'Edited: see what changed')
      await says(page, 'First version', 'It is about parking.')
    }
    await look(martin, 'answer-history')

    await martin.goto(places[2])
    await martin.getByLabel('Your reply').fill(wide)
    await press(martin, 'Preview')
    await look(martin, 'answer-wide')
    await martin.getByLabel('Your reply').fill(`I have the wrong window open.\n\n${unruly}`)
    await press(martin, 'Post reply')
    await shows(tess, asked, 'I have the wrong window open.', performance.now())
    await look(tess, 'answer-unruly')
    await martin.getByRole('link', { name: 'Delete' }).click()
    await look(martin, 'answer-delete')
    since = performance.now()
    await press(martin, 'Delete')
    await says(martin, 'It has been removed', 'Removed by its author')
    took('deleted at Wigan, gone at Stevenage', await shows(tess, asked, 'Removed by its author', since))
    await saysNot(tess, 'I have the wrong window open.')
    await look(tess, 'answer-deleted')
    await tess.goto(`${stevenage.url + there}/forum`)
    await says(tess, question, 'Answered')
    await look(tess, 'answer-conversations')
    await tess.goto(`${stevenage.url + there}/members`)
    await look(tess, 'answer-members')
    await tess.goto(`${stevenage.url + there}/about`)
    await look(tess, 'answer-about')
    await tess.goto(`${stevenage.url}/`)
    await says(tess, question)
    await look(tess, 'answer-home')

    // Strangers learn that the community is there, and nothing that is said in it.
    const secrets = ['screen every policy', 'equality impact assessment.', 'one-page test', 'parking', 'Tess', 'Okafor', 'Rosa', 'Martin']
    for (const [council, at, topic] of [
      [harlow, '/c/equality', places[0]], [stevenage, there, asked], [northampton, there, places[1]], [wigan, there, places[2]],
    ]) {
      const post = new URL(topic).pathname
      for (const path of [
        '/', '/communities', '/communities?q=screen', at, ...['forum', 'questions', 'ask', 'members', 'about', 'outbox', 'followers', 'featured', 'moderators'].map((part) => `${at}/${part}`),
        post, `${post}/history`, `${post}/replies`, `${post}/context`, `${post}/reply`,
      ]) {
        for (const accept of ['text/html', 'application/activity+json']) {
          const { status, body } = await council.ask(path, { accept })
          assert.ok(status < 500, `${council.host}${path} as ${accept} answers ${status}`)
          for (const secret of secrets) {
            assert.ok(!body.includes(secret), `${council.host}${path} as ${accept} tells strangers ${secret}:\n${body}`)
          }
          assert.ok(path !== post || [401, 404].includes(status), `${council.host}${path} as ${accept} answers strangers ${status}`)
        }
      }
    }
    const stranger = await open()
    await stranger.goto(places[0])
    await says(stranger, 'Page not found')
    await look(stranger, 'answer-not-found')
    await stranger.goto(`${harlow.url}/c/equality`)
    await says(stranger, 'Equality and Diversity', 'What is said here is for members only', 'Joan Whitlock')
    await look(stranger, 'answer-stranger')

    // All of it again, in Welsh. Once is enough: scripts have nothing to do with language.
    for (const page of script ? [] : [tess, joan]) {
      const council = page === tess ? stevenage : harlow
      await page.goto(`${council.url}/?lang=cy`)
      for (const url of new Set(seen.filter((url) => url.startsWith(council.url)))) {
        await page.goto(url)
        assert.equal(await page.locator('html').getAttribute('lang'), 'cy', url)
        await checkPage(page)
      }
    }
    if (!script) {
      await tess.goto(asked)
      await screenshot(tess, 'answer-welsh')
    }
    await signOut(tess)
    await checkPage(tess)
  }))

async function signOut(page) {
  await Promise.all([page.waitForEvent('load'), page.getByRole('banner').getByRole('button').click()])
}

// checkErrors fails unless the page's title and a summary at its head tell what is
// wrong, and each line of that leads to the control it is about.
async function checkErrors(page, errors) {
  assert.match(await page.title(), /^Error: /)
  const summary = page.getByRole('alert')
  assert.equal(await summary.getByRole('link').count(), Object.keys(errors).length, await summary.innerText())
  for (const [text, label] of Object.entries(errors)) {
    await summary.getByRole('link', { name: text }).click()
    const control = page.getByLabel(label)
    await until(`the link about ${label} leads there`, () => control.evaluate((element) => element === document.activeElement))
    assert.equal((await words(page)).split(text).length, 3, `${text} stands in the summary and beside ${label}`)
  }
}
