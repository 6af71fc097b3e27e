/**
 * The graphs of the dashboard, row by row.
 */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

import { RULES, STORING, type Source } from './alarms';
import { FUNCTIONS, FUNCTION_NAMES, type FunctionName } from './functions';

/** Makes a metric of a source. */
export type MakeMetric = (source: Source, options: cloudwatch.MetricOptions) => cloudwatch.Metric;

const MINUTE = Duration.minutes(1);

/** Rows of three graphs. */
export function dashboardRows(make: MakeMetric): cloudwatch.IWidget[][] {
  const graph = (title: string, left: cloudwatch.IMetric[], unit: string): cloudwatch.GraphWidget =>
    new cloudwatch.GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { label: unit, showUnits: false, min: 0 } });
  const of = (namespace: string, metric: string, dimensions: Record<string, string>, statistic: string, label: string) =>
    make({ namespace, metric, dimensions }, { statistic, label, period: MINUTE });
  const own = (metric: string, name: FunctionName, statistic = 'Sum', label = metric) =>
    of('cxone-insights', metric, { stack: '@AWS::StackName', function: name }, statistic, label);
  const lambda = (metric: string, name: FunctionName, statistic: string, label: string = name) =>
    of('AWS/Lambda', metric, { FunctionName: `@${FUNCTIONS[name]}` }, statistic, label);
  const each = (metric: string, statistic: string) => FUNCTION_NAMES.map((name) => lambda(metric, name, statistic));
  const queue = (metric: string, id: string, label: string) =>
    of('AWS/SQS', metric, { QueueName: `@${id}.QueueName` }, 'Maximum', label);
  const api = (metric: string) => of('AWS/ApiGateway', metric, { ApiId: '@HttpApi' }, 'Sum', metric);
  const map = (metric: string) => of('AWS/States', metric, { StateMachineArn: '@ReportMap' }, 'Sum', metric);
  const table = (metric: string, label: string) => of('AWS/DynamoDB', metric, { TableName: '@StateTable' }, 'Sum', label);
  const callers: FunctionName[] = ['transcript-poller', 'analytics-report', 'chat-session'];
  return [
    [
      graph('Data Actions: latency', ['p50', 'p95', 'p99'].map((p) => lambda('Duration', 'data-action', p, p)), 'ms'),
      graph(
        'Data Actions: inferences and cache',
        ['inference_count', 'cache_hits', 'model_errors'].map((metric) => own(metric, 'data-action')),
        'a minute',
      ),
      graph('API: requests and refusals', ['Count', '4xx', '5xx'].map(api), 'a minute'),
    ],
    [
      graph('Errors', each('Errors', 'Sum'), 'a minute'),
      graph('Throttles', each('Throttles', 'Sum'), 'a minute'),
      graph('Concurrency', each('ConcurrentExecutions', 'Maximum'), 'executions'),
    ],
    [
      graph(
        'Live calls: lag of the scores',
        ['p50', 'p95', 'Maximum'].map((p) => own('poller_lag_ms', 'transcript-poller', p, p)),
        'ms',
      ),
      graph(
        'Chats: SLA breaches and failures',
        [
          ...['sla_breaches', 'chat_escalations_not_told', 'chat_archive_failures', 'chat_set_aside', 'chat_session_failures'].map((metric) =>
            own(metric, 'chat-session'),
          ),
          own('chat_agents_unworked', 'chat-session', 'Maximum'),
        ],
        'a minute',
      ),
      graph(
        'Tokens: renewals and failures',
        ['token_refreshes', 'token_refresh_failures'].flatMap((metric) =>
          callers.map((name) => own(metric, name, 'Sum', `${metric} ${name}`)),
        ),
        'a minute',
      ),
    ],
    [
      graph(
        'Embedding queue: depth',
        [
          queue('ApproximateNumberOfMessagesVisible', 'EmbeddingQueue', 'waiting'),
          queue('ApproximateNumberOfMessagesNotVisible', 'EmbeddingQueue', 'in work'),
          queue('ApproximateNumberOfMessagesVisible', 'EmbeddingDeadLetters', 'dead letters'),
        ],
        'messages',
      ),
      graph(
        'Embedding queue: age of the oldest',
        [
          queue('ApproximateAgeOfOldestMessage', 'EmbeddingQueue', 'waiting'),
          queue('ApproximateAgeOfOldestMessage', 'EmbeddingDeadLetters', 'dead letters'),
        ],
        's',
      ),
      graph('Search: latency', ['p50', 'p99'].map((p) => lambda('Duration', 'semantic-search', p, p)), 'ms'),
    ],
    [
      graph(
        'State table: capacity used',
        [table('ConsumedReadCapacityUnits', 'read units'), table('ConsumedWriteCapacityUnits', 'write units')],
        'a minute',
      ),
      graph(
        'Stores: conversations and failures',
        [
          ...['conversations_stored', 'conversations_removed', 'dead_letters'].map((metric) => own(metric, 'embedding-writer')),
          ...STORING.map((name) => own('store_errors', name, 'Sum', `store_errors ${name}`)),
          own('admin_failures', 'admin'),
        ],
        'a minute',
      ),
      graph(
        'Report maps',
        ['ExecutionsSucceeded', 'ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map(map),
        'a minute',
      ),
    ],
    [
      graph(
        'Live calls: polls and failures',
        [
          ...['poll_rounds', 'poll_errors', 'send_errors', 'sends_refused', 'provider_errors', 'segments_unscored', 'rules_file_rejected'].map((metric) =>
            own(metric, 'transcript-poller'),
          ),
          own('calls_unfollowed', 'transcript-poller', 'Maximum'),
        ],
        'a minute',
      ),
      graph(
        'Starts that were given up',
        [
          ...callers.map((name) => lambda('AsyncEventsDropped', name, 'Sum', `dropped ${name}`)),
          ...RULES.map((name) =>
            of('AWS/Events', 'FailedInvocations', { RuleName: `@AWS::StackName-${name}` }, 'Sum', `rule ${name}`),
          ),
          queue('ApproximateNumberOfMessagesVisible', 'UndeliveredEvents', 'undelivered'),
        ],
        'a minute',
      ),
      graph(
        'Reports and feeds: written, failed transcripts, fed, and waiting starts',
        [
          ...['report_written', 'daily_reports_written', 'report_transcripts_failed', 'feed_lists_completed', 'feed_conversations_delivered'].map((metric) =>
            own(metric, 'analytics-report'),
          ),
          lambda('AsyncEventAge', 'analytics-report', 'Maximum', 'age of a start (ms)'),
        ],
        'a minute',
      ),
    ],
  ];
}
