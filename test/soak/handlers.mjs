// What every service of the soak answers; plain JavaScript because the child, which Node runs itself, wants it too.
import { setTimeout as wait } from "node:timers/promises";

/** @returns how many of its handlers run now */
export function serve(server, MicroError) {
  let running = 0;
  const counted =
    (handler) =>
    async (...given) => {
      running++;
      try {
        return await handler(...given);
      } finally {
        running--;
      }
    };
  const until = (ms, signal) => wait(ms, undefined, { signal }).catch(() => {});

  const unary = {
    "Soak.Echo": async (input) => input,
    "Soak.Slow": async ({ ms }, { signal }) => {
      await until(ms, signal);
      return { waited: ms };
    },
    "Soak.Fail": async () => {
      throw new MicroError("conflict", "as asked");
    },
    "Soak.Hang": async (_input, { signal }) => {
      await until(60_000, signal);
      throw new MicroError("cancelled", "hung until nobody waited");
    },
    "Soak.Large": async ({ length }) => ({ text: "x".repeat(length) }),
  };
  const streams = {
    "Soak.Count": async (stream) => {
      for await (const { n } of stream) {
        for (let i = 0; i < n; i++) await stream.send({ i });
        return;
      }
    },
    "Soak.Chat": async (stream) => {
      for await (const message of stream) await stream.send(message);
    },
    "Soak.Ticks": async (stream, { signal }) => {
      for (let i = 0; !signal.aborted; i++) {
        await stream.send({ i });
        await until(10, signal);
      }
    },
    "Soak.Break": async (stream) => {
      for (let i = 0; i < 3; i++) await stream.send({ i });
      throw new MicroError("not_found", "as asked");
    },
  };
  for (const [name, handler] of Object.entries(unary)) server.handleRaw(name, counted(handler));
  for (const [name, handler] of Object.entries(streams)) server.handleRawStream(name, counted(handler));
  return () => running;
}
