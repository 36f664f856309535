// What people do in more than one journey.

import assert from 'node:assert/strict'
import { password, until } from './councils.mjs'

/** Follows the link that the server printed: names the council and lets its first owner in. */
export async function setUp(page, council, { title, name, email }) {
  await page.goto(council.setUpLink)
  await page.getByLabel('Name of your council').fill(title)
  await page.getByLabel('Full name').fill(name)
  await page.getByLabel('Work email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Set up and sign in')
}

/** Signs in, from wherever the page is. */
export async function signIn(page, council, email) {
  await page.goto(`${council.url}/sign-in`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
  await page.getByRole('heading', { level: 1, name: 'Your work' }).waitFor()
}

/** Pastes an address into the list of communities; resolves to where it led. */
export async function find(page, council, address) {
  await page.goto(`${council.url}/communities`)
  await page.getByLabel('Paste an address').fill(address)
  await press(page, 'Find it')
  return page.url()
}

/** Presses the button, there being one, and waits for the page that comes of it. */
export async function press(page, name) {
  await Promise.all([page.waitForEvent('load'), page.getByRole('main').getByRole('button', { name, exact: true }).click()])
}

/** Follows a link in the page itself. */
export async function follow(page, name) {
  await Promise.all([page.waitForEvent('load'), page.getByRole('main').getByRole('link', { name }).first().click()])
}

/** What the page says: all its words but those around it. */
export const words = (page) => page.getByRole('main').innerText()

/** Opens url again and again until it shows words; resolves to the milliseconds since. */
export async function shows(page, url, text, since, within) {
  await until(`${url} shows ${text}`, async () => {
    await page.goto(url)
    return matches(await words(page), text)
  }, within)
  return Math.round(performance.now() - since)
}

/** Fails unless the page says all of these. */
export async function says(page, ...texts) {
  const all = await words(page)
  for (const text of texts) {
    assert.ok(matches(all, text), `${page.url()} does not say ${text}, but:\n${all}`)
  }
}

/** Fails if the page says any of these. */
export async function saysNot(page, ...texts) {
  const all = await words(page)
  for (const text of texts) {
    assert.ok(!matches(all, text), `${page.url()} says ${text}:\n${all}`)
  }
}

const matches = (all, text) => (text instanceof RegExp ? text.test(all) : all.includes(text))
