import { Controller, Inject } from '@nestjs/common';
import { coversHost, type KnownCertificate } from '@shiplog/domain';
import { certificateDomain } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { PlatformKeyStore } from '@shiplog/secrets';
import { defaultHost } from '../apps/addresses.js';
import { belongsTo, type Caller } from '../auth/caller.js';
import type { Changes } from '../changes/changes.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import { printable, type Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHANGES, CONTEXT, KEY_STORE } from '../injection.js';
import { domainIdOf } from '../process-managers/index.js';
import { certificateView, isServed } from './certificate-view.js';
import * as routes from './certificates.routes.js';
import { parseCertificate } from './parse-certificate.js';

/** What routers have not confirmed by then goes on without the caller. */
const ROUTER_PATIENCE_MS = 5_000;

@Controller()
export class CertificatesController {
  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(KEY_STORE) private readonly keys: PlatformKeyStore,
  ) {}

  @Handles(routes.listCertificates)
  list(
    @Admission() { caller }: Admitted<typeof routes.listCertificates>,
  ): Reply<typeof routes.listCertificates> {
    const { world } = this.api;
    const known = [...world.all('certificate')].filter((state) => state.status === 'known');
    const body = known
      .filter(({ domain }) => this.mayManage(caller, domain))
      .toSorted((a, b) => (a.domain < b.domain ? -1 : 1))
      .map((state) => certificateView(this.api, state, Date.now()));
    return Promise.resolve({ body, position: world.position });
  }

  @Handles(routes.showCertificate)
  show(
    @Admission() { caller, params }: Admitted<typeof routes.showCertificate>,
  ): Reply<typeof routes.showCertificate> {
    const body = certificateView(
      this.api,
      this.visible(caller, domainOf(params.domain)),
      Date.now(),
    );
    return Promise.resolve({ body, position: this.api.world.position });
  }

  /** The key is on disk before the log names the certificate: a router that hears of it finds it. */
  @Handles(routes.addCertificate)
  async add(
    @Admission() { caller, params, body, context }: Admitted<typeof routes.addCertificate>,
  ): Reply<typeof routes.addCertificate> {
    const domain = domainOf(params.domain);
    this.requireManaged(caller, domain);
    const { facts, stored } = parseCertificate({
      domain,
      chain: body.certificate,
      privateKey: body.privateKey,
      source: 'own',
      nowMs: Date.now(),
    });
    await this.keys.certificates.save(facts.fingerprint, stored);
    const command = { type: 'InstallCertificate', domain, certificate: facts } as const;
    const id = domainIdOf(domain);
    const { position } = await this.changes.make('certificate', id, command, context);
    await this.served(domain, facts.fingerprint);
    const view = certificateView(this.api, this.visible(caller, domain), Date.now());
    return { body: { sequence: sequenceAt(position), ...view }, position };
  }

  @Handles(routes.removeCertificate)
  async remove(
    @Admission() { caller, params, context }: Admitted<typeof routes.removeCertificate>,
  ): Reply<typeof routes.removeCertificate> {
    const domain = domainOf(params.domain);
    this.requireManaged(caller, domain);
    const command = { type: 'RemoveCertificate', domain } as const;
    const { position } = await this.changes.make(
      'certificate',
      domainIdOf(domain),
      command,
      context,
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.showHttpsPolicy)
  policy(
    @Admission() { app }: Admitted<typeof routes.showHttpsPolicy>,
  ): Reply<typeof routes.showHttpsPolicy> {
    const { world } = this.api;
    return Promise.resolve({ body: this.policyOf(app.appId), position: world.position });
  }

  @Handles(routes.changeHttpsPolicy)
  async changePolicy(
    @Admission() { app, body, context }: Admitted<typeof routes.changeHttpsPolicy>,
  ): Reply<typeof routes.changeHttpsPolicy> {
    const { appId } = app;
    const command = { type: 'ChangeHttpsPolicy', appId, ...body } as const;
    const { position } = await this.changes.make('https', appId, command, context);
    return { body: { sequence: sequenceAt(position), ...this.policyOf(appId) }, position };
  }

  /** Resolves when all routers serve it, or the patience is over: what is so then is in the answer. */
  private served(domain: string, fingerprint: string): Promise<void> {
    const { world, feed, config } = this.api;
    if (config.tlsPort === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      };
      const look = (): void => {
        if (isServed(world, domain, fingerprint)) done();
      };
      const timer = setTimeout(done, ROUTER_PATIENCE_MS);
      const unsubscribe = feed.onBatch(look);
      look();
    });
  }

  private policyOf(appId: string) {
    const { redirect, hstsSeconds } = this.api.world.get('https', appId).state;
    return { redirect, hstsSeconds };
  }

  /** Whose host it is; a wildcard, and what is nobody's, is for administrators. */
  private mayManage(caller: Caller, domain: string): boolean {
    if (caller.administrator) return true;
    const { world, config } = this.api;
    return world
      .apps()
      .filter(({ teamId }) => belongsTo(caller, teamId))
      .some(({ name, domains }) => [defaultHost(name, config), ...domains].includes(domain));
  }

  private requireManaged(caller: Caller, domain: string): void {
    if (this.mayManage(caller, domain)) return;
    throw new Problem(
      'domain-not-yours',
      `No app of yours answers at ${domain}. Add it first: \`shiplog domains add ${domain}\`. Certificates for other names are for administrators.`,
    );
  }

  /** For who may not manage it, there is none. */
  private visible(caller: Caller, domain: string): KnownCertificate {
    const { state } = this.api.world.get('certificate', domainIdOf(domain));
    if (state.status === 'known' && this.mayManage(caller, domain)) return state;
    const covering = [...this.api.world.all('certificate')].find(
      (one) => one.status === 'known' && coversHost(one.domain, domain),
    );
    const hint =
      covering?.status === 'known' && caller.administrator
        ? ` It is served by that of ${covering.domain}.`
        : '';
    throw new Problem(
      'certificate-not-found',
      `There is no certificate of ${domain} by itself.${hint} \`shiplog certs list\` shows the ones there are.`,
    );
  }
}

const domainOf = (text: string): string => {
  const parsed = certificateDomain.safeParse(text.toLowerCase());
  if (parsed.success) return parsed.data;
  const message = `"${printable(text)}" is no domain; expected a host name such as www.example.com, or *.example.com`;
  throw new Problem('invalid-input', `path.domain: ${message}.`, {
    errors: [{ path: 'path.domain', message }],
  });
};
