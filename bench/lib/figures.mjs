// From samples to figures. Medians, because a machine's hiccup is no property of what is measured.

export const round = (number, digits = 2) => Number(number.toFixed(digits));
const ascending = (numbers) => numbers.toSorted((a, b) => a - b);

/** `q` from 0 to 1; the median is `quantile(numbers, 0.5)`. */
export const quantile = (numbers, q) => {
  const sorted = ascending(numbers);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
};
export const median = (numbers) => quantile(numbers, 0.5);
export const spread = (numbers, digits = 2) => [
  round(Math.min(...numbers), digits),
  round(Math.max(...numbers), digits),
];

/** Of rates, one per round. */
export const rateFigures = (rates) => ({
  perSecond: Math.round(median(rates)),
  spread: spread(rates, 0),
});

/** Of durations in milliseconds, one per operation. */
export const latencyFigures = (durations) => ({
  count: durations.length,
  p50Ms: round(quantile(durations, 0.5)),
  p99Ms: round(quantile(durations, 0.99)),
  maxMs: round(Math.max(...durations)),
});

/**
 * Ratio of medians, and how far it varied: each round has both sides next to each other, so that what
 * slowed one down slowed the other down too.
 */
export const ratioOf = (ours, raw) => ({
  ratio: round(median(ours) / median(raw)),
  spread: spread(ours.map((value, i) => value / raw[i])),
});

/** Mean of samples and its 95 % interval, as [mean, from, to]. */
export const meanWithInterval = (samples) => {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const variance =
    samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (samples.length - 1);
  const half = 1.96 * Math.sqrt(variance / samples.length);
  return [mean, mean - half, mean + half];
};
