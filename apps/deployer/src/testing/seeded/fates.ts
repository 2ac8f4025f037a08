import { LABEL } from '@shiplog/engine';
import type { Chance } from './chance.js';
import { APP, type Life } from './life.js';
import { PROGRAM } from './simulated-engine.js';
import { HANGING_CALLS } from './troubled-engine.js';

/** Something that users or the world do at some time. */
interface Fate {
  readonly what: string;
  readonly happen: (life: Life) => unknown;
}

type MakeFate = (chance: Chance) => Fate;

const programs = (chance: Chance): readonly string[] =>
  chance.oneOf([
    PROGRAM.serve(0, 0),
    PROGRAM.serve(chance.int(0, 800), chance.int(0, 2000)),
    PROGRAM.serve(chance.int(0, 800), chance.int(0, 2000)),
    PROGRAM.serve(chance.int(2000, 12_000), 20_000),
    PROGRAM.flaky(chance.int(0, 800), chance.int(1000, 30_000)),
    PROGRAM.hang,
    PROGRAM.exit,
  ]);

const user =
  (what: string, happen: Fate['happen']): MakeFate =>
  () => ({ what, happen });

/** Something is wrong for a while. */
const period =
  (
    what: string,
    longestMs: number,
    begin: (life: Life) => void,
    end: (life: Life) => void,
  ): MakeFate =>
  (chance) => {
    const ms = chance.int(200, longestMs);
    return {
      what: `${what} for ${ms} ms`,
      happen: (life) => {
        begin(life);
        life.clock.after(ms, () => {
          life.note(`over: ${what}`);
          end(life);
        });
      },
    };
  };

const byHand =
  (what: string, act: (life: Life, id: string) => unknown): MakeFate =>
  (chance) => {
    const index = chance.int(0, 4);
    return {
      what: `${what} (${index})`,
      happen: (life) => {
        const own = [...life.host.entries.values()].filter(({ appId }) => appId === APP);
        const id = own[index % Math.max(1, own.length)]?.id;
        return id === undefined || life.host.isDown ? undefined : act(life, id);
      },
    };
  };

const engineDown = (life: Life): void => {
  life.engine.goDown();
  life.connection.breakStreams();
};

const deploy: MakeFate = (chance) => {
  const program = programs(chance);
  return { what: `deploy ${program.join(' ')}`, happen: (life) => life.deploy(program) };
};
const scale: MakeFate = (chance) => {
  const count = chance.int(0, 4);
  const happen: Fate['happen'] = (life) => life.app({ type: 'Scale', formation: { web: count } });
  return { what: `scale web=${count}`, happen };
};
const dies: MakeFate = (chance) => {
  const calls = chance.int(0, 40);
  return {
    what: `the deployer dies after ${calls} calls`,
    happen: (life) => life.killAfter(calls),
  };
};
const counted =
  (what: string, set: (life: Life, count: number) => void): MakeFate =>
  (chance) => {
    const count = chance.int(1, 3);
    return { what: `${what} ${count} times`, happen: (life) => set(life, count) };
  };

const hang: MakeFate = (chance) => {
  const call = chance.oneOf(HANGING_CALLS);
  return period(
    `${call} hangs`,
    90_000,
    (l) => (l.trouble.hanging = call),
    (l) => (l.trouble.hanging = null),
  )(chance);
};

const FATES: readonly (readonly [weight: number, MakeFate])[] = [
  [8, deploy],
  [5, scale],
  [1, user('stop', (life) => life.app({ type: 'StopApp' }))],
  [2, user('start', (life) => life.app({ type: 'StartApp' }))],
  [2, user('restart', (life) => life.app({ type: 'Restart', baseVersion: null }))],
  [
    1,
    user('cancel', (life) => {
      const rolloutId = `${APP}-g${life.world.app(APP)?.generation ?? 0}`;
      return life.app({ type: 'CancelRollout', rolloutId });
    }),
  ],
  [5, dies],
  [2, user('the deployer is killed', (life) => life.kill())],
  [2, byHand('a container crashes', (life, id) => life.engine.crash(id))],
  [2, byHand('somebody removes a container', (life, id) => life.engine.take(id))],
  [
    1,
    byHand(
      'somebody stops a container',
      (life, id) => void life.engine.stop(id, 10).catch(() => undefined),
    ),
  ],
  [1, period('the engine is down', 20_000, engineDown, (life) => life.engine.comeBack())],
  [
    1,
    period(
      'the host is down',
      20_000,
      (life) => {
        life.kill();
        engineDown(life);
      },
      (life) => life.engine.comeBack(),
    ),
  ],
  [
    2,
    period(
      'the engine is slow',
      30_000,
      (l) => (l.trouble.slowMs = 3000),
      (l) => (l.trouble.slowMs = 0),
    ),
  ],
  [
    2,
    period(
      'calls fail',
      20_000,
      (l) => (l.trouble.failing = 0.3),
      (l) => (l.trouble.failing = 0),
    ),
  ],
  [2, hang],
  [
    2,
    period(
      'answers are stale',
      30_000,
      (l) => (l.trouble.staleMs = 2500),
      (l) => (l.trouble.staleMs = 0),
    ),
  ],
  [2, user('the stream of the engine breaks', (life) => life.connection.breakStreams())],
  [
    2,
    period(
      'a router does not work',
      40_000,
      (life) => life.routers.forEach((router) => (router.isWorking = false)),
      (life) => life.routers.forEach((router) => (router.isWorking = true)),
    ),
  ],
  [
    1,
    period(
      'the image is gone',
      20_000,
      (l) => l.loseImage(),
      (l) => l.findImage(),
    ),
  ],
  [
    1,
    period(
      'no port is free',
      20_000,
      (l) => (l.arePortsFree = false),
      (l) => (l.arePortsFree = true),
    ),
  ],
  [1, counted('a port is taken', (life, count) => (life.host.portsTaken = count))],
  [1, counted('an address is taken', (life, count) => (life.host.addressesTaken = count))],
  [1, counted('a name is taken', (life, count) => (life.trouble.namesTaken = count))],
  [1, counted('a start is refused', (life, count) => (life.host.startsRefused = count))],
  [1, user('somebody removes the network', (life) => life.host.networks.clear())],
];

const ALL = FATES.flatMap(([weight, make]) => Array.from({ length: weight }, () => make));

/** What happens in one life, and when: a beginning that works more often than not, then anything. */
export const fatesOf = (chance: Chance): readonly (Fate & { readonly afterMs: number })[] => {
  const first = PROGRAM.serve(chance.int(0, 500), 0);
  const count = chance.int(1, 4);
  const begin: Fate[] = [
    { what: `deploy ${first.join(' ')}`, happen: (life) => life.deploy(first) },
    {
      what: `scale web=${count}`,
      happen: (life) => life.app({ type: 'Scale', formation: { web: count } }),
    },
  ];
  const rest = Array.from({ length: chance.int(2, 9) }, () => chance.oneOf(ALL)(chance));
  return [...begin, ...rest].map((fate) => ({
    ...fate,
    afterMs: chance.isTrue(0.4) ? chance.int(0, 50) : chance.int(0, 15_000),
  }));
};

/** Containers that are nobody's business here: of another platform, and of a log that we do not have. */
export const putStrangers = (life: Life): readonly string[] =>
  [
    { [LABEL.platform]: 'other', [LABEL.instance]: 'web-other' },
    { [LABEL.platform]: 'sim', [LABEL.instance]: 'web-unheard-of' },
  ].map((labels) => life.engine.putStranger(labels));

/** Everything works again. */
export const heal = (life: Life): void => {
  life.note('everything works again');
  Object.assign(life.trouble, { slowMs: 0, failing: 0, hanging: null, staleMs: 0, namesTaken: 0 });
  Object.assign(life.host, { portsTaken: 0, addressesTaken: 0, startsRefused: 0 });
  life.engine.isCalm = true;
  life.arePortsFree = true;
  life.findImage();
  life.engine.comeBack();
  for (const router of life.routers) router.isWorking = true;
  if (life.isDead) life.boot();
};
