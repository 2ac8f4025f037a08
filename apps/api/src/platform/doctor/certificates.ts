import type { KnownCertificate } from '@shiplog/domain';
import { bad, ok, spanOf, type Verdict } from './verdict.js';

/** Renewal begins a month before the end; a week before it something is wrong for long. */
const SOON_MS = 7 * 86_400_000;
const SHOWN_MAX = 5;

/** Are there certificates that are over, end soon, or do not come? */
export const certificatesVerdict = (known: readonly KnownCertificate[], nowMs: number): Verdict => {
  const over = known.filter(
    ({ certificate }) => certificate !== null && endOf(certificate) <= nowMs,
  );
  if (over.length > 0) {
    return bad(
      'failed',
      `over: ${listed(over, ({ domain, failure }) => `${domain}${why(failure)}`)}`,
      'bring another one: `shiplog certs add DOMAIN --cert FILE --key FILE`; `shiplog certs show DOMAIN` says why no new one came',
    );
  }
  const missing = known.filter(
    ({ certificate, failure }) => certificate === null && failure !== null,
  );
  const ending = known.filter(({ certificate, failure }) => isEnding(certificate, failure, nowMs));
  if (missing.length + ending.length > 0) {
    const soon = listed(ending, ({ domain, certificate, failure }) =>
      certificate === null
        ? domain
        : `${domain} ends in ${spanOf(endOf(certificate) - nowMs)}${why(failure)}`,
    );
    const none = listed(missing, ({ domain, failure }) => `${domain} has none${why(failure)}`);
    return bad(
      'warning',
      [none, soon].filter(Boolean).join('; '),
      '`shiplog certs show DOMAIN` says what is wrong and when it is tried again (docs/https.md)',
    );
  }
  const count = known.filter(({ certificate }) => certificate !== null).length;
  return ok(count === 0 ? 'none' : `${count}, none of them ends soon`);
};

type Certificate = NonNullable<KnownCertificate['certificate']>;
type Failure = KnownCertificate['failure'];

const endOf = ({ notAfter }: Certificate): number => Date.parse(notAfter);
const why = (failure: Failure): string => (failure === null ? '' : ` (${failure.summary})`);

/** What an authority gave is renewed by itself: it is news when that failed. What somebody brought is not. */
const isEnding = (
  certificate: KnownCertificate['certificate'],
  failure: Failure,
  nowMs: number,
): boolean =>
  certificate !== null &&
  endOf(certificate) - nowMs < SOON_MS &&
  (certificate.source === 'own' || failure !== null);

const listed = (
  certificates: readonly KnownCertificate[],
  text: (one: KnownCertificate) => string,
): string =>
  [
    ...certificates.slice(0, SHOWN_MAX).map(text),
    ...(certificates.length > SHOWN_MAX ? [`and ${certificates.length - SHOWN_MAX} more`] : []),
  ].join(', ');
