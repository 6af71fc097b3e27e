// The filters. They live in the address of the page, so that a link shows what its sender saw.

const FIELDS = ['text', 'skill', 'agent', 'severity', 'rule', 'minutes'];
const SEVERITIES = ['calm', 'watch', 'warn', 'severe'];
const STORE = 'board-views';

/** Returns the filters of an address. */
export function readFilters(search) {
  const parameters = new URLSearchParams(search);
  return Object.fromEntries(FIELDS.map((field) => [field, (parameters.get(field) ?? '').slice(0, 100)]));
}

/**
 * Returns the query of filters, empty if nothing is filtered. `view` is the name of a view that is shared by link, and `open` the id of the
 * conversation that is open.
 */
export function writeFilters(filters, view = '', open = '') {
  const parameters = new URLSearchParams();
  for (const field of FIELDS) {
    if (filters[field]) parameters.set(field, filters[field]);
  }
  if (view) parameters.set('view', view);
  if (open) parameters.set('open', open);
  const query = parameters.toString();
  return query ? `?${query}` : '';
}

const fold = (text) => (text ?? '').toLocaleLowerCase();

/** Returns a test for rows. */
export function matcher(filters, now) {
  const text = fold(filters.text);
  const skill = fold(filters.skill);
  const agent = fold(filters.agent);
  const rule = fold(filters.rule);
  const atLeast = Math.max(0, SEVERITIES.indexOf(filters.severity));
  const minutes = Number.parseInt(filters.minutes, 10) || 0;
  return (row) =>
    SEVERITIES.indexOf(row.severity) >= atLeast &&
    (minutes === 0 || now - row.started >= minutes * 60000) &&
    (!skill || fold(row.skill).includes(skill) || fold(row.team).includes(skill)) &&
    (!agent || fold(row.agent_name).includes(agent) || fold(row.agent_id).includes(agent)) &&
    (!rule || row.fired.some((fired) => fold(fired).includes(rule))) &&
    (!text || [row.id, row.line, row.agent_name, row.agent_id, row.skill, row.team].some((value) => fold(value).includes(text)));
}

/** Returns the named views of this browser: queries by name. */
export function loadViews() {
  try {
    const views = JSON.parse(localStorage.getItem(STORE));
    return views && typeof views === 'object' ? views : {};
  } catch {
    return {};
  }
}

/** Remembers a named view. */
export function saveView(name, query) {
  const views = loadViews();
  views[name] = query;
  localStorage.setItem(STORE, JSON.stringify(views));
}
