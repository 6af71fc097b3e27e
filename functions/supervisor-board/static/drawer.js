// The drawer: one conversation with its transcript, its scores, and why its alert was raised.

import { clock, duration, element, percent, score } from './format.js';

const SPEAKERS = { customer: 'Customer', agent: 'Agent', system: 'System' };
const QUARTERS = ['first', 'second', 'third', 'fourth'];

const fact = (name, value, formula) =>
  element('div', { title: formula }, element('dt', {}, name), element('dd', {}, value));

const section = (title, ...children) => element('section', {}, element('h3', {}, title), ...children);

/** Returns the title of a conversation. */
export const drawerTitle = (row) => `${row.kind === 'chat' ? 'Chat' : 'Call'} of ${row.agent_name || row.agent_id || 'an agent without a name'}`;

function turnItem(turn, started) {
  const scored = typeof turn.score === 'number' ? score(turn.score) : '–';
  return element('li', { class: `turn by-${turn.speaker}` },
    element('span', { class: 'turn-head' }, `${duration(turn.at - started)} ${SPEAKERS[turn.speaker] ?? turn.speaker} `,
      element('span', { class: 'turn-score', title: 'Score of this segment, 0 negative to 1 positive. Scores are remembered for five minutes.' }, scored)),
    element('bdi', { class: 'turn-text', dir: 'auto' }, turn.text));
}

function whySection(why, row) {
  if (!why) return section('Why', element('p', {}, 'No alert is open.'));
  const turns = why.turns.map((turn) => turnItem(turn, row.started));
  return section('Why',
    element('dl', { class: 'facts' },
      fact('Rule', why.rule),
      fact('Version', why.version, 'A digest of every number that the rule decides by'),
      fact('At', `${duration(why.second * 1000)} (${clock(why.at)})`),
      why.average > 0 ? fact('Customer’s average then', score(why.average), 'Average of the customer’s segments in the 30 s before') : null,
      fact('Model', why.model ?? 'none', 'Digest of the model whose scores the rule used')),
    turns.length > 0 ? element('p', {}, 'What the customer said in the 30 s before, lowest scores:') : null,
    turns.length > 0 ? element('ol', { class: 'turns causes' }, ...turns) : null);
}

function callSection(call) {
  if (!call) return null;
  const quarters = call.quarters.map((value, index) => fact(QUARTERS[index], value === null ? '–' : score(value), 'Average of the customer’s segments in this quarter of the call so far'));
  const talked = call.customer_ms + call.agent_ms;
  return section('Figures',
    element('h4', {}, 'Customer by quarters'),
    element('dl', { class: 'facts' }, ...quarters),
    element('h4', {}, 'Talk'),
    element('dl', { class: 'facts' },
      fact('Customer', duration(call.customer_ms), 'Sum of the lengths of the customer’s scored segments'),
      fact('Agent', duration(call.agent_ms), 'Sum of the lengths of the agent’s scored segments'),
      fact('Agent talks', talked > 0 ? percent(call.agent_ms / talked) : '–', 'Agent’s seconds ÷ both sides’ seconds'),
      fact('Not scored', duration(call.unscored_ms), 'Sum of the lengths of segments without a score')));
}

function suggestionSection(call, row) {
  const suggestions = call?.suggestions ?? [];
  if (suggestions.length === 0) return section('Suggestions to the agent', element('p', {}, 'None so far.'));
  return section('Suggestions to the agent', element('ul', {}, ...suggestions.map((one) =>
    element('li', {}, `${duration(one.at - row.started)} ${one.content} (${one.status === 'due' ? 'being sent' : one.status})`))));
}

function transcriptSection(answer) {
  const { turns, is_cut: isCut } = answer.transcript;
  if (!answer.readable) return section('Transcript', element('p', { class: 'error' }, 'The contact center did not answer. Open the conversation again.'));
  if (turns.length === 0) return section('Transcript', element('p', {}, 'Nothing was said yet.'));
  return section('Transcript',
    isCut ? element('p', { class: 'help' }, 'The beginning is left out.') : null,
    element('ol', { class: 'turns' }, ...turns.map((turn) => turnItem(turn, answer.row.started))));
}

/** Fills the drawer with the answer for one conversation. `actions` are the buttons for its alert. */
export function fillDrawer(body, answer, actions) {
  body.replaceChildren(...[
    actions,
    whySection(answer.why, answer.row),
    callSection(answer.call),
    suggestionSection(answer.call, answer.row),
    transcriptSection(answer),
  ].filter(Boolean));
}

/** Shows a message in the place of a conversation. */
export function showMessage(body, text) {
  body.replaceChildren(element('p', {}, text));
}
