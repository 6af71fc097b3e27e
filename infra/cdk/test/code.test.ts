/**
 * The code of the functions in the stack.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { App } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';

import { FUNCTIONS } from '../lib/functions';
import { InsightsStack } from '../lib/insights-stack';
import { settings } from '../lib/settings';
import { binaries, ofType, resourcesOf, stackOf } from './stack';

test('each function runs its own binary', () => {
  const resources = resourcesOf(stackOf({ codeDirectory: binaries(0xb7) }));
  const keys = ofType(resources, 'AWS::Serverless::Function').map(([, { Properties }]) => Properties['CodeUri'].Key);
  assert.equal(keys.length, Object.keys(FUNCTIONS).length);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    assert.match(key, /^[0-9a-f]{64}\.zip$/);
  }
});

test('a binary for another processor is refused', () => {
  const codeDirectory = binaries(0x3e);
  assert.throws(() => stackOf({ codeDirectory }), /is built for x86_64, but the stack is for arm64/);
  resourcesOf(stackOf({ codeDirectory, architecture: 'x86_64' }));
  assert.throws(() => stackOf({ codeDirectory: binaries(0x28) }), /is built for something else/);
});

test('functions that are not built are named, and CloudFormation would refuse their code', () => {
  const stack = stackOf();
  Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('not built.*data-action.*chat-session'));
  for (const [id, { Properties }] of ofType(resourcesOf(stack), 'AWS::Serverless::Function')) {
    assert.match(Properties['CodeUri'], /^\.\.\/\.\.\/functions\//, id);
  }
});

test('settings that are wrong are refused with what is allowed', () => {
  const read = (context: Record<string, unknown>) => settings(new App({ context }).node);
  assert.deepEqual(read({}), { stackName: 'cxone-insights', architecture: 'arm64' });
  assert.deepEqual(read({ database: 'true', databaseMinCapacity: '0' }).database, {
    minCapacity: 0,
    maxCapacity: 8,
    internet: false,
  });
  assert.throws(() => read({ stackName: '1st' }), /stackName is "1st", but must be a letter/);
  assert.throws(() => read({ architecture: 'mips' }), /architecture is "mips", but must be arm64 or x86_64/);
  assert.throws(() => read({ database: 'yes' }), /database is "yes", but must be true or false/);
  assert.throws(() => read({ database: 'true', databaseMaxCapacity: '0.25' }), /databaseMaxCapacity is "0.25"/);
  assert.throws(() => read({ database: 'true', databaseMinCapacity: '9' }), /must be at least databaseMinCapacity, 9/);
});

test('a parameter that the template does not have is refused', () => {
  assert.throws(() => new InsightsStack(new App(), 'insights', { parameters: { Nonsense: 1 } }), /Nonsense/);
});
