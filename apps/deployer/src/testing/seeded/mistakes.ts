import { EngineError, type Container } from '../../containers/container-engine.port.js';
import type { Action, Plan, PlanInput } from '../../containers/actions.js';
import { plan } from '../../containers/plan.js';
import type { Mistake } from './life.js';
import type { Property } from './witness.js';

export interface PlantedBug {
  readonly name: string;
  /** What it breaks. */
  readonly property: Property;
  readonly plant: () => Mistake;
}

const plans =
  (change: (input: PlanInput) => Plan): (() => Mistake) =>
  () => ({ plan: change });

const withInstances = (
  input: PlanInput,
  change: (instance: PlanInput['app']['instances'][number]) => (typeof instance)[],
): PlanInput => ({
  ...input,
  app: { ...input.app, instances: input.app.instances.flatMap(change) },
});

const allRouted = { get: () => 'routed' as const };

const without = ({ actions, nextAtMs }: Plan, isWrong: (action: Action) => boolean): Plan => ({
  actions: actions.filter((action) => !isWrong(action)),
  nextAtMs,
});

/** Bugs that people make, put into a deployer on purpose: the simulation has to find each of them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'retires the old before the new are routed',
    property: 'never below capacity',
    plant: plans((input) =>
      plan({ ...input, routers: [{ routes: allRouted, weights: { get: () => undefined } }] }),
    ),
  },
  {
    name: 'schedules again after its own start',
    property: 'nothing made twice',
    plant: () => {
      // It knows only of what it started itself, or found running.
      let isFirst = true;
      return {
        plan: (input) => {
          if (!isFirst) return plan(input);
          isFirst = false;
          return plan(
            withInstances(input, (i) =>
              input.containers.get(i.instanceId)?.status === 'running' ? [i] : [],
            ),
          );
        },
      };
    },
  },
  {
    name: 'acts on a list that is not the newest',
    property: 'silence is not absence',
    plant: () => {
      // As it was three rounds ago.
      const lists: (readonly Container[])[] = [];
      return {
        plan: (input) => {
          lists.push([...input.containers.values()]);
          const [old = []] = lists.slice(-4);
          const stale = new Map(old.map((c) => [c.instanceId ?? '', c]));
          return plan({ ...input, containers: stale });
        },
      };
    },
  },
  {
    name: 'forgets which ports are held',
    property: 'a place for one',
    plant: () => ({
      bench: ({ ports }) => {
        const allocate = ports.allocate.bind(ports);
        ports.allocate = () => allocate(new Set());
      },
    }),
  },
  {
    name: 'does not wait until it is drained',
    property: 'retire order',
    plant: plans((input) =>
      plan({
        ...input,
        routers: input.routers.map(({ routes, weights }) => ({
          weights,
          routes: { get: (id) => (isRetired(input, id) ? 'drained' : routes.get(id)) },
        })),
      }),
    ),
  },
  {
    name: 'has no deadline',
    property: 'every rollout ends',
    plant: plans((input) =>
      without(
        plan(input),
        ({ type, ...more }) =>
          type === 'fail-rollout' &&
          'failure' in more &&
          ['deadline', 'not-ready'].includes(more.failure.kind),
      ),
    ),
  },
  {
    name: 'takes silence for absence',
    property: 'silence is not absence',
    plant: () => ({
      engine: (engine) => ({
        ...engine,
        inspect: (id) => engine.inspect(id).catch(orSilent(undefined)),
        list: () => engine.list().catch(orSilent([])),
      }),
    }),
  },
  {
    name: 'waits for ever for a call that hangs',
    property: 'converges',
    plant: () => ({
      engine: (engine) => ({
        ...engine,
        create: (spec) => engine.create(spec).catch(forEver),
        start: (id) => engine.start(id).catch(forEver),
        stop: (...args) => engine.stop(...args).catch(forEver),
        setRestartPolicy: (...args) => engine.setRestartPolicy(...args).catch(forEver),
      }),
    }),
  },
  {
    name: 'kills without grace',
    property: 'grace before SIGKILL',
    plant: () => ({ engine: (engine) => ({ ...engine, stop: (id) => engine.stop(id, 0) }) }),
  },
  {
    name: 'removes strangers',
    property: 'nothing of others touched',
    plant: () => ({
      bench: ({ view, engine }) => {
        const refresh = view.refresh.bind(view);
        view.refresh = async (isKnown) => {
          const changed = await refresh(isKnown);
          for (const { id } of view.strangers) await engine.stop(id, 10);
          return changed;
        };
      },
    }),
  },
  {
    name: 'completes before the old are out',
    property: 'complete means replaced',
    plant: plans((input) => {
      const { target } = input.app;
      const generation = target?.generation;
      const early = plan(withInstances(input, (i) => (i.generation === generation ? [i] : [])));
      const end = early.actions.filter(({ type }) => type === 'complete-rollout');
      const now = plan(input);
      return {
        ...now,
        actions: [...end, ...without(now, ({ type }) => type === 'complete-rollout').actions],
      };
    }),
  },
  {
    name: 'believes that what runs is ready',
    property: 'ready means listening',
    plant: () => ({
      bench: (bench) =>
        Object.assign(bench, { ask: () => Promise.resolve({ isReady: true, got: '' }) }),
    }),
  },
  {
    name: 'never stops what it retired',
    property: 'converges',
    plant: plans((input) => without(plan(input), ({ type }) => type === 'stop')),
  },
  {
    name: 'forgets that a volume is exclusive',
    property: 'one at a time',
    plant: plans((input) => {
      const settings = { ...input.app.settings, stopFirst: [] };
      return plan({ ...input, app: { ...input.app, settings } });
    }),
  },
];

const isRetired = ({ app }: PlanInput, id: string): boolean =>
  app.instances.some(({ instanceId, status }) => instanceId === id && status === 'retired');

const orSilent =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof EngineError && error.isUnknown) return instead;
    throw error;
  };

/** As if nobody had set a time for an answer. */
const forEver = (error: unknown): Promise<never> => {
  if (error instanceof EngineError && error.code === 'no-answer')
    return new Promise(() => undefined);
  throw error;
};
