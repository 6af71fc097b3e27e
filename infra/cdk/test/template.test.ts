/**
 * Properties of the template that every deployment relies on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Template } from 'aws-cdk-lib/assertions';

import { FUNCTIONS } from '../lib/functions';
import { ofType, resourcesOf, stackOf } from './stack';

/** Parameters that choose with others which of them a function is given: a change of these alone changes nothing. */
const NOT_CHANGING = new Set(['VpcId', 'RouteTableIds']);
const RESOURCES = resourcesOf(stackOf());
/** Logical id of a function's role. */
const roleOf = (properties: Record<string, any>): string => [properties['Role']['Fn::GetAtt']].flat().join('.').split('.')[0]!;
const FUNCTION_RESOURCES = ofType(RESOURCES, 'AWS::Serverless::Function');

test('there are ten functions, each with its own role and its own log group that is kept and limited', () => {
  assert.deepEqual(FUNCTION_RESOURCES.map(([id]) => id).sort(), Object.values(FUNCTIONS).slice().sort());
  const roles = new Set<string>();
  const groups = new Set<string>();
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    const group = Properties['LoggingConfig'].LogGroup.Ref;
    const logs = RESOURCES[group];
    assert.equal(logs?.Type, 'AWS::Logs::LogGroup', id);
    assert.match(logs?.DeletionPolicy ?? '', /^Retain/, group);
    assert.deepEqual(logs?.Properties['RetentionInDays'], { Ref: 'LogRetentionDays' }, group);
    roles.add(roleOf(Properties));
    groups.add(group);
  }
  assert.equal(roles.size, 10);
  assert.equal(groups.size, 10);
});

test('no policy allows every action, and only calls that cannot be narrowed have every resource', () => {
  const everywhere = new Set<string>();
  const shared = ofType(RESOURCES, 'AWS::IAM::ManagedPolicy').map(([id, policy]) => [id, { Properties: { Policies: [policy.Properties] } }] as const);
  for (const [id, { Properties }] of [...ofType(RESOURCES, 'AWS::IAM::Role'), ...shared]) {
    for (const policy of Properties['Policies']) {
      for (const statement of policy.PolicyDocument.Statement) {
        for (const action of statement.Effect === 'Allow' ? [statement.Action].flat() : []) {
          assert.ok(!action.includes('*'), `${id} ${statement.Sid} allows ${action}`);
          if (statement.Resource === '*') {
            everywhere.add(action.split(':')[0]);
          }
        }
      }
    }
  }
  assert.deepEqual([...everywhere].sort(), ['cloudwatch', 'ec2', 'logs', 'xray']);
});

test('every route names the one explicit API, and they are those of the interface', () => {
  const routes = FUNCTION_RESOURCES.flatMap(([, { Properties }]) => Object.values<any>(Properties['Events'] ?? {})).filter(
    ({ Type }) => Type === 'HttpApi',
  );
  for (const route of routes) {
    assert.deepEqual(route.Properties.ApiId, { Ref: 'HttpApi' });
  }
  assert.deepEqual(routes.map(({ Properties }) => (Properties.Path === undefined ? '$default' : `${Properties.Method} ${Properties.Path}`)).sort(), [
    '$default',
    'DELETE /conversations/{id}',
    'DELETE /interactions/{id}',
    'GET /board',
    'GET /board/calls/{id}',
    'GET /board/cards/{id}',
    'GET /board/{resource}',
    'GET /health',
    'GET /interactions/{id}',
    'GET /search',
    'POST /board/alerts/{id}',
    'POST /board/cards/{id}',
    'POST /board/{action}',
    'POST /data-actions/sentiment',
    'POST /studio/contact-ended',
    'POST /webhooks/cxone',
    'PUT /interactions/{id}',
  ]);
});

test('what holds data is encrypted, closed, and survives the stack', () => {
  const table = RESOURCES['StateTable'];
  assert.equal(table?.DeletionPolicy, 'Retain');
  assert.equal(table?.Properties['DeletionProtectionEnabled'], true);
  assert.equal(table?.Properties['BillingMode'], 'PAY_PER_REQUEST');
  assert.deepEqual(table?.Properties['TimeToLiveSpecification'], { AttributeName: 'expires_at', Enabled: true });
  assert.equal(table?.Properties['PointInTimeRecoverySpecification'].PointInTimeRecoveryEnabled, true);
  const bucket = RESOURCES['ObjectBucket'];
  assert.match(bucket?.DeletionPolicy ?? '', /^Retain/);
  assert.deepEqual(Object.values(bucket?.Properties['PublicAccessBlockConfiguration']), [true, true, true, true]);
  const [, byKey, otherwise] = bucket?.Properties['BucketEncryption'].ServerSideEncryptionConfiguration[0]['Fn::If'];
  assert.deepEqual(byKey.ServerSideEncryptionByDefault, { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: { Ref: 'KmsKeyArn' } });
  assert.equal(otherwise.ServerSideEncryptionByDefault.SSEAlgorithm, 'AES256');
  for (const [id, queue] of ofType(RESOURCES, 'AWS::SQS::Queue')) {
    assert.deepEqual(queue.Properties['SqsManagedSseEnabled'], { 'Fn::If': ['HasKey', { Ref: 'AWS::NoValue' }, true] }, id);
  }
});

test('with a key of the account everything that can hold data is encrypted by it, and every role may use it', () => {
  const property: Record<string, string> = {
    'AWS::SQS::Queue': 'KmsMasterKeyId',
    'AWS::SNS::Topic': 'KmsMasterKeyId',
    'AWS::Logs::LogGroup': 'KmsKeyId',
    'AWS::SecretsManager::Secret': 'KmsKeyId',
  };
  const byKey = { 'Fn::If': ['HasKey', { Ref: 'KmsKeyArn' }, { Ref: 'AWS::NoValue' }] };
  for (const [type, name] of Object.entries(property)) {
    const all = ofType(RESOURCES, type);
    assert.ok(all.length >= 1, type);
    for (const [id, { Properties }] of all) {
      assert.deepEqual(Properties[name], byKey, id);
    }
  }
  const [, specification] = RESOURCES['StateTable']?.Properties['SSESpecification']['Fn::If'];
  assert.deepEqual(specification, { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: { Ref: 'KmsKeyArn' } });
  for (const [, { Properties }] of FUNCTION_RESOURCES) {
    const role = RESOURCES[roleOf(Properties)];
    assert.match(JSON.stringify(role!.Properties), /"Ref":"KeyUse"/);
  }
});

test('buckets, queues and topics refuse what does not come by TLS', () => {
  const policies = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].flatMap((type) => ofType(RESOURCES, type));
  const covered = policies
    .filter(([, { Properties }]) =>
      Properties['PolicyDocument'].Statement.some(
        (one: any) => one.Effect === 'Deny' && one.Condition?.Bool?.['aws:SecureTransport'] === 'false' && one.Principal === '*',
      ),
    )
    .flatMap(([, { Properties }]) => [Properties['Bucket'] ?? [], Properties['Queues'] ?? [], Properties['Topics'] ?? []].flat())
    .map((reference) => reference.Ref);
  const stores = ['AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::SNS::Topic'].flatMap((type) => ofType(RESOURCES, type).map(([id]) => id));
  assert.deepEqual(covered.sort(), stores.sort());
});

test('each function reaches only its own items of the table', () => {
  // The records of erasures are read by those who would bring back what the contact center keeps, by a statement of its own.
  const expected: Record<string, string[][]> = {
    DataActionRole: [['interaction#*', 'live#*', 'board#*']],
    WebhookReceiverRole: [['webhook#*']],
    TranscriptPollerRole: [['interaction#*', 'live#*', 'board#*', 'token#*', 'rules'], ['webhook#ended-contacts']],
    AnalyticsReportRole: [
      ['report#*', 'feed#*', 'feed-conversation#*', 'webhook#ended-contacts', 'token#*', 'rules'],
      ['erasure', 'feed#*', 'webhook#ended-contacts'],
    ],
    ChatSessionRole: [['chat#*', 'chat-agent#*', 'chat-spill#*', 'board#*', 'token#*', 'rules'], ['webhook#ended-contacts'], ['erasure']],
    AdminRole: [['erasure', 'interaction#*', 'live#*', 'board#*', 'board-marks#*', 'chat#*', 'chat-agent#*', 'chat-spill#*', 'feed#*', 'feed-conversation#*']],
    // Reads, then writes, then the leases of tokens, which are given back.
    SupervisorBoardRole: [
      ['board#*', 'board-marks#*', 'interaction#*', 'chat#*', 'token#*'],
      ['board#*', 'board-marks#*', 'token#*'],
      ['token#*'],
    ],
  };
  const onTable = ofType(RESOURCES, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
    (Properties['Policies'] ?? [])
      .flatMap((policy: any) => policy.PolicyDocument.Statement)
      .filter((one: any) => JSON.stringify(one.Action).includes('dynamodb:'))
      .map((one: any) => [id, one.Condition] as const),
  );
  assert.deepEqual([...new Set(onTable.map(([id]) => id))].sort(), Object.keys(expected).sort());
  for (const [id, keys] of Object.entries(expected)) {
    const conditions = onTable.filter(([one]) => one === id).map(([, condition]) => condition);
    assert.deepEqual(conditions.map((condition) => condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']), keys, id);
    for (const condition of conditions) {
      assert.deepEqual(condition['Null'], { 'dynamodb:LeadingKeys': 'false' }, id);
    }
  }
});

test('whoever invokes a function invokes its alias, and a new version takes over in steps', () => {
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    assert.deepEqual(Properties['DeploymentPreference'].Type, { Ref: 'Rollout' }, id);
    assert.equal(Properties['AutoPublishAliasAllProperties'], true, id);
    assert.match(Properties['Description']['Fn::Sub'], /\$\{ReportMap\.StateMachineRevisionId\}/, id);
    assert.match(Properties['VersionDescription']['Fn::Sub'], /\$\{ReportMap\.StateMachineRevisionId\}/, id);
  }
  const text = JSON.stringify(RESOURCES);
  assert.doesNotMatch(text, /"Fn::GetAtt":\["\w+Function","Arn"\]/, 'an ARN without the alias');
  for (const [, arn] of text.matchAll(/:function:\$\{AWS::StackName\}-([\w-]+(?::\w+)?)/g)) {
    assert.match(arn!, /:live$/);
  }
});

test('every parameter that reaches a function is among the settings that publish a version', () => {
  const settings = new Set(RESOURCES['ReportMap']?.Properties['DefinitionSubstitutions'].settings['Fn::Join'][1].map((one: any) => one.Ref));
  const conditions = Template.fromStack(stackOf()).toJSON()['Conditions'];
  const parameters = new Set(Object.keys(Template.fromStack(stackOf()).toJSON()['Parameters']));
  /** Parameters of a value, those of its conditions included. */
  const reach = (value: unknown, found = new Set<string>()): Set<string> => {
    const text = JSON.stringify(value);
    for (const [, name] of text.matchAll(/"Ref":"(\w+)"|\$\{(\w+)\}/g)) {
      found.add(name ?? '');
    }
    for (const [, name] of text.matchAll(/\$\{(\w+)\}/g)) {
      found.add(name!);
    }
    for (const [, name] of text.matchAll(/"(?:Fn::If":\[|Condition":)"(\w+)"/g)) {
      reach(conditions[name!], found);
    }
    return found;
  };
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    const { Environment, Layers, VpcConfig, Tracing } = Properties;
    for (const name of reach([Environment, Layers ?? [], VpcConfig, Tracing ?? {}])) {
      assert.ok(!parameters.has(name) || settings.has(name) || NOT_CHANGING.has(name), `${id} is given ${name}`);
    }
  }
});

test('a slow batch is not taken twice: the queue hides messages for six timeouts of its worker and the batching window', () => {
  const queue = RESOURCES['EmbeddingQueue']?.Properties;
  const worker = RESOURCES['EmbeddingWriterFunction']?.Properties;
  const source = worker?.['Events'].Conversations.Properties;
  assert.equal(queue?.['VisibilityTimeout'], 6 * worker?.['Timeout'] + source.MaximumBatchingWindowInSeconds);
  assert.deepEqual(source?.['FunctionResponseTypes'], ['ReportBatchItemFailures']);
  const reserved = worker?.['ReservedConcurrentExecutions']['Fn::If'][1];
  assert.ok(source?.['ScalingConfig'].MaximumConcurrency <= reserved);
});

test('there is a secret for each audience, without a value but one that is generated', () => {
  const names = (id: string): unknown => {
    const { SecretString, GenerateSecretString } = RESOURCES[id]!.Properties;
    return JSON.parse(SecretString ?? GenerateSecretString.SecretStringTemplate);
  };
  assert.deepEqual(names('CallersSecret'), { api_keys: [], webhook_secret: '' });
  assert.equal(RESOURCES['CallersSecret']?.Properties['GenerateSecretString'].GenerateStringKey, 'api_key');
  assert.deepEqual(names('ContactCenterSecret'), { client_id: '', client_secret: '' });
  assert.deepEqual(names('DatabaseSecret'), { database_url: '', search_database_url: '' });
  assert.deepEqual(names('ProvidersSecret'), { nlp_api_key: '', openai_api_key: '' });
});

/** Variables whose names sound like a secret's: a method, and a name that browsers send in the clear. Each is the value of one parameter. */
const NOT_SECRET: Record<string, string> = { CXONE_CLIENT_AUTH: 'CxoneClientAuth', BOARD_OIDC_CLIENT_ID: 'BoardOidcClientId' };

test('each function reads the secrets that it is told of, and no other, and no secret stands in its environment', () => {
  for (const [id, { Properties }] of FUNCTION_RESOURCES) {
    const variables: Record<string, any> = Properties['Environment'].Variables;
    const told = Object.entries(variables).filter(([name]) => name.endsWith('SECRET_ID'));
    for (const [name, value] of Object.entries(variables)) {
      if (name in NOT_SECRET) {
        assert.deepEqual(value, { Ref: NOT_SECRET[name] }, `${id} ${name}`);
        continue;
      }
      assert.ok(!/KEY|PASSWORD|TOKEN$|CLIENT|DATABASE/.test(name) || name.endsWith('_SECRET_ID'), `${id} ${name}`);
    }
    const { Statement } = RESOURCES[roleOf(Properties)]!.Properties['Policies'][0].PolicyDocument;
    const readable = Statement.filter((one: any) => [one.Action].flat().includes('secretsmanager:GetSecretValue')).flatMap((one: any) => one.Resource);
    assert.deepEqual(readable.map((one: any) => one.Ref).sort(), told.map(([, value]) => value.Ref).sort(), id);
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
