/**
 * The optional database and the functions that are moved to it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ofType, resourcesOf, stackOf } from './stack';

test('without a database there is no network', () => {
  const resources = resourcesOf(stackOf());
  assert.deepEqual(ofType(resources, 'AWS::RDS::DBCluster'), []);
  assert.deepEqual(ofType(resources, 'AWS::EC2::VPC'), []);
});

test('the database is encrypted, kept, closed to the world, and speaks TLS only', () => {
  const resources = resourcesOf(stackOf({ database: {} }));
  const [[, cluster] = assert.fail('no cluster')] = ofType(resources, 'AWS::RDS::DBCluster');
  assert.equal(cluster.Properties['StorageEncrypted'], true);
  assert.equal(cluster.Properties['DeletionProtection'], true);
  assert.equal(cluster.DeletionPolicy, 'Snapshot');
  assert.deepEqual(cluster.Properties['ServerlessV2ScalingConfiguration'], { MinCapacity: 0.5, MaxCapacity: 8 });
  for (const [id, instance] of ofType(resources, 'AWS::RDS::DBInstance')) {
    assert.equal(instance.Properties['PubliclyAccessible'], false, id);
  }
  const [[, parameters] = assert.fail('no parameters')] = ofType(resources, 'AWS::RDS::DBClusterParameterGroup');
  assert.equal(parameters.Properties['Parameters']['rds.force_ssl'], '1');
});

test('only the functions that use the vectors are in its network, and there is no way out of it', () => {
  const resources = resourcesOf(stackOf({ database: {} }));
  const inside = ofType(resources, 'AWS::Serverless::Function')
    .filter(([, { Properties }]) => Array.isArray(Properties['VpcConfig']?.SubnetIds))
    .map(([id]) => id);
  assert.deepEqual(inside.sort(), ['AdminFunction', 'EmbeddingWriterFunction', 'SemanticSearchFunction']);
  assert.deepEqual(ofType(resources, 'AWS::EC2::InternetGateway'), []);
  assert.deepEqual(ofType(resources, 'AWS::EC2::NatGateway'), []);
  const services = ofType(resources, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) => JSON.stringify(Properties['ServiceName']));
  assert.ok(services.some((name) => name.includes('secretsmanager')) && services.some((name) => name.includes('sqs')));
});

test('a provider outside AWS gets a NAT gateway', () => {
  const resources = resourcesOf(stackOf({ database: { internet: true } }));
  assert.equal(ofType(resources, 'AWS::EC2::NatGateway').length, 1);
});

test('the first deployment can roll back, and the next one protects the database', () => {
  const [[, first] = assert.fail('no cluster')] = ofType(resourcesOf(stackOf({ database: { protection: false } })), 'AWS::RDS::DBCluster');
  assert.equal(first.Properties['DeletionProtection'], false);
  assert.equal(first.DeletionPolicy, 'Snapshot');
});

test('the version of the database can be named', () => {
  const [[, cluster] = assert.fail('no cluster')] = ofType(resourcesOf(stackOf({ database: { engineVersion: '18.1' } })), 'AWS::RDS::DBCluster');
  assert.equal(cluster.Properties['EngineVersion'], '18.1');
  const [[, group] = assert.fail('no parameters')] = ofType(resourcesOf(stackOf({ database: { engineVersion: '18.1' } })), 'AWS::RDS::DBClusterParameterGroup');
  assert.equal(group.Properties['Family'], 'aurora-postgresql18');
});

test('the logs of the database are not kept for ever', () => {
  const resources = resourcesOf(stackOf({ database: {} }));
  const names = ofType(resources, 'AWS::Logs::LogGroup').map(([, { Properties }]) => [Properties['LogGroupName'], Properties['RetentionInDays']]);
  assert.ok(names.some(([name, days]) => name === '/aws/rds/cluster/insights-vectors/postgresql' && days === 30));
  assert.ok(names.every(([, days]) => days !== undefined));
});

test('the database has its alarms, each with its runbook', () => {
  const alarms = ofType(resourcesOf(stackOf({ database: {} })), 'AWS::CloudWatch::Alarm').filter(([, { Properties }]) => Properties['Namespace'] === 'AWS/RDS');
  assert.deepEqual(alarms.map(([, { Properties }]) => Properties['AlarmName']).sort(), [
    'insights-database-capacity',
    'insights-database-connections',
    'insights-database-storage',
  ]);
  for (const [, { Properties }] of alarms) {
    assert.deepEqual(Properties['Dimensions'], [{ Name: 'DBClusterIdentifier', Value: 'insights-vectors' }]);
  }
});
