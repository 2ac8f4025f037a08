'use strict';

const isTerminal = process.stderr.isTTY === true;
const colour = (code, text) =>
  isTerminal && !process.env.NO_COLOR ? `\u001b[${code}m${text}\u001b[0m` : text;

/** A terminal is drawn anew all the time; in a file a line now and then says that it goes on. */
const REFRESH_MS = isTerminal ? 200 : 15_000;

/** What runs, in the order in which it began: in a terminal all of it stands in the last line. */
const running = new Set();

const line = (mark, text) => process.stderr.write(`  ${mark} ${text}\n`);
const clear = () => isTerminal && process.stderr.write('\r\u001b[K');
const draw = () => {
  if (!isTerminal || running.size === 0) return;
  const texts = [...running].map(({ title, seconds }) => `${title}  ${seconds()}`);
  const shown = texts.join(', ').slice(0, (process.stderr.columns ?? 80) - 6);
  process.stderr.write(`\r\u001b[K  ${colour('36', '…')} ${shown}`);
};

/** Shows one step: what runs, for how long, and how it ended. Several may run side by side. */
const step = async (title, work) => {
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  const shown = { title, seconds };
  running.add(shown);
  if (!isTerminal) line('…', title);
  draw();
  const goesOn = () => (isTerminal ? draw() : line('…', `${title}  ${seconds()}`));
  const timer = setInterval(goesOn, REFRESH_MS);
  const finish = (mark) => {
    clearInterval(timer);
    running.delete(shown);
    clear();
    line(mark, `${title}  ${colour('2', seconds())}`);
    draw();
  };
  try {
    const result = await work();
    finish(colour('32', '✓'));
    return result;
  } catch (error) {
    finish(colour('31', '✗'));
    throw error;
  }
};

module.exports = { step, colour };
