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

test('only the two functions that use the vectors are in its network, and there is no way out of it', () => {
  const resources = resourcesOf(stackOf({ database: {} }));
  const inside = ofType(resources, 'AWS::Serverless::Function')
    .filter(([, { Properties }]) => Array.isArray(Properties['VpcConfig']?.SubnetIds))
    .map(([id]) => id);
  assert.deepEqual(inside.sort(), ['EmbeddingWriterFunction', 'SemanticSearchFunction']);
  assert.deepEqual(ofType(resources, 'AWS::EC2::InternetGateway'), []);
  assert.deepEqual(ofType(resources, 'AWS::EC2::NatGateway'), []);
  const services = ofType(resources, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) => JSON.stringify(Properties['ServiceName']));
  assert.ok(services.some((name) => name.includes('secretsmanager')) && services.some((name) => name.includes('sqs')));
});

test('a provider outside AWS gets a NAT gateway', () => {
  const resources = resourcesOf(stackOf({ database: { internet: true } }));
  assert.equal(ofType(resources, 'AWS::EC2::NatGateway').length, 1);
});

test('the role of a function that is moved may make network interfaces, and nothing else is added to it', () => {
  const resources = resourcesOf(stackOf({ database: {} }));
  const policies = ofType(resources, 'AWS::IAM::ManagedPolicy');
  assert.deepEqual(policies.map(([, { Properties }]) => Properties['Roles'][0].Ref).sort(), [
    'EmbeddingWriterRole',
    'SemanticSearchRole',
  ]);
  for (const [id, { Properties }] of policies) {
    const actions: string[] = Properties['PolicyDocument'].Statement.flatMap((statement: any) => statement.Action);
    assert.ok(actions.every((action) => /^ec2:\w+NetworkInterfaces?$|^ec2:DescribeSubnets$|PrivateIpAddresses$/.test(action)), id);
  }
});
