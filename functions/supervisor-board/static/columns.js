// The columns of the table: what each shows, the formula behind it, and which are shown.

import { clock, count, drawSparkline, duration, element, percent, score, sparkline } from './format.js';

const STORE = 'board-columns';

const SEVERITY_SIGNS = { severe: '‼', warn: '!', watch: '◦', calm: '✓' };
const TREND_SIGNS = { declining: '↘', stable: '→', improving: '↗' };
const HANDLING_WORDS = { open: 'open', acknowledged: 'taken', snoozed: 'snoozed', wrong: 'wrong' };

/** The texts that cells show, because to ask the page for them costs more than to write them. */
const shownTexts = new WeakMap();

/** Writes a text into a cell if it is another one, so that an unchanged cell costs nothing. */
function put(node, text) {
  if (shownTexts.get(node) === text) return;
  shownTexts.set(node, text);
  node.textContent = text;
}

/** Sets an attribute if it has another value. */
function putAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function readingText(reading) {
  return reading ? `${score(reading.average)} ${reading.word}` : 'nothing said';
}

/** Every column. `cell` makes the content once, `fill` writes a row into it, `time` is repeated each second. */
export const COLUMNS = [
  {
    id: 'severity',
    title: 'Severity',
    formula: 'The severity of the worst alert that is open, by the customer’s average or by a rule. Without an alert: watch if the customer is below 0.40, the coverage below 80 %, or nobody listens; else calm.',
    isDefault: true,
    isFixed: true,
    cell: () => element('span', { class: 'severity' }),
    fill: (node, row) => {
      const handling = HANDLING_WORDS[row.handling];
      const by = row.alert?.by && row.handling !== 'open' ? ` by ${row.alert.by}` : '';
      const heard = row.unheard ? ' · unheard' : '';
      put(node, `${SEVERITY_SIGNS[row.severity]} ${row.severity}${handling ? ` · ${handling}${by}` : ''}${heard}`);
    },
  },
  {
    id: 'customer',
    title: 'Customer now',
    formula: 'Calls: average score of the customer’s segments in the last 30 s before the customer’s newest words. Chats: average of the customer’s last five messages. 0 is negative, 0.5 neutral, 1 positive. The line shows the scores behind it.',
    isDefault: true,
    cell: () => element('span', { class: 'customer' }, element('span', { class: 'number' }), sparkline()),
    fill: (node, row) => {
      put(node.firstChild, readingText(row.customer));
      const key = row.points.join(';');
      if (node.dataset.points !== key) {
        node.dataset.points = key;
        drawSparkline(node.lastChild, row.points);
      }
    },
  },
  {
    id: 'trend',
    title: 'Trend',
    formula: 'The customer’s average against the one before the newest words. A change of at most 0.05 is stable.',
    isDefault: true,
    cell: () => element('span', { class: 'trend' }),
    fill: (node, row) => put(node, row.customer ? `${TREND_SIGNS[row.customer.trend]} ${row.customer.trend}` : '–'),
  },
  {
    id: 'agent',
    title: 'Agent',
    formula: 'Name of the agent, or the contact center’s identifier where no name is known.',
    isDefault: true,
    isRowHeader: true,
    cell: () => element('bdi', { class: 'clip' }),
    fill: (node, row) => {
      const name = row.agent_name || row.agent_id || 'no name';
      put(node, name);
      putAttribute(node, 'title', name);
    },
  },
  {
    id: 'time',
    title: 'Time',
    formula: 'Time since the conversation was registered.',
    isDefault: true,
    isNumber: true,
    cell: () => element('span'),
    fill: () => {},
    time: (node, row, now) => put(node, duration(now - row.started)),
  },
  {
    id: 'line',
    title: 'Last customer line',
    formula: 'The customer’s newest words, cut. Personal data is masked, and so is every number of more than two digits.',
    isDefault: true,
    cell: () => element('bdi', { class: 'clip line' }),
    fill: (node, row) => put(node, row.line || '–'),
  },
  {
    id: 'rules',
    title: 'Rules',
    formula: 'The rules that have fired in this conversation.',
    isDefault: true,
    cell: () => element('span', { class: 'clip' }),
    fill: (node, row) => put(node, row.fired.length > 0 ? row.fired.join(', ') : '–'),
  },
  {
    id: 'coverage',
    title: 'Coverage',
    formula: 'Scored seconds ÷ (scored + unscored seconds) of what both sides said. A gap is a run of words without a score. Nobody listens: no sign of life for 45 s.',
    isDefault: true,
    cell: () => element('span', { class: 'coverage' }),
    fill: () => {},
    time: (node, row, now) => {
      if (row.kind === 'chat') {
        put(node, 'chat');
        return;
      }
      const share = row.coverage === null ? 'nothing heard' : percent(row.coverage);
      const gaps = row.gaps > 0 ? `, ${count(row.gaps, 'gap')}` : '';
      const silent = row.unheard ? `, no sign for ${duration(now - row.read)}` : '';
      put(node, `${share} of ${duration(now - row.started)}${gaps}${silent}`);
      const isThin = row.unheard || row.coverage === null || row.coverage < 0.8;
      putAttribute(node, 'class', isThin ? 'coverage thin' : 'coverage');
    },
  },
  {
    id: 'skill',
    title: 'Skill',
    formula: 'Skill or queue through which the conversation came, and the team of the agent.',
    cell: () => element('bdi', { class: 'clip' }),
    fill: (node, row) => put(node, [row.skill, row.team].filter(Boolean).join(' · ') || '–'),
  },
  {
    id: 'silence',
    title: 'Silence now',
    formula: 'Time since the end of the newest words of either side.',
    isNumber: true,
    cell: () => element('span'),
    fill: () => {},
    time: (node, row, now) => put(node, row.heard ? duration(now - row.heard) : '–'),
  },
  {
    id: 'share',
    title: 'Agent talks',
    formula: 'Agent’s seconds ÷ (agent’s + customer’s seconds) of the segments so far.',
    isNumber: true,
    cell: () => element('span'),
    fill: (node, row) => put(node, row.talk_share === null ? '–' : percent(row.talk_share)),
  },
  {
    id: 'agent-now',
    title: 'Agent now',
    formula: 'Average score of the agent’s segments in the last 30 s before the agent’s newest words.',
    cell: () => element('span'),
    fill: (node, row) => put(node, readingText(row.agent)),
  },
  {
    id: 'language',
    title: 'Language',
    formula: 'Language of the conversation, where it is known.',
    cell: () => element('span'),
    fill: (node, row) => put(node, row.language ?? '–'),
  },
  {
    id: 'since',
    title: 'Alert since',
    formula: 'Time of day at which the open alert was raised.',
    cell: () => element('span'),
    fill: (node, row) => put(node, row.alert ? clock(row.alert.at) : '–'),
  },
  {
    id: 'id',
    title: 'Contact',
    formula: 'The contact center’s identifier of the conversation.',
    cell: () => element('bdi', { class: 'clip' }),
    fill: (node, row) => {
      put(node, row.id);
      putAttribute(node, 'title', row.id);
    },
  },
];

/** Returns what this browser remembers: which columns are shown, and their widths in pixels. */
export function loadColumns() {
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    // What cannot be read is forgotten.
  }
  const known = new Set(COLUMNS.map((column) => column.id));
  const shown = Array.isArray(stored.shown) ? stored.shown.filter((id) => known.has(id)) : null;
  return {
    shown: new Set(shown ?? COLUMNS.filter((column) => column.isDefault).map((column) => column.id)),
    widths: typeof stored.widths === 'object' && stored.widths ? stored.widths : {},
  };
}

/** Remembers which columns are shown, and their widths. */
export function saveColumns({ shown, widths }) {
  localStorage.setItem(STORE, JSON.stringify({ shown: [...shown], widths }));
}
