/**
 * Properties of the template that every deployment relies on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FUNCTIONS } from '../lib/functions';
import { ofType, resourcesOf, stackOf } from './stack';

const RESOURCES = resourcesOf(stackOf());
const FUNCTION_RESOURCES = ofType(RESOURCES, 'AWS::Serverless::Function');

test('there are seven functions, each with its own role and its own log group that is kept and limited', () => {
  assert.deepEqual(FUNCTION_RESOURCES.map(([id]) => id).sort(), Object.values(FUNCTIONS).slice().sort());
  const roles = new Set<string>();
  const groups = new Set<string>();
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    const group = Properties['LoggingConfig'].LogGroup.Ref;
    const logs = RESOURCES[group];
    assert.equal(logs?.Type, 'AWS::Logs::LogGroup', id);
    assert.match(logs?.DeletionPolicy ?? '', /^Retain/, group);
    assert.deepEqual(logs?.Properties['RetentionInDays'], { Ref: 'LogRetentionDays' }, group);
    roles.add(Properties['Role']['Fn::GetAtt'][0]);
    groups.add(group);
  }
  assert.equal(roles.size, 7);
  assert.equal(groups.size, 7);
});

test('no policy allows every action, and only calls that cannot be narrowed have every resource', () => {
  const everywhere = new Set<string>();
  for (const [id, { Properties }] of ofType(RESOURCES, 'AWS::IAM::Role')) {
    for (const policy of Properties['Policies']) {
      for (const statement of (policy['Fn::If']?.[1] ?? policy).PolicyDocument.Statement) {
        for (const action of statement.Effect === 'Allow' ? [statement.Action].flat() : []) {
          assert.ok(!action.includes('*'), `${id} ${statement.Sid} allows ${action}`);
          if (statement.Resource === '*') {
            everywhere.add(action.split(':')[0]);
          }
        }
      }
    }
  }
  assert.deepEqual([...everywhere].sort(), ['ec2', 'logs', 'xray']);
});

test('every route names the one explicit API, and they are those of the interface', () => {
  const routes = FUNCTION_RESOURCES.flatMap(([, { Properties }]) => Object.values<any>(Properties['Events'] ?? {}));
  for (const route of routes) {
    assert.deepEqual(route.Properties.ApiId, { Ref: 'HttpApi' });
  }
  assert.deepEqual(routes.map(({ Properties }) => `${Properties.Method} ${Properties.Path}`).sort(), [
    'DELETE /interactions/{id}',
    'GET /health',
    'GET /interactions/{id}',
    'GET /search',
    'POST /data-actions/sentiment',
    'POST /webhooks/cxone',
    'PUT /interactions/{id}',
  ]);
});

test('what holds data is encrypted, closed, and survives the stack', () => {
  const table = RESOURCES['StateTable'];
  assert.equal(table?.DeletionPolicy, 'Retain');
  assert.equal(table?.Properties['DeletionProtectionEnabled'], true);
  assert.equal(table?.Properties['BillingMode'], 'PAY_PER_REQUEST');
  assert.deepEqual(table?.Properties['SSESpecification'], { SSEEnabled: true });
  assert.deepEqual(table?.Properties['TimeToLiveSpecification'], { AttributeName: 'expires_at', Enabled: true });
  assert.equal(table?.Properties['PointInTimeRecoverySpecification'].PointInTimeRecoveryEnabled, true);
  const bucket = RESOURCES['ObjectBucket'];
  assert.match(bucket?.DeletionPolicy ?? '', /^Retain/);
  assert.deepEqual(Object.values(bucket?.Properties['PublicAccessBlockConfiguration']), [true, true, true, true]);
  assert.equal(
    bucket?.Properties['BucketEncryption'].ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm,
    'AES256',
  );
  for (const [id, queue] of ofType(RESOURCES, 'AWS::SQS::Queue')) {
    assert.equal(queue.Properties['SqsManagedSseEnabled'], true, id);
  }
});

test('a slow batch is not taken twice: the queue hides messages for six timeouts of its worker', () => {
  const queue = RESOURCES['EmbeddingQueue']?.Properties;
  const worker = RESOURCES['EmbeddingWriterFunction']?.Properties;
  assert.equal(queue?.['VisibilityTimeout'], 6 * worker?.['Timeout']);
  const source = RESOURCES['EmbeddingSource']?.Properties;
  assert.deepEqual(source?.['FunctionResponseTypes'], ['ReportBatchItemFailures']);
  const reserved = worker?.['ReservedConcurrentExecutions']['Fn::If'][1];
  assert.ok(source?.['ScalingConfig'].MaximumConcurrency <= reserved);
});

test('the secret holds the seven names, none of them with a value, beside one that is generated', () => {
  const generated = RESOURCES['Secret']?.Properties['GenerateSecretString'];
  const names = JSON.parse(generated.SecretStringTemplate);
  assert.deepEqual([...Object.keys(names), generated.GenerateStringKey].sort(), [
    'api_key',
    'client_id',
    'client_secret',
    'database_url',
    'nlp_api_key',
    'openai_api_key',
    'webhook_secret',
  ]);
  assert.ok(Object.values(names).every((value) => value === ''));
});

test('no function is given a secret in its environment', () => {
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    for (const name of Object.keys(Properties['Environment'].Variables)) {
      assert.doesNotMatch(name, /KEY|PASSWORD|TOKEN$|CLIENT|DATABASE/, `${id} ${name}`);
    }
    assert.deepEqual(Properties['Environment'].Variables['SECRET_ID'], { Ref: 'Secret' }, id);
  }
});

test('what ReserveConcurrency says it takes is what it takes', () => {
  const template = stackOf().template;
  const reserved = FUNCTION_RESOURCES.map(([, { Properties }]) => Properties['ReservedConcurrentExecutions']['Fn::If'][1]).map(
    (value) => (typeof value === 'number' ? value : Number(template.getParameter(value.Ref).default)),
  );
  const sum = reserved.reduce((total, value) => total + value, 0);
  assert.match(template.getParameter('ReserveConcurrency').description ?? '', new RegExp(`takes ${sum} of`));
});
