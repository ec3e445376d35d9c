import { align } from "../commands/columns.ts";
import type { Attachment } from "../commands/command.ts";
import type { Chart } from "./chart/chart.ts";
import type { Painter } from "./chart/picture.ts";
import { sparklines } from "./chart/sparkline.ts";

/** A chart as a picture with its course in words; in words alone when it cannot be drawn. @param name `memory` of `memory.png` */
export async function pictureOf(chart: Chart, name: string, painter: Painter): Promise<Attachment> {
  const said = { name: `${name}.png`, text: align(sparklines(chart)) };
  const png = await painter.draw(chart).catch(() => undefined);
  return png === undefined ? said : { ...said, png };
}
