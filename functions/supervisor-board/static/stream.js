// The stream of events for this page, and the changes that it sends.

import { connect } from './connection.js';

/**
 * Opens the stream of events, over the connection that all boards of this browser share where browsers can share one. Calls
 * `onSnapshot(data)` and `onChanges(data)`, and `onLoggedOut()` when the session is over. Returns an object with `close()` and `logOut()`.
 */
export function openStream(handlers) {
  if (typeof SharedWorker === 'undefined') {
    const connection = connect(handlers);
    return { close: () => connection.close(), logOut: () => connection.close() };
  }
  let own = null;
  const worker = new SharedWorker('/board/worker.js', { type: 'module' });
  const { port } = worker;
  // Where the worker does not start, this page has a connection of its own.
  worker.onerror = () => {
    own ??= connect(handlers);
  };
  const handle = {
    snapshot: handlers.onSnapshot,
    changes: handlers.onChanges,
    'logged-out': handlers.onLoggedOut,
  };
  port.onmessage = ({ data }) => handle[data.type](data.data);
  port.postMessage('open');
  // A page that is left and kept for the way back would hold the connection.
  const leave = () => port.postMessage('close');
  addEventListener('pagehide', leave);
  const end = (message) => {
    removeEventListener('pagehide', leave);
    port.onmessage = null;
    port.postMessage(message);
    own?.close();
  };
  return { close: () => end('close'), logOut: () => end('log-out') };
}

/** Sends a change to the server. Returns the answer's JSON, or throws an error with the server's message and status. */
export async function change(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-board': '1' },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error('The server does not answer. Try again.');
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(said.error?.message ?? `The server answered ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return said;
}
