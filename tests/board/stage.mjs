// What the tests stand on: the simulated contact center, the server of `cxone-insights serve`, and a headless Chromium.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
export const PROGRAM = process.env.BOARD_PROGRAM ?? join(TARGET, 'debug', 'cxone-insights');
export const KEY = 'local-key';
/** Longest wait for anything. The tests wait for results; a slow machine may take long for each. */
export const PATIENCE_MS = 60000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `look` returns something true, and returns that. */
export async function until(what, look, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${patience / 1000} s: ${what}`);
    await sleep(100);
  }
}

/** Starts the program and waits for a line that matches. */
async function startProgram(args, env, pattern) {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run "cargo build --bin cxone-insights" first`);
  const child = spawn(PROGRAM, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const take = (data) => log.push(String(data));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const started = await until(`${args[0]} has started: ${args.join(' ')}`, () => {
    if (child.exitCode !== null) throw new Error(`${args[0]} ended: ${log.join('')}`);
    return log.join('').match(pattern);
  }, 120000);
  return { child, log: () => log.join(''), url: started[1] };
}

/** The contact center and the server. */
export class Stage {
  static async start({ env = {}, addr = '127.0.0.1:0', rules = '' } = {}) {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), 'board-'));
    stage.env = { RUST_LOG: 'info', ...env };
    if (rules) {
      stage.env.RULES_FILE = join(stage.folder, 'rules.toml');
      writeFileSync(stage.env.RULES_FILE, rules);
    }
    stage.center = await startProgram(['simulate', '--addr', '127.0.0.1:0'], {}, /contact center is at (http:\S+)/);
    await stage.startServer(addr);
    return stage;
  }

  async startServer(addr = new URL(this.url).host) {
    const args = ['serve', '--addr', addr, '--cxone-url', this.center.url, '--data-dir', this.folder];
    this.server = await startProgram(args, this.env, /listening on (http:\S+)/);
    this.url = this.server.url;
  }

  async stopServer(signal = 'SIGKILL') {
    const { child } = this.server;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async stop() {
    for (const program of [this.server, this.center]) program?.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async request(method, path, { body, headers = {}, base = this.url } = {}) {
    return fetch(base + path, {
      method,
      headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
    });
  }

  /** Begins a call at the contact center, and registers it. `lines` are [milliseconds from now, speaker, text]. */
  async call(id, lines, details = {}) {
    const scripted = lines.map(([at, direction, text]) => ({ at_ms: at, direction, text }));
    const begun = await this.request('POST', '/_simulator/calls', { body: { id, lines: scripted }, base: this.center.url });
    if (!begun.ok) throw new Error(`the call did not begin: ${await begun.text()}`);
    const registered = await this.request('PUT', `/interactions/${encodeURIComponent(id)}`, { body: details, headers: { authorization: `Bearer ${KEY}` } });
    if (!registered.ok) throw new Error(`the call was not registered: ${await registered.text()}`);
  }

  async end(id) {
    await this.request('DELETE', `/interactions/${encodeURIComponent(id)}`, { headers: { authorization: `Bearer ${KEY}` } });
  }
}

/** What a customer who loses patience says, from `start` milliseconds on. */
export const angry = (start = -24000) => [
  [start, 'agent', 'Thank you for calling, how can I help you today?'],
  [start + 3000, 'customer', 'Hello, I would like to know where my order is, please.'],
  [start + 6000, 'agent', 'Let me look that up for you.'],
  [start + 9000, 'customer', 'It was supposed to arrive on Monday and it is still not here.'],
  [start + 12000, 'customer', 'This is the third time I call and nobody does anything.'],
  [start + 15000, 'customer', 'I am furious, this is the worst service I have ever had.'],
  [start + 18000, 'customer', 'I hate this, you people are completely useless.'],
];

/** Rules of the tests, one of each severity. */
export const RULES = `
[[rule]]
id = "test-cancel"
severity = "severe"
when = { said = ["cancel my contract"], by = "customer" }

[[rule]]
id = "test-notice"
title = "The recording is announced <i>first</i>"
severity = "warn"
weight = 2
when = { not_said = ["this call (is|may be) recorded"], by = "agent", within = "first 20s" }

[[rule]]
id = "test-refund"
weight = 1
good = true
when = { said = ["refund"], by = "agent" }
`;

/** What a customer who is content says. */
export const content = (start = -12000) => [
  [start, 'agent', 'Hello, what can I do for you?'],
  [start + 3000, 'customer', 'Great, it works again, that was quick, thank you so much!'],
  [start + 6000, 'customer', 'Wonderful, I appreciate your help.'],
];

/** Starts the browser, or says what is missing. */
export async function startBrowser() {
  const path = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((one) => existsSync(one));
  if (!path || !existsSync(path)) {
    throw new Error('no Chromium: install the package chromium (apt-get install --no-install-recommends chromium) or set CHROMIUM to a browser');
  }
  return chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
}

/** Opens a page of a new visitor. Its errors, and requests to other servers, are collected. */
export async function visit(browser, stage, { path = '/board', options = {} } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
  if (process.env.BOARD_STATIC) {
    // While somebody works on the page: its files as they are now, not as the program was built with.
    await context.route(/\/board\/\w+\.(js|css)$/, (route) => route.fulfill({
      path: join(ROOT, 'functions', 'supervisor-board', 'static', new URL(route.request().url()).pathname.split('/').pop()),
    }));
  }
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy/.test(message.text())) page.problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    page.problems.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(stage.url) && !url.startsWith('data:')) page.problems.push(`a request to ${url}`);
  });
  await page.goto(stage.url + path);
  return page;
}

/** Logs in. */
export async function logIn(page, name = 'Grace') {
  await page.locator('#login-name').fill(name);
  await page.locator('#login-key').fill(KEY);
  await page.locator('#login-form button').click();
  await page.locator('#board').waitFor();
}

/** Returns the row of a conversation. */
export const rowOf = (page, id) => page.locator(`#rows tr[data-id="${id}"]`);

/** Waits until the row of a conversation has this severity and this handling. */
export async function standsAs(page, id, severity, handling = null) {
  const more = handling ? `[data-handling="${handling}"]` : '';
  await page.locator(`#rows tr[data-id="${id}"][data-severity="${severity}"]${more}`).waitFor();
}

/** Returns the ids in the order of the table. */
export const order = (page) => page.locator('#rows tr').evaluateAll((rows) => rows.map((row) => row.dataset.id));
