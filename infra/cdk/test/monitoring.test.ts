/**
 * Alarms and dashboard: the constructs equal the template, and each alarm has its runbook.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

import { ALARMS, DATABASE_ALARMS } from '../lib/alarms';
import { TEMPLATE_FILE } from '../lib/insights-stack';
import { type Resource, ofType, resourcesOf, stackOf } from './stack';

const RUNBOOKS = join(TEMPLATE_FILE, '..', '..', 'docs', 'runbooks');

/** A value that begins with the stack's name, or is it, as the constructs write it. */
const named = (value: any): unknown =>
  value['Ref'] === 'AWS::StackName' ? 'insights' : (value['Fn::Sub']?.replace('${AWS::StackName}', 'insights') ?? value);

/** What an alarm looks at and when it goes off, in one shape for both sides. */
function essence({ Properties }: Resource): unknown {
  const metrics = (Properties['Metrics'] ?? [])
    .filter((metric: any) => metric.MetricStat)
    .map(({ MetricStat }: any) => ({
      ...MetricStat.Metric,
      Dimensions: MetricStat.Metric.Dimensions.map(({ Name, Value }: any) => ({ Name, Value: named(Value) })),
      stat: MetricStat.Stat,
      period: MetricStat.Period,
    }))
    .sort((a: any, b: any) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const sum = (Properties['Metrics'] ?? []).find((metric: any) => metric.Expression)?.Expression;
  return {
    description: Properties['AlarmDescription'],
    namespace: Properties['Namespace'],
    metric: Properties['MetricName'],
    // CDK keeps `!GetAtt A.B` of a template as a string and writes its own as a list.
    dimensions: Properties['Dimensions']?.map(({ Name, Value }: any) => ({
      Name,
      Value: [Value['Fn::GetAtt'] ?? []].flat().join('.') || named(Value),
    })),
    statistic: Properties['Statistic'] ?? Properties['ExtendedStatistic'],
    period: Properties['Period'],
    metrics,
    sum,
    periods: Properties['EvaluationPeriods'],
    bad: Properties['DatapointsToAlarm'],
    threshold: Properties['Threshold'],
    comparison: Properties['ComparisonOperator'],
    missing: Properties['TreatMissingData'],
    actions: Properties['AlarmActions'],
    recovered: Properties['OKActions'],
  };
}

/** Alarms by the last part of their name. */
function byName(alarms: [string, Resource][]): Map<string, Resource> {
  return new Map(
    alarms.map(([, alarm]) => {
      const name = alarm.Properties['AlarmName'];
      return [(typeof name === 'string' ? name : name['Fn::Sub']).replace(/^(insights|\$\{AWS::StackName\})-/, ''), alarm];
    }),
  );
}

const TEMPLATE_ALARMS = (() => {
  const stack = new Stack();
  new CfnInclude(stack, 'Template', { templateFile: TEMPLATE_FILE });
  return byName(ofType(Template.fromStack(stack).toJSON()['Resources'], 'AWS::CloudWatch::Alarm'));
})();

/** Alarms that the constructs made: those of the template are under a condition that the stack's default turns off. */
function constructed(): Map<string, Resource> {
  const alarms = ofType(resourcesOf(stackOf()), 'AWS::CloudWatch::Alarm');
  return byName(alarms.filter(([, { Condition }]) => !Condition?.startsWith('Monitor')));
}

test('the constructs and the template have the same alarms', () => {
  const alarms = constructed();
  assert.deepEqual([...alarms.keys()].sort(), [...TEMPLATE_ALARMS.keys()].sort());
  for (const [name, alarm] of alarms) {
    assert.deepEqual(essence(alarm), essence(TEMPLATE_ALARMS.get(name)!), name);
  }
});

test('alarms on silence exist only where their schedules run', () => {
  const silent = Object.fromEntries(ALARMS.filter((rule) => rule.silenceIsBad).map((rule) => [rule.name, rule.silenceIsBad]));
  assert.deepEqual(silent, {
    'poller-stopped': 'SchedulesRun',
    'report-missing': 'SchedulesRun',
    'feed-missing': 'FeedRuns',
    'chat-stopped': 'ChatRuns',
    'heartbeat-stopped': 'HeartbeatRuns',
  });
  for (const [name, { Condition }] of constructed()) {
    assert.equal(Condition, silent[name], name);
  }
  const ofTheTemplate = { SchedulesRun: 'MonitorSchedules', FeedRuns: 'MonitorFeed', ChatRuns: 'MonitorChats', HeartbeatRuns: 'MonitorHeartbeat' };
  for (const [name, { Condition }] of TEMPLATE_ALARMS) {
    assert.equal(Condition, silent[name] === undefined ? 'Monitor' : ofTheTemplate[silent[name]], name);
  }
});

test('each alarm names a runbook that exists and names it back, and no runbook is left over', () => {
  for (const { name, runbook } of [...ALARMS, ...DATABASE_ALARMS]) {
    const page = join(RUNBOOKS, `${runbook}.md`);
    assert.ok(existsSync(page), page);
    const pattern = name.endsWith('-errors') && runbook === 'function-errors' ? '-errors`' : `\`${name}\``;
    assert.ok(readFileSync(page, 'utf8').includes(pattern), `${page} does not mention ${pattern}`);
  }
  const pages = readdirSync(RUNBOOKS).map((file) => file.replace('.md', ''));
  assert.deepEqual(pages.sort(), [...new Set([...ALARMS, ...DATABASE_ALARMS].map((rule) => rule.runbook))].sort());
});

test('a threshold can be changed, and one of an alarm that does not exist is refused', () => {
  const stack = stackOf({ monitoring: { thresholds: { 'poller-lag': 2500 } } });
  const alarm = byName(ofType(resourcesOf(stack), 'AWS::CloudWatch::Alarm').filter(([, { Condition }]) => !Condition));
  assert.equal(alarm.get('poller-lag')?.Properties['Threshold'], 2500);
  assert.throws(() => stackOf({ monitoring: { thresholds: { 'poller-leg': 1 } } }), /no such alarm: poller-leg; there are/);
});

test('both dashboards are JSON and draw every metric that an alarm looks at', () => {
  const template = readFileSync(TEMPLATE_FILE, 'utf8');
  const body = template.slice(template.indexOf('DashboardBody: !Sub |') + 21, template.indexOf('\nOutputs:'));
  const drawn = new Set(
    JSON.parse(body).widgets.flatMap((widget: any) => {
      let last: string[] = [];
      return (widget.properties.metrics ?? []).map((row: any[]) => {
        const names = row.filter((part) => typeof part === 'string');
        last = names[0] === '...' ? last : [names[0] === '.' ? last[0]! : names[0]!, names[1] === '.' ? last[1]! : names[1]!];
        return last.join(' ');
      });
    }),
  );
  const dashboards = ofType(resourcesOf(stackOf()), 'AWS::CloudWatch::Dashboard').filter(([, { Condition }]) => !Condition);
  const constructedBody = JSON.stringify(dashboards[0]?.[1].Properties['DashboardBody']);
  for (const { sources, outOf, silenceIsBad } of ALARMS) {
    for (const { namespace, metric } of silenceIsBad ? [] : [...sources, ...(outOf === undefined ? [] : [outOf])]) {
      assert.ok(drawn.has(`${namespace} ${metric}`), `${namespace} ${metric} is not on the template's dashboard`);
      assert.ok(constructedBody.includes(`\\"${metric}\\"`), `${metric} is not on the constructs' dashboard`);
    }
  }
});
