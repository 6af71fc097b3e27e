/**
 * Alarms and dashboard as constructs, so that an app can change thresholds and topics, and add widgets.
 */
import { CfnCondition, type CfnResource, Duration, Fn, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Construct } from 'constructs';

import { ALARMS, type AlarmRule, DATABASE_ALARMS, type Source } from './alarms';
import { dashboardRows } from './dashboard';

/** Properties of the monitoring. */
export interface MonitoringProps {
  /** Other thresholds, by the alarm's name. */
  readonly thresholds?: Readonly<Record<string, number>>;
  /** Topic of the notifications. @default the template's alarm topic */
  readonly topic?: ITopic;
}

/** Properties with the template whose resources are watched. */
export interface MonitoringOfTemplateProps extends MonitoringProps {
  /** The template. */
  readonly template: CfnInclude;
  /** Identifier of the database's cluster, if this app makes one. */
  readonly cluster?: string;
}

const COMPARISONS = {
  'at least': cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  above: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
  below: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
} as const;

/** What stands for the stack's name in the dimensions of a source. */
const STACK_NAME = 'AWS::StackName';

/** Alarms and dashboard of a stack. */
export class Monitoring extends Construct {
  /** The alarms, by name. */
  readonly alarms: ReadonlyMap<string, cloudwatch.Alarm>;
  /** The dashboard. */
  readonly dashboard: cloudwatch.Dashboard;
  private readonly template: CfnInclude;
  private readonly cluster: string | undefined;

  constructor(scope: Construct, id: string, props: MonitoringOfTemplateProps) {
    super(scope, id);
    this.template = props.template;
    this.cluster = props.cluster;
    const rules = this.cluster === undefined ? ALARMS : [...ALARMS, ...DATABASE_ALARMS];
    const thresholds = props.thresholds ?? {};
    const unknown = Object.keys(thresholds).filter((name) => !rules.some((rule) => rule.name === name));
    if (unknown.length > 0) {
      throw new Error(`no such alarm: ${unknown.join(', ')}; there are ${rules.map((rule) => rule.name).join(', ')}`);
    }
    const topic = props.topic ?? Topic.fromTopicArn(this, 'Topic', this.ref('AlarmTopic'));
    const action = new SnsAction(topic);
    this.alarms = new Map(
      rules.map((rule) => [rule.name, this.addAlarm(rule, thresholds[rule.name] ?? rule.threshold, action)]),
    );
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', { dashboardName: Stack.of(this).stackName });
    // Alarms on missing runs are not part of the overview, because they do not exist where the schedules are disabled.
    const always = rules.filter((rule) => !rule.silenceIsBad).flatMap((rule) => this.alarms.get(rule.name) ?? []);
    this.dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ alarms: always, width: 24, height: 4 }));
    for (const row of dashboardRows((source, options) => this.metric(source, options))) {
      this.dashboard.addWidgets(...row);
    }
  }

  private addAlarm(rule: AlarmRule, threshold: number, action: SnsAction): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, rule.name, {
      alarmName: `${Stack.of(this).stackName}-${rule.name}`,
      alarmDescription: `${rule.meaning} Runbook - infra/docs/runbooks/${rule.runbook}.md`,
      metric: this.metricOf(rule),
      threshold,
      comparisonOperator: COMPARISONS[rule.when],
      evaluationPeriods: rule.periods ?? 1,
      ...(rule.badPeriods === undefined ? {} : { datapointsToAlarm: rule.badPeriods }),
      treatMissingData: rule.silenceIsBad
        ? cloudwatch.TreatMissingData.BREACHING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    if (rule.silenceIsBad) {
      // Where the schedule is disabled, missing runs are expected.
      const runs: CfnCondition = this.template.getCondition(rule.silenceIsBad);
      (alarm.node.defaultChild as CfnResource).cfnOptions.condition = runs;
    }
    return alarm;
  }

  private metricOf(rule: AlarmRule): cloudwatch.IMetric {
    const options = { statistic: rule.statistic, period: Duration.seconds(rule.periodSeconds) };
    const metrics = rule.sources.map((source) => this.metric(source, options));
    const [only] = metrics;
    if (metrics.length === 1 && only !== undefined && rule.outOf === undefined) {
      return only;
    }
    const usingMetrics: Record<string, cloudwatch.IMetric> = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
    const sum = metrics.map((_, index) => `FILL(m${index},0)`).join('+');
    if (rule.outOf !== undefined) {
      usingMetrics['all'] = this.metric(rule.outOf, options);
    }
    return new cloudwatch.MathExpression({
      label: rule.name,
      expression: rule.outOf === undefined ? sum : `IF(all>0,100*(${sum})/all,0)`,
      usingMetrics,
      period: Duration.seconds(rule.periodSeconds),
    });
  }

  private metric(source: Source, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    const dimensionsMap = Object.fromEntries(
      Object.entries(source.dimensions).map(([name, value]) => [name, value.startsWith('@') ? this.ref(value.slice(1)) : value]),
    );
    return new cloudwatch.Metric({ namespace: source.namespace, metricName: source.metric, dimensionsMap, ...options });
  }

  /** A resource of the template, `Id` or `Id.Attribute`, a name that begins with the stack's, or the database's cluster. */
  private ref(name: string): string {
    if (name.startsWith(STACK_NAME)) {
      return `${Stack.of(this).stackName}${name.slice(STACK_NAME.length)}`;
    }
    if (name === 'cluster') {
      return this.cluster ?? '';
    }
    const [id, attribute] = name.split('.') as [string, string?];
    const resource = this.template.getResource(id);
    return attribute === undefined ? resource.ref : Fn.getAtt(id, attribute).toString();
  }
}
