/**
 * The state machine of the report: its expressions are evaluated as Step Functions evaluates them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import jsonata from 'jsonata';

import { TEMPLATE_FILE } from '../lib/insights-stack';
import { execute, ExecutionFailed, render } from './asl';
import { resourcesOf, stackOf } from './stack';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const validate: (definition: unknown) => { isValid: boolean; errorsText: () => string } = require('asl-validator');

const REPORT_MAP = resourcesOf(stackOf())['ReportMap']!.Properties;
const STATES = REPORT_MAP['Definition'].States;
const FUNCTION_ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:insights-analytics-report:live';

/** The definition as Step Functions is given it, with a number of days at once. */
const rendered = (concurrency = '5') =>
  render(REPORT_MAP, (substitution: any) => {
    const text = JSON.stringify(substitution);
    if (substitution.Ref === 'ReportMapConcurrency') {
      return concurrency;
    }
    return text.includes(':function:') ? FUNCTION_ARN : text.includes('lambda:invoke') ? 'arn:aws:states:::lambda:invoke' : 'settings "quoted"';
  });

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

test('Step Functions accepts the definition as CloudFormation renders it', () => {
  for (const concurrency of ['1', '5', '50']) {
    const { isValid, errorsText } = validate(rendered(concurrency));
    assert.ok(isValid, errorsText());
  }
  const asText = { ...rendered() };
  asText.States = { ...asText.States, EachDay: { ...asText.States.EachDay, MaxConcurrency: '5' } };
  assert.equal(validate(asText).isValid, false, 'a number as text is what the service refuses');
});

test('the map gives each day to a worker, some at once, and then the reducer the whole range', async () => {
  const calls: any[] = [];
  let running = 0;
  let most = 0;
  const output = await execute(rendered('2'), { from: '2026-11-01', to: '2026-11-05' }, 'run-1', async (name, payload) => {
    assert.equal(name, FUNCTION_ARN);
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    calls.push(payload);
    return payload.mode === 'reduce' ? { report: 'reports/run-1/report.html' } : { day: payload.day };
  });
  assert.equal(most, 2);
  assert.deepEqual(output, { report: 'reports/run-1/report.html' });
  assert.deepEqual(calls.slice(0, -1).map(({ day }) => day).sort(), ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04', '2026-11-05']);
  assert.deepEqual(calls.at(-1), { mode: 'reduce', run: 'run-1', from: '2026-11-01', to: '2026-11-05' });
});

test('a day that fails is tried five times, and then nothing is reduced', async () => {
  const tries = new Map<string, number>();
  const failing = execute(rendered(), { from: '2026-11-01', to: '2026-11-02' }, 'run-2', async (_, { mode, day }) => {
    assert.equal(mode, 'map');
    tries.set(day, (tries.get(day) ?? 0) + 1);
    if (day === '2026-11-02') {
      throw new Error('the contact center is away');
    }
    return { day };
  });
  await assert.rejects(failing, ExecutionFailed);
  assert.equal(tries.get('2026-11-02'), 5);
});

test('the steps that the end-to-end test does with the deployed program are those of the state machine', async () => {
  const path = join(TEMPLATE_FILE, '..', '..', '..', 'tests', 'e2e', 'report_map.json');
  const { name, input, days, reduce } = JSON.parse(readFileSync(path, 'utf8'));
  const given: any[] = [];
  const output = await execute(rendered(), input, name, async (functionName, payload) => {
    assert.equal(functionName, FUNCTION_ARN);
    given.push(payload);
    return payload.mode === 'map' ? { mode: 'map' } : { mode: 'report', summary: 'of the reducer' };
  });
  assert.deepEqual(given.slice(0, -1).sort((a, b) => a.day.localeCompare(b.day)), days);
  assert.deepEqual(given.at(-1), reduce);
  assert.deepEqual(output, { mode: 'report', summary: 'of the reducer' });
});

test('the invocation is named in the partition of the stack', () => {
  assert.doesNotMatch(JSON.stringify(REPORT_MAP), /arn:aws:/);
});
