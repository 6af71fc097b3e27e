/**
 * The guide and the runbooks: their links lead to existing files, and the settings that they name exist.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

import { TEMPLATE_FILE } from '../lib/insights-stack';

const DOCS = join(TEMPLATE_FILE, '..', '..', 'docs');
const PAGES = [
  ...readdirSync(DOCS).map((name) => join(DOCS, name)),
  ...readdirSync(join(DOCS, 'runbooks')).map((name) => join(DOCS, 'runbooks', name)),
].filter((page) => page.endsWith('.md'));

/** Anchors of a page: its headings and the ones set by hand. */
function anchors(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!.toLowerCase().replace(/[^a-z0-9 -]/g, '').replace(/ /g, '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)]);
}

test('every link leads somewhere', () => {
  for (const page of PAGES) {
    for (const [, link] of readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)) {
      const [path, anchor] = link!.split('#') as [string, string?];
      const target = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(target), `${page} links to ${link}, which is not there`);
      if (anchor !== undefined) {
        assert.ok(anchors(readFileSync(target, 'utf8')).has(anchor), `${page} links to ${link}: no such heading`);
      }
    }
  }
});

test('every parameter that a page tells to set is one of the template', () => {
  const stack = new Stack();
  const template = new CfnInclude(stack, 'Template', { templateFile: TEMPLATE_FILE });
  let named = 0;
  for (const page of PAGES) {
    for (const [, name] of readFileSync(page, 'utf8').matchAll(/\b([A-Z][a-z]+(?:[A-Z][A-Za-z]*)*)=(?=[a-zA-Z'])/g)) {
      assert.doesNotThrow(() => template.getParameter(name!), `${page} sets ${name}`);
      named += 1;
    }
  }
  assert.ok(named > 10);
});
