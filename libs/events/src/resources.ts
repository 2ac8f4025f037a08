import { z } from 'zod';
import { processType } from './ids.js';

const bytes = z
  .number()
  .int()
  .max(2 ** 40, 'at most 1 TB (1099511627776 bytes)');
const perSecond = z.number().int().min(1).max(1_000_000_000).nullable();

/** Less than this the engine does not take. */
const memoryBytes = bytes.min(6 * 1024 * 1024, 'at least 6 MB (6291456 bytes)');
const cpus = z.number().min(0.01, 'at least 0.01 of a core').max(256, 'at most 256 cores');
const pids = z
  .number()
  .int()
  .min(1, 'at least 1 process')
  .max(1_000_000, 'at most 1000000 processes');

/** What may be limited of each instance while it runs. */
export const limitShape = {
  memoryBytes,
  /** What it keeps when memory is short on the machine; null: all of its limit. */
  memoryReservationBytes: memoryBytes.nullable(),
  /** Cores; 0.5 is half of one. */
  cpus,
  /** Cores it gets in proportion when all want more than there is; null: as many as its limit. */
  cpuReservation: cpus.nullable(),
  pids,
  /** Its share of the disk when all want more than there is. */
  ioWeight: z.number().int().min(10, 'at least 10').max(1000, 'at most 1000'),
};

/** The limits of an instance, nothing left to defaults. */
export const limits = z.strictObject({
  ...limitShape,
  memoryReservationBytes: memoryBytes,
  cpuReservation: cpus,
});
export type Limits = z.infer<typeof limits>;

/** What one process type has otherwise than the rest of its app. */
export const ownLimits = z.strictObject(limitShape).partial();
export type OwnLimits = z.infer<typeof ownLimits>;

const ulimit = z
  .strictObject({
    soft: bytes.nonnegative(),
    hard: bytes.nonnegative(),
  })
  .refine(({ soft, hard }) => soft <= hard, 'soft is not above hard');

/** By the names of setrlimit(2), in its units. */
export const ulimits = z.strictObject({
  core: ulimit.optional(),
  cpu: ulimit.optional(),
  data: ulimit.optional(),
  fsize: ulimit.optional(),
  memlock: ulimit.optional(),
  nofile: ulimit.optional(),
  nproc: ulimit.optional(),
  sigpending: ulimit.optional(),
  stack: ulimit.optional(),
});
export type Ulimits = z.infer<typeof ulimits>;

/** An absolute path in a container, without `.` and `..`. */
export const CONTAINER_PATH_PATTERN =
  /^(?:\/(?:[A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9._-]{0,62}){1,10}$/;
const OF_THE_KERNEL = /^\/(?:proc|sys|dev)(?:\/|$)/;

export const containerPath = z
  .string()
  .regex(CONTAINER_PATH_PATTERN, 'an absolute path such as /var/cache')
  .refine((path) => !OF_THE_KERNEL.test(path), 'a path outside /proc, /sys and /dev');

export const tmpfs = z
  .array(
    z.strictObject({
      path: containerPath,
      sizeBytes: bytes.min(4096, 'at least 4 kB (4096 bytes)'),
    }),
  )
  .max(16)
  .refine(
    (all) => new Set(all.map(({ path }) => path)).size === all.length,
    'every path at most once',
  );

/** Settings about resources that are the same for the whole life of a container. */
export const containerShape = {
  /** Process types of which no two instances may run at the same time: the old one stops before the new one starts. */
  stopFirst: z.array(processType).max(20),
  /** Bytes and operations a second on the engine's disk; null: as much as there is. */
  ioReadBps: bytes.min(4096, 'at least 4 kB (4096 bytes)').nullable(),
  ioWriteBps: bytes.min(4096, 'at least 4 kB (4096 bytes)').nullable(),
  ioReadIops: perSecond,
  ioWriteIops: perSecond,
  ulimits,
  /** Size of /dev/shm. */
  shmBytes: bytes.min(4096, 'at least 4 kB (4096 bytes)'),
  /** Nothing can be written but to tmpfs and volumes. */
  readOnlyRoot: z.boolean(),
  /** Directories in memory, which count to the memory of the instance. */
  tmpfs,
  /** By the name under which the engine knows it; null: the engine's own default. */
  runtime: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'a name such as runc or runsc')
    .nullable(),
};
