/**
 * The rules of cdk-nag (AwsSolutions and Serverless) over the stack with its database. Each finding that is meant stands here with its reason, and nothing
 * else is found.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';

import { FUNCTIONS } from '../lib/functions';
import { InsightsStack } from '../lib/insights-stack';

/** A rule with the constructs that may break it, by the end of their paths, and why. */
interface Accepted {
  readonly rule: RegExp;
  readonly constructs: readonly string[];
  readonly reason: string;
}

const ROLES = Object.values(FUNCTIONS).map((id) => id.replace(/Function$/, 'Role'));
const SECRETS = ['CallersSecret', 'ContactCenterSecret', 'DatabaseSecret', 'ProvidersSecret'];

const ACCEPTED: readonly Accepted[] = [
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    constructs: [...ROLES, 'NetworkInterfaces', 'ReportMapRole', 'DeploymentRole'],
    reason: 'Traces, network interfaces, log delivery and the reading of alarms cannot be narrowed to a resource; a test lists these calls.',
  },
  {
    rule: /^Serverless-LambdaStarPermissions$/,
    constructs: ROLES,
    reason: 'The same: the calls are those of X-Ray.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:function:<AWS::StackName>-\*\]$/,
    constructs: ['DeploymentRole'],
    reason: 'CodeDeploy moves the aliases of the functions of this stack, whose names all begin with its name.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:execution:<AWS::StackName>-report-map\*\]$/,
    constructs: ['ReportMapRole'],
    reason: 'A distributed map follows executions whose names Step Functions makes up.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<ObjectBucket\.Arn>\/(reports|parts)\/\*\]$/,
    constructs: ['AnalyticsReportRole', 'AdminRole'],
    reason: 'Objects below the prefixes of reports, which an erasure clears of its conversation.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<ObjectBucket\.Arn>\/archive\/\*\]$/,
    constructs: ['ChatSessionRole', 'AdminRole'],
    reason: 'Objects below the prefix of archives, which an erasure clears of its conversation.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<ObjectBucket\.Arn>\/config\/\*\]$/,
    constructs: ['TranscriptPollerRole', 'ChatSessionRole', 'AnalyticsReportRole'],
    reason: 'A parameter names the rule file below this prefix.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<ObjectBucket\.Arn>\/\*\]$/,
    constructs: ['AdminRole'],
    reason: 'The task backfill reads the object that an operator names.',
  },
  {
    rule: /^AwsSolutions-SMG4$/,
    constructs: [...SECRETS, 'Secret/Resource'],
    reason: 'Values come from the contact center, the callers and the providers, whom a rotation function cannot ask; the guide says how each is rotated.',
  },
  {
    rule: /^AwsSolutions-RDS6$/,
    constructs: ['Cluster/Resource'],
    reason: 'The functions connect by the URL of the secret, as with any other PostgreSQL; the guide says why not by IAM.',
  },
  {
    rule: /^(AwsSolutions-SQS3|Serverless-SQSRedrivePolicy)$/,
    constructs: ['EmbeddingDeadLetters', 'UndeliveredEvents'],
    reason: 'They are dead-letter queues themselves.',
  },
  {
    rule: /^Serverless-SNSRedrivePolicy$/,
    constructs: ['AlarmMail', 'EscalationMail'],
    reason: 'Amazon SNS tries a mail again for hours; what a mailbox refuses for good nobody could deliver later.',
  },
];

test('cdk-nag finds what is meant, each with its reason, and nothing else', () => {
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'insights-nag-')) });
  new InsightsStack(app, 'insights', { codeDirectory: '/nonexistent', database: {} });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  assert.throws(() => app.synth(), /Validation failed/);
  const report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8'));
  const unused = new Set(ACCEPTED.flatMap(({ rule, constructs }) => constructs.map((one) => `${rule} ${one}`)));
  const findings: string[] = [];
  for (const { pluginName, violations } of report.pluginReports) {
    // The third report is of the CDK's own rules, which read no functions of SAM.
    if (!/nag|Solutions|Serverless/i.test(pluginName)) {
      continue;
    }
    for (const { ruleName, violatingConstructs } of violations) {
      for (const { constructPath } of violatingConstructs) {
        const match = ACCEPTED.flatMap(({ rule, constructs }) =>
          rule.test(ruleName) ? constructs.filter((one) => constructPath.endsWith(`/${one}`)).map((one) => `${rule} ${one}`) : [],
        );
        match.forEach((one) => unused.delete(one));
        if (match.length === 0) {
          findings.push(`${ruleName} at ${constructPath}`);
        }
      }
    }
  }
  assert.deepEqual(findings, []);
  assert.deepEqual([...unused], [], 'accepted, and found no longer');
  for (const { reason } of ACCEPTED) {
    assert.match(reason, /^[A-Z].{20,}\.$/);
  }
});
