import {
  credentials,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ChannelCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';

const text = {
  requestSerialize: (value: string): Buffer => Buffer.from(value),
  requestDeserialize: (bytes: Buffer): string => bytes.toString(),
  responseSerialize: (value: string): Buffer => Buffer.from(value),
  responseDeserialize: (bytes: Buffer): string => bytes.toString(),
};
const SERVICE = {
  Unary: { path: '/test.Test/Unary', requestStream: false, responseStream: false, ...text },
  Stream: { path: '/test.Test/Stream', requestStream: false, responseStream: true, ...text },
};

/**
 * A gRPC server as an app would have it. `Unary` answers with its name, fails where it is asked to `fail`,
 * and is silent to `never`. `Stream` sends a word, and then one for each `tell`, until `finish`.
 */
export const startGrpcInstance = async (name: string) => {
  const streams = new Set<ServerWritableStream<string, string>>();
  const server = new Server();
  server.addService(SERVICE, {
    Unary: ({ request }: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) => {
      const trailer = new Metadata();
      trailer.set('x-instance', name);
      if (request === 'never') return;
      if (request === 'fail') {
        return answer({ code: status.FAILED_PRECONDITION, details: 'not so', metadata: trailer });
      }
      answer(null, name, trailer);
    },
    Stream: (call: ServerWritableStream<string, string>) => {
      streams.add(call);
      call.on('close', () => streams.delete(call));
      call.write(`${name} begins`);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    tell: (word: string): void => streams.forEach((call) => call.write(word)),
    finish: (): void => streams.forEach((call) => call.end()),
    kill: (): void => server.forceShutdown(),
  };
};
export type GrpcInstance = Awaited<ReturnType<typeof startGrpcInstance>>;

/** What a call came to. */
export interface GrpcOutcome {
  readonly code: status;
  readonly details: string;
  readonly answers: readonly string[];
  /** From the trailers. */
  readonly instance: unknown;
}

const Client = makeGenericClientConstructor(SERVICE, 'Test');

/** A gRPC client that reaches the app of a host through the router. */
export const grpcClient = (
  port: number,
  host: string,
  channel: ChannelCredentials = credentials.createInsecure(),
) => {
  const client = new Client(`127.0.0.1:${port}`, channel, {
    'grpc.default_authority': host,
    'grpc.ssl_target_name_override': host,
    'grpc.initial_reconnect_backoff_ms': 100,
  });
  const call = (request: string, isStream: boolean, deadlineMs: number) => {
    const answers: string[] = [];
    const options = { deadline: Date.now() + deadlineMs };
    const definition = isStream ? SERVICE.Stream : SERVICE.Unary;
    const { path, requestSerialize, responseDeserialize } = definition;
    const running = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      options,
    );
    running.on('data', (answer: string) => answers.push(answer));
    // The status says the same.
    running.on('error', () => undefined);
    const ended = new Promise<GrpcOutcome>((resolve) => {
      running.on('status', ({ code, details, metadata }) =>
        resolve({ code, details, answers, instance: metadata.get('x-instance')[0] }),
      );
    });
    return { answers, ended };
  };
  return {
    unary: (request: string, deadlineMs = 15_000): Promise<GrpcOutcome> =>
      call(request, false, deadlineMs).ended,
    stream: (deadlineMs = 60_000) => call('begin', true, deadlineMs),
    close: (): void => client.close(),
  };
};
