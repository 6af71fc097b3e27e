/**
 * State machines as Step Functions gets them from CloudFormation, and an interpreter of the states that the template uses: Pass, Map and
 * Task with JSONata.
 */
import jsonata from 'jsonata';

/** Renders a definition as CloudFormation's handler does: it turns the object into JSON text, and then replaces text. */
export function render(properties: Record<string, any>, value: (substitution: unknown) => string): any {
  let text = JSON.stringify(properties['Definition']);
  for (const [name, substitution] of Object.entries(properties['DefinitionSubstitutions'])) {
    text = text.split(`\${${name}}`).join(JSON.stringify(value(substitution)).slice(1, -1));
  }
  return JSON.parse(text);
}

/** What runs a task: the name of the function and what it is given. */
export type Invoke = (functionName: string, payload: any) => Promise<any>;

/** An error that ends an execution. */
export class ExecutionFailed extends Error {}

/** Runs a state machine and returns its output. */
export async function execute(machine: any, input: any, name: string, invoke: Invoke): Promise<any> {
  return run(machine, input, { Execution: { Name: name, Input: input } }, new Map(), invoke);
}

async function run(machine: any, input: any, context: any, variables: Map<string, any>, invoke: Invoke): Promise<any> {
  let current: string | undefined = machine.StartAt;
  let data = input;
  while (current !== undefined) {
    const state: any = machine.States[current];
    const scope = (result?: any) => ({ ...Object.fromEntries(variables), states: { input: data, context, result } });
    let result: any;
    if (state.Type === 'Task') {
      const { FunctionName, Payload } = await evaluate(state.Arguments, scope());
      result = { Payload: await tried(state, () => invoke(FunctionName, Payload)), StatusCode: 200 };
    } else if (state.Type === 'Map') {
      const items: any[] = await evaluate(state.Items, scope());
      const most = await evaluate(state.MaxConcurrency, scope());
      if (!Number.isInteger(most) || most < 0) {
        throw new ExecutionFailed(`States.QueryEvaluationError: MaxConcurrency is ${JSON.stringify(most)}`);
      }
      result = await pooled(items, most || items.length, (item) => run(state.ItemProcessor, item, context, new Map(), invoke));
    } else if (state.Type !== 'Pass') {
      throw new Error(`the interpreter does not know the state type ${state.Type}`);
    }
    const output = state.Output === undefined ? (result ?? data) : await evaluate(state.Output, scope(result));
    const assigned = state.Assign === undefined ? {} : await evaluate(state.Assign, scope(result));
    for (const [variable, value] of Object.entries(assigned)) {
      variables.set(variable, value);
    }
    data = output;
    current = state.End === true ? undefined : state.Next;
  }
  return data;
}

/** Runs a task again as its `Retry` says; the pauses are left out. */
async function tried(state: any, task: () => Promise<any>): Promise<any> {
  const attempts = 1 + (state.Retry?.[0]?.MaxAttempts ?? 0);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      if (attempt === attempts) {
        throw new ExecutionFailed(`States.TaskFailed: ${error}`);
      }
    }
  }
}

async function pooled(items: any[], most: number, work: (item: any) => Promise<any>): Promise<any[]> {
  const results: any[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}

/** Evaluates every text of a value that is an expression between `{%` and `%}`. */
async function evaluate(value: any, bindings: Record<string, any>): Promise<any> {
  if (Array.isArray(value)) {
    return Promise.all(value.map((one) => evaluate(one, bindings)));
  }
  if (value !== null && typeof value === 'object') {
    const entries = await Promise.all(Object.entries(value).map(async ([name, one]) => [name, await evaluate(one, bindings)] as const));
    return Object.fromEntries(entries);
  }
  const expression = typeof value === 'string' ? /^\{%(.*)%\}$/s.exec(value)?.[1] : undefined;
  if (expression === undefined) {
    return value;
  }
  const result = await jsonata(expression).evaluate({}, bindings);
  return result === undefined ? undefined : JSON.parse(JSON.stringify(result));
}
