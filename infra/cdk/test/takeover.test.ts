/**
 * From SAM to the app as a change set: what the app's template would do to a stack that SAM deployed, with the values that such a stack has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

import { TEMPLATE_FILE, type InsightsStackProps } from '../lib/insights-stack';
import { type Resource, binaries, stackOf } from './stack';

/** Types that hold what cannot be made again. */
const STATEFUL = ['DynamoDB::Table', 'S3::Bucket', 'SecretsManager::Secret', 'SQS::Queue', 'SNS::Topic', 'Logs::LogGroup'].map((type) => `AWS::${type}`);
/** Conditions that the app turns off by its value of the parameter Monitoring. */
const MONITORING = ['Monitor', 'MonitorSchedules', 'MonitorFeed', 'MonitorChats', 'MonitorHeartbeat'];

/** A template, and those of its resources that exist with the defaults of its parameters, but for what only monitoring decides. */
function documentOf(stack: Stack): any {
  return Template.fromStack(stack).toJSON();
}

const SAM = (() => {
  const stack = new Stack();
  new CfnInclude(stack, 'Template', { templateFile: TEMPLATE_FILE });
  return documentOf(stack);
})();

/** What the app's deployment does to the stack of SAM. */
function changeSet(props: InsightsStackProps): { added: Resource[]; removed: Resource[]; changed: Map<string, string[]> } {
  const app = documentOf(stackOf({ codeDirectory: binaries(62), ...props }));
  const sam: Record<string, Resource> = SAM.Resources;
  const own: Record<string, Resource> = app.Resources;
  const isOfMonitoring = (resource: Resource) => MONITORING.includes(resource.Condition ?? '');
  const changed = new Map<string, string[]>();
  for (const [id, before] of Object.entries(sam)) {
    const after = own[id];
    if (after === undefined || isOfMonitoring(before)) {
      continue;
    }
    assert.equal(after.Type, before.Type, id);
    assert.equal(after.DeletionPolicy, before.DeletionPolicy, id);
    assert.equal(after.Condition, before.Condition, id);
    const names = [...new Set([...Object.keys(before.Properties), ...Object.keys(after.Properties)])];
    const different = names.filter((name) => JSON.stringify(before.Properties[name]) !== JSON.stringify(after.Properties[name]));
    if (different.length > 0) {
      changed.set(id, different.sort());
    }
  }
  return {
    added: Object.entries(own).filter(([id]) => sam[id] === undefined).map(([, resource]) => resource),
    // The app sets Monitoring to `none`, so that what hangs on it is removed although the template still names it.
    removed: Object.entries(sam).filter(([id, one]) => own[id] === undefined || isOfMonitoring(one)).map(([, resource]) => resource),
    changed,
  };
}

test('the app keeps everything that a stack of SAM has, but for alarms and dashboard, which it makes anew', () => {
  const { added, removed, changed } = changeSet({});
  const kinds = (resources: Resource[]) => [...new Set(resources.map(({ Type }) => Type))].sort();
  assert.deepEqual(kinds(removed), ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard']);
  assert.deepEqual(kinds(added), ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard']);
  assert.equal(added.length, removed.length);
  for (const [id, properties] of changed) {
    assert.equal(SAM.Resources[id].Type, 'AWS::Serverless::Function', id);
    assert.ok(properties.every((name) => ['CodeUri', 'DeploymentPreference'].includes(name)), `${id}: ${properties}`);
  }
});

test('with a database the app adds its network and the cluster, and moves three functions there', () => {
  const { added, removed, changed } = changeSet({ database: {} });
  assert.ok(removed.every(({ Type }) => !STATEFUL.includes(Type)));
  assert.ok(added.some(({ Type }) => Type === 'AWS::RDS::DBCluster'));
  const moved = [...changed].filter(([, properties]) => properties.includes('VpcConfig')).map(([id]) => id);
  assert.deepEqual(moved.sort(), ['AdminFunction', 'EmbeddingWriterFunction', 'SemanticSearchFunction']);
});

test('parameters, outputs and conditions of the stack stay, but for the two parameters that the app sets', () => {
  const app = documentOf(stackOf());
  const gone = Object.keys(SAM.Parameters).filter((name) => app.Parameters[name] === undefined);
  assert.deepEqual(gone.sort(), ['Architecture', 'Monitoring']);
  for (const [name, output] of Object.entries(SAM.Outputs)) {
    assert.deepEqual(app.Outputs[name], output, name);
  }
  assert.deepEqual(Object.keys(SAM.Conditions).filter((name) => app.Conditions[name] === undefined), []);
});

test('nothing that holds data changes a property that would replace it', () => {
  for (const props of [{}, { database: {} }]) {
    for (const [id] of changeSet(props).changed) {
      assert.ok(!STATEFUL.includes(SAM.Resources[id].Type), id);
    }
  }
});
