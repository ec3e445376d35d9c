import { inspect } from "node:util";

/** Names of pino, and of the logger before it. */
const LEVELS = {
  info: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  critical: "error",
  alert: "error",
  emergency: "error",
  fatal: "error",
};

/** `robot.logger`. What is below info holds whole messages and options, so it is dropped where it is said (`chat.md §6`). */
export function createLogger(write) {
  const logger = { level: "info" };
  for (const name of ["trace", "debug", "silent", "setLevel", "setName"]) logger[name] = () => {};
  logger.getLevel = () => "info";
  logger.isLevelEnabled = (level) => level in LEVELS;
  logger.child = () => logger;
  for (const [name, level] of Object.entries(LEVELS)) {
    logger[name] = (...words) => {
      const error = words.find((word) => word instanceof Error);
      write(level, words.map(worded).join(" ").slice(0, 1000), error);
    };
  }
  return logger;
}

function worded(word) {
  if (typeof word === "string") return word;
  if (word instanceof Error) return word.message;
  return inspect(word, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });
}
