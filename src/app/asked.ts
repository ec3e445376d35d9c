/** A question about the program itself; the build stores the answers, so that they cost no start of the program. */
export interface Asked {
  /** `version`, or `help` with the words that it is asked about. */
  readonly about: "version" | "help";
  /** `""`: the whole program; else a command's name. */
  readonly topic: string;
}

/** What `micro …` asks about itself; `undefined`: something else, or with options that only the program reads. */
export function asked(args: readonly string[]): Asked | undefined {
  const [first, ...others] = args;
  if (first === undefined) return { about: "help", topic: "" };
  if (args.length === 1 && /^(--?version|-v)$/.test(first)) return { about: "version", topic: "" };
  if (isHelp(args.at(-1)) && args.slice(0, -1).every(isWord)) {
    return { about: "help", topic: args.slice(0, -1).join(" ") };
  }
  if ((first === "help" || first === "h") && others.every(isWord)) return { about: "help", topic: others.join(" ") };
  return undefined;
}

function isHelp(arg: string | undefined): boolean {
  return arg === "--help" || arg === "-help" || arg === "-h";
}

function isWord(arg: string): boolean {
  return !arg.startsWith("-");
}
