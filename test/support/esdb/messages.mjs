import { Metadata, status } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';

const { Empty, StreamIdentifier, UUID } = shared;
const { AppendResp, DeleteResp, ReadResp, TombstoneResp } = streams;

/** An error with the trailers of upstream's RpcExceptions.cs. */
const failure = (code, details, exception, more = {}) => {
  const metadata = new Metadata();
  if (exception !== undefined) metadata.set('exception', exception);
  for (const [key, value] of Object.entries(more)) metadata.set(key, String(value));
  return Object.assign(new Error(details), { code, details, metadata });
};

export const accessDenied = () =>
  failure(status.PERMISSION_DENIED, 'Access Denied', 'access-denied');
export const unauthenticated = () => failure(status.UNAUTHENTICATED, 'Authentication Failed');
export const invalidPosition = () =>
  failure(status.INVALID_ARGUMENT, 'Trying to read from an invalid position.');
export const streamDeleted = (stream) =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, 'stream-deleted', {
    'stream-name': stream,
  });
export const wrongVersion = (operation, stream, expected, actual) =>
  failure(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    'wrong-expected-version',
    { 'stream-name': stream, 'expected-version': expected, 'actual-version': actual },
  );
export const tooLarge = (limit) =>
  failure(
    status.INVALID_ARGUMENT,
    `Maximum Append Size of ${limit} Exceeded.`,
    'maximum-append-size-exceeded',
    { 'maximum-append-size': limit },
  );

export const nameOf = (identifier) => Buffer.from(identifier.getStreamName_asU8()).toString('utf8');

/** A revision, `none`, `any` or `exists`. */
export const expectedOf = (options) => {
  if (options.hasRevision()) return Number(options.getRevision());
  if (options.hasNoStream()) return 'none';
  return options.hasStreamExists() ? 'exists' : 'any';
};

export const proposedEvent = (message) => ({
  id: message.getId().getString(),
  type: message.getMetadataMap().get('type'),
  contentType: message.getMetadataMap().get('content-type'),
  metadata: Buffer.from(message.getCustomMetadata_asU8()).toString('base64'),
  data: Buffer.from(message.getData_asU8()).toString('base64'),
});

export const appended = ({ revision, position }) => {
  const success = new AppendResp.Success();
  success.setCurrentRevision(String(revision));
  const place = new AppendResp.Position();
  place.setCommitPosition(String(position));
  place.setPreparePosition(String(position));
  success.setPosition(place);
  return new AppendResp().setSuccess(success);
};

export const appendRefused = (expected, current) => {
  const wrong = new AppendResp.WrongExpectedVersion();
  if (expected === 'none') wrong.setExpectedNoStream(new Empty());
  else if (expected === 'exists') wrong.setExpectedStreamExists(new Empty());
  else wrong.setExpectedRevision(String(expected));
  if (current < 0) wrong.setCurrentNoStream(new Empty());
  else wrong.setCurrentRevision(String(current));
  return new AppendResp().setWrongExpectedVersion(wrong);
};

export const deleted = (isTombstone, position) => {
  const Response = isTombstone ? TombstoneResp : DeleteResp;
  const place = new Response.Position();
  place.setCommitPosition(String(position));
  place.setPreparePosition(String(position));
  return new Response().setPosition(place);
};

export const readEvent = (event) => {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(new UUID().setString(event.id));
  recorded.setStreamIdentifier(identifier(event.stream));
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(event.position));
  recorded.setPreparePosition(String(event.position));
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  recorded.getMetadataMap().set('created', event.created);
  recorded.setCustomMetadata(event.metadata);
  recorded.setData(event.data);
  const read = new ReadResp.ReadEvent().setEvent(recorded);
  read.setCommitPosition(String(event.position));
  return new ReadResp().setEvent(read);
};

export const notFound = (stream) =>
  new ReadResp().setStreamNotFound(
    new ReadResp.StreamNotFound().setStreamIdentifier(identifier(stream)),
  );

export const confirmation = (id) =>
  new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(id));

export const caughtUp = () => new ReadResp().setCaughtUp(new ReadResp.CaughtUp());

export const checkpoint = (position) => {
  const message = new ReadResp.Checkpoint();
  message.setCommitPosition(String(position));
  message.setPreparePosition(String(position));
  return new ReadResp().setCheckpoint(message);
};

const identifier = (stream) =>
  new StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8').toString('base64'));
