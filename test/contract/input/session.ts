import type { IncomingMessage, InputConnection, OutgoingMessage, Place } from "../../../src/inputs/input.ts";
import type { ChatUnderTest, Feature, InputSetup } from "./suite.ts";

/** What the suite wants of a test framework. */
export interface TestTools {
  describe(title: string, body: () => void): unknown;
  readonly it: ((title: string, test: () => Promise<void>) => unknown) & {
    skip(title: string, test: () => Promise<void>): unknown;
  };
  beforeEach(hook: () => Promise<void>): unknown;
  afterEach(hook: () => Promise<void>): unknown;
  readonly expect: ((value: unknown) => Expectation) & {
    stringMatching(pattern: RegExp): unknown;
    any(kind: unknown): unknown;
  };
}

/** Those matchers of jest's that the suite uses. */
export interface Expectation {
  readonly not: Expectation;
  readonly rejects: { toMatchObject(expected: object): Promise<void> };
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: unknown): void;
  toHaveLength(expected: number): void;
  toBeLessThan(expected: number): void;
}

/** One chat per test, and the links that the test opens; both are closed after it, and nothing of them may be left. */
export interface Session {
  readonly chat: ChatUnderTest;
  readonly expect: TestTools["expect"];
  it(title: string, test: () => Promise<void>): void;
  /** A case for chats that have this. */
  needs(features: Feature | readonly Feature[], title: string, test: () => Promise<void>): void;
  connect(): Promise<InputConnection>;
  /** A link on which the member has said something, what that was, and who reads on. */
  placed(): Promise<{ link: InputConnection; hear: Reader; first: IncomingMessage; place: Place }>;
  eventually(check: () => void, what: string): Promise<void>;
}

export function createSession(tools: TestTools, { create, without = {} }: InputSetup): Session {
  const { expect } = tools;
  const opened: InputConnection[] = [];
  let chat: ChatUnderTest | undefined;
  let resources: readonly string[] = [];

  tools.beforeEach(async () => {
    chat = await create();
    resources = process.getActiveResourcesInfo();
  });
  tools.afterEach(async () => {
    for (const link of opened.splice(0)) await link.close();
    await eventually(() => expect(left(resources)).toEqual([]), "sockets and timers are gone after close");
    await chat?.close();
  });

  const theChat = () => {
    if (chat === undefined) throw new Error("there is a chat in tests only");
    return chat;
  };
  const connect = async () => {
    const link = await theChat().input.connect();
    opened.push(link);
    return link;
  };
  return {
    get chat() {
      return theChat();
    },
    expect,
    it: (title, test) => void tools.it(title, test),
    needs: (features, title, test) => {
      const needed = typeof features === "string" ? [features] : features;
      const reason = needed.map((feature) => without[feature]).find((said) => said !== undefined);
      if (reason !== undefined) {
        tools.it.skip(`${title} (not here: ${reason})`, test);
        return;
      }
      tools.it(title, async () => {
        for (const feature of needed) {
          if (theChat()[feature] !== undefined) continue;
          throw new Error(
            `the chat has no \`${feature}\`: add it, or say in \`without\` why this network has no such thing`,
          );
        }
        await test();
      });
    },
    connect,
    placed: async () => {
      const link = await connect();
      const hear = reader(link);
      await theChat().say("hello");
      const first = await hear.next();
      return { link, hear, first, place: first.place };
    },
    eventually,
  };
}

export interface Reader {
  next(): Promise<IncomingMessage>;
  /** The next message with an id other than `id`, for networks that tell one thing in two events. */
  unlike(id?: string): Promise<IncomingMessage>;
}

/** One reader of a link. */
export function reader(link: InputConnection): Reader {
  const iterator = link[Symbol.asyncIterator]();
  const next = async (): Promise<IncomingMessage> => {
    const { done, value } = await within(iterator.next(), "the link gives a message");
    if (done) throw new Error("the link ended");
    return value;
  };
  return {
    next,
    unlike: async (id) => {
      let message = await next();
      while (message.id === id) message = await next();
      return message;
    },
  };
}

export function plain(place: Place, text: string): OutgoingMessage {
  return { place, parts: [{ kind: "text", text }] };
}

/** Without the characters of no width that keep markup apart. */
export function visible(text: string): string {
  return text.replaceAll("\u200b", "");
}

/** Long enough for whatever is on its way over loopback. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

/** Sockets and timers that were not there before. */
function left(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0 && /Socket|Timeout|Pipe|TTY/.test(kind);
  });
}

/** Waits for what has to come. A framework's own limit, if it has one, would not say for what. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not in 4 s: ${what}`)), 4000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function eventually(check: () => void, what: string): Promise<void> {
  const until = Date.now() + 4000;
  for (;;) {
    try {
      return check();
    } catch (error) {
      if (Date.now() > until) throw new Error(`not in 4 s: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
