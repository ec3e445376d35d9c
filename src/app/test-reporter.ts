/** What Node's test runner tells, as far as it is looked at. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly skip?: unknown;
    readonly todo?: unknown;
    readonly details?: { readonly duration_ms?: number; readonly error?: unknown; readonly type?: string };
  };
}

/**
 * Tells of tests as they end: each that failed once, with its line in the team's files and what was said against what was expected. It
 * is handed to the runner's process as text (`own-tests.ts`), so nothing from outside the function may be named in it, but for types.
 *
 * @param cwd what files are shown by; of those outside, and of packages, nothing is shown
 */
export function testReporter(cwd: string): (events: AsyncIterable<TestEvent>) => AsyncGenerator<string> {
  const MOST_FRAMES = 4;
  const indented = (text: string, by: string) => text.replace(/^(?=.)/gm, by);
  /** Of our own files, in the order of the stack, without what stands twice. */
  const placesIn = (stack: string): string[] => {
    const found = stack.split("\n").flatMap((frame) => {
      const [, file = "", at = ""] = /((?:file:\/\/)?\/[^()]*?):(\d+:\d+)\)?$/.exec(frame) ?? [];
      const path = file.startsWith("file://") ? decodeURIComponent(new URL(file).pathname) : file;
      const inside = path.startsWith(`${cwd}/`) && !path.includes("/node_modules/");
      return inside ? [`${path.slice(cwd.length + 1)}:${at}`] : [];
    });
    return [...new Set(found)];
  };
  const told = (thrown: unknown): string => {
    // The runner wraps what a test has thrown.
    const { cause = thrown } = (thrown ?? {}) as { cause?: unknown };
    const { message, stack, name } = (cause ?? {}) as { message?: unknown; stack?: unknown; name?: unknown };
    const words = typeof message === "string" ? message : String(cause);
    const odd = typeof name === "string" && !/^(AssertionError|MicroError|Error)$/.test(name) ? `${name}: ` : "";
    const places = placesIn(typeof stack === "string" ? stack : "");
    // Where the test stands is what is looked for first, and how it came there below it.
    const first = places.find((place) => /\.(?:test|spec)\.[cm]?[jt]s:/.test(place)) ?? places[0];
    const others = places.filter((place) => place !== first).slice(0, MOST_FRAMES);
    const lines = [...(first === undefined ? [] : [first]), `${odd}${words}`, ...others.map((place) => `at ${place}`)];
    return lines.join("\n");
  };
  return async function* report(events) {
    let [passed, failed, skipped] = [0, 0, 0];
    for await (const { type, data } of events) {
      const { name = "", nesting = 0, details = {} } = data;
      const by = "  ".repeat(nesting);
      const ms = `(${Math.round(details.duration_ms ?? 0)} ms)`;
      // One that only holds others has failed because one of them has.
      const { failureType } = (details.error ?? {}) as { failureType?: unknown };
      const group = details.type === "suite" || failureType === "subtestsFailed";
      if (type === "test:pass" && !group) {
        const left = data.skip !== undefined || data.todo !== undefined;
        if (left) skipped += 1;
        else passed += 1;
        yield `${by}${left ? "-" : "✔"} ${name} ${left ? "(left out)" : ms}\n`;
      } else if (type === "test:fail" && !(group && failureType === "subtestsFailed")) {
        failed += 1;
        yield `${by}✖ ${name} ${ms}\n${indented(told(details.error), `${by}    `)}\n`;
      }
    }
    const others = skipped > 0 ? `, ${skipped} left out` : "";
    yield `\n${passed} passed, ${failed} failed${others}\n`;
  };
}
