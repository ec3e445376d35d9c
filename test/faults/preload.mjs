// Loaded into the bot's process before the bot (`node --import`): lets a test tell it what time it is, and where to die.
import { createHook } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";

let shiftMs = Number(process.env.FAULTS_SHIFT_MS ?? 0);
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...given);
  }
  static now() {
    return RealDate.now() + shiftMs;
  }
};

/** Where it is to die: at that step, or so many continuations of promises after a message was heard. */
let doom;
const die = () => process.kill(process.pid, "SIGKILL");

let continuations = 0;
const counting = createHook({
  before: () => {
    if (++continuations >= doom?.continuations) die();
  },
});

subscribe("micro:step", ({ step }) => {
  seen.add(step);
  if (doom === undefined) return;
  if (step === doom.step && --doom.times <= 0) die();
  if (step === "heard" && doom.continuations !== undefined) counting.enable();
});
const seen = new Set();

process.on("message", (order) => {
  if (order.shiftMs !== undefined) shiftMs = order.shiftMs;
  if (order.doom !== undefined) doom = order.doom;
  if (order.seen) process.send({ seen: [...seen] });
});
// Whoever started it is gone.
process.on("disconnect", () => die());
process.channel?.unref();
// A file that may not grow (`prlimit --fsize`) is to be an error of the one who writes, as a full disk is.
process.on("SIGXFSZ", () => {});
