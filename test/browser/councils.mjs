// Councils that are really there: each is a process of the built program, with a
// database and letters of its own, on a free port of this machine. They can be
// stopped, killed and started again, and are gone when the story is over.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = process.env.COPSE_TEST_COPSE ?? fileURLToPath(new URL('../../bin/copse', import.meta.url))

/** Good enough for everybody. */
export const password = 'meadow lantern copper'

/**
 * Runs a council for each of names, which exchange with one another and nobody
 * else, and tells story about them: an object with a Council by each name. At the
 * end every one must have come to rest. If the story goes wrong, what the
 * councils logged is part of the error.
 */
export async function councils(names, story) {
  const folder = await mkdtemp(join(tmpdir(), 'copse-'))
  const hosts = (await freePorts(names.length)).map((port, i) => `${names[i]}.localhost:${port}`)
  const all = names.map((name, i) => new Council(hosts[i], join(folder, name), hosts.filter((host) => host !== hosts[i])))
  const clear = () => { // at once, for when this process ends before the story does
    all.forEach((council) => council.child?.kill('SIGKILL'))
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', clear)
  process.once('SIGTERM', () => process.exit(1)) // so does a test that takes too long
  try {
    await Promise.all(all.map((council) => council.start()))
    await story(Object.fromEntries(all.map((council, i) => [names[i], council])))
    for (const council of all) {
      await council.rest()
    }
  } catch (error) {
    error.message += all.map((council) => `\n\n${council.host} logged:\n${council.logged.slice(-4000)}`).join('')
    throw error
  } finally {
    await Promise.all(all.map((council) => council.kill()))
    clear()
    process.removeListener('exit', clear)
  }
}

/**
 * Asks probe again and again until it answers with something true, which until
 * returns. It fails after ten seconds, or so many milliseconds.
 */
export async function until(what, probe, within = 10_000) {
  const deadline = performance.now() + within
  for (;;) {
    const answer = await probe()
    if (answer) {
      return answer
    }
    assert.ok(performance.now() < deadline, `${within} ms later it is still not so that ${what}`)
    await pause(100)
  }
}

class Council {
  constructor(host, data, others) {
    this.host = host // "stevenage.localhost:41234", as other councils know it
    this.url = `http://${host}`
    this.logged = ''
    this.data = data
    this.environment = {
      PATH: process.env.PATH,
      TMPDIR: tmpdir(),
      COPSE_SERVER__URL: this.url,
      COPSE_SERVER__LISTEN: `127.0.0.1:${this.port}`,
      COPSE_SERVER__DATA: data,
      COPSE_FEDERATION__MODE: 'allow-list',
      COPSE_FEDERATION__ALLOW: others.join(),
      COPSE_FEDERATION__PRIVATE_NETWORKS: '127.0.0.0/8,::1/128',
    }
  }

  get port() {
    return this.host.split(':')[1]
  }

  /** Starts the server and resolves once it answers. */
  async start() {
    this.printed = ''
    const child = spawn(program, ['serve'], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (text) => (this.printed += text))
    child.stderr.on('data', (text) => (this.logged += text))
    this.child = child
    this.ended = once(child, 'close')
    await until(`${this.host} answers`, async () => {
      assert.equal(child.exitCode, null, `${this.host} has ended:\n${this.logged}`)
      return (await this.ask('/.well-known/nodeinfo').catch(() => null))?.status === 200
    })
  }

  /** Asks the server to stop, as an operator does, and waits until it has. */
  async stop() {
    assert.deepEqual(await this.end('SIGTERM'), [0, null], `${this.host} was asked to stop`)
  }

  /** Ends the server between one instruction and the next. */
  async kill() {
    await this.end('SIGKILL')
  }

  async end(signal) {
    this.child?.kill(signal)
    return this.ended
  }

  /** The link with which the first owner comes in, as the server prints it. */
  get setUpLink() {
    return this.printed.match(/http\S+\/setup\?token=\S+/)?.[0]
  }

  /** Runs a command beside the server and resolves to what it prints. */
  async run(args, input = '') {
    const running = promisify(execFile)(program, args, { env: this.environment })
    // A command that asks for nothing may have ended before it is given nothing.
    running.child.stdin.on('error', (error) => assert.equal(error.code, 'EPIPE'))
    running.child.stdin.end(input)
    return (await running).stdout
  }

  /** Adds somebody who can sign in at once. */
  async addPerson({ name, title, job, email }) {
    const args = ['--name', name, '--display-name', title, '--job-title', job, '--email', email]
    await this.run(['user', 'add', ...args, '--password-stdin', '--confirmed'], password)
  }

  /** Starts a community; resolves to how people at other councils look for it. */
  async addCommunity({ name, title, purpose, join, audience, owner }) {
    const args = Object.entries({ name, title, purpose, join, audience, owner }).flatMap(([flag, value]) => [`--${flag}`, value])
    const printed = await this.run(['community', 'add', ...args])
    assert.ok(printed.includes(`!${name}@${this.host}`), printed)
    return `!${name}@${this.host}`
  }

  /** Every letter to an address so far, the oldest first: { subject, text }. */
  async letters(to) {
    const folder = join(this.data, 'mail')
    const files = (await readdir(folder)).sort()
    const all = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    return all.filter((letter) => letter.includes(`To: <${to}>`)).map(read)
  }

  /** Waits for a letter with words in it and resolves to its text. */
  async letter(to, words) {
    return until(`${to} gets a letter saying ${words}`, async () =>
      (await this.letters(to)).find(({ subject, text }) => `${subject}\n${text}`.includes(words))?.text)
  }

  /**
   * Asks for a path, or sends a form there, and resolves to { status, body }.
   * Without a cookie it comes from nobody in particular; it is never signed.
   */
  ask(path, { accept = '*/*', cookie = '', form } = {}) {
    const headers = { Host: this.host, Accept: accept, Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' }
    const options = { host: '127.0.0.1', port: this.port, path, method: form ? 'POST' : 'GET', headers, signal: AbortSignal.timeout(10_000) }
    return new Promise((resolve, reject) => {
      const asking = request(options, (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text) => (body += text))
        response.on('end', () => resolve({ status: response.statusCode, body }))
        response.on('error', reject)
      })
      asking.on('error', reject)
      asking.end(form && new URLSearchParams(form).toString())
    })
  }

  /** Waits until nothing is on its way, and fails if anything was given up or went wrong. */
  async rest() {
    let status
    await until(`${this.host} has nothing left to do`, async () => {
      status = JSON.parse(await this.run(['status', '--json']))
      return status.outbox + status.received + status.mails === 0
    })
    assert.equal(status.set_aside, 0, `${this.host} gave up what it received`)
    assert.deepEqual(this.logged.split('\n').filter((line) => line.includes('level=ERROR')), [], `${this.host} went wrong`)
  }
}

async function freePorts(n) {
  const servers = await Promise.all(Array.from({ length: n }, async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map(async (server) => {
    server.close()
    await once(server, 'close')
  }))
  return ports
}

// read takes a letter apart, which is quoted-printable (RFC 2045, section 6.7).
function read(letter) {
  const [head, ...body] = letter.split('\r\n\r\n')
  const bytes = body.join('\n\n').replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return { subject: head.match(/^Subject: (.*)$/m)?.[1] ?? '', text: Buffer.from(bytes, 'latin1').toString('utf8') }
}
