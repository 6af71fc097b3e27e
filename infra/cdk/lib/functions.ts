/**
 * The names of the functions, and the binaries that `cargo lambda build` has built.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** The processor that the functions run on. */
export type Architecture = 'arm64' | 'x86_64';

/** Logical id in the template of each function, by the name of its crate. */
export const FUNCTIONS = {
  'data-action': 'DataActionFunction',
  'webhook-receiver': 'WebhookReceiverFunction',
  'embedding-writer': 'EmbeddingWriterFunction',
  'semantic-search': 'SemanticSearchFunction',
  'supervisor-board': 'SupervisorBoardFunction',
  'transcript-poller': 'TranscriptPollerFunction',
  'analytics-report': 'AnalyticsReportFunction',
  'chat-session': 'ChatSessionFunction',
  admin: 'AdminFunction',
  heartbeat: 'HeartbeatFunction',
} as const;

/** Name of a function's crate. */
export type FunctionName = keyof typeof FUNCTIONS;

/** All names, in the template's order. */
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/** `e_machine` of an ELF header, by processor. */
const MACHINES: Record<Architecture, number> = { arm64: 0xb7, x86_64: 0x3e };

/**
 * Returns the folder that holds a function's `bootstrap`, or `undefined` if the function has not been built.
 *
 * @throws if the binary is not a Linux program, or is built for another processor. Lambda would fail only at the first call.
 */
export function builtFolder(codeDirectory: string, name: FunctionName, architecture: Architecture): string | undefined {
  const folder = join(codeDirectory, name);
  const bootstrap = join(folder, 'bootstrap');
  if (!existsSync(bootstrap)) {
    return undefined;
  }
  const machine = machineOf(bootstrap);
  if (machine !== MACHINES[architecture]) {
    const found = Object.entries(MACHINES).find(([, code]) => code === machine)?.[0] ?? 'something else';
    throw new Error(
      `${bootstrap} is built for ${found}, but the stack is for ${architecture}: ` +
        `build it with \`cargo lambda build --release --${architecture.replace('_', '-')}\` or set the architecture`,
    );
  }
  return folder;
}

/** `e_machine` of a little-endian ELF file, or `undefined` for any other file. */
function machineOf(file: string): number | undefined {
  const header = Buffer.alloc(20);
  const descriptor = openSync(file, 'r');
  try {
    const read = readSync(descriptor, header, 0, header.length, 0);
    return read === 20 && header.toString('latin1', 0, 4) === '\x7fELF' ? header.readUInt16LE(18) : undefined;
  } finally {
    closeSync(descriptor);
  }
}
