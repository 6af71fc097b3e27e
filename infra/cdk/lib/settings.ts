/**
 * Settings of the app, read from the CDK context (`-c name=value` or `cdk.context.json`) and checked before they are used.
 */
import type { Node } from 'constructs';

import { type DatabaseProps, ENGINE_VERSION } from './database';
import type { Architecture } from './functions';

/** What the command line can say. */
export interface Settings {
  /** Name of the stack. @default cxone-insights */
  readonly stackName: string;
  /** Processor of the functions. @default x86_64 */
  readonly architecture: Architecture;
  /** Where the built functions lie. */
  readonly codeDirectory?: string;
  /** The database, if one is to be made. */
  readonly database?: DatabaseProps;
}

/** Reads the settings.
 *
 * @throws an error that names the setting, its value and what is allowed.
 */
export function settings(node: Node): Settings {
  const stackName = text(node, 'stackName') ?? 'cxone-insights';
  // The functions are named after the stack, and a function's name has at most 64 characters: 46 and `-transcript-poller`.
  if (!/^[A-Za-z][A-Za-z0-9-]{0,45}$/.test(stackName)) {
    throw new Error(`stackName is "${stackName}", but must be a letter and then at most 45 letters, digits or hyphens`);
  }
  const architecture = text(node, 'architecture') ?? 'x86_64';
  if (architecture !== 'arm64' && architecture !== 'x86_64') {
    throw new Error(`architecture is "${architecture}", but must be arm64 or x86_64`);
  }
  const codeDirectory = text(node, 'codeDirectory');
  const database = databaseOf(node);
  return {
    stackName,
    architecture,
    ...(codeDirectory === undefined ? {} : { codeDirectory }),
    ...(database === undefined ? {} : { database }),
  };
}

function text(node: Node, name: string): string | undefined {
  const value: unknown = node.tryGetContext(name);
  return value === undefined ? undefined : String(value);
}

function databaseOf(node: Node): DatabaseProps | undefined {
  const wanted = text(node, 'database');
  if (wanted === undefined) {
    throw new Error(
      'database is not set: say database=true or database=false, in cdk.context.json or by -c each time. A deployment that forgets it ' +
        'would take the database away from a stack that has one',
    );
  }
  if (wanted !== 'true' && wanted !== 'false') {
    throw new Error(`database is "${wanted}", but must be true or false`);
  }
  if (wanted === 'false') {
    return undefined;
  }
  const minCapacity = capacity(node, 'databaseMinCapacity', 0, 0.5);
  const maxCapacity = capacity(node, 'databaseMaxCapacity', 1, 8);
  if (maxCapacity < minCapacity) {
    throw new Error(`databaseMaxCapacity is ${maxCapacity}, but must be at least databaseMinCapacity, ${minCapacity}`);
  }
  const engineVersion = text(node, 'databaseEngineVersion') ?? ENGINE_VERSION;
  if (!/^\d+\.\d+$/.test(engineVersion)) {
    throw new Error(`databaseEngineVersion is "${engineVersion}", but must be a version of Aurora PostgreSQL such as ${ENGINE_VERSION}`);
  }
  return {
    minCapacity,
    maxCapacity,
    engineVersion,
    internet: yesOrNo(node, 'databaseInternet', false),
    protection: yesOrNo(node, 'databaseProtection', true),
  };
}

function yesOrNo(node: Node, name: string, byDefault: boolean): boolean {
  const given = text(node, name) ?? String(byDefault);
  if (given !== 'true' && given !== 'false') {
    throw new Error(`${name} is "${given}", but must be true or false`);
  }
  return given === 'true';
}

/** Capacity units come in halves, 256 at most. */
function capacity(node: Node, name: string, least: number, byDefault: number): number {
  const given = text(node, name);
  const units = given === undefined ? byDefault : Number(given);
  if (given?.trim() === '' || !Number.isInteger(units * 2) || units < least || units > 256) {
    throw new Error(`${name} is "${given}", but must be a number from ${least} to 256 in halves`);
  }
  return units;
}
