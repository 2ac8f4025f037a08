/**
 * A double of EventStoreDB for tests: its gRPC protocol on a port, for the real client over a real wire.
 *
 * Messages are those of the protocol files that upstream publishes with its client (@eventstore/db-client 6.2.1,
 * generated from kurrent-io/KurrentDB-Client-NodeJS release/legacy/v6.2, 022bc40c). What an answer means, error
 * trailers, idempotency and positions follow kurrent-io/KurrentDB at 44996ed0: Services/Transport/Grpc/
 * {RpcExceptions,Streams.Append,Streams.Read}.cs, Enumerators/Enumerator.AllSubscriptionFiltered.cs and
 * Storage/ReaderIndex/IndexWriter.cs. Not there: clusters, projections, persistent subscriptions, BatchAppend
 * (not advertised, so that the client uses Append), the HTTP API, scavenging.
 */
import { randomUUID } from 'node:crypto';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Access } from './access.mjs';
import {
  accessDenied,
  appendRefused,
  appended,
  deleted,
  expectedOf,
  nameOf,
  proposedEvent,
  streamDeleted,
  tooLarge,
  unauthenticated,
  wrongVersion,
} from './messages.mjs';
import { read } from './read.mjs';
import { isExpected, Store } from './store.mjs';

/** Upstream's default of old; a commit is below it with room to spare. */
const APPEND_BYTES_MAX = 1024 * 1024;
const METHODS = ['append', 'read', 'delete', 'tombstone'];

/** `users`: see `Access`; they need `tls: { key, cert }`, because the client keeps passwords to itself without. */
export const startServer = ({ port, file, users = [], tls }) => {
  const store = new Store(file);
  const access = new Access(store, users);
  const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
  const contextOf = (call) => {
    const user = access.userOf(call.metadata.get('authorization')[0]?.toString());
    if (user === undefined) throw unauthenticated();
    return { store, access, user };
  };
  const unary = (work) => (call, callback) => {
    Promise.resolve()
      .then(() => work(call, contextOf(call)))
      .then(
        (answer) => callback(null, answer),
        (error) => callback(error),
      );
  };
  server.addService(featuresService.ServerFeaturesService, {
    getSupportedMethods: unary(supported),
  });
  server.addService(streamsService.StreamsService, {
    append: unary(append),
    delete: unary((call, context) => remove(call, context, false)),
    tombstone: unary((call, context) => remove(call, context, true)),
    read: (call) => {
      Promise.resolve()
        .then(() => read(call, contextOf(call)))
        .then(
          () => call.end(),
          (error) => call.emit('error', error),
        );
    },
    batchAppend: (call) => call.end(),
  });
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }]);
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
      if (error !== null) return reject(error);
      resolve({ port: bound, close: () => server.forceShutdown() });
    });
  });
};

const supported = () => {
  const answer = new features.SupportedMethods().setEventStoreServerVersion('24.10.0-double');
  for (const name of METHODS) {
    const method = new features.SupportedMethod();
    method.setMethodName(name);
    method.setServiceName('event_store.client.streams.streams');
    answer.addMethods(method);
  }
  return answer;
};

const append = async (call, { store, access, user }) => {
  const { options, events } = await received(call);
  const stream = nameOf(options.getStreamIdentifier());
  if (!access.may(user, '$w', stream)) throw accessDenied();
  const bytes = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
  if (bytes * 0.75 > APPEND_BYTES_MAX) throw tooLarge(APPEND_BYTES_MAX);
  const expected = expectedOf(options);
  const result = await store.append(stream, expected, events);
  if (result.outcome === 'deleted') throw streamDeleted(stream);
  return result.outcome === 'wrong' ? appendRefused(expected, result.current) : appended(result);
};

/** The whole of a client stream; an append that is cut before its end never happened. */
const received = (call) =>
  new Promise((resolve, reject) => {
    let options;
    const events = [];
    call.on('data', (message) => {
      if (message.hasOptions()) options = message.getOptions();
      else events.push(proposedEvent(message.getProposedMessage()));
    });
    call.on('end', () =>
      call.cancelled ? reject(new Error('cut')) : resolve({ options, events }),
    );
    call.on('error', reject);
  });

/** A soft delete hides what is there and lets the stream go on; a tombstone ends it for ever. */
const remove = async (call, { store, access, user }, isTombstone) => {
  const options = call.request.getOptions();
  const stream = nameOf(options.getStreamIdentifier());
  if (!access.may(user, '$d', stream)) throw accessDenied();
  if (store.isTombstoned(stream)) throw streamDeleted(stream);
  const expected = expectedOf(options);
  const next = store.events(stream).length;
  if (!isExpected(expected, next)) {
    throw wrongVersion(isTombstone ? 'Tombstone' : 'Delete', stream, expected, next - 1);
  }
  const { position } = isTombstone
    ? await store.tombstone(stream)
    : await store.append(`$$${stream}`, 'any', [truncation(store, stream, next)]);
  return deleted(isTombstone, position);
};

const truncation = (store, stream, next) => ({
  id: randomUUID(),
  type: '$metadata',
  contentType: 'application/json',
  metadata: '',
  data: Buffer.from(JSON.stringify({ ...store.metadata(stream), $tb: next })).toString('base64'),
});
