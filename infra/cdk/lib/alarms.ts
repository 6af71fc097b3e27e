/**
 * The alarms: one entry per alarm, with the runbook that says what to do. The template has the same alarms for deployments
 * without this app; a test compares the two.
 */
import type { FunctionName } from './functions';

/** A metric of one source. */
export interface Source {
  /** CloudWatch namespace. */
  readonly namespace: string;
  /** Metric name. */
  readonly metric: string;
  /** Dimensions; a value is a name for what the stack fills in, such as `@DataActionFunction`, or stands as it is. */
  readonly dimensions: Readonly<Record<string, string>>;
}

/** When an alarm goes off. */
export interface AlarmRule {
  /** Name after the stack's, and id of the construct. */
  readonly name: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
  /** Page in `infra/docs/runbooks`, without extension. */
  readonly runbook: string;
  /** One source, or several that are added up. */
  readonly sources: readonly Source[];
  /** Statistic of a source. */
  readonly statistic: 'Sum' | 'Maximum' | 'p95' | 'p99';
  /** Seconds that are looked at together. */
  readonly periodSeconds: number;
  /** The number that is compared with. */
  readonly threshold: number;
  /** How it is compared. */
  readonly when: 'at least' | 'above' | 'below';
  /** Periods that are looked at. @default 1 */
  readonly periods?: number;
  /** Periods of them that must be bad. @default all */
  readonly badPeriods?: number;
  /** Set where silence is bad, and where the alarm depends on the schedules running. */
  readonly silenceIsBad?: boolean;
}

/** Metrics that the functions write. */
const own = (metric: string, name: FunctionName): Source => ({
  namespace: 'cxone-insights',
  metric,
  dimensions: { function: name },
});
/** Metrics that Lambda keeps of a function. */
const lambda = (metric: string, id: string): Source => ({
  namespace: 'AWS/Lambda',
  metric,
  dimensions: { FunctionName: `@${id}` },
});
/** Metrics that SQS keeps of a queue. */
const queue = (metric: string, id: string): Source => ({
  namespace: 'AWS/SQS',
  metric,
  dimensions: { QueueName: `@${id}.QueueName` },
});

/** Logical ids of the functions, with the failures in five minutes that are too many. */
const FAILURES: readonly [FunctionName, string, number][] = [
  ['data-action', 'DataActionFunction', 3],
  ['webhook-receiver', 'WebhookReceiverFunction', 3],
  ['embedding-writer', 'EmbeddingWriterFunction', 3],
  ['semantic-search', 'SemanticSearchFunction', 3],
  ['transcript-poller', 'TranscriptPollerFunction', 3],
  ['analytics-report', 'AnalyticsReportFunction', 1],
  ['chat-session', 'ChatSessionFunction', 3],
];
/** Functions that call the contact center. */
const CALLERS: readonly FunctionName[] = ['transcript-poller', 'analytics-report', 'chat-session'];
/** Functions that run a model. */
const MODELS: readonly FunctionName[] = [
  'data-action',
  'transcript-poller',
  'chat-session',
  'embedding-writer',
  'semantic-search',
];

/** Every alarm. */
export const ALARMS: readonly AlarmRule[] = [
  ...FAILURES.map(
    ([name, id, threshold]): AlarmRule => ({
      name: `${name}-errors`,
      meaning: `${name} failed.`,
      runbook: 'function-errors',
      sources: [lambda('Errors', id)],
      statistic: 'Sum',
      periodSeconds: 300,
      threshold,
      when: 'at least',
    }),
  ),
  {
    name: 'throttles',
    meaning: 'Functions were refused for want of concurrency.',
    runbook: 'throttles',
    sources: FAILURES.map(([, id]) => lambda('Throttles', id)),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 10,
    when: 'at least',
  },
  {
    name: 'api-failures',
    meaning: 'The API answered 5xx.',
    runbook: 'api-failures',
    sources: [{ namespace: 'AWS/ApiGateway', metric: '5xx', dimensions: { ApiId: '@HttpApi' } }],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 5,
    when: 'at least',
  },
  {
    name: 'data-action-latency',
    meaning: 'Data Actions near their 5 s limit (p99 in ms).',
    runbook: 'latency',
    sources: [lambda('Duration', 'DataActionFunction')],
    statistic: 'p99',
    periodSeconds: 300,
    threshold: 2000,
    when: 'above',
    periods: 3,
    badPeriods: 2,
  },
  {
    name: 'search-latency',
    meaning: 'Searches are slow (p99 in ms).',
    runbook: 'latency',
    sources: [lambda('Duration', 'SemanticSearchFunction')],
    statistic: 'p99',
    periodSeconds: 300,
    threshold: 3000,
    when: 'above',
    periods: 3,
    badPeriods: 2,
  },
  {
    name: 'dead-letters',
    meaning: 'Conversations that could not be embedded wait to be looked at.',
    runbook: 'dead-letters',
    sources: [queue('ApproximateNumberOfMessagesVisible', 'EmbeddingDeadLetters')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'dead-letter-age',
    meaning: 'A dead letter is ten days old; after fourteen it is lost.',
    runbook: 'dead-letters',
    sources: [queue('ApproximateAgeOfOldestMessage', 'EmbeddingDeadLetters')],
    statistic: 'Maximum',
    periodSeconds: 3600,
    threshold: 864_000,
    when: 'at least',
  },
  {
    name: 'queue-age',
    meaning: 'Conversations wait more than a quarter of an hour to be embedded.',
    runbook: 'queue-age',
    sources: [queue('ApproximateAgeOfOldestMessage', 'EmbeddingQueue')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 900,
    when: 'above',
    periods: 2,
  },
  {
    name: 'poller-lag',
    meaning: 'Live scores lag the calls (p95 in ms).',
    runbook: 'poller-lag',
    sources: [own('poller_lag_ms', 'transcript-poller')],
    statistic: 'p95',
    periodSeconds: 60,
    threshold: 5000,
    when: 'above',
    periods: 5,
    badPeriods: 3,
  },
  {
    name: 'poller-stopped',
    meaning: 'The transcript poller has not run for five minutes.',
    runbook: 'schedule-stopped',
    sources: [lambda('Invocations', 'TranscriptPollerFunction')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'below',
    silenceIsBad: true,
  },
  {
    name: 'report-missing',
    meaning: 'No report has started for a day.',
    runbook: 'schedule-stopped',
    sources: [lambda('Invocations', 'AnalyticsReportFunction')],
    statistic: 'Sum',
    periodSeconds: 86_400,
    threshold: 1,
    when: 'below',
    silenceIsBad: true,
  },
  {
    name: 'report-map-failures',
    meaning: 'A report map failed.',
    runbook: 'report-map',
    sources: [{ namespace: 'AWS/States', metric: 'ExecutionsFailed', dimensions: { StateMachineArn: '@ReportMap' } }],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'sla-breaches',
    meaning: 'Chat messages took longer than the SLA allows.',
    runbook: 'sla-breaches',
    sources: [own('sla_breaches', 'chat-session')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 10,
    when: 'at least',
  },
  {
    name: 'token-refresh-failures',
    meaning: 'Tokens of the contact center could not be renewed.',
    runbook: 'token-refresh',
    sources: CALLERS.map((name) => own('token_refresh_failures', name)),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 3,
    when: 'at least',
  },
  {
    name: 'model-errors',
    meaning: 'A model or its provider failed.',
    runbook: 'model-errors',
    sources: MODELS.map((name) => own('model_errors', name)),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 5,
    when: 'at least',
  },
];
