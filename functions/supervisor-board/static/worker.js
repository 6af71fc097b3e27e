// One connection for all boards that are open in a browser: browsers open six connections to a server at most, and each stream holds one.

import { connect } from './connection.js';

const ports = new Set();
const rows = new Map();
let head = null;
let connection = null;

const tell = (message) => ports.forEach((port) => port.postMessage(message));

function keep(data) {
  head = { as_of: data.as_of, head: data.head };
  data.gone.forEach((id) => rows.delete(id));
  data.rows.forEach((row) => rows.set(row.id, row));
}

function open() {
  connection = connect({
    onSnapshot(data) {
      rows.clear();
      keep(data);
      tell({ type: 'snapshot', data });
    },
    onChanges(data) {
      keep(data);
      tell({ type: 'changes', data });
    },
    onLoggedOut() {
      close();
      tell({ type: 'logged-out' });
      ports.clear();
    },
  });
}

function close() {
  connection?.close();
  connection = null;
  head = null;
  rows.clear();
}

self.addEventListener('connect', ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data === 'open') {
      ports.add(port);
      if (head) port.postMessage({ type: 'snapshot', data: { ...head, gone: [], rows: [...rows.values()] } });
      if (!connection) open();
    } else if (data === 'close') {
      ports.delete(port);
      if (ports.size === 0) close();
    } else if (data === 'log-out') {
      close();
      tell({ type: 'logged-out' });
      ports.clear();
    }
  };
});
