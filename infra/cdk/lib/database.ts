/**
 * An Aurora Serverless v2 PostgreSQL for the vectors, in a VPC without a route to the Internet. The functions that use the
 * database are moved to that VPC.
 *
 * The functions create the extension and the tables themselves: the cluster's own user may run `CREATE EXTENSION vector`.
 */
import { Aws, CfnOutput, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import type { CfnFunction } from 'aws-cdk-lib/aws-sam';
import { Construct } from 'constructs';

/** Properties of the database. */
export interface DatabaseProps {
  /** Fewest capacity units; 0 lets it pause, and searches fail with 503 until it has resumed, some 15 s. @default 0.5 */
  readonly minCapacity?: number;
  /** Most capacity units (2 GiB of memory each). @default 8 */
  readonly maxCapacity?: number;
  /** A second instance in another zone that takes over. @default true */
  readonly standby?: boolean;
  /** Days that backups are kept. @default 7 */
  readonly backupDays?: number;
  /** Version of Aurora PostgreSQL. @default the newest one when this was written */
  readonly engineVersion?: string;
  /** Whether the cluster refuses to be deleted. A deployment that fails while it makes the cluster can then not roll back. @default true */
  readonly protection?: boolean;
  /** A NAT gateway, for an embedding provider outside AWS. @default false: no way out */
  readonly internet?: boolean;
}

/** Properties with the functions that are let in. */
export interface DatabaseWithClientsProps extends DatabaseProps {
  /** The functions that read and write the vectors. */
  readonly clients: readonly CfnFunction[];
}

/** Version of Aurora PostgreSQL that is made. Minor versions leave support after about a year: look once a year for a newer one. */
export const ENGINE_VERSION = '17.7';

/** The cluster, its network, and the functions in it. */
export class Database extends Construct {
  /** The network of database and clients. */
  readonly vpc: ec2.Vpc;
  /** The cluster. */
  readonly cluster: rds.DatabaseCluster;
  /** Name of the cluster, by which its metrics and logs are found. */
  readonly clusterIdentifier: string;
  /** The security group of the functions. */
  readonly clients: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: DatabaseWithClientsProps) {
    super(scope, id);
    const internet = props.internet ?? false;
    this.vpc = this.makeVpc(internet);
    this.clients = new ec2.SecurityGroup(this, 'Clients', {
      vpc: this.vpc,
      description: 'Functions that use the vectors',
      allowAllOutbound: internet,
    });
    this.addEndpoints(internet);
    this.clusterIdentifier = `${Stack.of(this).stackName.toLowerCase()}-vectors`;
    this.cluster = this.makeCluster(props);
    this.cluster.connections.allowDefaultPortFrom(this.clients, 'vectors');
    for (const client of props.clients) {
      this.moveIn(client);
    }
    new CfnOutput(Stack.of(this), 'DatabaseMasterSecretArn', {
      description: 'User, password and host of the vectors, for database_url in the secret of the database.',
      value: this.cluster.secret?.secretArn ?? '',
    });
  }

  private makeVpc(internet: boolean): ec2.Vpc {
    const functions = internet ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PRIVATE_ISOLATED;
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: internet ? 1 : 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'functions', subnetType: functions, cidrMask: 22 },
        { name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 26 },
        ...(internet ? [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 26 }] : []),
      ],
    });
    vpc.addFlowLog('Refused', {
      trafficType: ec2.FlowLogTrafficType.REJECT,
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'RefusedTraffic', { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY }),
      ),
    });
    return vpc;
  }

  /** The two AWS services that the clients call. X-Ray and logs leave through Lambda, not through the VPC. */
  private addEndpoints(internet: boolean): void {
    const group = new ec2.SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'Endpoints of AWS services',
      allowAllOutbound: false,
    });
    const services = {
      Secrets: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      Queues: ec2.InterfaceVpcEndpointAwsService.SQS,
    };
    for (const [id, service] of Object.entries(services)) {
      this.vpc.addInterfaceEndpoint(id, {
        service,
        securityGroups: [group],
        subnets: { subnetGroupName: 'functions' },
        open: false,
      });
    }
    group.addIngressRule(this.clients, ec2.Port.HTTPS, 'functions');
    if (!internet) {
      this.clients.addEgressRule(group, ec2.Port.HTTPS, 'AWS services');
    }
  }

  private makeCluster(props: DatabaseProps): rds.DatabaseCluster {
    const version = props.engineVersion ?? ENGINE_VERSION;
    const [major = ''] = version.split('.');
    const engine = rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.of(version, major) });
    // RDS would make this group when it writes the first line, and keep the lines for ever.
    const logs = new LogGroup(this, 'ClusterLogs', {
      logGroupName: `/aws/rds/cluster/${this.clusterIdentifier}/postgresql`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const cluster = new rds.DatabaseCluster(this, 'Cluster', {
      engine,
      clusterIdentifier: this.clusterIdentifier,
      vpc: this.vpc,
      vpcSubnets: { subnetGroupName: 'database' },
      writer: rds.ClusterInstance.serverlessV2('writer'),
      readers: (props.standby ?? true) ? [rds.ClusterInstance.serverlessV2('standby', { scaleWithWriter: true })] : [],
      serverlessV2MinCapacity: props.minCapacity ?? 0.5,
      serverlessV2MaxCapacity: props.maxCapacity ?? 8,
      defaultDatabaseName: 'insights',
      // Letters and digits only, so that the password needs no encoding in a URL.
      credentials: rds.Credentials.fromGeneratedSecret('insights', { excludeCharacters: ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' }),
      parameterGroup: new rds.ParameterGroup(this, 'Parameters', {
        engine,
        description: 'TLS only',
        parameters: { 'rds.force_ssl': '1' },
      }),
      storageEncrypted: true,
      backup: { retention: Duration.days(props.backupDays ?? 7) },
      copyTagsToSnapshot: true,
      cloudwatchLogsExports: ['postgresql'],
      deletionProtection: props.protection ?? true,
      removalPolicy: RemovalPolicy.SNAPSHOT,
    });
    cluster.node.addDependency(logs);
    const key = Fn.conditionIf('HasKey', Fn.ref('KmsKeyArn'), Aws.NO_VALUE);
    (cluster.node.defaultChild as rds.CfnDBCluster).addPropertyOverride('KmsKeyId', key);
    return cluster;
  }

  /** Puts a function into the VPC. Its role may make network interfaces in any case. */
  private moveIn(client: CfnFunction): void {
    client.vpcConfig = {
      subnetIds: this.vpc.selectSubnets({ subnetGroupName: 'functions' }).subnetIds,
      securityGroupIds: [this.clients.securityGroupId],
    };
  }
}
