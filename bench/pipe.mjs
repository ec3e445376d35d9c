// Rows through a pipe: 10,000 of them sorted and cut, and all of the way that a line with a pipe takes beside its command.
import { performance } from "node:perf_hooks";
import { contest, ms, row } from "./rounds.mjs";

const NODES = Array.from({ length: 10_000 }, (_, at) => ({
  node: `orders-${(at * 7919) % 10_000}`,
  address: `10.0.${at % 256}.${at % 250}:${9000 + (at % 1000)}`,
  status: at % 3 === 0 ? "failed" : "ok",
  uptime: `${at % 48}h${at % 60}m0s`,
  memory: `${((at * 31) % 900) / 10}mb`,
}));

const median = (once) => () => {
  const all = Array.from({ length: 11 }, once).sort((a, b) => a - b);
  return all[5];
};

/** Milliseconds, the median of many. */
export async function ours({ whole }) {
  const from = (file) => import(`../dist/src/${file}.js`);
  const [
    { recordsOf },
    { applyStages },
    { readStages },
    { stageWords },
    { chatLine },
    { tableView },
    { createRedactor },
    { hushedRecords },
  ] = await Promise.all(
    ["records", "apply", "stages", "split", "../line", "table"]
      .map((name) => from(`commands/pipe/${name}`))
      .concat(from("core/redact"), from("bot/hush")),
  );
  const records = recordsOf({}, NODES);
  const stages = readStages(stageWords(chatLine("sort -memory uptime | top 10").words));
  const redactor = createRedactor(["a-secret-that-is-known"]);
  const once = () => {
    const began = performance.now();
    const rows = whole ? recordsOf({}, NODES) : records;
    const clean = whole ? hushedRecords(rows, redactor) : rows;
    const view = tableView(applyStages(clean, stages));
    const took = performance.now() - began;
    if (view.text.split("\n").length !== 11) throw new Error(`not ten rows: ${view.text}`);
    return took;
  };
  once();
  return median(once);
}

export async function run() {
  const alone = await contest(import.meta.url, { ours: { whole: false } });
  const whole = await contest(import.meta.url, { ours: { whole: true } });
  return [
    row({ what: "sort -memory uptime | top 10, over 10,000 records", ours: alone.ours, unit: ms, atMost: 20 }),
    row({ what: "the same from a command's result, with secrets crossed out", ours: whole.ours, unit: ms }),
  ];
}
