// Martin at Wigan reports what Tess at Stevenage wrote in a community at Harlow.
// Joan, who looks after it there, removes it without learning who he is, and he
// reads what became of his report.

import { checkPage, journey, screenshot } from './rig.mjs'
import { councils, until } from './councils.mjs'
import { find, follow, press, says, saysNot, setUp, shows, signIn } from './people.mjs'

journey('somebody reports a post at another council and hears what became of it', (open, script) =>
  councils(['stevenage', 'harlow', 'wigan'], async ({ stevenage, harlow, wigan }) => {
    const look = async (page, name) => {
      await checkPage(page)
      if (script) {
        await screenshot(page, name)
      }
    }
    const inWelsh = async (page, name) => {
      const at = page.url()
      await page.goto(`${at}?lang=cy`)
      await look(page, `${name}-welsh`)
      await page.goto(`${at}?lang=en`)
    }
    const closes = (page) =>
      Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: /^Close the report/ }).click()])
    const [tess, joan, olga, martin] = [await open(), await open(), await open(), await open()]
    await setUp(tess, stevenage, { title: 'Stevenage Borough Council', name: 'Tess Okafor', email: 'tess@stevenage.gov.test' })
    await setUp(olga, harlow, { title: 'Harlow District Council', name: 'Olga Owner', email: 'olga@harlow.gov.test' })
    await setUp(martin, wigan, { title: 'Wigan Council', name: 'Martin Leigh', email: 'martin@wigan.gov.test' })
    await harlow.addPerson({ name: 'joan', title: 'Joan Whitlock', job: 'Officer', email: 'joan@harlow.gov.test' })
    const trees = await harlow.addCommunity({
      name: 'trees', title: 'Street trees', purpose: 'What lives.', join: 'open', audience: 'members', owner: 'joan',
    })
    await signIn(joan, harlow, 'joan@harlow.gov.test')
    const there = (council) => `${council.url}/c/${trees.slice(1)}`
    for (const [page, council] of [[tess, stevenage], [martin, wigan]]) {
      await find(page, council, trees)
      await press(page, 'Join')
      await shows(page, there(council), 'Ask a question', performance.now())
    }
    await tess.goto(`${there(stevenage)}/new`)
    await tess.getByLabel('What it is about, in one line').fill('Buy <our> roofs')
    await tess.getByLabel('What you want to say').fill('Ring 0161 496 0000.')
    await press(tess, 'Post')
    await shows(martin, `${there(wigan)}/forum`, 'Buy <our> roofs', performance.now())

    // Martin reports it.
    await follow(martin, 'Buy <our> roofs')
    await follow(martin, 'Report')
    await says(martin, 'Your report does nothing by itself', 'They see that a member at Wigan Council reported it, and not who', 'Stevenage Borough Council, where its author works')
    await look(martin, 'report-form')
    await press(martin, 'Send report')
    await says(martin, 'There is a problem', 'Choose what is wrong')
    await look(martin, 'report-form-problem')
    await inWelsh(martin, 'report-form')
    await martin.getByLabel('It is spam or advertising').check()
    await martin.getByLabel('Tell us more').fill('It sells <b>roofs</b>.')
    await martin.getByLabel('Stevenage Borough Council, where its author works').check()
    await press(martin, 'Send report')
    await says(martin, 'Your report is sent', 'Waiting', 'Your report has gone to Harlow District Council, which runs Street trees')
    const receipt = martin.url()
    await look(martin, 'report-sent')
    await inWelsh(martin, 'report-sent')

    // It does nothing by itself. Joan deals with it.
    await shows(joan, harlow.url, '1 report to deal with', performance.now())
    await follow(joan, '1 report to deal with')
    await says(joan, 'Post by Tess Okafor', 'A member at Wigan Council', 'It is spam or advertising', 'It sells <b>roofs</b>.')
    await saysNot(joan, 'Martin')
    await look(joan, 'report-desk')
    await joan.getByText('Deal with it').click()
    await look(joan, 'report-desk-open')
    await closes(joan)
    await says(joan, 'Choose what is to be done')
    await look(joan, 'report-desk-problem')
    await inWelsh(joan, 'report-desk')
    await joan.goto(`${harlow.url}/c/trees/facilitate/reports`)
    await joan.getByText('Deal with it').click()
    await joan.getByRole('radio', { name: /^Remove it/ }).check()
    await joan.getByLabel('If you remove it, why').fill('Advertising')
    await joan.getByLabel('What to say to those who reported it').fill('Thank you. We have removed it.')
    await closes(joan)
    await says(joan, 'The report is closed', 'There is nothing to deal with', 'What was reported has been removed.')
    await look(joan, 'report-desk-closed')
    await olga.goto(`${harlow.url}/admin/reports`)
    await says(olga, 'Closed by Joan Whitlock', 'In Street trees')
    await look(olga, 'report-admin')

    // Martin hears of it, here and by letter, and Tess's council has its own copy.
    await shows(martin, receipt, 'Thank you. We have removed it.', performance.now())
    await look(martin, 'report-answered')
    await follow(martin, 'Your reports')
    await says(martin, 'Dealt with')
    await look(martin, 'report-yours')
    await until('Martin has a letter', async () =>
      (await wigan.letters('martin@wigan.gov.test')).some((l) => l.text.includes('Thank you. We have removed it.')))
    await shows(tess, `${stevenage.url}/admin/reports`, 'A member at Wigan Council', performance.now())
    await saysNot(tess, 'Martin')

    // A person is reported to whoever runs the service.
    await joan.goto(`${harlow.url}/u/olga_owner`)
    await follow(joan, 'Report')
    await says(joan, 'Report Olga Owner')
    await look(joan, 'report-person')
  }))
