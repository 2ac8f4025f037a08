/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'No cycles, types included: a cycle is two modules that are really one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'domain-is-pure',
      comment: 'Rules and vocabulary reach only each other and zod: no Nest, no Node API.',
      severity: 'error',
      from: {
        path: '^libs/(domain/src|events/src/[^/]+\\.ts$)',
        pathNot: '\\.spec\\.ts$|/testing/',
      },
      to: { pathNot: '^libs/(domain|events)/src|^node_modules/zod' },
    },
    {
      name: 'plans-are-pure',
      comment: 'plan.ts and render-*.ts decide; they reach only types, the domain and each other.',
      severity: 'error',
      from: { path: '/(plan|render-[a-z]+)\\.ts$', pathNot: '^apps/cli/' },
      to: {
        dependencyTypesNot: ['type-only'],
        pathNot:
          '^libs/(domain|events)/src|\\.port\\.ts$|/plan[a-z-]*\\.ts$|/render-[a-z]+\\.ts$|/(model|grammar|desired|match|notice|domain)[a-z-]*\\.ts$',
      },
    },
    {
      name: 'apps-do-not-import-apps',
      comment:
        'Processes talk through events, the bus and the HTTP API. Only standalone puts them together; a restore, which runs while none does, has the provisioner make the log.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: ['^apps/standalone/', '^apps/backup/src/restore/'] },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-do-not-import-apps',
      comment: 'A library serves processes; it knows none.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^apps/' },
    },
    {
      name: 'clients-use-the-api',
      comment: 'The CLI is a client: what it can do, every other client can do.',
      severity: 'error',
      from: { path: '^apps/cli/' },
      to: { path: '^libs/', pathNot: '^libs/api-client/' },
    },
    {
      name: 'ports-do-not-know-adapters',
      comment: 'A port describes; adapters depend on it, never the other way.',
      severity: 'error',
      from: { path: '\\.port\\.ts$' },
      to: { path: '/(docker|haproxy|nginx|nats|jetstream|in-memory)-[^/]+\\.ts$' },
    },
    {
      name: 'replays-touch-nothing',
      comment:
        'What makes a past state from the log reaches no engine, no bus and nothing that sends or records.',
      severity: 'error',
      from: { path: '^libs/read-models/src/', pathNot: '(\\.(spec|contract)\\.ts$|/testing/)' },
      to: {
        path: '^(libs/(bus|commands|engine|integrity|reconcile|runtime|secrets|sources)|apps)/',
        reachable: true,
      },
    },
    {
      name: 'nest-at-the-edge',
      comment: 'Only the HTTP edge of the api knows Nest.',
      severity: 'error',
      from: { pathNot: '^apps/api/' },
      to: { path: '^node_modules/@nestjs/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsConfig: { fileName: 'tsconfig.base.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['development', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
    },
  },
};
