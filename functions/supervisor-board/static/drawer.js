// The drawer: one conversation with its transcript, its scores, its rules, its card, and why its alert was raised; or what was kept of a
// call that has ended.

import { contestButton, contestList } from './contest.js';
import { clock, count, duration, element, percent, score } from './format.js';

const SPEAKERS = { customer: 'Customer', agent: 'Agent', system: 'System' };
const HIT_SIGNS = { severe: '‼', warn: '!', info: '◦' };
const QUARTERS = ['first', 'second', 'third', 'fourth'];

const fact = (name, value, formula) =>
  element('div', { title: formula }, element('dt', {}, name), element('dd', {}, value));

const section = (title, ...children) => element('section', {}, element('h3', {}, title), ...children);

/** Returns the title of a conversation. */
export const drawerTitle = (row) => `${row.kind === 'chat' ? 'Chat' : 'Call'} of ${row.agent_name || row.agent_id || 'an agent without a name'}`;

/** Returns who said something, and when in the conversation. */
const saidBy = (quote, began) => `${duration(quote.at - began)} ${SPEAKERS[quote.speaker] ?? quote.speaker} `;

/** Returns quoted words. They may be of any script, and never become HTML. */
function quoteItem(quote, began) {
  return element('blockquote', { class: `turn by-${quote.speaker}` },
    element('span', { class: 'turn-head' }, saidBy(quote, began)),
    element('bdi', { class: 'turn-text', dir: 'auto' }, quote.text));
}

function turnItem(turn, began) {
  const scored = typeof turn.score === 'number' ? score(turn.score) : '–';
  return element('li', { class: `turn by-${turn.speaker}` },
    element('span', { class: 'turn-head' }, saidBy(turn, began),
      element('span', { class: 'turn-score', title: 'Score of this segment, 0 negative to 1 positive. Scores are remembered for five minutes.' }, scored)),
    element('bdi', { class: 'turn-text', dir: 'auto' }, turn.text));
}

function whySection(why, began) {
  if (!why) return section('Why', element('p', {}, 'No alert is open.'));
  const turns = why.turns.map((turn) => turnItem(turn, began));
  const whichTurns = why.is_rule_hit ? 'The rule’s words were said here:' : 'What the customer said in the 30 s before, lowest scores:';
  const noTurns = why.is_rule_hit ? 'No words made the rule hold: something was not said, or figures alone decided.' : null;
  return section('Why',
    element('dl', { class: 'facts' },
      fact('Rule', why.rule),
      fact('Severity', why.severity),
      fact('Version', why.version, 'A digest of everything that the rule decides by'),
      fact('At', `${duration(why.at - began)} (${clock(why.at)})`),
      why.average > 0 ? fact('Customer’s average then', score(why.average), 'Average of the customer’s segments in the 30 s before') : null,
      fact('Model', why.model ?? 'none', 'Digest of the model whose scores the rule used')),
    turns.length > 0 || noTurns ? element('p', {}, turns.length > 0 ? whichTurns : noTurns) : null,
    turns.length > 0 ? element('ol', { class: 'turns causes' }, ...turns) : null);
}

const CARD_LINES = {
  reason: ['Reason', 'The customer’s sentence of the first third that says why they call'],
  outcome: ['Outcome', 'The sentence of the last third that says what came of it'],
  commitment: ['Commitment', 'The agent’s promise, as it was said'],
  risk: ['Risk', 'The words that made the worst rule hold'],
  'next step': ['Next step', 'What the agent said will happen after the conversation'],
};

/** The call card: each line is a quote, or says why there is none. */
function cardSection(card, began, title) {
  if (!card) return null;
  const lines = card.flatMap(({ name, quote, rule, unknown }) => {
    const [line, formula] = CARD_LINES[name] ?? [name, ''];
    const content = quote ? quoteItem(quote, began) : element('span', { class: 'help' }, `unknown: ${unknown}`);
    return [
      element('dt', { title: formula }, rule ? `${line} (${rule})` : line),
      element('dd', { 'data-card': name }, content),
    ];
  });
  return section(title, element('dl', { class: 'card' }, ...lines));
}

function hitItem(hit, began, contests, kept) {
  const where = kept ? 'whose words are not kept.' : 'said before what is shown here.';
  const missing = hit.missing > 0 ? `${count(hit.missing, 'quote')} ${where}` : null;
  const none = hit.quotes.length === 0 && hit.missing === 0 ? 'No words made it hold: something was not said, or figures alone decided.' : null;
  return element('li', { class: 'hit', 'data-rule': hit.rule, 'data-severity': hit.severity },
    element('p', { class: 'hit-head' },
      element('span', { class: 'severity' }, `${HIT_SIGNS[hit.severity] ?? ''} ${hit.severity}`),
      element('strong', { title: `Version ${hit.version}` }, hit.rule),
      element('span', {}, `${duration(hit.at - began)} (${clock(hit.at)})`)),
    ...hit.quotes.map((quote) => quoteItem(quote, began)),
    missing || none ? element('p', { class: 'help' }, missing ?? none) : null,
    // An answer of the scorecard is contested there.
    ...(kept?.has(hit.rule) ? [] : [contestList(contests, hit.rule), contestButton(hit.rule, hit.rule)]));
}

/** What people may do to an answer, and how it counts. */
function answerItem(answer, began, contests) {
  const [sign, word] = { true: ['✓', 'passed'], false: ['✗', 'missed'], null: ['?', 'unknown'] }[answer.passed];
  const times = answer.at.map((at) => duration(at - began)).join(', ');
  return element('li', { class: 'hit answer', 'data-rule': answer.rule, 'data-passed': word },
    element('p', { class: 'hit-head' },
      element('span', { class: 'severity' }, `${sign} ${word}`),
      element('strong', { title: `${answer.rule}, version ${answer.version}` }, element('bdi', { dir: 'auto' }, answer.title)),
      element('span', {}, count(answer.weight, 'point')),
      times ? element('span', {}, `at ${times}`) : null),
    answer.fails && answer.passed === false ? element('p', { class: 'help' }, 'This alone fails the scorecard.') : null,
    contestList(contests, answer.rule),
    contestButton(answer.rule, answer.title));
}

/** The answers of the rules that have a weight. */
function scorecardSection(scorecard, began, contests) {
  if (!scorecard) return null;
  const points = scorecard.score === null ? 'No answer is known.' : `${percent(scorecard.score)} of the points whose answers are known.`;
  return section('Scorecard',
    element('p', { id: 'score', title: 'Points of the rules that were answered as wanted ÷ points of all rules whose answer is known' }, `${points}${scorecard.is_failed ? ' Failed.' : ''}`),
    element('ul', { class: 'hits' }, ...scorecard.answers.map((answer) => answerItem(answer, began, contests))));
}

/** The rules that hold, the worst first, and those whose answer is unknown. */
function rulesSection({ rules, began, contests = [], scorecard }, isKept = false) {
  const { hits, unknown, gaps } = rules;
  const kept = isKept ? new Set((scorecard?.answers ?? []).map((answer) => answer.rule)) : null;
  const times = gaps.map(([from, to]) => `${duration(from - began)} to ${duration(to - began)}`);
  const lacks = isKept ? 'words are missing, or the conversation lacks what they ask for' : 'the conversation lacks what they ask for';
  const why = times.length > 0 ? `words may be missing from ${times.join(', ')}` : lacks;
  return section('Rules',
    hits.length > 0
      ? element('ul', { class: 'hits' }, ...hits.map((hit) => hitItem(hit, began, contests, kept)))
      : element('p', {}, isKept ? 'No rule of the rule file holds.' : 'No rule of the rule file holds so far.'),
    unknown.length > 0 ? element('p', { class: 'unknown-rules' }, `Unknown, because ${why}: ${unknown.join(', ')}. Not heard is not the same as not said.`) : null);
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

function suggestionSection(call, began) {
  const suggestions = call?.suggestions ?? [];
  if (suggestions.length === 0) return section('Suggestions to the agent', element('p', {}, 'None so far.'));
  return section('Suggestions to the agent', element('ul', {}, ...suggestions.map((one) =>
    element('li', {}, `${duration(one.at - began)} ${one.content} (${one.status === 'due' ? 'being sent' : one.status})`))));
}

function transcriptSection(answer) {
  const { turns, is_cut: isCut } = answer.transcript;
  if (!answer.readable) return section('Transcript', element('p', { class: 'error' }, 'The contact center did not answer. Open the conversation again.'));
  if (turns.length === 0) return section('Transcript', element('p', {}, 'Nothing was said yet.'));
  return section('Transcript',
    isCut ? element('p', { class: 'help' }, 'The beginning is left out.') : null,
    element('ol', { class: 'turns' }, ...turns.map((turn) => turnItem(turn, answer.began))));
}

/** Fills the drawer with the answer for one conversation. `actions` are the buttons for its alert. */
export function fillDrawer(body, answer, actions) {
  body.replaceChildren(...[
    actions,
    whySection(answer.why, answer.began),
    cardSection(answer.card, answer.began, 'Card so far'),
    rulesSection(answer),
    callSection(answer.call),
    suggestionSection(answer.call, answer.began),
    transcriptSection(answer),
  ].filter(Boolean));
}

/** Fills the drawer with what was kept of a call that has ended. */
export function fillKept(body, answer) {
  const when = answer.ended ? ` at ${clock(answer.ended)}` : '';
  body.replaceChildren(...[
    element('p', { class: 'help', id: 'has-ended' }, `The call has ended${when}. Its card is kept for a day.`),
    cardSection(answer.card, answer.began, 'Card'),
    scorecardSection(answer.scorecard, answer.began, answer.contests),
    rulesSection(answer, true),
  ].filter(Boolean));
}

/** Shows a message in the place of a conversation. */
export function showMessage(body, text) {
  body.replaceChildren(element('p', {}, text));
}
