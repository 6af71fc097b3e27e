// The rows of the table. Each conversation keeps its elements, so that an update touches what has changed and focus stays where it is.

import { COLUMNS } from './columns.js';
import { element } from './format.js';

const RANKS = { severe: 0, warn: 1, watch: 2, calm: 3 };

/** Compares two rows: severity, then alerts that wait before others, then the time in alert, then the time of the conversation. */
export function compareRows(one, other) {
  const waits = (row) => (row.handling === 'open' ? 0 : 1);
  return (
    RANKS[one.severity] - RANKS[other.severity] ||
    waits(one) - waits(other) ||
    (one.alert?.at ?? Infinity) - (other.alert?.at ?? Infinity) ||
    one.started - other.started ||
    (one.id < other.id ? -1 : 1)
  );
}

/** Returns the ids of both lists that can stay where they are: the longest run, with gaps, in the same order in both. */
export function commonOrder(before, after) {
  const places = new Map(after.map((id, place) => [id, place]));
  const ends = [];
  const links = new Map();
  for (const id of before) {
    const place = places.get(id);
    if (place === undefined) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places.get(ends[middle]) < place) low = middle + 1;
      else high = middle;
    }
    ends[low] = id;
    links.set(id, low > 0 ? ends[low - 1] : undefined);
  }
  const stay = new Set();
  for (let id = ends.at(-1); id !== undefined; id = links.get(id)) stay.add(id);
  return stay;
}

/** The table: holds the rows' elements and puts them in order. */
export class Table {
  constructor(head, body) {
    this.head = head;
    this.body = body;
    this.elements = new Map();
    this.columns = [];
    // What depends on the time alone is renewed only where it can be seen.
    this.visible = new Set();
    this.watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const id = entry.target.dataset.id;
        if (entry.isIntersecting) this.visible.add(id);
        else this.visible.delete(id);
      }
    }, { rootMargin: '200px' });
  }

  /** Shows these columns, with these widths in pixels. */
  setColumns(columns, widths, onResize) {
    this.columns = columns;
    this.elements.clear();
    this.visible.clear();
    this.watch.disconnect();
    this.body.replaceChildren();
    this.head.replaceChildren(...columns.map((column) => this.headCell(column, widths, onResize)));
  }

  headCell(column, widths, onResize) {
    const grip = element('span', {
      class: 'grip',
      role: 'slider',
      tabindex: '0',
      'aria-label': `Width of ${column.title}`,
      'aria-valuemin': '40',
      'aria-valuemax': '800',
      'aria-valuenow': String(widths[column.id] ?? 120),
    });
    const cell = element('th', { scope: 'col', title: column.formula, class: column.isNumber ? 'numeric' : undefined }, element('span', {}, column.title), grip);
    const resize = (width) => {
      const bounded = Math.min(800, Math.max(40, Math.round(width)));
      cell.style.width = `${bounded}px`;
      cell.style.minWidth = `${bounded}px`;
      grip.setAttribute('aria-valuenow', String(bounded));
      return bounded;
    };
    if (widths[column.id]) resize(widths[column.id]);
    grip.addEventListener('pointerdown', (down) => {
      down.preventDefault();
      grip.setPointerCapture(down.pointerId);
      const start = cell.getBoundingClientRect().width;
      const move = (event) => resize(start + event.clientX - down.clientX);
      grip.addEventListener('pointermove', move);
      grip.addEventListener('pointerup', (up) => {
        grip.removeEventListener('pointermove', move);
        onResize(column.id, resize(start + up.clientX - down.clientX));
      }, { once: true });
    });
    grip.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      onResize(column.id, resize(cell.getBoundingClientRect().width + step));
    });
    return cell;
  }

  /** Writes a row into its elements, which are made at the first time. */
  fill(row, now) {
    let made = this.elements.get(row.id);
    if (!made) {
      const cells = this.columns.map((column) => column.cell());
      const tr = element('tr', { tabindex: '-1', 'data-id': row.id, 'aria-haspopup': 'dialog' });
      tr.append(...cells.map((cell, index) => {
        const column = this.columns[index];
        const attributes = { class: `c-${column.id}${column.isNumber ? ' numeric' : ''}`, 'data-title': column.title };
        return column.isRowHeader ? element('th', { scope: 'row', ...attributes }, cell) : element('td', attributes, cell);
      }));
      made = { tr, cells, row: null };
      this.elements.set(row.id, made);
      this.watch.observe(tr);
    }
    if (made.row !== row) {
      made.row = row;
      if (made.tr.dataset.severity !== row.severity) made.tr.dataset.severity = row.severity;
      if (made.tr.dataset.handling !== row.handling) made.tr.dataset.handling = row.handling;
      this.columns.forEach((column, index) => column.fill(made.cells[index], row));
      this.tick(made, now);
    }
    return made.tr;
  }

  tick(made, now) {
    this.columns.forEach((column, index) => column.time?.(made.cells[index], made.row, now));
  }

  /** Renews what depends on the time alone. */
  tickAll(now) {
    for (const id of this.visible) {
      const made = this.elements.get(id);
      if (made) this.tick(made, now);
    }
  }

  /** Puts rows in this order, and takes out the others. As few elements as possible are moved. */
  arrange(rows, now) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const tr of [...this.body.children]) {
      if (!wanted.has(tr.dataset.id)) tr.remove();
    }
    const shown = [...this.body.children].map((tr) => tr.dataset.id);
    const stay = commonOrder(shown, rows.map((row) => row.id));
    let place = this.body.firstChild;
    for (const row of rows) {
      const tr = this.fill(row, now);
      if (!stay.has(row.id)) {
        this.body.insertBefore(tr, place);
        continue;
      }
      // Whatever stands before an element that stays is moved when its turn comes.
      place = tr.nextSibling;
    }
    this.ensureTabStop();
  }

  /** Lets exactly one row be reached by Tab. */
  ensureTabStop() {
    if (!this.body.querySelector('tr[tabindex="0"]')) this.body.firstElementChild?.setAttribute('tabindex', '0');
  }

  /** Forgets a conversation. */
  forget(id) {
    const made = this.elements.get(id);
    if (made) {
      this.watch.unobserve(made.tr);
      made.tr.remove();
    }
    this.visible.delete(id);
    this.elements.delete(id);
  }

  /** Marks a conversation that has ended while the order is frozen. */
  markEnded(id) {
    const made = this.elements.get(id);
    if (made && made.tr.dataset.ended !== 'yes') {
      made.tr.dataset.ended = 'yes';
      made.tr.setAttribute('aria-disabled', 'true');
    }
  }

  focusRow(tr) {
    this.body.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
    tr.setAttribute('tabindex', '0');
    tr.focus();
  }
}

/** Returns the columns to show, in their order. */
export const shownColumns = (shown) => COLUMNS.filter((column) => column.isFixed || shown.has(column.id));
