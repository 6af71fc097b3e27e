// Pictures of the board for people to look at: `node screenshots.mjs FOLDER`. With --readme only the two of the README, with --only=kept,one
// only these cases.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ORIGIN, mockServer, row } from './mock.mjs';
import { startBrowser } from './stage.mjs';

const folder = process.argv[2] ?? 'shots';
const isReadme = process.argv.includes('--readme');
mkdirSync(folder, { recursive: true });

const many = (count) => (now) => Array.from({ length: count }, (_, number) => row(number + 1, now));
const special = (now) => [
  row(1, now, { agent_name: 'Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh von und zu Hohenlohe-Langenburg', skill: 'a very long name of a skill that nobody should have given' }),
  row(2, now, { agent_name: null }),
  row(3, now, { agent_name: null, agent_id: null }),
  row(4, now, { agent_name: 'محمد بن سلمان', line: 'مرحبا، أين طلبي؟ هذا غير مقبول تماما', language: 'ar' }),
  row(5, now, { severity: 'watch', handling: 'none', alert: null, unheard: true, read: now - 93000, coverage: 0.41, gaps: 3 }),
  row(6, now, { severity: 'watch', handling: 'none', alert: null, customer: null, points: [], coverage: null, line: '', heard: null, talk_share: null }),
  row(7, now, { line: `${'A'.repeat(80)}…`, kind: 'call' }),
];
const only = process.argv.find((one) => one.startsWith('--only='))?.slice(7).split(',');
const ALL = isReadme ? { few: many(12) } : { none: () => [], one: many(1), forty: many(40), fivehundred: many(500), special, kept: many(8) };
const CASES = Object.fromEntries(Object.entries(ALL).filter(([name]) => !only || only.includes(name)));

const browser = await startBrowser();
for (const [name, rows] of Object.entries(CASES)) {
  for (const scheme of ['light', 'dark']) {
    for (const width of isReadme ? [1440] : [1440, 1024, 390]) {
      const height = isReadme ? 620 : width === 390 ? 844 : 800;
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce' });
      await mockServer(context, rows);
      const page = await context.newPage();
      page.setDefaultTimeout(180000);
      await page.goto(`${ORIGIN}/board${name === 'kept' ? '?open=ended-1' : ''}`);
      await page.locator('#board').waitFor();
      await page.waitForFunction(() => document.getElementById('figure-as-of').textContent !== '–');
      if (isReadme) {
        if (scheme === 'dark') {
          await page.locator('#rows tr').first().click();
          await page.locator('#drawer .turn-text').first().waitFor();
        }
        await page.screenshot({ path: join(folder, scheme === 'dark' ? 'board-dark-drawer.png' : 'board-light.png') });
      } else {
        if (name === 'kept') await page.locator('#has-ended').waitFor();
        await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`) });
        if (name === 'kept') {
          await page.locator('#score').evaluate((score) => score.scrollIntoView());
          await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}-scorecard.png`) });
        }
        if (name === 'forty' || name === 'one') {
          await page.locator('#rows tr').first().click();
          await page.locator('#drawer .turn-text').first().waitFor();
          await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}-drawer.png`) });
          // What is below: the card, and the rules that hold.
          await page.locator('#drawer .card').evaluate((card) => card.scrollIntoView());
          await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}-card.png`) });
        }
      }
      await context.close();
    }
  }
}
await browser.close();
