/**
 * The state machine of the report: its expressions are evaluated as Step Functions evaluates them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import jsonata from 'jsonata';

import { resourcesOf, stackOf } from './stack';

const STATES = resourcesOf(stackOf())['ReportMap']?.Properties['Definition'].States;

/** Evaluates a field that is an expression between `{%` and `%}`. */
async function evaluate(field: string, bindings: Record<string, unknown>): Promise<any> {
  const expression = /^\{%(.*)%\}$/s.exec(field)?.[1];
  assert.ok(expression, `${field} is not an expression from its first character to its last`);
  return JSON.parse(JSON.stringify(await jsonata(expression).evaluate({}, bindings)));
}

const days = (from: string, to: string) =>
  evaluate(STATES.Days.Output, { states: { input: { from, to }, context: { Execution: { Name: 'r1' } } } });

test('a range becomes one item a day, both ends included', async () => {
  assert.deepEqual(await days('2028-02-28', '2028-03-01'), {
    days: [
      { mode: 'map', run: 'r1', day: '2028-02-28' },
      { mode: 'map', run: 'r1', day: '2028-02-29' },
      { mode: 'map', run: 'r1', day: '2028-03-01' },
    ],
  });
  assert.equal((await days('2026-01-01', '2026-12-31')).days.length, 365);
});

test('one day is a list of one', async () => {
  assert.deepEqual(await days('2026-11-01', '2026-11-01'), { days: [{ mode: 'map', run: 'r1', day: '2026-11-01' }] });
});

test('a range that ends before it starts, or is longer than 400 days, is refused', async () => {
  await assert.rejects(days('2026-11-02', '2026-11-01'), { message: /from must not be after to/ });
  await assert.rejects(days('2024-01-01', '2026-11-01'), { message: /at most 400 days/ });
});

test('the reducer is given the run and the range', async () => {
  const payload = await evaluate(STATES.Reduce.Arguments.Payload, { run: 'r1', from: '2026-11-01', to: '2026-11-07' });
  assert.deepEqual(payload, { mode: 'reduce', run: 'r1', from: '2026-11-01', to: '2026-11-07' });
});

test('a worker is given its item as it is, and a failed day is tried again', async () => {
  const worker = STATES.EachDay.ItemProcessor.States.OneDay;
  const item = { mode: 'map', run: 'r1', day: '2026-11-01' };
  assert.deepEqual(await evaluate(worker.Arguments.Payload, { states: { input: item } }), item);
  assert.equal(STATES.EachDay.ItemProcessor.ProcessorConfig.Mode, 'DISTRIBUTED');
  assert.ok(worker.Retry[0].MaxAttempts >= 1);
});
