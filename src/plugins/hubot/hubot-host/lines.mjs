/** Lines of the log, of all scripts together, and within which time: what loads badly says a line of its own, and so do many. */
const MOST = 200;
const WITHIN_MS = 10_000;

/**
 * How much scripts may log: a loop around `robot.logger` would fill the disk, and hold the bot that writes it.
 *
 * @param write `(level, text)`
 * @returns the same; what is too much is counted, and the number said when the time is over
 */
export function createLines(write, { now = () => performance.now(), later = afterwards } = {}) {
  let since = Number.NEGATIVE_INFINITY;
  let written = 0;
  let left = 0;

  const begin = () => {
    if (left > 0) write("warn", `${left} lines are left out: scripts log more than ${MOST} in ${WITHIN_MS / 1000} s`);
    since = now();
    written = 0;
    left = 0;
  };

  return (level, text) => {
    if (now() - since >= WITHIN_MS) begin();
    if (written < MOST) {
      written += 1;
      write(level, text);
      return;
    }
    left += 1;
    const of = since;
    // One that holds the thread comes here before the timer does.
    if (left === 1) later(() => of === since && begin(), WITHIN_MS - (now() - since));
  };
}

/** Nothing lives on for the sake of a number. */
function afterwards(work, ms) {
  setTimeout(work, ms).unref();
}
