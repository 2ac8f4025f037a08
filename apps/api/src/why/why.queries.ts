import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { domainCandidates } from '@shiplog/domain';
import { CONFIG_KEY_PATTERN, ID_PATTERN, parseDomain, streamName } from '@shiplog/events';
import type { AppDocument, ReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import { domainSpelt } from '../domains/domain-name.js';
import { belongsTo, type Caller } from '../auth/caller.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';
import { CONTEXT } from '../injection.js';
import { causesOf, type Subject } from './causes.js';
import { gatherCauses } from './gather.js';
import type { PlacedStep } from './step.js';

interface Causes {
  readonly app: string;
  readonly appId: string;
  readonly steps: PlacedStep[];
}

export class ShowCauses extends Query<Causes> {
  constructor(
    readonly documents: ReadModels,
    readonly caller: Caller,
    readonly of: string,
    /** Name or id. */
    readonly appName: string | undefined,
  ) {
    super();
  }
}

interface Found {
  readonly app: AppDocument;
  readonly subject: Subject;
}

@QueryHandler(ShowCauses)
export class ShowCausesHandler implements IQueryHandler<ShowCauses> {
  constructor(@Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'log' | 'config'>) {}

  async execute(query: ShowCauses): Promise<Causes> {
    const { documents } = query;
    const { app, subject } = (await this.find(query)) ?? refuse(query);
    const { log, config } = this.api;
    const { appId, name } = app;
    const source = { log, documents, until: await documents.position() };
    const evidence = await gatherCauses(source, appId, subject);
    const ownHost = `${name}.${config.domain}`;
    const steps = causesOf(subject, { appId, ownHost, ...evidence });
    if (steps.length === 0) refuse(query);
    return { app: name, appId, steps: [...steps] };
  }

  /** What is meant, in the order: release, instance, host, port, config key. No two look alike but the last. */
  private async find(query: ShowCauses): Promise<Found | undefined> {
    const named = await this.namedApp(query);
    const version = /^v([1-9]\d{0,8})$/.exec(query.of)?.[1];
    if (version !== undefined && named !== undefined) {
      return { app: named, subject: { kind: 'release', version: Number(version) } };
    }
    const found =
      (await this.findInstance(query)) ??
      (await this.findHost(query)) ??
      (await this.findPort(query));
    const isTheirs = found !== undefined && belongsTo(query.caller, found.app.teamId);
    if (isTheirs && (named === undefined || named.appId === found.app.appId)) return found;
    if (named === undefined || !CONFIG_KEY_PATTERN.test(query.of)) return undefined;
    return { app: named, subject: { kind: 'key', key: query.of } };
  }

  private async namedApp(query: ShowCauses): Promise<AppDocument | undefined> {
    const { documents, appName, caller } = query;
    if (appName === undefined) return undefined;
    const app = await appOf(documents, appName);
    if (app !== undefined && belongsTo(caller, app.teamId)) return app;
    throw problemOf({ code: 'app-not-found' });
  }

  private async findInstance({ documents, of }: ShowCauses): Promise<Found | undefined> {
    if (!ID_PATTERN.test(of)) return undefined;
    const [first] = await this.api.log.read(streamName('instance', of));
    const scheduled = first?.commit.events.find((event) => event.type === 'InstanceScheduled');
    if (scheduled === undefined) return undefined;
    const app = await documents.app(scheduled.data.appId);
    return app === undefined ? undefined : { app, subject: { kind: 'instance', instanceId: of } };
  }

  /** A host, or the whole address as it is copied from a browser: the domain that it comes by. */
  private async findHost({ documents, of }: ShowCauses): Promise<Found | undefined> {
    const [, typed = '', path = ''] =
      /^(?:https?:\/\/)?([^/:?#]+)(?::\d+)?(\/[^?#]*)?/i.exec(of) ?? [];
    const host = domainSpelt(typed);
    if (parseDomain(host) === undefined) return undefined;
    const suffix = `.${this.api.config.domain}`;
    const own = host.endsWith(suffix)
      ? await documents.appByName(host.slice(0, -suffix.length))
      : undefined;
    if (own !== undefined) return { app: own, subject: { kind: 'route', host } };
    for (const candidate of domainCandidates(host, path)) {
      const domain = await documents.domain(candidate);
      const app = domain === undefined ? undefined : await documents.app(domain.appId);
      if (app !== undefined) return { app, subject: { kind: 'route', host: candidate } };
    }
    return undefined;
  }

  /** A port of the router: of one app at most. */
  private async findPort({ documents, of }: ShowCauses): Promise<Found | undefined> {
    if (!/^[1-9]\d{3,4}$/.test(of)) return undefined;
    const until = await documents.position();
    const reserved = (await this.api.log.read(streamName('port', of)))
      .filter(({ position }) => position <= until)
      .flatMap(({ commit }) => commit.events)
      .findLast(({ type }) => type === 'PortReserved' || type === 'PortReleased');
    if (reserved?.type !== 'PortReserved') return undefined;
    const app = await documents.app(reserved.data.appId);
    return app === undefined ? undefined : { app, subject: { kind: 'port', port: Number(of) } };
  }
}

const appOf = async (documents: ReadModels, nameOrId: string): Promise<AppDocument | undefined> =>
  (await documents.app(nameOrId)) ?? (await documents.appByName(nameOrId));

const refuse = ({ of, appName }: ShowCauses): never => {
  throw new Problem(
    'subject-not-found',
    appName === undefined
      ? `There is no instance, no host and no port "${of}" that you can see. Releases (v3) and config keys need the app they are of.`
      : `The app ${appName} has no instance, release, host, port or config key "${of}". \`shiplog ps\`, \`releases list\`, \`domains list\`, \`ports list\` and \`config list\` show what there is.`,
  );
};
