/** Every setting about resources, not one of them its default. */
export const resourceSettings = {
  memoryReservationBytes: 268_435_456,
  cpuReservation: 0.25,
  ioWeight: 300,
  ioReadBps: 10_485_760,
  ioWriteBps: 5_242_880,
  ioReadIops: 1_000,
  ioWriteIops: 500,
  ulimits: { nofile: { soft: 1024, hard: 4096 }, nproc: { soft: 100, hard: 100 } },
  shmBytes: 134_217_728,
  readOnlyRoot: true,
  tmpfs: [{ path: '/tmp', sizeBytes: 67_108_864 }],
  runtime: 'runsc',
  stopFirst: ['worker'],
};

export const limits = {
  memoryBytes: 268_435_456,
  memoryReservationBytes: 134_217_728,
  cpus: 0.5,
  cpuReservation: 0.25,
  pids: 256,
  ioWeight: 500,
};

export const ownLimits = {
  memoryBytes: 1_073_741_824,
  cpus: 2,
  memoryReservationBytes: null,
};

export const refusal = {
  code: 'in-use',
  summary: 'it uses 300 MB, and a limit of 256 MB would end it',
} as const;
