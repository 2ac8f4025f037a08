import { LABEL } from '@shiplog/engine';
import type { ProcessContext } from '@shiplog/runtime';
import type { Container, ContainerEngine } from '../containers/container-engine.port.js';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Reconciliation } from '../containers/reconcile.js';
import { Workbench } from '../containers/workbench.js';

interface Running {
  readonly id: string;
  readonly instanceId: string;
  readonly appId: string;
  readonly startedAt: string;
}

const containerOf = (running: Running): Container => ({
  ...running,
  name: running.id,
  status: 'running',
  finishedAt: null,
  exitCode: null,
  oomKilled: false,
  restartCount: 0,
  restartPolicy: 'unless-stopped',
  pid: null,
  limits: null,
});

/** A deployer whose rounds are made by hand, on an engine that runs very much and answers at once: for benchmarks. */
export const startFleet = (context: ProcessContext, running: readonly Running[]) => {
  const containers = new Map(running.map((each) => [each.id, containerOf(each)]));
  let created = 0;
  const rest = new InMemoryContainerEngine(new InMemoryHost(), context.config.platform);
  const engine = Object.assign(rest, {
    list: () => Promise.resolve([...containers.values()]),
    inspect: (id: string) => Promise.resolve(containers.get(id)),
    create: ({ name, labels }) => {
      created += 1;
      const id = `f${created.toString(16).padStart(63, '0')}`;
      const [instanceId, appId] = [labels[LABEL.instance] ?? '', labels[LABEL.app] ?? ''];
      const startedAt = new Date().toISOString();
      containers.set(id, { ...containerOf({ id, instanceId, appId, startedAt }), name });
      return Promise.resolve(id);
    },
    start: () => Promise.resolve(),
  } satisfies Partial<ContainerEngine>);
  const bench = new Workbench(context, engine, {
    onStepError: (step, error) => {
      throw new Error(step, { cause: error });
    },
    isPortFree: () => Promise.resolve(true),
    // Programs take their time, which is not ours.
    ask: () => new Promise<never>(() => undefined),
    // Nor is it that of their health checks, which would connect to addresses that nobody has.
    later: () => () => undefined,
  });
  const reconciliation = new Reconciliation(bench);
  context.feed.onBatch((batch) => reconciliation.take(batch));
  return {
    round: () => reconciliation.round(),
    resync: () => reconciliation.resync(),
    /** Containers that were asked for so far. */
    created: () => created,
    end: () => bench.abort.abort(),
  };
};
