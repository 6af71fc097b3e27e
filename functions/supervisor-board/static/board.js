// The page of the supervisor board: state, events, keys. Nothing is loaded from elsewhere, and nothing that was said becomes HTML.

import { loadColumns, saveColumns, COLUMNS } from './columns.js';
import { contestable, prepareContest } from './contest.js';
import { drawerTitle, fillDrawer, fillKept, showMessage } from './drawer.js';
import { loadViews, matcher, readFilters, saveView, writeFilters } from './filters.js';
import { clock, count, duration, element } from './format.js';
import { commonOrder, compareRows, shownColumns, Table } from './rows.js';
import { offerSignOn, takeReturn } from './sign-on.js';
import { change, openStream } from './stream.js';

const STALE_AFTER_MS = 10000;
const STATUS_INTERVAL_MS = 10000;
const DRAWER_REFRESH_MS = 5000;
const HOVER_SELECTOR = '#rows tr:hover';

const $ = (id) => document.getElementById(id);
const board = $('board');
// Whoever comes back from the provider finds the filters of before.
const loginProblem = takeReturn();
const table = new Table($('head'), $('rows'));

const state = {
  rows: new Map(),
  head: { calls: 0, chats: 0, open: 0, oldest: null },
  clockOffset: 0,
  asOf: 0,
  heardAt: 0,
  order: [],
  columns: loadColumns(),
  filters: readFilters(location.search),
  view: new URLSearchParams(location.search).get('view') ?? '',
  isPaused: false,
  drawer: null,
  // What the address asks to open, once the conversations are known.
  toOpen: (new URLSearchParams(location.search).get('open') ?? '').slice(0, 200),
  announced: new Set(),
  hasSnapshot: false,
  statusAt: 0,
  scriptMs: [],
  updates: 0,
};
let stream = null;

/** Returns the time of the server. */
const now = () => Date.now() + state.clockOffset;

// Settings of this browser -------------------------------------------------------------------------------------------

const setting = (name, byDefault) => localStorage.getItem(`board-${name}`) ?? byDefault;
const remember = (name, value) => localStorage.setItem(`board-${name}`, value);

function applyTheme() {
  const theme = setting('theme', '');
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $('theme').value = theme;
}

// Order ----------------------------------------------------------------------------------------------------------------

/** Returns whether somebody is reading: the order then stays until it is asked for. */
function isFrozen() {
  if (state.isPaused || state.drawer) return true;
  const focused = document.activeElement?.closest?.('#rows tr');
  return Boolean(focused) || Boolean(document.querySelector(HOVER_SELECTOR));
}

function wantedRows() {
  const matches = matcher(state.filters, now());
  return [...state.rows.values()].filter(matches).sort(compareRows);
}

/** Renews the page after an update. While somebody reads, rows are filled in place and the changes of the order are counted. */
function render({ force = false } = {}) {
  const started = performance.now();
  const wanted = wantedRows();
  const ids = wanted.map((row) => row.id);
  if (force || !isFrozen()) {
    table.arrange(wanted, now());
    state.order = ids;
    showChanges(0);
  } else {
    for (const id of state.order) {
      const row = state.rows.get(id);
      if (row) table.fill(row, now());
      else table.markEnded(id);
    }
    showChanges(countChanges(state.order, ids));
  }
  showFigures();
  showEmpty(wanted.length);
  const spent = performance.now() - started;
  state.updates += 1;
  state.scriptMs.push(spent);
  if (state.scriptMs.length > 200) state.scriptMs.shift();
}

/** Returns how many conversations came, went, or would stand elsewhere among those that stay. */
function countChanges(shown, wanted) {
  const wantedSet = new Set(wanted);
  const shownSet = new Set(shown);
  const gone = shown.filter((id) => !wantedSet.has(id)).length;
  const come = wanted.filter((id) => !shownSet.has(id)).length;
  const before = shown.filter((id) => wantedSet.has(id));
  const after = wanted.filter((id) => shownSet.has(id));
  const moved = before.length - commonOrder(before, after).size;
  return gone + come + moved;
}

function showChanges(changes) {
  const button = $('changes');
  // A button that has the focus stays until the focus goes on, because focus never moves by itself.
  button.hidden = changes === 0 && document.activeElement !== button;
  button.textContent = `${count(changes, 'change')}: show`;
}

function showEmpty(matching) {
  const empty = $('empty');
  empty.hidden = matching > 0 || !state.hasSnapshot;
  empty.textContent = state.rows.size === 0 ? 'No live conversations.' : `No conversation matches. ${count(state.rows.size, 'conversation')} without the filter.`;
}

// Figures and announcements ----------------------------------------------------------------------------------------------

function showFigures() {
  const { calls, chats, open, oldest } = state.head;
  $('figure-calls').textContent = String(calls);
  $('figure-chats').textContent = String(chats);
  $('figure-open').textContent = String(open);
  $('figure-open-box').classList.toggle('has-alerts', open > 0);
  $('figure-oldest').textContent = oldest ? duration(now() - oldest) : 'none';
  $('figure-as-of').textContent = state.asOf ? clock(state.asOf) : '–';
}

function tick() {
  const isStale = state.hasSnapshot && performance.now() - state.heardAt >= STALE_AFTER_MS;
  $('stale').hidden = !isStale;
  document.body.classList.toggle('is-stale', isStale);
  showFigures();
  if (!state.isPaused) table.tickAll(now());
  if (performance.now() - state.statusAt >= STATUS_INTERVAL_MS && state.hasSnapshot) {
    state.statusAt = performance.now();
    const { calls, chats, open } = state.head;
    $('status').textContent = isStale ? 'The board is not up to date.' : `${count(calls, 'call')}, ${count(chats, 'chat')}, ${count(open, 'alert')} open.`;
  }
}

/** Says that a severe alert is new. What was there when the page was opened is not new. */
function announce(rows, isFirst) {
  const fresh = [];
  for (const row of rows) {
    if (row.handling !== 'open' || row.alert?.severity !== 'severe') continue;
    const key = `${row.id} ${row.alert.rule} ${row.alert.at}`;
    if (!state.announced.has(key)) {
      state.announced.add(key);
      fresh.push(row);
    }
  }
  if (isFirst || fresh.length === 0) return;
  const [row] = fresh;
  $('alarm').textContent = fresh.length === 1 ? `New severe alert: ${drawerTitle(row)}, ${row.alert.rule}.` : `${fresh.length} new severe alerts.`;
  if (setting('sound', 'off') === 'on') beep();
}

function beep() {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  gain.gain.value = 0.05;
  tone.frequency.value = 660;
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.2);
  tone.onended = () => audio.close();
}

// Events -----------------------------------------------------------------------------------------------------------------

function takeHead(data) {
  state.head = data.head;
  state.asOf = data.as_of;
  state.clockOffset = data.as_of - Date.now();
  state.heardAt = performance.now();
}

function onSnapshot(data) {
  takeHead(data);
  const known = new Set(data.rows.map((row) => row.id));
  for (const id of state.rows.keys()) {
    if (!known.has(id)) remove(id);
  }
  takeRows(data.rows);
}

function onChanges(data) {
  takeHead(data);
  data.gone.forEach(remove);
  takeRows(data.rows, data.gone.length > 0);
}

function takeRows(rows, hasGone = false) {
  for (const row of rows) state.rows.set(row.id, row);
  announce(rows, !state.hasSnapshot);
  const isFirst = !state.hasSnapshot;
  state.hasSnapshot = true;
  if (rows.length > 0 || hasGone || isFirst) {
    render();
    fillLists();
  }
  if (isFirst && state.toOpen) openDrawer(state.toOpen);
  state.toOpen = '';
}

function remove(id) {
  state.rows.delete(id);
  if (state.order.includes(id) && isFrozen()) table.markEnded(id);
  else table.forget(id);
}

/** Offers the skills, agents and rules that there are, for the filters. */
function fillLists() {
  const fill = (id, values) => {
    const wanted = [...new Set(values.filter(Boolean))].sort().slice(0, 100);
    const list = $(id);
    if (list.dataset.values === wanted.join('\n')) return;
    list.dataset.values = wanted.join('\n');
    list.replaceChildren(...wanted.map((value) => element('option', { value })));
  };
  const rows = [...state.rows.values()];
  fill('skills', rows.flatMap((row) => [row.skill, row.team]));
  fill('agents', rows.map((row) => row.agent_name || row.agent_id));
  fill('rules', rows.flatMap((row) => row.fired));
}

// Rows: focus and keys -----------------------------------------------------------------------------------------------------

const currentRow = () => document.activeElement?.closest?.('#rows tr') ?? null;

function moveFocus(step) {
  const rows = [...$('rows').children];
  if (rows.length === 0) return;
  const current = currentRow() ?? $('rows').querySelector('tr[tabindex="0"]');
  const isFocused = current === currentRow() && current !== null;
  const place = isFocused ? rows.indexOf(current) + step : Math.max(0, rows.indexOf(current));
  table.focusRow(rows[Math.min(rows.length - 1, Math.max(0, place))]);
}

/** Returns the conversation that a key is meant for: the one in the drawer, or the one with the focus. */
function meantRow() {
  const id = state.drawer?.id ?? currentRow()?.dataset.id;
  return id ? state.rows.get(id) : null;
}

const LETTERS = {
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  '/': () => openFilters(true),
  a: () => withAlert(acknowledge),
  s: () => withAlert(askSnooze),
  x: () => withAlert(askWrong),
  c: () => askContest(),
  p: togglePause,
  '?': () => $('keys').showModal(),
};

function withAlert(action) {
  const row = meantRow();
  if (row?.alert) action(row);
  else tell(row ? 'This conversation has no alert.' : 'Choose a conversation first.');
}

document.addEventListener('keydown', (event) => {
  if (board.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return;
  const isTyping = event.target.matches('input, textarea, select');
  if (event.key === 'Escape') {
    if (isTyping && event.target.closest('#filters')) event.target.blur();
    else if (state.drawer) closeDrawer();
    return;
  }
  if (isTyping) return;
  const isInDrawer = Boolean(event.target.closest('#drawer'));
  if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !isInDrawer) {
    event.preventDefault();
    moveFocus(event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Enter' && event.target.matches('#rows tr')) {
    event.preventDefault();
    openDrawer(event.target.dataset.id);
  } else if (LETTERS[event.key] && setting('letters', 'on') === 'on') {
    event.preventDefault();
    LETTERS[event.key]();
  }
});

$('rows').addEventListener('click', (event) => {
  const tr = event.target.closest('tr');
  if (!tr || getSelection()?.toString()) return;
  table.focusRow(tr);
  openDrawer(tr.dataset.id);
});

// The order follows again once nobody reads any more.
$('rows').addEventListener('focusout', () => setTimeout(renderIfRead, 0));
$('rows').addEventListener('mouseleave', () => setTimeout(renderIfRead, 0));

function renderIfRead() {
  if (!isFrozen()) render();
}

$('changes').addEventListener('click', () => {
  render({ force: true });
  $('changes').hidden = false;
});
$('changes').addEventListener('blur', () => showChanges(countChanges(state.order, wantedRows().map((row) => row.id))));

// Drawer -----------------------------------------------------------------------------------------------------------------

async function openDrawer(id) {
  // What has ended is shown as it was kept.
  const row = state.rows.get(id) ?? table.elements.get(id)?.row;
  state.drawer = { id, returnTo: id };
  showAddress();
  $('drawer-title').textContent = row ? drawerTitle(row) : 'Conversation';
  showMessage($('drawer-body'), 'Loading …');
  $('drawer').hidden = false;
  document.body.classList.add('has-drawer');
  $('drawer-title').focus();
  await loadDrawer(id);
}

async function loadDrawer(id) {
  let answer = null;
  let isKept = false;
  let problem = 'The server does not answer. Close and open the conversation again.';
  try {
    let response = await fetch(`/board/calls/${encodeURIComponent(id)}`);
    if (response.status === 404) {
      isKept = true;
      response = await fetch(`/board/cards/${encodeURIComponent(id)}`);
    }
    if (response.status === 401) return showLogin('Your session is over. Log in again.');
    if (response.status === 404) problem = 'This conversation is over. The card of a call is shown here for a day, once it is written.';
    if (response.ok) answer = await response.json();
  } catch {
    // The problem is shown below.
  }
  if (state.drawer?.id !== id) return;
  state.drawer.loadedAt = performance.now();
  state.drawer.isKept = isKept;
  state.drawer.answer = answer;
  if (answer) showAnswer();
  else showMessage($('drawer-body'), problem);
}

/** Shows what was loaded of the conversation that is open. */
function showAnswer() {
  const { answer, isKept } = state.drawer;
  $('drawer-title').textContent = drawerTitle(answer.row);
  if (isKept) fillKept($('drawer-body'), answer);
  else fillDrawer($('drawer-body'), answer, alertActions(answer.row));
}

/** Returns the buttons for the alert of a conversation. */
function alertActions(row) {
  if (!row.alert) return null;
  const button = (label, action) => {
    const made = element('button', { type: 'button', 'data-action': label.toLowerCase() }, label);
    made.addEventListener('click', () => action(state.rows.get(row.id) ?? row));
    return made;
  };
  const said = row.handling === 'open' ? 'Nobody has taken this alert.' : `${row.handling}${row.alert.by ? ` by ${row.alert.by}` : ''}${row.alert.reason ? `: ${row.alert.reason}` : ''}${row.alert.until ? ` until ${clock(row.alert.until)}` : ''}`;
  return element('section', { class: 'actions' },
    element('p', { id: 'handling' }, said),
    button('Acknowledge', acknowledge),
    button('Snooze', askSnooze),
    button('Wrong', askWrong),
    row.handling === 'open' ? null : button('Reopen', (meant) => mark(meant, { action: 'reopen' })));
}

function closeDrawer() {
  const id = state.drawer?.returnTo;
  const hadFocus = $('drawer').contains(document.activeElement);
  state.drawer = null;
  $('drawer').hidden = true;
  showAddress();
  document.body.classList.remove('has-drawer');
  const made = id ? table.elements.get(id) : null;
  if (hadFocus && made?.tr.isConnected) table.focusRow(made.tr);
  render();
}

$('close-drawer').addEventListener('click', closeDrawer);

// Alerts -----------------------------------------------------------------------------------------------------------------

async function mark(row, body) {
  try {
    const answer = await change(`/board/alerts/${encodeURIComponent(row.id)}`, { ...body, alert: { rule: row.alert.rule, at: row.alert.at } });
    state.rows.set(row.id, answer.row);
    render();
    if (state.drawer?.id === row.id && state.drawer.answer) {
      state.drawer.answer.row = answer.row;
      const old = $('drawer-body').querySelector('.actions');
      const renewed = alertActions(answer.row);
      const focused = document.activeElement?.dataset?.action;
      if (old && renewed) old.replaceWith(renewed);
      if (focused) renewed?.querySelector(`[data-action="${focused}"]`)?.focus();
    }
    tell(`${drawerTitle(answer.row)}: ${answer.row.handling}.`);
  } catch (error) {
    if (error.status === 401) showLogin('Your session is over. Log in again.');
    else tell(error.message, true);
  }
}

const acknowledge = (row) => mark(row, { action: 'acknowledge' });

/** Opens a dialog, and calls `onOk` if it was confirmed. The browser gives the focus back to where it was. */
function ask(id, onOk) {
  const dialog = $(id);
  dialog.returnValue = '';
  dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'ok') onOk();
  }, { once: true });
  dialog.showModal();
}

function askSnooze(row) {
  ask('snooze', () => mark(row, { action: 'snooze', minutes: Number.parseInt($('snooze-minutes').value, 10) }));
}

function askWrong(row) {
  $('wrong-reason').value = '';
  ask('wrong', () => mark(row, { action: 'wrong', reason: $('wrong-reason').value }));
}

/** Asks which answer of the open conversation is contested, and why. */
function askContest(chosen = document.activeElement?.closest?.('[data-rule]')?.dataset.rule) {
  const { drawer } = state;
  const rules = drawer?.answer ? contestable(drawer.answer) : [];
  if (rules.length === 0) {
    tell(drawer ? 'No rule has an answer here that can be contested.' : 'Open a conversation first.');
    return;
  }
  prepareContest($('contest-rule'), $('contest-reason'), rules, chosen);
  ask('contest', () => contest(drawer, $('contest-rule').value, $('contest-reason').value));
}

async function contest(drawer, rule, reason) {
  try {
    const answer = await change(`/board/cards/${encodeURIComponent(drawer.id)}`, { rule, reason });
    if (state.drawer === drawer && drawer.answer) {
      drawer.answer.contests = answer.contests;
      const focused = document.activeElement?.dataset?.contest;
      showAnswer();
      if (focused) $('drawer-body').querySelector(`[data-contest="${CSS.escape(focused)}"]`)?.focus();
    }
    tell('The answer is contested.');
  } catch (error) {
    if (error.status === 401) showLogin('Your session is over. Log in again.');
    else tell(error.message, true);
  }
}

$('drawer-body').addEventListener('click', (event) => {
  const button = event.target.closest('[data-contest]');
  if (button) askContest(button.dataset.contest);
});

/** Says something to whoever sees or hears the page. */
function tell(text, isProblem = false) {
  // For eyes alone: whoever listens hears the status.
  const toast = element('p', { class: isProblem ? 'toast error' : 'toast', 'aria-hidden': 'true' }, text);
  document.querySelector('.toast')?.remove();
  board.append(toast);
  $('status').textContent = text;
  state.statusAt = performance.now();
  setTimeout(() => toast.remove(), 6000);
}

// Filters and views --------------------------------------------------------------------------------------------------------

const filterFields = { text: 'filter-text', skill: 'filter-skill', agent: 'filter-agent', severity: 'filter-severity', rule: 'filter-rule', minutes: 'filter-minutes' };

function showFilters() {
  for (const [field, id] of Object.entries(filterFields)) $(id).value = state.filters[field];
  const views = loadViews();
  if (state.view && !views[state.view]) views[state.view] = writeFilters(state.filters);
  $('views').replaceChildren(element('option', { value: '' }, 'choose'), ...Object.keys(views).sort().map((name) => element('option', { value: name }, name)));
  $('views').value = state.view;
  showFilterCount();
}

/** Says on the button that opens the filters of a narrow page how many are set. */
function showFilterCount() {
  const count = Object.values(state.filters).filter(Boolean).length;
  $('open-filters').textContent = count ? `Filters (${count})` : 'Filters';
}

/** Shows or hides the filters of a narrow page; on a wide one they always stand above the table. */
function openFilters(isOpen) {
  $('filters').classList.toggle('is-open', isOpen);
  $('open-filters').setAttribute('aria-expanded', String(isOpen));
  if (isOpen) $('filter-text').focus();
}

$('open-filters').addEventListener('click', () => openFilters(!$('filters').classList.contains('is-open')));

/** Writes filters and the open conversation into the address, so that its link shows the same. */
function showAddress() {
  history.replaceState(null, '', `${location.pathname}${writeFilters(state.filters, state.view, state.drawer?.id)}`);
}

function filtersChanged({ view = '' } = {}) {
  state.view = view;
  showAddress();
  if (state.hasSnapshot) render({ force: true });
}

$('filters').addEventListener('input', (event) => {
  if (event.target.id === 'views') return;
  for (const [field, id] of Object.entries(filterFields)) state.filters[field] = $(id).value.trim();
  $('views').value = '';
  showFilterCount();
  filtersChanged();
});
$('filters').addEventListener('submit', (event) => event.preventDefault());
$('filters').addEventListener('reset', (event) => {
  event.preventDefault();
  state.filters = readFilters('');
  state.view = '';
  showFilters();
  filtersChanged();
});
$('views').addEventListener('change', () => {
  const name = $('views').value;
  const query = loadViews()[name];
  if (query === undefined) return;
  state.filters = readFilters(query);
  state.view = name;
  showFilters();
  filtersChanged({ view: name });
});
$('save-view').addEventListener('click', () => {
  $('view-name-input').value = state.view;
  ask('view-name', () => {
    const name = $('view-name-input').value.trim().slice(0, 40);
    if (!name) return;
    saveView(name, writeFilters(state.filters));
    state.view = name;
    showFilters();
    filtersChanged({ view: name });
    tell(`The view “${name}” is saved in this browser. Its link can be shared.`);
  });
});
$('copy-link').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    tell('The link is copied.');
  } catch {
    tell(`Copy the address: ${location.href}`);
  }
});

// A page that the way back brings up again has no connection any more.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

addEventListener('popstate', () => {
  state.filters = readFilters(location.search);
  showFilters();
  if (state.hasSnapshot) render({ force: true });
});

// Settings and the head ------------------------------------------------------------------------------------------------------

function togglePause() {
  state.isPaused = !state.isPaused;
  $('pause').setAttribute('aria-pressed', String(state.isPaused));
  $('pause').textContent = state.isPaused ? 'Paused' : 'Pause';
  if (!state.isPaused) render();
}

function showColumns() {
  table.setColumns(shownColumns(state.columns.shown), state.columns.widths, (id, width) => {
    state.columns.widths[id] = width;
    saveColumns(state.columns);
  });
  if (state.hasSnapshot) render({ force: true });
}

$('columns').replaceChildren(...COLUMNS.filter((column) => !column.isFixed).map((column) => {
  const box = element('input', { type: 'checkbox', 'data-column': column.id });
  box.checked = state.columns.shown.has(column.id);
  box.addEventListener('change', () => {
    if (box.checked) state.columns.shown.add(column.id);
    else state.columns.shown.delete(column.id);
    saveColumns(state.columns);
    showColumns();
  });
  return element('div', { class: 'column' },
    element('label', { class: 'check' }, box, ` ${column.title}`),
    element('p', { class: 'help' }, column.formula));
}));

$('pause').addEventListener('click', togglePause);
$('open-settings').addEventListener('click', () => $('settings').showModal());
$('open-keys').addEventListener('click', () => $('keys').showModal());
$('use-keys').checked = setting('letters', 'on') === 'on';
$('use-keys').addEventListener('change', () => remember('letters', $('use-keys').checked ? 'on' : 'off'));
$('use-sound').checked = setting('sound', 'off') === 'on';
$('use-sound').addEventListener('change', () => remember('sound', $('use-sound').checked ? 'on' : 'off'));
$('theme').addEventListener('change', () => {
  remember('theme', $('theme').value);
  applyTheme();
});

// Login ----------------------------------------------------------------------------------------------------------------------

function showLogin(message = '') {
  stream?.close();
  stream = null;
  state.rows.clear();
  state.order = [];
  state.hasSnapshot = false;
  state.drawer = null;
  $('drawer').hidden = true;
  $('drawer-body').replaceChildren();
  document.body.classList.remove('has-drawer', 'is-stale');
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  table.setColumns([], {}, () => {});
  board.hidden = true;
  $('login').hidden = false;
  $('login-error').textContent = message;
  $('login-name').value = setting('viewer', '');
  $('login-key').value = '';
  offerSignOn($('sign-on-box'), $('sign-on'));
}

function showBoard(session) {
  $('viewer').textContent = session.viewer;
  $('login').hidden = true;
  board.hidden = false;
  showFilters();
  showColumns();
  state.heardAt = performance.now();
  stream = openStream({ onSnapshot, onChanges, onLoggedOut: () => showLogin('Your session is over. Log in again.') });
}

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = $('login-name').value.trim();
  $('login-error').textContent = '';
  try {
    const session = await change('/board/login', { key: $('login-key').value, name });
    remember('viewer', name);
    $('login-key').value = '';
    showBoard(session);
    $('filter-text').focus();
  } catch (error) {
    const messages = { 401: 'This key is not known.', 403: 'This key may not see the board.', 429: 'Too many attempts. Wait a minute.' };
    $('login-error').textContent = messages[error.status] ?? error.message;
  }
});

$('logout').addEventListener('click', async () => {
  try {
    await change('/board/logout', {});
    stream?.logOut();
    stream = null;
    showLogin('You are logged out.');
    $('login-name').focus();
  } catch (error) {
    tell(error.message, true);
  }
});

async function start() {
  applyTheme();
  setInterval(tick, 1000);
  try {
    const answer = await fetch('/board/session');
    if (answer.ok) showBoard(await answer.json());
    else showLogin(loginProblem);
  } catch {
    showLogin('The server does not answer. Load the page again.');
  }
}

// The transcript of an open conversation grows. It is renewed unless somebody selects text in it.
setInterval(() => {
  const { drawer } = state;
  const isDue = drawer?.loadedAt && !(drawer.isKept && drawer.answer) && performance.now() - drawer.loadedAt >= DRAWER_REFRESH_MS;
  const isUsed = $('drawer-body').contains(document.activeElement) && document.activeElement !== $('drawer-body');
  if (isDue && !state.isPaused && !isUsed && !getSelection()?.toString()) loadDrawer(drawer.id);
}, 1000);

// For measurements: how many updates there were, and how long the newest ones took, in milliseconds.
document.documentElement.addEventListener('board-measure', () => {
  document.documentElement.dataset.scriptMs = JSON.stringify(state.scriptMs);
  document.documentElement.dataset.updates = String(state.updates);
});

start();
