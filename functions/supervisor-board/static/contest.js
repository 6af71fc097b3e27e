// Objections to answers of rules: what was said, the button, and the dialog. Names and reasons are typed by people, and never become HTML.

import { element } from './format.js';

/** Returns the rules of an opened conversation whose answers can be contested: [id, title], each once, those of the scorecard first. */
export function contestable(answer) {
  const scored = (answer.scorecard?.answers ?? []).map(({ rule, title }) => [rule, title]);
  const hits = answer.rules.hits.map(({ rule }) => [rule, rule]);
  const titles = new Map();
  for (const [rule, title] of [...scored, ...hits]) {
    if (!titles.has(rule)) titles.set(rule, title);
  }
  return [...titles];
}

/** Returns what was objected to the answer of a rule, oldest first, or null. */
export function contestList(contests, rule) {
  const own = contests.filter((one) => one.rule === rule);
  if (own.length === 0) return null;
  return element('ul', { class: 'contests' }, ...own.map((one) => element('li', {},
    'Contested by ', element('bdi', { dir: 'auto' }, one.by), ': ', element('bdi', { dir: 'auto' }, one.reason))));
}

/** Returns the button that contests the answer of a rule. The drawer listens for all of them. */
export const contestButton = (rule, title) =>
  element('button', { type: 'button', class: 'contest', 'data-contest': rule, 'aria-label': `Contest ${title}` }, 'Contest');

/** Makes the dialog ready for the rules of an answer; `chosen` is the rule that is meant, if one is. */
export function prepareContest(choice, reason, rules, chosen) {
  choice.replaceChildren(...rules.map(([rule, title]) => element('option', { value: rule }, title)));
  choice.value = rules.some(([rule]) => rule === chosen) ? chosen : rules[0][0];
  reason.value = '';
}
