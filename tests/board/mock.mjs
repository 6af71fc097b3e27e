// The page without a server: its files from the source folder, and made-up conversations. For pictures, and to measure the page alone.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STATIC = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'functions', 'supervisor-board', 'static');
export const ORIGIN = 'http://board.test';
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

const NAMES = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing', 'Katherine Johnson', 'Barbara Liskov', 'Edsger Dijkstra', 'Radia Perlman', 'Donald Knuth', 'Frances Allen', 'Tony Hoare'];
const SKILLS = ['billing', 'orders', 'technical help', 'retention'];
const LINES = {
  bad: ['This is the third time I call and nobody does anything.', 'I want my money back now, this is ridiculous.', 'You charged me twice and you tell me to wait?', 'I will talk to my lawyer about this.'],
  good: ['Great, it works again, thank you so much!', 'Yes, that is the right address.', 'Could you say that once more, please?', 'It should have been here on Monday.'],
};

/** A generator of numbers from 0 to 1 that gives the same ones each time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const word = (value) => ['very negative', 'negative', 'neutral', 'positive', 'very positive'][Math.min(4, Math.floor(value * 5))];

/** Returns a made-up conversation. */
export function row(number, now, changes = {}) {
  const roll = dice(number * 7919 + 17);
  roll();
  const kind = roll() < 0.2 ? 'chat' : 'call';
  const average = Math.round((0.12 + 0.8 * roll()) * 100) / 100;
  const isBad = average < 0.3;
  const started = now - Math.round((0.5 + roll() * 9) * 60000);
  const trend = ['declining', 'stable', 'improving'][isBad ? 0 : Math.floor(roll() * 3)];
  const points = Array.from({ length: 7 }, (_, index) => [(6 - index) * 4.5, Math.min(1, Math.max(0, average + (roll() - 0.5) * 0.4))]);
  const gaps = roll() < 0.15 ? 1 : 0;
  const said = isBad ? LINES.bad : LINES.good;
  return {
    id: `interaction-${String(number).padStart(4, '0')}`,
    kind,
    severity: isBad ? (roll() < 0.6 ? 'severe' : 'warn') : average < 0.4 ? 'watch' : 'calm',
    handling: isBad ? (roll() < 0.25 ? 'acknowledged' : 'open') : 'none',
    alert: isBad ? { rule: 'customer-average', version: '9f2c01ab', at: now - Math.round(roll() * 120000), average, severity: 'severe', by: null, until: null, reason: null } : null,
    started,
    read: now - 2000,
    heard: now - Math.round(roll() * 9000),
    unheard: false,
    customer: { average, word: word(average), trend },
    agent: { average: 0.7, word: 'positive', trend: 'stable' },
    points,
    line: said[number % said.length],
    agent_id: `agent-${number}`,
    agent_name: NAMES[number % NAMES.length],
    skill: SKILLS[number % SKILLS.length],
    team: null,
    language: 'en',
    fired: isBad ? ['customer-average'] : [],
    coverage: gaps ? 0.93 : 1,
    gaps,
    talk_share: 0.4 + roll() * 0.3,
    ...changes,
  };
}

/** Returns the data of the event that shows these rows. */
export function snapshot(rows, now) {
  const open = rows.filter((one) => one.handling === 'open');
  const oldest = open.length > 0 ? Math.min(...open.map((one) => one.alert.at)) : null;
  const calls = rows.filter((one) => one.kind === 'call').length;
  return { as_of: now, head: { calls, chats: rows.length - calls, open: open.length, oldest }, gone: [], rows };
}

/** Returns the answer for one opened conversation. */
export function opened(shown) {
  const turn = (second, speaker, text, score) => ({ at: shown.started + second * 1000, speaker, text, score });
  const turns = [
    turn(1, 'agent', 'Thank you for calling, how can I help you today?', 0.81),
    turn(5, 'customer', 'Hello, I would like to know where my order is, please.', 0.55),
    turn(9, 'agent', 'Let me look that up for you.', 0.72),
    turn(14, 'customer', 'It was supposed to arrive on Monday and it is still not here.', 0.24),
    turn(19, 'agent', 'It seems the parcel has gone back to the warehouse.', 0.38),
    turn(24, 'customer', 'This is the third time I call and nobody does anything.', 0.07),
    turn(31, 'customer', 'I am furious, this is the worst service I have ever had. My card is [CARD].', 0.02),
  ];
  const quote = (number, text) => ({ at: turns[number].at, speaker: turns[number].speaker, text });
  return {
    row: shown,
    began: shown.started,
    readable: true,
    transcript: { turns, is_cut: false },
    why: shown.alert ? { rule: shown.alert.rule, version: shown.alert.version, severity: shown.alert.severity, at: shown.started + 31000, average: shown.alert.average, model: '3f1b9c20d7aa', is_rule_hit: false, turns: [turns[3], turns[5], turns[6]] } : null,
    rules: {
      hits: [
        { rule: 'third-call', version: '5d1c0a9b77e2', severity: 'severe', at: turns[5].at + 2000, missing: 0, quotes: [quote(5, 'third time I call')] },
        { rule: 'recording-notice-missing', version: '0b6e4f1d2c3a', severity: 'warn', at: shown.started + 60000, missing: 0, quotes: [] },
      ],
      unknown: ['offer-after-cancel'],
      gaps: [[shown.started + 40000, shown.started + 47000]],
    },
    contests: CONTESTS,
    card: [
      { name: 'reason', quote: quote(1, 'Hello, I would like to know where my order is, please.'), rule: null, unknown: null },
      { name: 'outcome', quote: quote(4, 'It seems the parcel has gone back to the warehouse.'), rule: null, unknown: null },
      { name: 'commitment', quote: null, rule: null, unknown: 'the agent promised nothing' },
      { name: 'risk', quote: quote(5, 'third time I call'), rule: 'third-call', unknown: null },
      { name: 'next step', quote: null, rule: null, unknown: 'nothing beside the commitment says what comes next' },
    ],
    call: { quarters: [0.55, 0.24, 0.07, 0.02], customer_ms: 14000, agent_ms: 11000, unscored_ms: 0, customer_average: 0.22, agent_average: 0.63, suggestions: [{ at: shown.started + 31000, content: 'The customer is upset. Apologize, and say what you will do now.', status: 'sent', average: 0.2 }] },
  };
}

const CONTESTS = [
  { rule: 'recording-notice-missing', by: 'Linus', reason: 'The announcement was played before the agent answered.', at: 0 },
  { rule: 'third-call', by: 'محمد بن سلمان', reason: 'قال العميل ذلك عن شركة أخرى', at: 1 },
];

/** Returns the answer for a call that has ended. */
export function kept(id, now) {
  const live = opened(row(1, now, { id, kind: 'call', agent_name: 'Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh' }));
  const answer = (rule, title, passed, weight, more = {}) => ({ rule, version: '5d1c0a9b77e2', title, answer: 'true', passed, weight, fails: false, at: [], ...more });
  return {
    row: live.row,
    began: live.began,
    ended: now - 60000,
    card: live.card,
    rules: { hits: live.rules.hits.map((hit) => ({ ...hit, missing: hit.quotes.length, quotes: [] })), unknown: ['offer-after-cancel'], gaps: [] },
    scorecard: {
      score: 0.625,
      is_failed: true,
      answers: [
        answer('greeting', 'The agent greets', true, 2, { at: [live.began + 1000] }),
        answer('recording-notice-missing', 'The agent did not say that the call is recorded', false, 2.5, { fails: true }),
        answer('third-call', 'A very long title of a rule that somebody wrote down as a whole sentence, and then some more', false, 1, { at: [live.began + 26000] }),
        answer('offer-after-cancel', 'An offer follows a cancellation', null, 1),
      ],
    },
    contests: CONTESTS,
  };
}

/** Lets a page live on made-up rows. `rows(now)` is asked for each new page. */
export async function mockServer(context, rows) {
  // The requests of a shared worker do not always come by here: each page has a connection of its own.
  await context.addInitScript(() => { delete globalThis.SharedWorker; });
  await context.route(`${ORIGIN}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const json = (body) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) });
    const now = Date.now();
    if (pathname === '/board/session') return json({ viewer: 'Grace' });
    if (pathname === '/board/events') {
      const data = JSON.stringify(snapshot(rows(now), now));
      return route.fulfill({ contentType: 'text/event-stream', body: `retry: 60000\n\nevent: snapshot\nid: 1\ndata: ${data}\n\n` });
    }
    if (pathname.startsWith('/board/calls/')) {
      const id = decodeURIComponent(pathname.slice('/board/calls/'.length));
      const shown = rows(now).find((one) => one.id === id);
      return shown ? json(opened(shown)) : route.fulfill({ status: 404, contentType: 'application/json', body: '{}' });
    }
    if (pathname.startsWith('/board/cards/')) return json(kept(decodeURIComponent(pathname.slice('/board/cards/'.length)), now));
    const name = pathname === '/board' ? 'index.html' : pathname.slice('/board/'.length);
    const body = await readFile(join(STATIC, name), 'utf8').catch(() => null);
    if (body === null) return route.fulfill({ status: 404, body: '' });
    return route.fulfill({
      contentType: TYPES[name.split('.').pop()],
      headers: { 'content-security-policy': "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'" },
      body,
    });
  });
}
