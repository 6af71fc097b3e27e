// The board of supervisors in a real browser: everything that a supervisor does, with keys and mouse, and what must never happen.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { KEY, RULES, Stage, angry, content, logIn, order, rowOf, standsAs, startBrowser, until, visit } from './stage.mjs';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let stage;
let browser;

before(async () => {
  browser = await startBrowser();
  stage = await Stage.start();
}, { timeout: 180000 });

after(async () => {
  await browser?.close();
  await stage?.stop();
});

/** Looks for what people cannot see, hear or reach. The page's policy forbids scripts of others, so that axe runs through the debugger. */
async function assertAccessible(page, what) {
  const { readFile } = await import('node:fs/promises');
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: await readFile(axePath, 'utf8') });
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then((found) => JSON.stringify(found.violations.map((one) => [one.id, one.help, one.nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary)])))`;
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true });
  assert.deepEqual(JSON.parse(result.value), [], what);
  await session.detach();
}

async function leave(page) {
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

test('nobody sees data without a session, and a session is a cookie that scripts cannot read', async () => {
  for (const path of ['/board/events', '/board/session', '/board/calls/a']) {
    const answer = await stage.request('GET', path);
    assert.equal(answer.status, 401, path);
    assert.match(answer.headers.get('content-security-policy'), /default-src 'self'/);
  }
  const mark = { action: 'acknowledge', alert: { rule: 'r', at: 1 } };
  assert.equal((await stage.request('POST', '/board/alerts/a', { body: mark, headers: { 'x-board': '1' } })).status, 401);
  const login = { key: KEY, name: 'Grace' };
  assert.equal((await stage.request('POST', '/board/login', { body: login })).status, 403, 'another site cannot log in');
  const foreign = { 'x-board': '1', 'sec-fetch-site': 'cross-site' };
  assert.equal((await stage.request('POST', '/board/login', { body: login, headers: foreign })).status, 403);
  const plain = await stage.request('POST', '/board/login', { body: login, headers: { 'x-board': '1' } });
  assert.match(plain.headers.get('set-cookie'), /^board=\S+; Path=\/; Max-Age=36000; HttpOnly; SameSite=Strict$/);
  const secure = await stage.request('POST', '/board/login', { body: login, headers: { 'x-board': '1', 'x-forwarded-proto': 'https' } });
  assert.match(secure.headers.get('set-cookie'), /^__Host-board=.*HttpOnly; SameSite=Strict; Secure$/);
  assert.match(secure.headers.get('strict-transport-security'), /max-age/);
  const cookie = plain.headers.get('set-cookie').split(';')[0];
  assert.equal((await stage.request('GET', '/board/session', { headers: { cookie } })).status, 200);
  const forged = `${cookie.slice(0, -4)}AAAA`;
  assert.equal((await stage.request('GET', '/board/session', { headers: { cookie: forged } })).status, 401);
  const untouched = await stage.request('POST', '/board/alerts/a', { body: mark, headers: { cookie } });
  assert.equal(untouched.status, 403, 'a change needs the header of the page');
});

test('a wrong key is told, guessing is slowed down, and the right key shows the board', async () => {
  const page = await visit(browser, stage);
  await page.locator('#login-name').fill('Grace');
  await page.locator('#login-key').fill('wrong');
  await page.locator('#login-form button').click();
  await page.getByText('This key is not known.').waitFor();
  await assertAccessible(page, 'the login');
  await page.evaluate(() => document.querySelector('label[for="login-key"]').remove());
  await assert.rejects(assertAccessible(page, 'a field without a label is found'));
  assert.equal(await page.locator('#sign-on-box').isVisible(), false, 'no provider is configured');
  await page.reload();
  const guess = () => stage.request('POST', '/board/login', { body: { key: 'guess', name: 'x' }, headers: { 'x-board': '1', 'x-forwarded-for': '203.0.113.9' } });
  const statuses = [];
  for (let n = 0; n < 7; n += 1) statuses.push((await guess()).status);
  assert.deepEqual(statuses.slice(5), [429, 429]);
  await logIn(page);
  await page.getByText('No live conversations.').waitFor();
  assert.equal(await page.evaluate(() => document.cookie), '');
  await leave(page);
});

test('where a provider is configured the login offers it, keeps the filters, and says what went wrong there', async () => {
  const page = await visit(browser, stage);
  await page.route('**/board/ways', (route) => route.fulfill({ json: { key: true, sign_on: true } }));
  await page.route('**/board/sign-on', (route) => route.fulfill({ contentType: 'text/html', body: '<a href="/board?login=not-allowed">back</a>' }));
  await page.goto(`${stage.url}/board?skill=orders`);
  await page.locator('#sign-on').waitFor();
  await assertAccessible(page, 'the login with a provider');
  await page.locator('#sign-on').click();
  await page.getByText('back').click();
  await page.getByText('may not see this board').waitFor();
  assert.equal(new URL(page.url()).search, '?skill=orders');
  await page.goto(`${stage.url}/board?login=<b>x</b>`);
  await page.getByText('The login was not completed.').waitFor();
  assert.equal(await page.locator('#login-error b').count(), 0);
  await leave(page);
});

test('a call that turns bad is severe within seconds of its words, and is said once', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await stage.call('calm-1', content(), { agent_name: 'Alan Turing', skill: 'orders' });
  await standsAs(page, 'calm-1', 'calm');
  const begun = Date.now();
  // The words that turn it bad become final 300 ms after their end, 2.3 s from now; the third time and the others follow.
  const turning = [
    [-8000, 'agent', 'Thank you for calling, how can I help you today?'],
    [-5000, 'customer', 'Hello, I would like to know where my order is, please.'],
    [0, 'customer', 'I am furious, this is the worst service I have ever had.'],
    [3000, 'customer', 'This is the third time I call and nobody does anything.'],
  ];
  await stage.call('bad-1', turning, { agent_name: 'Ada Lovelace', skill: 'billing' });
  await standsAs(page, 'bad-1', 'severe', 'open');
  const tookMs = Date.now() - begun - 2300;
  console.log(`severe ${tookMs} ms after its last segment was final`);
  assert.ok(tookMs < 20000, `${tookMs} ms`);
  await until('it is on top', async () => (await order(page))[0] === 'bad-1');
  await until('the alert is said', async () => /New severe alert: Call of Ada Lovelace/.test(await page.locator('#alarm').textContent()));
  await until('one alert is counted', async () => (await page.locator('#figure-open').textContent()) === '1');
  await until('the row names the rule', async () => /customer-average/.test(await rowOf(page, 'bad-1').textContent()));
  await until('all that was said is scored', async () => /100 % of \d+:\d\d/.test(await rowOf(page, 'bad-1').textContent()));
  await assertAccessible(page, 'the board');
  await page.emulateMedia({ colorScheme: 'dark' });
  await assertAccessible(page, 'the board in the dark');
  await leave(page);
});

test('with keys alone: choose, open, read why, acknowledge, snooze, mark wrong, close', async () => {
  const page = await visit(browser, stage);
  await logIn(page, 'Grace');
  const other = await visit(browser, stage);
  await logIn(other, 'Linus');
  await standsAs(page, 'bad-1', 'severe', 'open');
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), 'bad-1');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), 'calm-1');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.locator('#drawer .turn-text', { hasText: 'third time I call' }).waitFor();
  await until('the drawer says why', async () => /Why.*customer-average.*Model[0-9a-f]{12}.*Customer by quarters/s.test(await page.locator('#drawer').textContent()));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'drawer-title');
  await assertAccessible(page, 'the drawer');
  await page.keyboard.press('a');
  await standsAs(page, 'bad-1', 'severe', 'acknowledged');
  await standsAs(other, 'bad-1', 'severe', 'acknowledged');
  await until('others see who took it', async () => /taken by Grace/.test(await rowOf(other, 'bad-1').textContent()));
  await page.keyboard.press('s');
  await page.locator('#snooze[open]').waitFor();
  await assertAccessible(page, 'the snooze');
  await page.locator('#snooze-minutes').fill('7');
  await page.keyboard.press('Enter');
  await page.locator('#rows tr[data-id="bad-1"][data-handling="snoozed"]').waitFor();
  await page.keyboard.press('x');
  await page.locator('#wrong[open]').waitFor();
  await page.locator('#wrong-reason').fill('the customer joked');
  await page.locator('#wrong button[value="ok"]').press('Enter');
  await page.locator('#rows tr[data-id="bad-1"][data-handling="wrong"]').waitFor();
  await page.getByText('wrong by Grace: the customer joked').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#drawer').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), 'bad-1', 'focus comes back');
  await until('the log names who opened the transcript', () => /a transcript was opened on the board/.test(stage.server.log()));
  const isComplete = (one) => one.includes('a transcript was opened') && /Grace/.test(one) && /bad-1/.test(one);
  await until('the line names viewer and conversation', () => stage.server.log().split('\n').some(isComplete));
  assert.doesNotMatch(stage.server.log(), /third time I call/);
  assert.doesNotMatch(stage.server.log(), /the customer joked/);
  await rowOf(page, 'bad-1').focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-action="reopen"]').click();
  await standsAs(page, 'bad-1', 'severe', 'open');
  await leave(other);
  await leave(page);
});

test('single letters can be switched off, and the list of keys and the settings are reachable', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await standsAs(page, 'bad-1', 'severe');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.locator('#keys[open]').waitFor();
  await assertAccessible(page, 'the keys');
  await page.keyboard.press('Escape');
  await page.locator('#open-settings').press('Enter');
  await assertAccessible(page, 'the settings');
  await page.locator('#use-keys').uncheck();
  await page.locator('input[data-column="id"]').check();
  await page.locator('#settings button').click();
  await page.locator('#rows tr[data-id="bad-1"] .c-id').waitFor();
  await rowOf(page, 'bad-1').focus();
  await page.keyboard.press('a');
  await page.keyboard.press('p');
  assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'false');
  assert.equal(await rowOf(page, 'bad-1').getAttribute('data-handling'), 'open');
  await page.reload();
  await page.locator('#rows tr[data-id="bad-1"] .c-id').waitFor();
  const width = async () => (await page.locator('#head th').nth(4).boundingBox()).width;
  const before = await width();
  await page.locator('#head .grip').nth(4).focus();
  for (let n = 0; n < 4; n += 1) await page.keyboard.press('ArrowRight');
  await until('the column is wider', async () => (await width()) > before);
  await leave(page);
});

test('filters live in the address, and a link shows the same view', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await standsAs(page, 'bad-1', 'severe');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('lovelace');
  await until('one row is left', async () => (await order(page)).join() === 'bad-1');
  await page.locator('#filter-text').fill('');
  await page.locator('#filter-skill').fill('orders');
  await until('the other row is left', async () => (await order(page)).join() === 'calm-1');
  await page.locator('#save-view').click();
  await page.locator('#view-name-input').fill('Orders');
  await page.locator('#view-name button[value="ok"]').click();
  await until('the view is in the address', () => /skill=orders&view=Orders/.test(page.url()));
  const link = new URL(page.url());
  const other = await visit(browser, stage, { path: link.pathname + link.search });
  await logIn(other, 'Linus');
  await until('the link shows the same', async () => (await order(other)).join() === 'calm-1');
  assert.equal(await other.locator('#views').inputValue(), 'Orders');
  await other.locator('#filter-severity').selectOption('severe');
  await other.getByText('No conversation matches.').waitFor();
  await other.locator('#filters button[type="reset"]').click();
  await until('everything is back', async () => (await order(other)).length === 2);
  await leave(other);
  await leave(page);
});

test('the order stays while somebody reads, and follows when it is asked to', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await standsAs(page, 'calm-1', 'calm');
  await until('both calls are shown', async () => (await order(page)).length === 2);
  await rowOf(page, 'calm-1').focus();
  const before = await order(page);
  await stage.call('bad-2', angry(-60000), { agent_name: 'Katherine Johnson' });
  const changes = page.locator('#changes');
  await changes.waitFor();
  await until('the change is counted', async () => /^\d+ changes?: show$/.test(await changes.textContent()));
  assert.deepEqual(await order(page), before);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), 'calm-1');
  await changes.focus();
  await page.keyboard.press('Enter');
  await until('the new call is shown', async () => (await order(page)).includes('bad-2'));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'changes', 'focus does not move by itself');
  await rowOf(page, 'calm-1').hover();
  await stage.end('bad-2');
  await until('the end is marked and nothing moves', async () => (await rowOf(page, 'bad-2').getAttribute('data-ended')) === 'yes' || !(await order(page)).includes('bad-2'));
  await page.mouse.move(5, 5);
  await page.evaluate(() => document.activeElement.blur());
  await until('what has ended is gone', async () => !(await order(page)).includes('bad-2'));
  await leave(page);
});

test('the drawer shows the rules that hold with their words, the worst as the alert, and the call card in quotes', async (context) => {
  const staged = await Stage.start({ rules: RULES });
  context.after(() => staged.stop());
  const page = await visit(browser, staged);
  await logIn(page);
  const lines = [
    [-70000, 'agent', 'Thank you for calling, how can I help you today?'],
    [-64000, 'customer', 'Hello, I was charged twice for my order and my card is 4111 1111 1111 1111.'],
    [-56000, 'agent', 'I am sorry about that, let me look.'],
    [-50000, 'customer', 'Otherwise I will <b onclick="window.pwned=3">cancel my contract</b> today.'],
    [-42000, 'agent', 'I will refund 45 dollars to you by Friday.'],
    [-36000, 'customer', 'Great, thank you, that is very kind of you.'],
  ];
  await staged.call('rules-1', lines, { agent_name: 'Grace Hopper' });
  await standsAs(page, 'rules-1', 'severe', 'open');
  await until('the row names the rule', async () => /test-cancel/.test(await rowOf(page, 'rules-1').textContent()));
  await rowOf(page, 'rules-1').focus();
  await page.keyboard.press('Enter');
  const hit = page.locator('#drawer .hit[data-rule="test-cancel"]');
  await hit.waitFor();
  await until('the hit quotes its words', async () => /severe.*test-cancel.*Customer cancel my contract/s.test(await hit.textContent()));
  const notice = page.locator('#drawer .hit[data-rule="test-notice"]');
  await notice.waitFor();
  await until('what was not said has no words', async () => /warn.*test-notice.*0:2[05].*No words made it hold/s.test(await notice.textContent()));
  const severities = () => page.locator('#drawer .hit').evaluateAll((hits) => hits.map((one) => one.dataset.severity).join());
  await until('the hits are there, the worst first', async () => (await severities()) === 'severe,warn,info');
  const quotes = (name, words) => page.locator(`#drawer [data-card="${name}"]`, { hasText: words }).waitFor();
  await quotes('reason', 'I was charged twice');
  await quotes('commitment', 'I will refund 45 dollars to you by Friday.');
  await quotes('risk', 'cancel my contract');
  await until('the drawer says why', async () => /Why.*test-cancel/s.test(await page.locator('#drawer').textContent()));
  assert.doesNotMatch(await page.locator('#drawer').textContent(), /4111/);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator('#drawer-body b').count(), 0);
  await assertAccessible(page, 'the drawer with hits and card');
  await page.keyboard.press('x');
  await page.locator('#wrong-reason').fill('a figure of speech');
  await page.locator('#wrong button[value="ok"]').press('Enter');
  await standsAs(page, 'rules-1', 'warn', 'open');
  await page.keyboard.press('a');
  await standsAs(page, 'rules-1', 'warn', 'acknowledged');
  assert.doesNotMatch(staged.server.log(), /charged twice/);
  await leave(page);
});

test('an answer is contested by key and by button, with the card of the call after its end, and a link shows it', async (context) => {
  const staged = await Stage.start({ rules: RULES });
  context.after(() => staged.stop());
  const page = await visit(browser, staged);
  await logIn(page, 'Grace');
  const lines = [
    [-60000, 'agent', 'Thank you for calling, how can I help you today?'],
    [-54000, 'customer', 'Hello, I was charged twice for my order and my card is 4111 1111 1111 1111.'],
    [-46000, 'customer', 'Otherwise I will cancel my contract today.'],
    [-40000, 'agent', 'I will refund 45 dollars to you by Friday.'],
  ];
  await staged.call('contest-1', lines, { agent_name: 'Grace <b>Hopper</b>' });
  await standsAs(page, 'contest-1', 'severe', 'open');
  await rowOf(page, 'contest-1').focus();
  await page.keyboard.press('c');
  await page.locator('.toast', { hasText: 'Open a conversation first.' }).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('#drawer .hit[data-rule="test-notice"]').waitFor();
  await page.keyboard.press('c');
  await page.locator('#contest[open]').waitFor();
  await assertAccessible(page, 'the dialog of an objection');
  await page.locator('#contest-rule').selectOption('test-notice');
  const hostile = '<img src=x onerror="window.pwned=5"> my mail is jane@example.com \u202egnorw مرحبا';
  await page.locator('#contest-reason').fill(hostile);
  await page.locator('#contest button[value="ok"]').press('Enter');
  const said = page.locator('#drawer .hit[data-rule="test-notice"] .contests');
  await said.getByText('<img src=x').waitFor();
  assert.match(await said.textContent(), /^Contested by Grace: <img src=x onerror="window.pwned=5"> my mail is \[EMAIL\] gnorw مرحبا$/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'drawer-title', 'focus comes back');
  const other = await visit(browser, staged, { path: new URL(page.url()).pathname + new URL(page.url()).search });
  await logIn(other, 'Linus');
  await other.locator('#drawer .hit[data-rule="test-notice"] .contests', { hasText: 'Contested by Grace' }).waitFor();
  await leave(other);

  await staged.end('contest-1');
  await page.locator('#has-ended').waitFor();
  const answer = (rule) => page.locator(`#drawer .answer[data-rule="${rule}"]`);
  await answer('test-refund').waitFor();
  assert.equal(await answer('test-refund').getAttribute('data-passed'), 'passed');
  assert.equal(await answer('test-notice').getAttribute('data-passed'), 'missed');
  assert.match(await page.locator('#score').textContent(), /^33 % of the points/);
  assert.match(await answer('test-notice').textContent(), /The recording is announced <i>first<\/i>.*2 points.*Contested by Grace/s);
  assert.match(await page.locator('#drawer [data-card="reason"]').textContent(), /I was charged twice/);
  assert.match(await page.locator('#drawer-title').textContent(), /^Call of Grace <b>Hopper<\/b>$/);
  assert.doesNotMatch(await page.locator('#drawer').textContent(), /4111/);
  await assertAccessible(page, 'the drawer of a call that has ended');
  await answer('test-refund').locator('[data-contest]').click();
  await page.locator('#contest[open]').waitFor();
  assert.equal(await page.locator('#contest-rule').inputValue(), 'test-refund');
  await page.locator('#contest-reason').fill('the refund was refused');
  await page.locator('#contest button[value="ok"]').click();
  await answer('test-refund').locator('.contests', { hasText: 'the refund was refused' }).waitFor();
  await until('the focus is on the button again', () => page.evaluate(() => document.activeElement.dataset.contest === 'test-refund'));
  await page.reload();
  await answer('test-refund').locator('.contests', { hasText: 'Contested by Grace: the refund was refused' }).waitFor();
  await page.keyboard.press('Escape');
  await until('the address names no conversation any more', () => !page.url().includes('open='));
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator('#drawer-body img, #drawer-body i, #drawer b').count(), 0);
  await until('the log names who contested', () => /contested on the board/.test(staged.server.log()));
  assert.match(staged.server.log(), /the card of an ended call was opened on the board/);
  assert.doesNotMatch(staged.server.log(), /gnorw|refund was refused|charged twice/);
  await leave(page);
});

test('hostile words stay words', async () => {
  const word = 'A'.repeat(20000);
  const hostile = [
    [-15000, 'customer', '<img src=x onerror="window.pwned=1"> & <script>window.pwned=2</script>'],
    [-12000, 'customer', '\u001b[2J\u001b[31m red \u202etxet desrever'],
    [-9000, 'customer', word],
    [-6000, 'customer', 'مرحبا، أين طلبي؟ هذا غير مقبول'],
    [-3000, 'customer', '"><svg onload=alert(1)> javascript:alert(1) {{7*7}}'],
  ];
  const name = `<b>${'Très long nom '.repeat(20)}</b>`;
  const page = await visit(browser, stage);
  await logIn(page);
  await stage.call('hostile-1', hostile, { agent_name: name, skill: '<i>x</i>' });
  await rowOf(page, 'hostile-1').waitFor();
  await until('its words are in the row', async () => /svg onload/.test(await rowOf(page, 'hostile-1').textContent()));
  await rowOf(page, 'hostile-1').focus();
  await page.keyboard.press('Enter');
  const texts = () => page.locator('#drawer .turns:not(.causes) .turn-text').allTextContents();
  await until('all turns are shown', async () => (await texts()).length === hostile.length);
  assert.ok((await texts()).some((text) => text.includes('<script>window.pwned=2</script>')));
  assert.ok((await texts()).some((text) => text.includes(word)));
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator('#drawer img, #drawer script, #drawer svg, #rows b, #rows i').count(), 0);
  const fits = await page.evaluate(() => {
    const body = document.getElementById('drawer-body');
    return body.scrollWidth <= body.clientWidth + 1 && document.documentElement.scrollWidth <= innerWidth + 1;
  });
  assert.ok(fits, 'a long word breaks instead of widening the page');
  await stage.end('hostile-1');
  await leave(page);
});

test('twenty boards in one browser are all up to date', async () => {
  const first = await visit(browser, stage);
  await logIn(first);
  const pages = [first];
  for (let n = 1; n < 20; n += 1) {
    const page = await first.context().newPage();
    page.setDefaultTimeout(120000);
    await page.goto(`${stage.url}/board`);
    pages.push(page);
  }
  for (const page of pages) await standsAs(page, 'bad-1', 'severe');
  await stage.call('twenty-1', content(), { agent_name: 'Frances Allen' });
  for (const page of pages) await rowOf(page, 'twenty-1').waitFor();
  await stage.end('twenty-1');
  for (const page of pages.slice(1)) await page.close();
  const second = await first.context().newPage();
  await second.goto(`${stage.url}/board`);
  await standsAs(second, 'bad-1', 'severe');
  await first.locator('#logout').click();
  await second.locator('#login').waitFor();
  await leave(first);
});

test('a telephone shows the same without scrolling sideways', async () => {
  const page = await visit(browser, stage, { options: { viewport: { width: 390, height: 844 } } });
  await logIn(page);
  await standsAs(page, 'bad-1', 'severe');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1));
  await assertAccessible(page, 'the board on a telephone');
  // The filters wait behind a button, so that the first conversation is seen at once.
  assert.equal(await page.locator('#filters').isVisible(), false);
  await page.locator('#open-filters').click();
  await page.keyboard.type('nobody says this');
  await rowOf(page, 'bad-1').waitFor({ state: 'detached' });
  assert.equal(await page.locator('#open-filters').textContent(), 'Filters (1)');
  await assertAccessible(page, 'the filters on a telephone');
  await page.locator('#filters button[type=reset]').click();
  await rowOf(page, 'bad-1').waitFor();
  await page.locator('#open-filters').click();
  assert.equal(await page.locator('#filters').isVisible(), false);
  await rowOf(page, 'bad-1').click();
  await page.locator('#drawer .turn-text').first().waitFor();
  await assertAccessible(page, 'the drawer on a telephone');
  await page.locator('#close-drawer').click();
  await leave(page);
});

test('a server that hangs makes the board stale, and one that restarts is found again', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await standsAs(page, 'calm-1', 'calm');
  stage.server.child.kill('SIGSTOP');
  await page.locator('#stale').waitFor();
  stage.server.child.kill('SIGCONT');
  await page.locator('#stale').waitFor({ state: 'hidden' });
  await stage.stopServer();
  await page.locator('#stale').waitFor();
  await stage.startServer();
  await page.locator('#stale').waitFor({ state: 'hidden' });
  await stage.call('after-1', content(), { agent_name: 'Barbara Liskov' });
  await rowOf(page, 'after-1').waitFor();
  await leave(page);
});

test('whoever logs out sees nothing any more', async () => {
  const page = await visit(browser, stage);
  await logIn(page);
  await standsAs(page, 'bad-1', 'severe');
  // Somebody else has a copy of the cookie, and an open stream.
  const copy = await visit(browser, stage, { options: { storageState: await page.context().storageState() } });
  await standsAs(copy, 'bad-1', 'severe');
  await page.locator('#logout').click();
  await page.getByText('You are logged out.').waitFor();
  await copy.getByText('Your session is over. Log in again.').waitFor();
  assert.equal(await copy.locator('#rows tr').count(), 0);
  await leave(copy);
  assert.equal(await page.locator('#rows tr').count(), 0);
  await page.goBack().catch(() => {});
  await page.goto(`${stage.url}/board`);
  await page.locator('#login').waitFor();
  assert.equal(await page.evaluate(async () => (await fetch('/board/events')).status), 401);
  await leave(page);
});
