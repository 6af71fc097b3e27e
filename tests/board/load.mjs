// 500 live calls, 20 open boards: what an update costs the page, and the boards the server. `node load.mjs [CALLS] [TABS] [SECONDS]`
//
// One board is a real page; the others read the same stream without drawing it, because this machine would otherwise measure the
// drawing of twenty windows. A third of the calls has new words each second.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEY, Stage, logIn, startBrowser, until, visit } from './stage.mjs';

const [calls = 500, tabs = 20, seconds = 60] = process.argv.slice(2).map(Number);
const TICKS_PER_SECOND = 100;

/** Returns the processor time of a process so far, in seconds. */
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const stage = await Stage.start({ env: { RUST_LOG: 'warn' } });
const browser = await startBrowser();
const writer = spawn('python3', [new URL('rows.py', import.meta.url).pathname, join(stage.folder, 'state.sqlite'), String(calls)], { stdio: ['pipe', 'pipe', 'inherit'] });
const bytes = await new Promise((resolve) => writer.stdout.once('data', (data) => resolve(Number(String(data)))));

const page = await visit(browser, stage);
await logIn(page);
await until('all rows are shown', async () => (await page.locator('#rows tr').count()) === calls);
const idle = cpu(stage.server.child.pid);
const idleFrom = Date.now();
await new Promise((resolve) => setTimeout(resolve, 10000));
const oneTab = (cpu(stage.server.child.pid) - idle) / ((Date.now() - idleFrom) / 1000);

const login = await stage.request('POST', '/board/login', { body: { key: KEY, name: 'load' }, headers: { 'x-board': '1' } });
const cookie = login.headers.get('set-cookie').split(';')[0];
let received = 0;
const readers = Array.from({ length: tabs - 1 }, async () => {
  const answer = await fetch(`${stage.url}/board/events`, { headers: { cookie } });
  try {
    for await (const part of answer.body) received += part.length;
  } catch {
    // The server is stopped at the end.
  }
});
await new Promise((resolve) => setTimeout(resolve, 3000));
// Processor time of the page's scripts: other programs of this machine do not count.
const debug = await page.context().newCDPSession(page);
await debug.send('Performance.enable', { timeDomain: 'threadTicks' });
const scriptSeconds = async () => (await debug.send('Performance.getMetrics')).metrics.find((one) => one.name === 'ScriptDuration').value;
const updates = () => page.evaluate(() => {
  document.documentElement.dispatchEvent(new Event('board-measure'));
  return Number(document.documentElement.dataset.updates);
});
const [scriptBefore, updatesBefore] = [await scriptSeconds(), await updates()];
const before = cpu(stage.server.child.pid);
const bytesBefore = received;
const from = Date.now();
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const lasted = (Date.now() - from) / 1000;
const used = cpu(stage.server.child.pid) - before;
const sent = received - bytesBefore;
const perUpdate = (1000 * ((await scriptSeconds()) - scriptBefore)) / ((await updates()) - updatesBefore);
// The first is no update: it draws all rows after the login.
const [firstDrawing, ...times] = JSON.parse(await page.evaluate(() => document.documentElement.dataset.scriptMs));
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);

const units = Math.ceil(bytes / 4096) / 2;
console.log(`${calls} calls, ${tabs} boards, ${lasted.toFixed(0)} s`);
console.log(`script per update: ${perUpdate.toFixed(1)} ms of processor time; by the clock p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms (${times.length} updates); the first drawing of all rows ${firstDrawing.toFixed(1)} ms`);
console.log(`server: ${((100 * used) / lasted).toFixed(1)} % of a core with ${tabs} boards, ${(100 * oneTab).toFixed(1)} % with one`);
console.log(`sent to each board: ${(sent / (tabs - 1) / lasted / 1024).toFixed(1)} KB/s`);
console.log(`rows: ${bytes} bytes, ${(bytes / calls).toFixed(0)} each; one read of all: ${units} read units`);
console.log(`an hour at one read a second, shared by all boards of a process: ${Math.round(units * 3600)} read units; behind a gateway, a read each 2 s and board: ${Math.round(units * 1800)}`);
console.log('who has logged out: a read of half a unit each 5 s, at most 360 read units an hour for all boards of a process');
writer.stdin.end();
await browser.close();
await stage.stop();
await Promise.allSettled(readers);
process.exit(0);
