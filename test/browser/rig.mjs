// What every browser test stands on: a Chromium, people who sit at it with and
// without JavaScript, and the checks that every page of copse must pass.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium } from 'playwright-core'

const desk = { width: 1280, height: 900 }
const phone = { width: 320, height: 640 } // WCAG 1.4.10: a desk at 400 % is this wide too
const pictures = fileURLToPath(new URL('../output/', import.meta.url))

// WCAG 2.2 AA, and what axe's makers hold to be good practice beyond it.
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

// One Chromium for a file of tests; each person in it is a stranger to the rest.
// Playwright already starts it without its sandbox, updates and background
// requests; without a GPU and QUIC it works the same on every machine.
let browser
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.COPSE_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--disable-gpu', '--disable-quic'],
  })
})
after(() => browser.close())

// For each open page: whether it runs scripts, and what its browser has asked
// for and complained of.
const watched = new WeakMap()

/**
 * Declares two tests that take the same walk: without JavaScript first, since
 * nothing may need it, and then with it. walk is given open(), which seats one
 * more person at a browser of their own and resolves to their (Playwright) page,
 * and whether scripts run. Whatever a browser complained of fails the test, even
 * on pages that were not checked.
 */
export function journey(name, walk) {
  for (const script of [false, true]) {
    test(`${name}, ${script ? 'with' : 'without'} JavaScript`, async (t) => {
      const pages = []
      const open = async () => {
        const page = await seat(script)
        pages.push(page)
        t.after(() => page.context().close())
        return page
      }
      await walk(open, script)
      assert.deepEqual(pages.flatMap(complaints), [], 'the browser complained')
    })
  }
}

/**
 * Fails unless the page that is open is one that everybody can use: no
 * violation of the accessibility rules on a desk or on a phone, no scrolling
 * sideways on the phone, one main heading, a language, nothing asked of any
 * other site and no complaint from the browser. Every fault is told at once.
 */
export async function checkPage(page) {
  const faults = []
  for (const size of [phone, desk]) {
    await page.setViewportSize(size)
    for (const { id, help, nodes } of await violations(page)) {
      faults.push(`${id} at ${size.width} px: ${help}: ${nodes.join(' ')}`)
    }
    const width = await page.evaluate('document.documentElement.scrollWidth')
    if (width > size.width) {
      faults.push(`scrolls sideways at ${size.width} px: it is ${width} px wide`)
    }
  }
  const headings = await page.locator('h1').count()
  if (headings !== 1) {
    faults.push(`has ${headings} main headings, want one`)
  }
  const lang = await page.locator('html').getAttribute('lang')
  if (!/^(en|cy)(-|$)/.test(lang ?? '')) {
    faults.push(`its language is ${lang}, want English or Welsh`)
  }
  const here = new URL(page.url()).origin
  for (const url of watched.get(page).asked) {
    if (/^https?:/.test(url) && new URL(url).origin !== here) {
      faults.push(`asks another site for ${url}`)
    }
  }
  faults.push(...complaints(page))
  assert.deepEqual(faults, [], `${page.url()} is not fit to be shown`)
}

/**
 * Keeps pictures of the whole page on a desk and on a phone, in test/output,
 * for people to look at. It compares them with nothing.
 */
export async function screenshot(page, name) {
  const way = watched.get(page).script ? '' : '-noscript'
  for (const size of [phone, desk]) {
    await page.setViewportSize(size)
    await page.screenshot({ path: `${pictures}${name}${way}-${size.width}.png`, fullPage: true })
  }
}

async function seat(script) {
  const context = await browser.newContext({ viewport: desk, locale: 'en-GB', timezoneId: 'Europe/London' })
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  const watch = {
    script,
    asked: [],
    said: [],
    refused: new Set(), // pages that were themselves answered with an error
    setScript: (on) => session.send('Emulation.setScriptExecutionDisabled', { value: !on }),
  }
  // Playwright's own javaScriptEnabled: false cannot be lifted for axe.
  await watch.setScript(script)
  watched.set(page, watch)

  const opens = (request) => request.isNavigationRequest() && request.frame() === page.mainFrame()
  page.on('request', (request) => {
    if (opens(request)) {
      watch.asked = []
    } else {
      watch.asked.push(request.url())
    }
  })
  page.on('response', (response) => {
    if (opens(response.request()) && response.status() >= 400) {
      watch.refused.add(response.url())
    }
  })
  page.on('console', (message) => {
    if (message.type() === 'error') {
      watch.said.push({ text: message.text(), url: message.location().url })
    }
  })
  page.on('pageerror', (error) => watch.said.push({ text: String(error), url: page.url() }))
  return page
}

// axe needs timers, which do not run while scripts are off. The page's own
// scripts were passed over when it was read, and do not run belatedly.
async function violations(page) {
  const { script, setScript } = watched.get(page)
  await setScript(true)
  try {
    if (!(await page.evaluate("'axe' in window"))) { // half a megabyte: once a page is enough
      await page.evaluate(axe.source)
    }
    return await page.evaluate(async (rules) => {
      const found = await window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] })
      return found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html) }))
    }, rules)
  } finally {
    await setScript(script)
  }
}

// complaints returns what the page's browser has said since it was last asked.
// A page answered 404 or 422 is no fault; a picture or script in it is one.
function complaints(page) {
  const watch = watched.get(page)
  const said = watch.said.filter(({ text, url }) => !(text.startsWith('Failed to load resource') && watch.refused.has(url)))
  watch.said = []
  return said.map(({ text, url }) => `the browser says: ${text} (${url})`)
}
