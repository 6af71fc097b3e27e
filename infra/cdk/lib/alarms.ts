/**
 * The alarms: one entry per alarm, with the runbook that says what to do. The template has the same alarms for deployments
 * without this app; a test compares the two.
 */
import { FUNCTIONS, type FunctionName } from './functions';

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
  /** What the sum is a percentage of. @default none: the sum itself is compared */
  readonly outOf?: Source;
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
  /** Set where silence is bad: the condition of the template under which something must be heard, without which there is no alarm. */
  readonly silenceIsBad?: 'SchedulesRun' | 'FeedRuns' | 'ChatRuns' | 'HeartbeatRuns';
}

/** Metrics that the functions write. */
const own = (metric: string, name: FunctionName): Source => ({
  namespace: 'cxone-insights',
  metric,
  dimensions: { function: name, stack: '@AWS::StackName' },
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

/** Metrics that EventBridge keeps of a rule, by the last part of its name. */
const rule = (metric: string, name: string): Source => ({
  namespace: 'AWS/Events',
  metric,
  dimensions: { RuleName: `@AWS::StackName-${name}` },
});

/** Logical ids of the functions, with the failures in five minutes that are too many. */
const FAILURES: readonly [FunctionName, string, number][] = [
  ['data-action', 'DataActionFunction', 3],
  ['webhook-receiver', 'WebhookReceiverFunction', 3],
  ['embedding-writer', 'EmbeddingWriterFunction', 3],
  ['semantic-search', 'SemanticSearchFunction', 3],
  ['supervisor-board', 'SupervisorBoardFunction', 3],
  ['transcript-poller', 'TranscriptPollerFunction', 3],
  ['analytics-report', 'AnalyticsReportFunction', 1],
  ['chat-session', 'ChatSessionFunction', 3],
  ['admin', 'AdminFunction', 1],
  ['heartbeat', 'HeartbeatFunction', 1],
];
/** Functions that call the contact center. */
const CALLERS: readonly FunctionName[] = ['transcript-poller', 'analytics-report', 'chat-session'];
/** Functions that a rule starts, which nobody waits for. */
const STARTED: readonly FunctionName[] = CALLERS;
/** Functions that run a model. */
const MODELS: readonly FunctionName[] = [
  'data-action',
  'transcript-poller',
  'chat-session',
  'embedding-writer',
  'semantic-search',
];

/** Functions that count what their stores refuse. */
export const STORING: readonly FunctionName[] = ['transcript-poller', 'embedding-writer', 'semantic-search', 'data-action', 'webhook-receiver'];
/** The rules that start functions, by the last part of their names. */
export const RULES = ['poller', 'report', 'chat', 'chat-1', 'chat-2', 'chat-3', 'chat-4', 'expire', 'heartbeat', 'feed'] as const;

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
    silenceIsBad: 'SchedulesRun',
  },
  {
    name: 'report-missing',
    meaning: 'The report of the day before was not written for 26 hours.',
    runbook: 'schedule-stopped',
    sources: [own('daily_reports_written', 'analytics-report')],
    statistic: 'Sum',
    periodSeconds: 3600,
    threshold: 1,
    when: 'below',
    periods: 26,
    silenceIsBad: 'SchedulesRun',
  },
  {
    name: 'feed-missing',
    meaning: 'The finished conversations of the tenant were not read to their end for 12 hours.',
    runbook: 'schedule-stopped',
    sources: [own('feed_lists_completed', 'analytics-report')],
    statistic: 'Sum',
    periodSeconds: 3600,
    threshold: 1,
    when: 'below',
    periods: 12,
    silenceIsBad: 'FeedRuns',
  },
  {
    name: 'chat-stopped',
    meaning: 'Chat sessions have not been started for five minutes.',
    runbook: 'schedule-stopped',
    sources: [lambda('Invocations', 'ChatSessionFunction')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'below',
    silenceIsBad: 'ChatRuns',
  },
  {
    name: 'heartbeat-stopped',
    meaning: 'The heartbeat has not run for a quarter of an hour.',
    runbook: 'schedule-stopped',
    sources: [lambda('Invocations', 'HeartbeatFunction')],
    statistic: 'Sum',
    periodSeconds: 900,
    threshold: 1,
    when: 'below',
    silenceIsBad: 'HeartbeatRuns',
  },
  {
    name: 'report-map-failures',
    meaning: 'A report map failed, ran out of time or was aborted.',
    runbook: 'report-map',
    sources: ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((metric) => ({
      namespace: 'AWS/States',
      metric,
      dimensions: { StateMachineArn: '@ReportMap' },
    })),
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
    name: 'poll-failures',
    meaning: 'A fifth of the reads of live calls or more fails (percent).',
    runbook: 'poll-failures',
    sources: [own('poll_errors', 'transcript-poller')],
    outOf: own('poll_rounds', 'transcript-poller'),
    statistic: 'Sum',
    periodSeconds: 60,
    threshold: 20,
    when: 'at least',
    periods: 5,
    badPeriods: 3,
  },
  {
    name: 'rules-file-rejected',
    meaning: 'The rule file is refused and the last good one is in force.',
    runbook: 'rules-file',
    sources: [own('rules_file_rejected', 'transcript-poller')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'calls-unfollowed',
    meaning: 'There are more live calls than the poller follows.',
    runbook: 'poller-lag',
    sources: [own('calls_unfollowed', 'transcript-poller')],
    statistic: 'Maximum',
    periodSeconds: 60,
    threshold: 1,
    when: 'at least',
    periods: 5,
    badPeriods: 3,
  },
  {
    name: 'escalations-not-told',
    meaning: 'An escalation of a chat reached nobody.',
    runbook: 'chat-failures',
    sources: [own('chat_escalations_not_told', 'chat-session')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'archive-failures',
    meaning: 'Chats could not be archived.',
    runbook: 'chat-failures',
    sources: [own('chat_archive_failures', 'chat-session')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 3,
    when: 'at least',
  },
  {
    name: 'report-transcripts-failed',
    meaning: 'A report lacks transcripts that could not be read.',
    runbook: 'report-transcripts',
    sources: [own('report_transcripts_failed', 'analytics-report')],
    statistic: 'Sum',
    periodSeconds: 3600,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'events-dropped',
    meaning: 'Lambda gave up starts of the poller, the report or the chats.',
    runbook: 'undelivered-events',
    sources: STARTED.map((name) => lambda('AsyncEventsDropped', FUNCTIONS[name])),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 3,
    when: 'at least',
  },
  {
    name: 'event-age',
    meaning: 'A start waits in Lambda for more than an hour (ms).',
    runbook: 'undelivered-events',
    sources: [lambda('AsyncEventAge', 'AnalyticsReportFunction')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 3_600_000,
    when: 'above',
  },
  {
    name: 'rule-failures',
    meaning: 'A rule could not start its function.',
    runbook: 'undelivered-events',
    sources: RULES.map((name) => rule('FailedInvocations', name)),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'undelivered-events',
    meaning: 'A start was not delivered, or a daily report failed thrice.',
    runbook: 'undelivered-events',
    sources: [queue('ApproximateNumberOfMessagesVisible', 'UndeliveredEvents')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 1,
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
  {
    name: 'segments-unscored',
    meaning: 'Segments of live calls were given up without a score.',
    runbook: 'model-errors',
    sources: [own('segments_unscored', 'transcript-poller')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'provider-errors',
    meaning: 'The sentiment service is out of reach for live calls.',
    runbook: 'model-errors',
    sources: [own('provider_errors', 'transcript-poller')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 5,
    when: 'at least',
  },
  {
    name: 'send-failures',
    meaning: 'Attributes or suggestions do not reach the contact center.',
    runbook: 'send-failures',
    sources: [own('send_errors', 'transcript-poller'), own('sends_refused', 'transcript-poller')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 10,
    when: 'at least',
  },
  {
    name: 'store-errors',
    meaning: 'A store refused or did not answer.',
    runbook: 'store-errors',
    sources: STORING.map((name) => own('store_errors', name)),
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 5,
    when: 'at least',
  },
  {
    name: 'conversations-removed',
    meaning: 'Many conversations were taken out of the search by their sender.',
    runbook: 'conversations-removed',
    sources: [own('conversations_removed', 'embedding-writer')],
    statistic: 'Sum',
    periodSeconds: 3600,
    threshold: 100,
    when: 'at least',
  },
  {
    name: 'chat-set-aside',
    meaning: 'A chat message was too large to be stored whole.',
    runbook: 'chat-failures',
    sources: [own('chat_set_aside', 'chat-session')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
  {
    name: 'chat-session-failures',
    meaning: 'Chat sessions failed and were started again.',
    runbook: 'chat-failures',
    sources: [own('chat_session_failures', 'chat-session')],
    statistic: 'Sum',
    periodSeconds: 300,
    threshold: 3,
    when: 'at least',
  },
  {
    name: 'chat-agents-unworked',
    meaning: 'There are more agents than the chat workers take.',
    runbook: 'chat-failures',
    sources: [own('chat_agents_unworked', 'chat-session')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 1,
    when: 'at least',
  },
];

/** Alarms that make a rollout of a function go back to the version before. */
export const ROLLBACK_ALARMS: Readonly<Record<FunctionName, readonly string[]>> = {
  'data-action': ['data-action-errors', 'data-action-latency'],
  'webhook-receiver': ['webhook-receiver-errors'],
  'embedding-writer': ['embedding-writer-errors'],
  'semantic-search': ['semantic-search-errors', 'search-latency'],
  'supervisor-board': ['supervisor-board-errors'],
  'transcript-poller': ['transcript-poller-errors', 'poll-failures'],
  'analytics-report': ['analytics-report-errors'],
  'chat-session': ['chat-session-errors'],
  admin: ['admin-errors'],
  heartbeat: ['heartbeat-errors'],
};

/** Metrics that RDS keeps of the cluster. */
const cluster = (metric: string): Source => ({
  namespace: 'AWS/RDS',
  metric,
  dimensions: { DBClusterIdentifier: '@cluster' },
});

/** Alarms of the database that this app can make; the template makes none. */
export const DATABASE_ALARMS: readonly AlarmRule[] = [
  {
    name: 'database-capacity',
    meaning: 'The database works at its largest capacity (percent).',
    runbook: 'database',
    sources: [cluster('ACUUtilization')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 90,
    when: 'above',
    periods: 3,
  },
  {
    name: 'database-connections',
    meaning: 'The database has far more connections than the functions open.',
    runbook: 'database',
    sources: [cluster('DatabaseConnections')],
    statistic: 'Maximum',
    periodSeconds: 300,
    threshold: 500,
    when: 'above',
    periods: 2,
  },
  {
    name: 'database-storage',
    meaning: 'The database holds more than 100 GB (bytes).',
    runbook: 'database',
    sources: [cluster('VolumeBytesUsed')],
    statistic: 'Maximum',
    periodSeconds: 3600,
    threshold: 100_000_000_000,
    when: 'above',
  },
];
