import {
  forecastRollout,
  limitsOf,
  strategyOf,
  type ActiveApp,
  type Deployment,
  type Forecast,
  type World,
} from '@shiplog/domain';
import type { Settings } from '@shiplog/events';
import type { z } from 'zod';
import { toGate } from '../gates/gate-view.js';
import { freezesOf } from '../gates/open-freezes.js';
import { problemOf } from '../http/rejection-problem.js';
import type { deployPlan } from './deploys.routes.js';
import { outagesOf, outageText } from './running-once.js';

type DeployPlan = z.infer<typeof deployPlan>;

/** What a deploy would do if its release were made now: instances, steps, order, and what to think of before. */
export const planDeploy = (
  world: World,
  appId: string,
  strategy: Settings['strategy'] | undefined,
  nowMs = Date.now(),
): DeployPlan => {
  const deployment = world.deployment(appId);
  if (deployment === undefined) throw problemOf({ code: 'app-not-found' });
  const { app, live } = deployment;
  const settings = { ...app.settings, ...(strategy !== undefined && { strategy }) };
  const wanted = wantedOf(app);
  // They take no part in the steps: one goes, then one comes.
  const outages = app.stopped || live === null ? [] : outagesOf(app);
  const once = outages.map(({ process }) => process);
  const others = Object.fromEntries(
    Object.entries(wanted).filter(([type]) => !once.includes(type)),
  );
  const forecast = forecastRollout(strategyOf(settings), others, live !== null && !app.stopped);
  const atMost = { ...forecast.atMost, ...Object.fromEntries(once.map((type) => [type, 1])) };
  const releaseCommand = releaseCommandOf(live, settings);
  const gate = toGate(app.lock, freezesOf(world, appId), nowMs);
  return {
    strategy: forecast.strategy,
    fromRelease: live?.release.version ?? null,
    wanted,
    atMost,
    steps: forecast.steps.map((step) => ({ ...step, instances: { ...step.instances } })),
    order: [
      ...releaseOrder(releaseCommand),
      ...(app.stopped ? [] : orderOf(forecast, settings)),
      ...once.map((type) => `stop the old ${type}, then start the new one`),
    ],
    outages: [...outages],
    releaseCommand,
    // A release command has as long as the rest.
    deadlineSeconds:
      settings.rolloutTimeoutSeconds +
      (releaseCommand?.deadlineSeconds ?? 0) +
      forecast.waitsSeconds,
    gate,
    warnings: [
      ...barsOf(gate),
      ...outages.map(outageText),
      ...warningsOf(world, deployment, { ...forecast, atMost }),
    ],
  };
};

const barsOf = ({ lock, frozen, nextFreeze }: DeployPlan['gate']): string[] => [
  ...(lock === null ? [] : [`it would be refused: the app is locked by ${lock.by} (${lock.why})`]),
  ...frozen.map(
    ({ freeze, until }) => `it would be refused: freeze ${freeze} is open until ${until}`,
  ),
  ...(nextFreeze === null
    ? []
    : [`freeze ${nextFreeze.freeze} opens at ${nextFreeze.from}, until ${nextFreeze.until}`]),
];

/** A first deploy runs one `web`. */
const wantedOf = (app: ActiveApp): Record<string, number> => {
  if (app.stopped) return Object.fromEntries(Object.keys(app.formation).map((type) => [type, 0]));
  return Object.keys(app.formation).length === 0 ? { web: 1 } : { ...app.formation };
};

/** The next release may have another one, or none; most go on with the one they have. */
const releaseCommandOf = (
  live: Deployment['live'],
  { rolloutTimeoutSeconds }: Settings,
): DeployPlan['releaseCommand'] => {
  const command = live?.release.processes['release']?.command ?? null;
  return command === null
    ? null
    : { command: [...command], deadlineSeconds: rolloutTimeoutSeconds };
};

const releaseOrder = (of: DeployPlan['releaseCommand']): string[] =>
  of === null
    ? []
    : [
        `run the release command "${of.command.join(' ')}", unless the new release has another, for up to ${of.deadlineSeconds} s`,
        'where it fails, nothing of the new release is started and what serves goes on',
      ];

const orderOf = ({ steps, strategy }: Forecast, settings: Settings): string[] => {
  const { drainSeconds, graceSeconds } = settings;
  const what = strategy === 'rolling' ? 'instances' : 'requests';
  const { canaryMatch } = settings;
  const matched =
    strategy === 'canary' && canaryMatch !== null ? ` and all with ${canaryMatch}` : '';
  // Where every process is stopped before it starts again, nothing is left for the strategy.
  const taken = steps.filter(({ instances }) => Object.values(instances).some((n) => n > 0));
  return [
    ...taken.flatMap(({ instances, percent, waitsSeconds }, i) => [
      `start ${countsText(instances)} of the new release in all, wait until they are ready and routed`,
      ...(strategy === 'rolling'
        ? ['take as many old ones out of routing, drain and stop them']
        : [`give ${percent}% of the ${what}${matched} to the new ones`]),
      ...(waitsSeconds === 0 ? [] : [restText(strategy, waitsSeconds, i === taken.length - 1)]),
    ]),
    ...(strategy === 'rolling' ? [] : ['take the old ones out of routing, drain and stop them']),
    `an old instance gets up to ${drainSeconds} s for requests under way and ${graceSeconds} s to end`,
  ];
};

const restText = (strategy: Forecast['strategy'], seconds: number, isLast: boolean): string => {
  if (strategy === 'rolling') return `rest for ${seconds} s`;
  if (isLast) return `keep the old ones for ${seconds} s: deploys abort goes back at once`;
  return `compare with the old ones for ${seconds} s at least; go back if it is worse`;
};

const countsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([type, count]) => `${count} ${type}`)
    .join(' and ');

const warningsOf = (
  world: World,
  { app, live, target }: Deployment,
  { atMost, strategy }: Forecast,
): string[] => {
  const sum = Object.values(atMost).reduce((a, b) => a + b, 0);
  const needed = Object.entries(atMost).reduce(
    (bytes, [type, count]) => bytes + count * limitsOf(app, type).memoryBytes,
    0,
  );
  const memory = [...world.all('node')].flatMap((node) =>
    node.status === 'known' ? node.memoryBytes : [],
  );
  const there = memory.reduce((a, b) => a + b, 0);
  return [
    ...(app.stopped
      ? ['the app is stopped: the release is not tried out, a start will run it']
      : []),
    ...(live === null && !app.stopped
      ? ['nothing serves yet: there is nothing to go back to']
      : []),
    ...(target === null
      ? []
      : [`v${target.release.version} is on its way and would be superseded`]),
    ...(strategy === 'canary' && (app.formation['web'] ?? 0) === 0 && live !== null
      ? ['no web instance is wanted: no requests come, so a canary cannot be judged']
      : []),
    ...(memory.length > 0 && needed > there
      ? [
          `at one time ${sum} instances may use ${mb(needed)} of memory; the machine has ${mb(there)}`,
        ]
      : []),
  ];
};

const mb = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
