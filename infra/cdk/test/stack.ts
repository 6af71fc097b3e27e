/**
 * Stacks for tests, which are synthesized without credentials.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { FUNCTION_NAMES } from '../lib/functions';
import { InsightsStack, type InsightsStackProps } from '../lib/insights-stack';

/** A resource of a synthesized template. */
export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly Properties: Record<string, any>;
}

/** A stack with these properties. */
export function stackOf(props: InsightsStackProps = {}): InsightsStack {
  return new InsightsStack(new App(), 'insights', { codeDirectory: '/nonexistent', ...props });
}

/** The resources of a stack, by logical id. */
export function resourcesOf(stack: InsightsStack): Record<string, Resource> {
  return Template.fromStack(stack).toJSON()['Resources'];
}

/** Resources of a type, by logical id. */
export function ofType(resources: Record<string, Resource>, type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, resource]) => resource.Type === type);
}

/** A folder with a `bootstrap` for each function whose ELF header names this machine. */
export function binaries(machine: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'insights-code-'));
  for (const name of FUNCTION_NAMES) {
    const header = Buffer.alloc(64);
    header.write('\x7fELF', 0, 'latin1');
    header.writeUInt16LE(machine, 18);
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'bootstrap'), Buffer.concat([header, Buffer.from(name)]));
  }
  return folder;
}
