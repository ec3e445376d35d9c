import { PassThrough, Writable } from "node:stream";

/** A terminal with somebody in front of it: what is typed, and what stands on the screen. */
export interface Screen {
  readonly input: PassThrough & { readonly isTTY: true };
  readonly output: Writable & { readonly isTTY: true; readonly columns: number };
  type(keys: string): void;
  /** What stands there; rows end with a newline, the one with the cursor as it is. */
  text(): string;
  /** Waits until it stands there, at most 4 s. */
  shows(text: string): Promise<void>;
}

/** Understands what readline says to a terminal: cursor up, to a column, clear to the end. */
export function screen({ columns }: { readonly columns: number }): Screen {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  const put = (char: string) => {
    if (column === columns) newline();
    const line = rows[row] ?? [];
    rows[row] = line;
    while (line.length < column) line.push(" ");
    line[column++] = char;
  };
  const newline = () => {
    row++;
    column = 0;
    rows[row] ??= [];
  };
  const control = (count: number, verb: string) => {
    if (verb === "A") row = Math.max(0, row - (count || 1));
    else if (verb === "B") row = Math.min(rows.length - 1, row + (count || 1));
    else if (verb === "C") column += count || 1;
    else if (verb === "D") column = Math.max(0, column - (count || 1));
    else if (verb === "G") column = Math.max(0, (count || 1) - 1);
    else if (verb === "J") {
      rows.splice(row + 1);
      rows[row]?.splice(column);
    } else if (verb === "K") rows[row]?.splice(column);
    else throw new Error(`the screen does not know the escape sequence ${verb}`);
  };
  const write = (text: string) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what escape sequences begin with
    for (const [token, count, verb] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|[\s\S]/gu)) {
      if (verb !== undefined) control(Number(count), verb);
      else if (token === "\n") newline();
      else if (token === "\r") column = 0;
      else put(token);
    }
  };
  const input = Object.assign(new PassThrough(), { isTTY: true as const, setRawMode: () => {} });
  const output = Object.assign(
    new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        write(String(chunk));
        done();
      },
    }),
    { isTTY: true as const, columns },
  );
  const text = () => rows.map((line) => line.join("")).join("\n");
  return {
    input,
    output,
    type: (keys) => void input.write(keys),
    text,
    shows: async (wanted) => {
      const until = Date.now() + 4000;
      while (text() !== wanted) {
        if (Date.now() > until)
          throw new Error(`not on the screen in 4 s: ${JSON.stringify(wanted)}; there is ${JSON.stringify(text())}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}
