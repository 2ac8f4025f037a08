import type { DomainEventUnion, TrafficPolicy } from '@shiplog/events';
import { TRAFFIC_PARTS, trafficIdentity, trafficText, trafficWords } from '../app/traffic.js';
import { possible, type AppQuestion, type EventNamed } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';
import { shellWord } from './words.js';

/** The policy as it was before, as a whole, unless somebody changed it again since. */
export const undoTraffic = (
  _event: EventNamed<'TrafficPolicyChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const was = before.traffic ?? {};
  if (trafficIdentity(was) === trafficIdentity(now.traffic ?? {})) {
    return unneeded('The traffic policy is as it was before.');
  }
  const since = isChangedSince(question, touches)
    ? [changedSince('traffic policy', question, touches)]
    : [];
  if (since.length > 0 && !question.force) {
    return {
      outcome: 'overtaken',
      why: 'The traffic policy was changed again since.',
      leaves: since,
    };
  }
  const unset = TRAFFIC_PARTS.filter((part) => was[part] === undefined);
  return possible(
    question,
    { type: 'ChangeTrafficPolicy', set: was, unset },
    {
      lines: linesOf(was, now.traffic ?? {}),
      restores: [`The traffic policy is ${trafficText(was) || 'empty'} again.`],
      causes: ['It counts at once; nothing is started again for it.'],
      overwrites: since,
      settles: false,
    },
  );
};

const touches = ({ type }: DomainEventUnion): boolean => type === 'TrafficPolicyChanged';

/** What comes back is set, what was not there is taken away. */
const linesOf = (was: TrafficPolicy, now: TrafficPolicy): readonly string[] => {
  const wanted = trafficWords(was);
  const gone = trafficWords(now).flatMap(([name]) =>
    wanted.some(([one]) => one === name) ? [] : [name],
  );
  return [
    ...(gone.length === 0 ? [] : [`traffic-policy unset ${gone.join(' ')}`]),
    ...(wanted.length === 0
      ? []
      : [
          `traffic-policy set ${wanted.map(([name, text]) => shellWord(`${name}=${text}`)).join(' ')}`,
        ]),
  ];
};
