/**
 * The stack: the unchanged SAM template, with the code of the functions as assets and the additions of a CDK user.
 */
import { join } from 'node:path';

import { Annotations, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { CfnFunction } from 'aws-cdk-lib/aws-sam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';

import { Database, type DatabaseProps } from './database';
import { ROLLBACK_ALARMS } from './alarms';
import { type Architecture, FUNCTIONS, FUNCTION_NAMES, builtFolder } from './functions';
import { Monitoring, type MonitoringProps } from './monitoring';

/** The root of the repository, seen from `build/lib`. */
const ROOT = join(__dirname, '..', '..', '..', '..');

/** Where the template lies. */
export const TEMPLATE_FILE = join(ROOT, 'infra', 'sam', 'template.yaml');

/** Properties of the stack. */
export interface InsightsStackProps extends StackProps {
  /** Processor of the functions. @default 'x86_64' */
  readonly architecture?: Architecture;
  /**
   * Folder with `{function}/bootstrap` for each function, as `cargo lambda build --release` writes it.
   * @default target/lambda in the repository
   */
  readonly codeDirectory?: string;
  /**
   * Values of the template's parameters, by name. They replace the parameters, so that a stack which exists takes them too: `cdk deploy`
   * keeps the former value of a parameter whose default changes. Parameters without a value here stay parameters.
   */
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** An Aurora Serverless PostgreSQL for the vectors, in a VPC of its own. @default none: bring your own */
  readonly database?: DatabaseProps;
  /** Thresholds of the alarms, and who is notified. @default the template's thresholds, its alarm topic */
  readonly monitoring?: MonitoringProps;
}

/** cxone-insights. */
export class InsightsStack extends Stack {
  /** The template, for reaching what is in it: `stack.template.getResource('StateTable')`. */
  readonly template: CfnInclude;
  /** The database, if one was asked for. */
  readonly database?: Database;
  /** Alarms and dashboard. */
  readonly monitoring: Monitoring;

  constructor(scope: Construct, id: string, props: InsightsStackProps = {}) {
    super(scope, id, { description: 'cxone-insights: live insight for a NICE CXone contact center', ...props });
    const architecture = props.architecture ?? 'x86_64';
    this.template = new CfnInclude(this, 'Template', {
      templateFile: TEMPLATE_FILE,
      parameters: { ...props.parameters, Architecture: architecture, Monitoring: 'none' },
    });
    this.addCode(props.codeDirectory ?? join(ROOT, 'target', 'lambda'), architecture);
    if (props.database) {
      this.database = new Database(this, 'Database', {
        ...props.database,
        clients: [this.function('embedding-writer'), this.function('semantic-search'), this.function('admin')],
      });
    }
    this.monitoring = new Monitoring(this, 'Monitoring', {
      ...props.monitoring,
      template: this.template,
      ...(this.database === undefined ? {} : { cluster: this.database.clusterIdentifier }),
    });
    this.addRollbackAlarms();
  }

  /** A function of the template, by the name of its crate. */
  function(name: keyof typeof FUNCTIONS): CfnFunction {
    return this.template.getResource(FUNCTIONS[name]) as CfnFunction;
  }

  /** Lets a rollout go back by the alarms of this app, which have the names that the template's would have. */
  private addRollbackAlarms(): void {
    for (const name of FUNCTION_NAMES) {
      const alarms = ROLLBACK_ALARMS[name].map((alarm) => `${this.stackName}-${alarm}`);
      this.function(name).addPropertyOverride('DeploymentPreference.Alarms', alarms);
    }
  }

  /** Points each function at its built binary. */
  private addCode(codeDirectory: string, architecture: Architecture): void {
    const missing: string[] = [];
    for (const name of FUNCTION_NAMES) {
      const folder = builtFolder(codeDirectory, name, architecture);
      if (folder === undefined) {
        missing.push(name);
        continue;
      }
      const asset = new Asset(this, `Code-${name}`, { path: folder });
      this.function(name).codeUri = { bucket: asset.s3BucketName, key: asset.s3ObjectKey };
    }
    if (missing.length > 0) {
      // CloudFormation refuses the path that stays in the template, so that a function without code cannot be deployed.
      Annotations.of(this).addWarningV2(
        'cxone-insights:not-built',
        `not built, so this stack can be synthesised but not deployed: ${missing.join(', ')} (looked in ${codeDirectory}; ` +
          'run `cargo lambda build --release`, with `--arm64` for arm64)',
      );
    }
  }
}
