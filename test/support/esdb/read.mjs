import { randomUUID } from 'node:crypto';
import {
  accessDenied,
  caughtUp,
  checkpoint,
  confirmation,
  invalidPosition,
  nameOf,
  notFound,
  readEvent,
  streamDeleted,
} from './messages.mjs';

/** Streams.Read: pages and subscriptions, of one stream and of all. */
export const read = async (call, { store, access, user }) => {
  const options = call.request.getOptions();
  const stream = options.hasStream() ? nameOf(options.getStream().getStreamIdentifier()) : '$all';
  if (!access.may(user, '$r', stream)) throw accessDenied();
  if (options.hasSubscription()) await subscribe(call, options, store);
  else if (options.hasAll()) await readAll(call, options, store);
  else await readStream(call, options, store, stream);
};

const readStream = async (call, options, store, stream) => {
  if (store.isTombstoned(stream)) throw streamDeleted(stream);
  const events = store.visible(stream);
  if (events.length === 0) return send(call, notFound(stream));
  const from = options.getStream();
  const isBackwards = options.getReadDirection() === 1;
  const revision = from.hasRevision() ? Number(from.getRevision()) : undefined;
  const wanted = isBackwards
    ? events.filter((event) => from.hasEnd() || event.revision <= revision).reverse()
    : events.filter((event) => from.hasStart() || event.revision >= revision);
  await sendAll(call, wanted.slice(0, Number(options.getCount())));
};

const readAll = async (call, options, store) => {
  const from = placeOf(options.getAll(), store);
  const count = Number(options.getCount());
  const isBackwards = options.getReadDirection() === 1;
  const wanted = isBackwards
    ? store.all.slice(0, indexOf(store, from)).slice(-count).reverse()
    : store.all.slice(indexOf(store, from)).slice(0, count);
  await sendAll(call, wanted);
};

const CHECKPOINT_WINDOW = 32;

const subscribe = async (call, options, store) => {
  let next = options.getAll().hasStart() ? 0 : placeAfter(options.getAll(), store);
  const matches = filterOf(options);
  const interval =
    CHECKPOINT_WINDOW * (options.getFilter()?.getCheckpointintervalmultiplier() || 1);
  await send(call, confirmation(randomUUID()));
  let wake = () => undefined;
  const end = store.onEvents(() => wake());
  call.on('cancelled', () => wake());
  try {
    let isLive = false;
    let scanned = 0;
    while (!call.cancelled) {
      const event = store.all[next];
      if (event === undefined) {
        if (!isLive) await send(call, caughtUp());
        isLive = true;
        await new Promise((resolve) => (wake = resolve));
        continue;
      }
      next += 1;
      scanned += 1;
      if (matches(event)) await send(call, readEvent(event));
      else if (scanned % interval === 0) await send(call, checkpoint(event.position));
    }
  } finally {
    end();
  }
};

const filterOf = (options) => {
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const isOfStream = filter.hasStreamIdentifier();
  const expression = isOfStream ? filter.getStreamIdentifier() : filter.getEventType();
  const regex = expression.getRegex();
  const fits =
    regex === ''
      ? (text) => expression.getPrefixList().some((prefix) => text.startsWith(prefix))
      : (text) => new RegExp(regex).test(text);
  return (event) => fits(isOfStream ? event.stream : event.type);
};

/** As upstream, a position is that of a record or an error. */
const placeOf = (all, store) => {
  if (all.hasStart()) return 0;
  if (all.hasEnd()) return Infinity;
  const commit = Number(all.getPosition().getCommitPosition());
  if (store.all[indexOf(store, commit)]?.position !== commit) throw invalidPosition();
  return commit;
};

const placeAfter = (all, store) => {
  const from = placeOf(all, store);
  return from === Infinity ? store.all.length : indexOf(store, from) + 1;
};

/** Index of the first event at or after a position. */
const indexOf = ({ all }, position) => {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].position < position) low = middle + 1;
    else high = middle;
  }
  return low;
};

const sendAll = async (call, events) => {
  for (const event of events) {
    if (call.cancelled) return;
    await send(call, readEvent(event));
  }
};

const send = (call, message) => {
  if (call.write(message) || call.cancelled) return Promise.resolve();
  return new Promise((resolve) => {
    const settled = () => {
      call.off('drain', settled);
      call.off('cancelled', settled);
      resolve();
    };
    call.on('drain', settled);
    call.on('cancelled', settled);
  });
};
