// A table of 10,000 rows asked for in chat: drawn, cut, made ready for its network and sent over it.
import { setImmediate as turn } from "node:timers/promises";
import { z } from "zod";
import { median } from "../rounds.mjs";
import { startBot } from "./bot.mjs";

const ROWS = 10_000;
const TIMES = 7;

/** @returns `ready`: ms from the command's end to the input's `send`; `held`: the longest turn of the event loop until it is sent */
export async function ours({ fakes, network }) {
  let ended = 0;
  let ready = 0;
  let sent = () => {};
  const table = {
    name: "table",
    summary: "Tell of many nodes",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    run: async () => {
      const rows = Array.from({ length: ROWS }, (_, at) => ({ name: `go.micro.srv.thing${at % 100}-${at}`, at }));
      ended = performance.now();
      return { rows };
    },
    view: ({ rows }) => {
      const lines = rows.map(
        ({ name, at }) => `${name}\t10.0.${at % 256}.${at % 250}\t${9000 + (at % 1000)}\tzone=eu-${at % 3}`,
      );
      return { kind: "report", text: ["Id\tAddress\tPort\tMetadata", ...lines].join("\n") };
    },
  };
  const wrap = (input) => ({
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      const send = async (message, how) => {
        ready = performance.now() - ended;
        await connection.send(message, how);
        sent(message);
      };
      return { ...connection, send, [Symbol.asyncIterator]: () => connection[Symbol.asyncIterator]() };
    },
  });
  const { networks } = await startBot(fakes, [network], () => {}, { commands: [table], wrap });

  const once = async () => {
    let over = false;
    let said;
    sent = (message) => {
      over = true;
      said = message;
    };
    await networks[0].say("table");
    let held = 0;
    for (let last = performance.now(); !over; ) {
      await turn();
      const now = performance.now();
      held = Math.max(held, now - last);
      last = now;
    }
    const whole = said.file?.text ?? said.parts.map(({ text }) => text).join("\n");
    if (!whole.includes("go.micro.srv.thing")) throw new Error(`not the table: ${whole.slice(0, 200)}`);
    return { ready, held };
  };
  for (let i = 0; i < TIMES; i++) await once();
  return async () => {
    const all = [];
    for (let i = 0; i < TIMES; i++) all.push(await once());
    return { ready: median(all.map((one) => one.ready)), held: median(all.map((one) => one.held)) };
  };
}
