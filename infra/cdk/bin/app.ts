/**
 * The app: one stack, set by context. `npx cdk deploy -c database=true --parameters CxoneBaseUrl=https://…`
 */
import { App, Tags } from 'aws-cdk-lib';

import { InsightsStack } from '../lib/insights-stack';
import { settings } from '../lib/settings';

const app = new App();
const { stackName, ...props } = settings(app.node);
const stack = new InsightsStack(app, stackName, { ...props, stackName, terminationProtection: true });
Tags.of(stack).add('project', 'cxone-insights');
