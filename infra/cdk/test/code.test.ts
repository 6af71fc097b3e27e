/**
 * The code of the functions in the stack.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';

import { FUNCTIONS } from '../lib/functions';
import { InsightsStack } from '../lib/insights-stack';
import { settings } from '../lib/settings';
import { binaries, ofType, resourcesOf, stackOf } from './stack';

test('each function runs its own binary', () => {
  const resources = resourcesOf(stackOf({ codeDirectory: binaries(0x3e) }));
  const keys = ofType(resources, 'AWS::Serverless::Function').map(([, { Properties }]) => Properties['CodeUri'].Key);
  assert.equal(keys.length, Object.keys(FUNCTIONS).length);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    assert.match(key, /^[0-9a-f]{64}\.zip$/);
  }
});

test('a binary for another processor is refused', () => {
  const codeDirectory = binaries(0xb7);
  assert.throws(() => stackOf({ codeDirectory }), /is built for arm64, but the stack is for x86_64/);
  resourcesOf(stackOf({ codeDirectory, architecture: 'arm64' }));
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
  assert.deepEqual(read({ database: 'false' }), { stackName: 'cxone-insights', architecture: 'x86_64' });
  assert.deepEqual(read({ database: 'true', databaseMinCapacity: '0' }).database, {
    minCapacity: 0,
    maxCapacity: 8,
    engineVersion: '17.7',
    internet: false,
    protection: true,
  });
  assert.throws(() => read({ stackName: '1st' }), /stackName is "1st", but must be a letter/);
  assert.throws(() => read({ database: 'true', databaseProtection: 'no' }), /databaseProtection is "no"/);
  assert.throws(() => read({ database: 'true', databaseEngineVersion: 'newest' }), /databaseEngineVersion is "newest"/);
  assert.throws(() => read({ architecture: 'mips' }), /architecture is "mips", but must be arm64 or x86_64/);
  assert.throws(() => read({ database: 'yes' }), /database is "yes", but must be true or false/);
  assert.throws(() => read({ database: 'true', databaseMaxCapacity: '0.25' }), /databaseMaxCapacity is "0.25"/);
  assert.throws(() => read({ database: 'true', databaseMinCapacity: '9' }), /must be at least databaseMinCapacity, 9/);
});

test('a parameter that the template does not have is refused', () => {
  assert.throws(() => new InsightsStack(new App(), 'insights', { parameters: { Nonsense: 1 } }), /Nonsense/);
});

test('the longest name of a stack leaves room for the longest name of a function', () => {
  const longest = Math.max(...Object.keys(FUNCTIONS).map((name) => `-${name}`.length));
  const read = (stackName: string) => settings(new App({ context: { stackName, database: 'false' } }).node);
  assert.equal(read('s'.repeat(64 - longest)).stackName.length + longest, 64);
  assert.throws(() => read('s'.repeat(65 - longest)), /at most 45 letters/);
});

test('a deployment that does not say whether the stack has a database is refused', () => {
  assert.throws(() => settings(new App().node), /database is not set: say database=true or database=false/);
});

test('processor and monitoring are values and no parameters, so that a stack that exists takes them too', () => {
  const stack = stackOf({ codeDirectory: binaries(0xb7), architecture: 'arm64', parameters: { AlertThreshold: 0.2 } });
  const { Parameters, Conditions, Resources } = Template.fromStack(stack).toJSON();
  for (const name of ['Architecture', 'Monitoring', 'AlertThreshold']) {
    assert.equal(Parameters[name], undefined, name);
  }
  assert.deepEqual(Conditions.Monitor, { 'Fn::Equals': ['none', 'template'] });
  assert.equal(Resources.DataActionFunction.Properties.Environment.Variables.ALERT_THRESHOLD, '0.2');
});

test('a rollout goes back by the alarms of this app, each of which exists', () => {
  const resources = resourcesOf(stackOf());
  const made = ofType(resources, 'AWS::CloudWatch::Alarm').filter(([, { Condition }]) => Condition === undefined);
  const names = new Set(made.map(([, { Properties }]) => Properties['AlarmName']));
  for (const [id, { Properties }] of ofType(resources, 'AWS::Serverless::Function')) {
    const alarms: string[] = Properties['DeploymentPreference'].Alarms;
    assert.ok(alarms.length >= 1 && alarms.every((alarm) => names.has(alarm)), `${id}: ${alarms}`);
  }
});
