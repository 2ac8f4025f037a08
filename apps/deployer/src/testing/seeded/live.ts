import { fatesOf, heal, putStrangers } from './fates.js';
import { APP, Life, type Mistake } from './life.js';
import type { Violation } from './witness.js';

export interface Outcome {
  readonly seed: number;
  /** In the order in which they were seen. */
  readonly violations: readonly Violation[];
  /** Everything that happened, a line each; of one seed always the same. */
  readonly trace: readonly string[];
}

/** A rollout ends by its deadline, or this much later where the engine did not answer then. */
const OVERDUE_MS = 90_000;
/** The longest pauses there are, of a program that crashed again and again, are five minutes. */
const CONVERGED_WITHIN_MS = 15 * 60_000;
/** Somebody (the engine's init, systemd) starts a deployer that died. */
const STARTED_AGAIN_MS = 4000;

/** Lives the life of that seed to its end, or to the first thing that must not be. */
export const live = async (seed: number, plant?: () => Mistake): Promise<Outcome> => {
  const life = await Life.begin(seed, plant);
  const strangers = putStrangers(life);
  const before = strangers.map((id) => JSON.stringify(life.host.entries.get(id)));
  const outcome = (): Outcome => ({ seed, violations: life.witness.violations, trace: life.trace });

  for (const fate of fatesOf(life.chance)) {
    await pass(life, fate.afterMs);
    if (life.witness.violations.length > 0) return outcome();
    life.note(`fate    ${fate.what}`);
    await fate.happen(life);
  }
  await pass(life, life.chance.int(0, 20_000));
  heal(life);
  await converge(life);
  strangers.forEach((id, i) => {
    const now = life.host.entries.get(id);
    // A daemon that comes back starts them again, as their owners asked.
    if (now?.status === 'running' && now.restartPolicy === 'unless-stopped') return;
    life.witness.say('nothing of others touched', `${before[i]} became ${JSON.stringify(now)}`);
  });
  return outcome();
};

const pass = async (life: Life, ms: number): Promise<void> => {
  const untilMs = life.clock.nowMs + ms;
  while (life.clock.nowMs < untilMs && life.witness.violations.length === 0) {
    await life.clock.run(Math.min(untilMs, life.clock.nowMs + STARTED_AGAIN_MS));
    if (life.isDead && !life.host.isDown) life.boot();
  }
};

const converge = async (life: Life): Promise<void> => {
  const { clock, witness } = life;
  const healedMs = clock.nowMs;
  let settledSince: { readonly head: string; readonly atMs: number } | undefined;
  while (witness.violations.length === 0) {
    await pass(life, 4000);
    const late = overdue(life, healedMs);
    if (late !== undefined) return witness.say('every rollout ends', late);
    const wrong = whatIsWrong(life);
    const head = life.world.position;
    if (wrong !== undefined) settledSince = undefined;
    else if (settledSince?.head !== head) settledSince = { head, atMs: clock.nowMs };
    // Two looks at everything later nothing moved any more.
    else if (clock.nowMs - settledSince.atMs >= 24_000) return;
    if (clock.nowMs - healedMs > CONVERGED_WITHIN_MS)
      return witness.say('converges', wrong ?? 'it does not come to rest');
  }
};

const overdue = ({ world, clock }: Life, healedMs: number): string | undefined => {
  const running = world
    .rolloutsOf(APP)
    .flatMap((rollout) => (rollout.status === 'running' ? rollout : []));
  const late = running.find(
    ({ deadline }) => clock.nowMs > Math.max(Date.parse(deadline), healedMs) + OVERDUE_MS,
  );
  return late && `${late.rolloutId} runs, and should have ended by ${late.deadline}`;
};

/** What is not yet as the log wants it. */
const whatIsWrong = (life: Life): string | undefined =>
  wrongInLog(life) ?? wrongInEngine(life) ?? (shouldServe(life) ? wrongInService(life) : undefined);

const wantedOf = ({ world }: Life): number => {
  const app = world.app(APP);
  return world.liveOf(APP) === null || app?.stopped !== false ? 0 : (app.formation['web'] ?? 0);
};

/** What went live while nothing was wanted of it may be unable to run: it is tried for ever. */
const shouldServe = ({ world }: Life): boolean =>
  (world.liveOf(APP)?.release.processes['web']?.command?.[0] ?? 'serve') === 'serve';

const wrongInLog = (life: Life): string | undefined => {
  const { world } = life;
  if (world.deployment(APP)?.target != null) return 'something is still on its way';
  if (world.rolloutsOf(APP).some(({ status }) => status === 'running')) return 'a rollout runs';
  const count = world.instancesOf(APP).length;
  return count === wantedOf(life) ? undefined : `${count} instances of ${wantedOf(life)}`;
};

const runningIn = ({ host }: Life): (string | null)[] =>
  [...host.entries.values()].flatMap(({ appId, status, instanceId }) =>
    appId === APP && status === 'running' ? [instanceId] : [],
  );

const wrongInEngine = (life: Life): string | undefined => {
  const known = new Set(life.world.instancesOf(APP).map(({ instanceId }) => instanceId));
  const orphan = runningIn(life).find((id) => id === null || !known.has(id));
  return orphan === undefined ? undefined : `${orphan} runs and the log does not want it`;
};

const wrongInService = (life: Life): string | undefined => {
  const instances = life.world.instancesOf(APP);
  const unready = instances.find(({ status }) => status !== 'ready');
  if (unready !== undefined) return `${unready.instanceId} is ${unready.status}`;
  const count = runningIn(life).length;
  if (count !== instances.length) return `${count} of ${instances.length} run`;
  const unused = instances.find(
    ({ instanceId }) => !life.routers.every((router) => router.sendsTo(instanceId)),
  );
  return unused && `${unused.instanceId} gets no requests`;
};
