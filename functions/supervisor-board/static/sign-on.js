// The login at a provider: the link to it, and what came of it.

const RETURN = 'board-return';
const PROBLEMS = {
  expired: 'The login took too long or was used before. Try again.',
  refused: 'The login was refused. Try again, or ask your administrator.',
  'not-allowed': 'You are logged in there, but may not see this board. Ask your administrator.',
  unavailable: 'The login service cannot be reached. Try again in a minute, or use a key.',
};

/** Shows the link to the provider, if there is one. The filters of the address are kept in this tab until the return. */
export async function offerSignOn(box, link) {
  try {
    const answer = await fetch('/board/ways');
    box.hidden = !(answer.ok && (await answer.json()).sign_on);
  } catch {
    box.hidden = true;
  }
  link.onclick = () => sessionStorage.setItem(RETURN, location.search);
}

/** Takes what the return from the provider has left in the address. Returns what went wrong, or nothing. */
export function takeReturn() {
  const query = new URLSearchParams(location.search);
  const problem = query.get('login');
  const kept = sessionStorage.getItem(RETURN);
  if (problem === null && kept === null) return '';
  query.delete('login');
  const own = query.size > 0 ? `?${query}` : '';
  const wanted = own || (kept?.startsWith('?') ? kept : '');
  if (wanted !== location.search) history.replaceState(null, '', location.pathname + wanted);
  if (!problem) sessionStorage.removeItem(RETURN);
  return problem === null ? '' : PROBLEMS[problem] ?? 'The login was not completed. Try again.';
}
