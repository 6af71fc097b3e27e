/**
 * Settings of the app, read from the CDK context (`-c name=value` or `cdk.context.json`) and checked before they are used.
 */
import type { Node } from 'constructs';

import type { DatabaseProps } from './database';
import type { Architecture } from './functions';

/** What the command line can say. */
export interface Settings {
  /** Name of the stack. @default cxone-insights */
  readonly stackName: string;
  /** Processor of the functions. @default arm64 */
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
  // The queues are named after the stack, and a queue's name has at most 80 characters.
  if (!/^[A-Za-z][A-Za-z0-9-]{0,47}$/.test(stackName)) {
    throw new Error(`stackName is "${stackName}", but must be a letter and then at most 47 letters, digits or hyphens`);
  }
  const architecture = text(node, 'architecture') ?? 'arm64';
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
  const wanted = text(node, 'database') ?? 'false';
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
  const internet = text(node, 'databaseInternet') ?? 'false';
  if (internet !== 'true' && internet !== 'false') {
    throw new Error(`databaseInternet is "${internet}", but must be true or false`);
  }
  return { minCapacity, maxCapacity, internet: internet === 'true' };
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
