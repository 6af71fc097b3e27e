// How values are written: times, scores, shares. Nothing here touches the page but `element` and `sparkline`.

/** Returns m:ss, or h:mm:ss from an hour on. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(seconds % 60)}` : `${m}:${two(seconds % 60)}`;
}

/** Returns the time of day with seconds. */
export function clock(ms) {
  const date = new Date(ms);
  const two = (n) => String(n).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Returns a score with two decimals. */
export const score = (value) => value.toFixed(2);

/** Returns a share in whole percent; never 100 % while something is missing. */
export function percent(share) {
  const rounded = Math.round(share * 100);
  return `${share < 1 && rounded === 100 ? 99 : rounded} %`;
}

/** Returns "1 call" or "2 calls". */
export const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** Creates an element. Texts become text nodes, so that nothing that was said is ever read as HTML. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === 'class') made.className = value;
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 64;
const HEIGHT = 18;

/** Returns the path of a sparkline: `points` are seconds before the newest one, and scores. */
export function sparkPath(points) {
  const oldest = Math.max(1, ...points.map(([age]) => age));
  const place = ([age, value]) =>
    `${(2 + (1 - age / oldest) * (WIDTH - 4)).toFixed(1)} ${(2 + (1 - value) * (HEIGHT - 4)).toFixed(1)}`;
  if (points.length === 1) return `M${place([oldest, points[0][1]])}L${place([0, points[0][1]])}`;
  return points.map((point, index) => (index === 0 ? 'M' : 'L') + place(point)).join('');
}

/** Creates an empty sparkline, to be filled by `drawSparkline`. The number beside it says the same, so that it is decoration. */
export function sparkline() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'path'));
  return svg;
}

/** Draws the points into a sparkline. */
export function drawSparkline(svg, points) {
  svg.firstChild.setAttribute('d', points.length > 0 ? sparkPath(points) : '');
}
