/** What was said to the bot, what it did, and what it said, by the id of each command. */
export interface Tally {
  nextId(network: string): string;
  /** @param prompt the service takes no time for it */
  said(network: string, id: string, prompt: boolean): void;
  /** There was no link to say it over. */
  unsaid(network: string): void;
  /** The service did it. */
  done(id: string): void;
  /** Everything that stands there now. */
  read(network: string, texts: Iterable<string>): void;
  answers(id: string): number;
  /** From now on what is said there may take its time, until it is well. */
  hurt(network: string): void;
  well(network: string): void;
  doneTwice(): readonly string[];
  saidTwice(): readonly string[];
  /** Done, and neither answered nor known to be undelivered. */
  silent(undelivered: readonly string[]): readonly string[];
  /** Said to a network that was well and stayed so long enough, and not answered by then. */
  missed(): readonly string[];
  /** Milliseconds that such a part (0.9: nine in ten) took at most, of what was said while its network was well. */
  took(network: string, part: number): number;
  table(undelivered: readonly string[]): string;
}

/** A prompt answer does not take so long. */
const LONG_MS = 5000;

interface Command {
  readonly network: string;
  readonly saidAt: number;
  /** Its network was well all the time, and its service prompt. */
  well: boolean;
  answeredAt?: number;
}

export function createTally(names: readonly string[]): Tally {
  const commands = new Map<string, Command>();
  const unsaid = new Map<string, number>();
  const effects = new Map<string, number>();
  const answers = new Map<string, number>();
  const hurting = new Set<string>();
  const missed: string[] = [];
  const kills = new Map<string, number>();
  let count = 0;

  const of = (network: string) => [...commands].filter(([, command]) => command.network === network);
  const silent = (undelivered: readonly string[]) =>
    [...effects.keys()].filter((id) => !answers.has(id) && !undelivered.includes(id));
  const took = (network: string, part: number) => {
    const all = of(network).flatMap(([, { well, saidAt, answeredAt }]) =>
      well && answeredAt !== undefined ? [answeredAt - saidAt] : [],
    );
    return all.sort((a, b) => a - b)[Math.floor(all.length * part)] ?? 0;
  };
  return {
    nextId: (network) => `${network}-${++count}`,
    said: (network, id, prompt) =>
      void commands.set(id, { network, saidAt: performance.now(), well: prompt && !hurting.has(network) }),
    unsaid: (network) => void unsaid.set(network, (unsaid.get(network) ?? 0) + 1),
    done: (id) => void effects.set(id, (effects.get(id) ?? 0) + 1),
    read: (network, texts) => {
      const seen = new Map<string, number>();
      for (const text of texts) {
        const id = /"counted":"([^"]+)"/.exec(text)?.[1];
        if (id?.startsWith(`${network}-`)) seen.set(id, (seen.get(id) ?? 0) + 1);
      }
      for (const [id, times] of seen) {
        answers.set(id, times);
        const command = commands.get(id);
        if (command) command.answeredAt ??= performance.now();
      }
    },
    answers: (id) => answers.get(id) ?? 0,
    hurt: (network) => {
      hurting.add(network);
      kills.set(network, (kills.get(network) ?? 0) + 1);
      for (const [id, command] of of(network)) {
        if (command.answeredAt !== undefined) continue;
        if (command.well && performance.now() - command.saidAt > LONG_MS) missed.push(id);
        command.well = false;
      }
    },
    well: (network) => void hurting.delete(network),
    doneTwice: () => [...effects].filter(([, times]) => times > 1).map(([id]) => id),
    saidTwice: () => [...answers].filter(([, times]) => times > 1).map(([id, times]) => `${id}: ${times} times`),
    silent,
    missed: () => missed,
    took,
    table: (undelivered) => {
      const columns = [
        "kills",
        "said",
        "not said",
        "never reached",
        "done",
        "answered",
        "undelivered",
        "half within ms",
        "90 % within ms",
      ];
      const rows = names.map((network) => {
        const said = of(network).map(([id]) => id);
        const done = said.filter((id) => effects.has(id));
        const row = [
          kills.get(network) ?? 0,
          said.length,
          unsaid.get(network) ?? 0,
          said.length - done.length,
          done.length,
          said.filter((id) => answers.has(id)).length,
          said.filter((id) => undelivered.includes(id)).length,
          Math.round(took(network, 0.5)),
          Math.round(took(network, 0.9)),
        ];
        return [network, ...row.map(String)];
      });
      return [["", ...columns], ...rows]
        .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(10) : cell.padStart(16))).join(""))
        .join("\n");
    },
  };
}
