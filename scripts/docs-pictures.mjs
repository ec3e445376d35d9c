// Draws docs/images/graph.png as `graph payments latency 1h` does, with numbers that are the same each time. `npm run build` first.
import { mkdirSync, writeFileSync } from "node:fs";
import { createPainter } from "../dist/src/history/chart/picture.js";
import { chartOfLines } from "../dist/src/history/lines.js";

const MINUTE = 60_000;
const to = Date.UTC(2026, 10, 22, 14, 12);
const from = to - 60 * MINUTE;
const nodes = [
  { id: "3f1c2d", usual: 12 },
  { id: "9a0e77", usual: 15 },
  { id: "c48b10", usual: 18, slow: [24, 41] },
];

const noise = (node, minute) => Math.abs(Math.sin(minute * 12.9898 + node * 78.233) * 43758.5453) % 1;
const lines = new Map(
  nodes.map(({ id, usual, slow }, node) => [
    `payments-${id}`,
    Array.from({ length: 60 }, (_, minute) => {
      const bad =
        slow && minute >= slow[0] && minute < slow[1] ? 55 * Math.sin(((minute - slow[0]) / 17) * Math.PI) : 0;
      return [
        from + minute * MINUTE,
        node === 1 && minute > 44 && minute < 49 ? null : usual + noise(node, minute) * 5 + bad,
      ];
    }),
  ]),
);
const chart = chartOfLines({ of: "payments", title: "latency", unit: "ms", lines, from, to, zone: "UTC" });
const painter = createPainter();
const png = await painter.draw({ ...chart, marks: [{ at: from + 23 * MINUTE, words: "1.4.0" }] });
await painter.stop();
mkdirSync(new URL("../docs/images/", import.meta.url), { recursive: true });
writeFileSync(new URL("../docs/images/graph.png", import.meta.url), png);
