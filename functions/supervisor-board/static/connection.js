// The connection to the server: an EventSource that comes again by itself, and that this module opens anew when the server refused it.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

/**
 * Opens the stream of events. Calls `onSnapshot(data)` and `onChanges(data)`, and `onLoggedOut()` when the session is over.
 * Returns an object with `close()`.
 */
export function connect({ onSnapshot, onChanges, onLoggedOut }) {
  let source = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let lastId = '';
  let isClosed = false;

  const take = (handler) => (event) => {
    lastId = event.lastEventId;
    wait = FIRST_WAIT_MS;
    handler(JSON.parse(event.data));
  };

  function open() {
    const after = lastId ? `?after=${encodeURIComponent(lastId)}` : '';
    source = new EventSource(`/board/events${after}`);
    source.addEventListener('snapshot', take(onSnapshot));
    source.addEventListener('changes', take(onChanges));
    source.addEventListener('error', () => {
      // While it connects again by itself there is nothing to do; a refused answer ends it for good.
      if (source.readyState === EventSource.CLOSED) lookAgain();
    });
  }

  async function lookAgain() {
    source.close();
    if (isClosed) return;
    try {
      const answer = await fetch('/board/session');
      if (answer.status === 401) {
        isClosed = true;
        onLoggedOut();
        return;
      }
    } catch {
      // The server is away: the next attempt finds out.
    }
    if (isClosed) return;
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  open();
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      source.close();
    },
  };
}
