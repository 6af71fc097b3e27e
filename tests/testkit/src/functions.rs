//! The list of the workspace's functions.

/// What invokes a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A request through API Gateway.
    Http,
    /// A batch of messages of an SQS queue.
    Queue,
    /// A schedule of EventBridge.
    Schedule,
    /// An operator, or a schedule in an operator's place, whose event names a task.
    Operator,
}

/// One Lambda function of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Name of the crate, of its folder below `functions/` and of its program.
    pub name: &'static str,
    /// Logical id in the template without the suffix `Function`: `DataAction` of `DataActionFunction`.
    pub id: &'static str,
    /// What invokes the function.
    pub trigger: Trigger,
}

impl Function {
    /// Returns the logical id of the function's resource in the template.
    #[must_use]
    pub fn logical_id(&self) -> String {
        format!("{}Function", self.id)
    }
}

/// Every function of the workspace, in the order of the alphabet.
pub const FUNCTIONS: [Function; 10] = [
    function("admin", "Admin", Trigger::Operator),
    function("analytics-report", "AnalyticsReport", Trigger::Schedule),
    function("chat-session", "ChatSession", Trigger::Schedule),
    function("data-action", "DataAction", Trigger::Http),
    function("embedding-writer", "EmbeddingWriter", Trigger::Queue),
    function("heartbeat", "Heartbeat", Trigger::Schedule),
    function("semantic-search", "SemanticSearch", Trigger::Http),
    function("supervisor-board", "SupervisorBoard", Trigger::Http),
    function("transcript-poller", "TranscriptPoller", Trigger::Schedule),
    function("webhook-receiver", "WebhookReceiver", Trigger::Http),
];

const fn function(name: &'static str, id: &'static str, trigger: Trigger) -> Function {
    Function { name, id, trigger }
}
