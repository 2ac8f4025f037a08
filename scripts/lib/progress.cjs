'use strict';

const isTerminal = process.stderr.isTTY === true;
const colour = (code, text) =>
  isTerminal && !process.env.NO_COLOR ? `\u001b[${code}m${text}\u001b[0m` : text;

/** A terminal is drawn anew all the time; in a file a line now and then says that it goes on. */
const REFRESH_MS = isTerminal ? 200 : 15_000;

/** Shows one step: what runs, for how long, and how it ended. */
const step = async (title, work) => {
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  const say = (mark, text) =>
    process.stderr.write(
      isTerminal
        ? `\r\u001b[K  ${mark} ${title}  ${text}`
        : `  ${mark} ${title}${text && '  '}${text}\n`,
    );
  say(colour('36', '…'), '');
  const timer = setInterval(() => say(colour('36', '…'), seconds()), REFRESH_MS);
  const finish = (mark) => {
    clearInterval(timer);
    say(mark, colour('2', seconds()));
    if (isTerminal) process.stderr.write('\n');
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
