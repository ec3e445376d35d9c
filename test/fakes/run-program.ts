import { PassThrough, type Readable, Writable } from "node:stream";
import { type ProgramInit, program } from "../../src/app/program.ts";

/** What a run of the program left behind. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `micro <args>` in this process. Nothing of the environment around the test gets in. */
export async function runProgram(args: readonly string[], init: Partial<ProgramInit> = {}): Promise<Run> {
  const stdout = collector();
  const stderr = collector();
  const code = await program({
    args,
    env: {},
    stdin: ended(),
    stdout,
    stderr,
    signal: new AbortController().signal,
    user: "ann",
    ...init,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** A pipe with nothing in it, or with these lines. */
export function ended(...lines: readonly string[]): Readable {
  const pipe = new PassThrough();
  pipe.end(lines.map((line) => `${line}\n`).join(""));
  return pipe;
}

/** A stream that remembers what was written to it. */
export function collector(): Writable & { text(): string } {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return Object.assign(stream, { text: () => text });
}
