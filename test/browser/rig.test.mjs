// Proves that the rig sees what it is there to see, on pages made here.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before } from 'node:test'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkPage, journey, screenshot } from './rig.mjs'

const clean = `<!doctype html>
<html lang="en-GB">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Street trees</title>
  <link rel="icon" href="/icon.svg">
  <link rel="stylesheet" href="/style.css">
  <script src="/script.js" defer></script>
</head>
<body>
  <main>
    <h1>Street trees</h1>
    <p>Which species live through a dry summer?</p>
  </main>
</body>
</html>`

const put = (html) => clean.replace('</main>', `${html}</main>`)

const style = `
  .faint { color: #ccc; background: #fff }
  .wide { width: 600px }
  .tiny { display: inline-block; width: 9px; height: 9px; overflow: hidden }`

const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>'

let site, elsewhere
before(async () => {
  elsewhere = await serve({ '/dot.svg': ['image/svg+xml', svg] })
  site = await serve({
    '/clean': ['text/html', clean],
    '/style.css': ['text/css', style],
    '/script.js': ['text/javascript', 'document.title += ", scripted"'],
    '/throws.js': ['text/javascript', 'throw new Error("no trees")'],
    '/icon.svg': ['image/svg+xml', svg],
    '/form': ['text/html', put('<form method="post" action="/missing"><button>Send</button></form>')],
    '/image': ['text/html', put('<img src="/icon.svg">')],
    '/faint': ['text/html', put('<p class="faint">You can hardly read this</p>')],
    '/targets': ['text/html', put('<a class="tiny" href="/a">a</a><a class="tiny" href="/b">b</a>')],
    '/landmark': ['text/html', put('</main><p>Outside every landmark</p><main hidden>')],
    '/headings': ['text/html', put('<h1>Hedges</h1>')],
    '/language': ['text/html', clean.replace('en-GB', 'xx')],
    '/wide': ['text/html', put('<p class="wide">Wider than a phone</p>')],
    '/inline': ['text/html', put('<p style="color: red">Styled against the policy</p>')],
    '/lost': ['text/html', put('<img src="/lost.png" alt="A tree">')],
    '/throws': ['text/html', clean.replace('/script.js', '/throws.js')],
    '/elsewhere': ['text/html', put(`<img src="${elsewhere.origin}/dot.svg" alt="A dot">`), 'no policy'],
  })
})
after(() => Promise.all([site, elsewhere].map((server) => server.close())))

journey('a clean page passes, twice', async (open, script) => {
  const page = await open()
  await page.goto(`${site.origin}/clean`)
  assert.equal(await page.title(), script ? 'Street trees, scripted' : 'Street trees')
  await checkPage(page)
  await page.reload()
  assert.equal(await page.title(), script ? 'Street trees, scripted' : 'Street trees', 'after a check')
  await checkPage(page)
})

journey('a page that says no is a page like others', async (open) => {
  const page = await open()
  await page.goto(`${site.origin}/form`)
  await page.getByRole('button', { name: 'Send' }).click()
  assert.equal(await page.locator('h1').innerText(), 'Street trees')
  assert.match(page.url(), /\/missing$/)
  await checkPage(page)
})

for (const [path, fault] of Object.entries({
  image: /image-alt at 320 px.*image-alt at 1280 px/s,
  faint: /color-contrast/,
  targets: /target-size/,
  landmark: /region at 320 px/,
  headings: /has 2 main headings/,
  language: /its language is xx/,
  wide: /scrolls sideways at 320 px/,
  inline: /Content Security Policy/,
  lost: /404.*lost\.png/,
  elsewhere: /asks another site for .*dot\.svg/,
})) {
  journey(`the fault in /${path} is found`, async (open) => {
    const page = await open()
    await page.goto(`${site.origin}/${path}`)
    await assert.rejects(checkPage(page), fault)
  })
}

journey('the fault in /throws is found where scripts run', async (open, script) => {
  const page = await open()
  await page.goto(`${site.origin}/throws`)
  await (script ? assert.rejects(checkPage(page), /no trees/) : checkPage(page))
})

journey('pictures are kept, and taking them disturbs nothing', async (open, script) => {
  const page = await open()
  await page.goto(`${site.origin}/clean`)
  const kept = [1280, 320].map((width) =>
    fileURLToPath(new URL(`../output/rig${script ? '' : '-noscript'}-${width}.png`, import.meta.url)))
  kept.forEach((path) => rmSync(path, { force: true }))
  await screenshot(page, 'rig')
  kept.forEach((path) => assert.ok(existsSync(path), path))
  await checkPage(page)
})

// serve answers each path with [type, text], under the policy that copse's own
// pages carry unless a third member says otherwise, and the rest with a clean 404.
async function serve(files) {
  const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
  const server = createServer((request, response) => {
    const [type, text, free] = files[request.url] ?? ['text/html', clean]
    response.statusCode = request.url in files ? 200 : 404
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    if (!free) {
      response.setHeader('Content-Security-Policy', policy)
    }
    response.end(text)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
