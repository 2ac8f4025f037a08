import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ProcessContext } from '@shiplog/runtime';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import type { CalledFrom } from '../audit/persons.js';
import { refusalOf } from '../audit/refusal-of.js';
import { calledFrom, noteOn } from '../audit/request-notes.js';
import { isStillUsable, type Caller } from '../auth/caller.js';
import { printable, type AppIdentity, type Door } from '../http/door.js';
import { toProblem } from '../http/error-problem.js';
import { refusePlainCredentials } from '../http/https-only.js';
import { lastWord } from '../http/last-word.js';
import { Problem } from '../http/problem.js';
import { actorOf, reasonOf } from '../http/request-headers.js';
import { bridge, endWithProblem, type Message } from './bridge.js';
import { execRequest, parseRequest, runRequest } from './terminal-messages.js';

const MESSAGE_BYTES_MAX = 1024 * 1024;
const FIRST_MESSAGE_MS = 10_000;
const HEARTBEAT_MS = 5_000;
const PATH = /^\/v1\/apps\/([^/]+)\/(?:run|instances\/([^/]+)\/exec)$/;

interface Target {
  readonly caller: Caller;
  readonly app: AppIdentity;
  /** Null: a new one-off container. */
  readonly instanceId: string | null;
  readonly from: CalledFrom;
  readonly reason: string | null;
}

/** `run` and `exec`: terminals of the deployer, reached through a WebSocket. Nobody gets one before the door admits them. */
export class Terminals {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });

  constructor(
    private readonly api: Pick<ProcessContext, 'bus' | 'world' | 'logger' | 'config'>,
    private readonly door: Door,
    private readonly audit: Pick<AuditRecorder, 'refused' | 'performed'>,
  ) {}

  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on('error', () => stream.destroy());
      this.admit(request).then(
        (target) =>
          this.sockets.handleUpgrade(request, stream, head, (socket) => this.serve(socket, target)),
        (error: unknown) => {
          const problem = toProblem(error);
          const refusal = refusalOf(request, problem.code);
          if (refusal !== undefined) this.audit.refused(refusal);
          lastWord(stream, problem);
        },
      );
    });
  }

  close(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
  }

  private async admit(request: IncomingMessage): Promise<Target> {
    const protocol = request.headers.upgrade ?? '';
    if (protocol.toLowerCase() !== 'websocket') {
      throw new Problem(
        'bad-request',
        `Nothing here is spoken in "${printable(protocol)}". Send the request without an Upgrade header.`,
      );
    }
    refusePlainCredentials(request, this.api.config);
    const caller = await this.door.callerOf(request);
    const match = PATH.exec(pathOf(request.url));
    if (match === null) {
      throw new Problem(
        'route-not-found',
        'There is no terminal at this address. Terminals are /v1/apps/{app}/run and /v1/apps/{app}/instances/{instance}/exec.',
      );
    }
    const named = decodeURIComponent(match[1] ?? '');
    const reason = reasonOf(request);
    const command = match[2] === undefined ? 'run' : 'exec';
    noteOn(request, { command, target: printable(named), reason });
    const app = await this.door.appOf(named, caller, { request });
    const instanceId = match[2] === undefined ? null : decodeURIComponent(match[2]);
    if (instanceId !== null) this.refuseUnknown(app.appId, instanceId);
    const from = calledFrom(request, caller.token.tokenId);
    return { caller, app, instanceId, from, reason };
  }

  private refuseUnknown(appId: string, instanceId: string): void {
    const known = this.api.world.instancesOf(appId).some((one) => one.instanceId === instanceId);
    if (known) return;
    throw new Problem(
      'instance-not-found',
      'The app has no such running instance. `shiplog ps` shows its instances.',
    );
  }

  private serve(socket: WebSocket, target: Target): void {
    this.watch(socket, target.caller);
    const timer = setTimeout(() => {
      const late = 'The first message has to say what to run, within 10 s.';
      endWithProblem(socket, new Problem('request-timeout', late));
    }, FIRST_MESSAGE_MS);
    socket.once('close', () => clearTimeout(timer));
    // One listener from the beginning: several messages may come in one piece, before the session is open.
    const early: Message[] = [];
    let take = (message: Message): void => void early.push(message);
    socket.once('message', (first: Buffer, isBinary) => {
      clearTimeout(timer);
      socket.pause();
      socket.on('message', (data: Buffer, binary) => take({ data, isBinary: binary }));
      this.open(socket, target, isBinary ? '' : first.toString('utf8')).then(
        (send) => {
          take = send;
          for (const message of early.splice(0)) send(message);
          socket.resume();
        },
        (error: unknown) => {
          socket.resume();
          endWithProblem(socket, toProblem(error));
        },
      );
    });
  }

  private async open(
    socket: WebSocket,
    target: Target,
    text: string,
  ): Promise<(message: Message) => void> {
    const { app, instanceId, caller, from, reason } = target;
    const { bus, logger } = this.api;
    const { appId } = app;
    const kind = instanceId === null ? 'run' : 'exec';
    const input =
      instanceId === null
        ? { appId, ...parseRequest(runRequest, text) }
        : { instanceId, ...parseRequest(execRequest, text) };
    // Who opened what, but not the command: people type secrets into it.
    logger.info({ kind, appId, instanceId, userId: caller.userId }, 'terminal-opened');
    const session = await bus.open('deployer', kind, input);
    const where = { appId, target: instanceId === null ? app.name : `instance ${instanceId}` };
    this.audit.performed({ operation: kind, ...where, actor: actorOf(caller), from, reason });
    const send = bridge(socket, session);
    if (socket.readyState !== socket.OPEN) session.end();
    return send;
  }

  /** A peer that vanished, or whose token was revoked, holds no terminal. */
  private watch(socket: WebSocket, caller: Caller): void {
    let isAlive = true;
    socket.on('pong', () => (isAlive = true));
    socket.on('message', () => (isAlive = true));
    socket.on('error', () => socket.terminate());
    let beats = 0;
    const timer = setInterval(() => {
      if (!isStillUsable(this.api.world, caller, Date.now())) {
        endWithProblem(socket, new Problem('unauthenticated', 'The token was revoked or expired.'));
        return;
      }
      beats += 1;
      if (beats % 6 !== 0) return;
      if (!isAlive) socket.terminate();
      isAlive = false;
      socket.ping();
    }, HEARTBEAT_MS);
    socket.once('close', () => clearInterval(timer));
  }
}

/** Not as a URL relative to ours: `//host/…` would be another server's. */
const pathOf = (url = '/'): string => url.split('?', 1)[0] ?? '/';
