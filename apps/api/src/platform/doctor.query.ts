import { readFile, statfs } from 'node:fs/promises';
import { Inject } from '@nestjs/common';
import { BusError } from '@shiplog/bus';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { describeError, pathsOf, type ProcessContext } from '@shiplog/runtime';
import type { RunningReadModels } from '@shiplog/read-models';
import { START, toPosition, type Position, type ProcessName } from '@shiplog/events';
import { belongsTo, type Caller } from '../auth/caller.js';
import { CHECKPOINTS, CONTEXT, READ_MODELS, TELEMETRY } from '../injection.js';
import { backupFactsOf } from './doctor/backup-facts.js';
import { backupVerdict } from './doctor/backup.js';
import { certificatesVerdict } from './doctor/certificates.js';
import { checkpointsVerdict } from './doctor/checkpoints.js';
import { clockVerdict } from './doctor/clock.js';
import { diskVerdict, type DiskRoom } from './doctor/disk.js';
import type { DurabilityProof } from './doctor/durability.js';
import { groupOf } from './doctor/groups.js';
import { readModelsVerdict, withLag } from './doctor/lag.js';
import { holderVerdicts, logVerdict } from './doctor/log.js';
import { deploysVerdict, imagesVerdict, routingVerdict } from './doctor/apps.js';
import { parkedVerdict } from './doctor/parked.js';
import { lookAtPrivateFiles, privateFilesVerdict } from './doctor/private-files.js';
import type { StreamCheck } from './doctor/stream.js';
import { unreadyVerdict } from './doctor/unready.js';
import { volumesVerdict } from './doctor/volumes.js';
import { bad, ok, type Verdict } from './doctor/verdict.js';
import { healthVerdict } from './doctor/worker-health.js';
import type { Checkpoints } from '../integrity/checkpoints.js';
import type { Finding } from './platform.routes.js';
import type { Telemetry } from './telemetry.js';

interface Diagnosis {
  readonly ok: boolean;
  readonly durability: string;
  readonly findings: Finding[];
}

export class Diagnose extends Query<Diagnosis> {
  constructor(readonly caller: Caller) {
    super();
  }
}

const RPC_TIMEOUT_MS = 1_000;
/** Longer than the pause between two signs of life. */
const HEARD_PATIENCE_MS = 4_000;
const WORKERS: readonly ProcessName[] = [
  'builder',
  'deployer',
  'router-sync',
  'gc',
  'monitor-agent',
  'backup',
];

/** The platform for everybody; of apps only those that the caller can see. */
@QueryHandler(Diagnose)
export class DiagnoseHandler implements IQueryHandler<Diagnose> {
  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(READ_MODELS) private readonly readModels: RunningReadModels,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
    @Inject(CHECKPOINTS) private readonly checkpoints: Pick<Checkpoints, 'keeper'>,
  ) {}

  async execute({ caller }: Diagnose): Promise<Diagnosis> {
    const { log, world } = this.api;
    const apps = world.apps().filter((app) => belongsTo(caller, app.teamId));
    const durability = await log.durability().catch(() => 'unknown');
    const { natsProof, natsStreamCheck } = pathsOf(this.api.config.home);
    const nowMs = Date.now();
    const [proof, check] = await Promise.all([
      noted<DurabilityProof>(natsProof),
      noted<StreamCheck>(natsStreamCheck),
    ]);
    const findings = await Promise.all([
      finding('log', () => logVerdict(this.api)),
      ...holderVerdicts(log, { durability, proof, check, nowMs }).map(([name, look]) =>
        finding(name, look),
      ),
      finding('checkpoints', () =>
        Promise.resolve(checkpointsVerdict(this.checkpoints.keeper.state, nowMs)),
      ),
      finding('read models', () => this.projections()),
      finding('backup', () => Promise.resolve(this.backups(nowMs))),
      finding('data disk', () => this.dataDisk()),
      finding('engine disk', () => Promise.resolve(this.engineDisk())),
      // Where keys lie is for administrators to know.
      ...(caller.administrator
        ? [
            finding('private files', async () =>
              privateFilesVerdict(await lookAtPrivateFiles(this.api.config)),
            ),
          ]
        : []),
      finding('clock', () => this.clock()),
      ...WORKERS.map((worker) =>
        // Its work has a finding of its own, of that name.
        finding(worker === 'backup' ? 'backup process' : worker, () => this.workerWithLag(worker)),
      ),
      finding('certificates', () => Promise.resolve(this.certificates(nowMs))),
      finding('routing', () => Promise.resolve(routingVerdict(world))),
      finding('instances', () => Promise.resolve(unreadyVerdict(world, apps))),
      finding('volumes', () => Promise.resolve(volumesVerdict(world, apps))),
      finding('images', () => Promise.resolve(imagesVerdict(world, apps))),
      finding('deploys', () => Promise.resolve(deploysVerdict(world, apps))),
    ]);
    return { ok: findings.every(({ state }) => state !== 'failed'), durability, findings };
  }

  /** Commits that the api has read and somebody else has not. */
  private behindFeed(position: Position): number {
    const { log, feed } = this.api;
    return Math.max(0, log.commitsBetween(position, feed.position));
  }

  private certificates(nowMs: number): Verdict {
    const known = [...this.api.world.all('certificate')];
    return certificatesVerdict(
      known.filter((state) => state.status === 'known'),
      nowMs,
    );
  }

  private projections(): Promise<Verdict> {
    const parked = this.readModels.parked();
    if (parked.length > 0) return Promise.resolve(parkedVerdict(parked));
    return Promise.resolve(
      readModelsVerdict(this.behindFeed(this.readModels.checkpoint().position)),
    );
  }

  private async dataDisk(): Promise<Verdict> {
    const { home } = this.api.config;
    const { bavail, blocks, bsize } = await statfs(home);
    const room: DiskRoom = {
      path: home,
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
    };
    return diskVerdict(room, '', `free space there; \`du -sh ${home}/*\` tells what takes it`);
  }

  private engineDisk(): Verdict {
    return diskVerdict(
      this.telemetry.engineDisk,
      'cannot be seen from here; `docker system df` on its machine tells',
      '`docker system df` tells what takes it; `shiplog gc` removes what no release needs',
    );
  }

  private async clock(): Promise<Verdict> {
    const head = await this.api.log.head();
    const before = head === START ? START : toPosition(BigInt(head) - 1n);
    const [newest] = await this.api.log.readAfter(before, 1);
    const aheadMs = new Map(
      WORKERS.flatMap((worker) => {
        const said = this.telemetry.saidBy(worker);
        return said === undefined ? [] : [[worker, said.aheadMs] as const];
      }),
    );
    const newestMs = newest === undefined ? undefined : Date.parse(newest.commit.time);
    return clockVerdict({ nowMs: Date.now(), newestMs, aheadMs });
  }

  private async workerWithLag(worker: ProcessName): Promise<Verdict> {
    const verdict = await this.worker(worker);
    const position = this.telemetry.saidBy(worker)?.position;
    const behind = position === undefined ? undefined : this.behindFeed(toPosition(position));
    return withLag(verdict, behind, worker);
  }

  /** Some answer for themselves and can say more; all say now and then that they are there. */
  private async worker(worker: ProcessName): Promise<Verdict> {
    const isHeard = this.telemetry.isHeard(worker, HEARD_PATIENCE_MS);
    try {
      const options = { timeoutMs: RPC_TIMEOUT_MS };
      return healthVerdict(worker, await this.api.bus.request(worker, 'health', {}, options));
    } catch (error) {
      if (error instanceof BusError && error.code !== 'no-answer') {
        const remedy = `is the Docker Engine running? \`docker info\` tells; then see the log of ${worker}`;
        return bad('failed', describeError(error), remedy);
      }
      if (await isHeard) return ok('is there');
      return bad(
        'failed',
        'does not answer',
        `start it again: it runs inside \`npm start\`, or as container "${worker}" in compose; its log says why it ended`,
      );
    }
  }

  private backups(nowMs: number): Verdict {
    const { world, config } = this.api;
    return backupVerdict(backupFactsOf(world.get('backup', config.nodeId).state), nowMs);
  }
}

const finding = async (name: string, look: () => Promise<Verdict>): Promise<Finding> => {
  try {
    return { name, group: groupOf(name), ...(await look()) };
  } catch (error) {
    const remedy =
      'is nats-server running? `shiplog doctor` again in a moment; see the logs folder';
    return { name, group: groupOf(name), ...bad('failed', describeError(error), remedy) };
  }
};

/** What the provisioner left in a file; undefined where it left nothing that can be read. */
const noted = async <T>(file: string): Promise<T | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
};
