import { HOSTILE } from "../../contract/input.contract.ts";

/** One thing that somebody says, and what has to be in the answers. */
export interface Step {
  /** What is said; `{long}` stands for what an earlier step has learnt under that name. */
  readonly say: string;
  /** All of it is told, in any order. Blanks count as one. */
  readonly facts: readonly (string | RegExp)[];
  /** None of it is. */
  readonly not?: readonly RegExp[];
  /** What is to be learnt from the answers: the first group of each. */
  readonly learn?: Readonly<Record<string, RegExp>>;
  /** Only where not all of a long answer fits into a message. */
  readonly cut?: true;
  /** Afterwards the network delivers that line again, or says that it was edited into another one, where it has such things. */
  readonly after?: "again" | { readonly edited: string };
}

const SERVICE = "go.micro.srv.greeter";
const TOPIC = "go.micro.topic.greetings";
const EXTRA = '{"name":"extra","version":"2","nodes":[{"id":"extra-1","address":"127.0.0.1:9"}]}';

/** What the handler of `Say.Odd` answers: everything that would act somewhere if it were taken for markup. */
export const ODD = `${HOSTILE.join(" ")} 你好 🦀 مرحبا \u202eabc ﷽ Z͑ͫ̓`;

/** As much as fits into no message of any network but the terminal's; 600 lines. */
export const LONG = Array.from({ length: 600 }, (_, at) => `line ${at} of a long answer, ü 你好 🦀 ${"x".repeat(30)}`);

/** What is said on every network, one after another. */
export const LINES: readonly Step[] = [
  { say: "list services", facts: [SERVICE] },
  { say: `get service ${SERVICE}`, facts: ["version 1.0.0", "Say.Hello", "name string", "protocol=mucp"] },
  {
    say: "get service no.such.service",
    facts: ["no service no.such.service is registered", `did you mean ${SERVICE}`],
  },
  { say: `call ${SERVICE} Say.Hello {"name":"John"}`, facts: ['"msg": "Hello John"'] },
  { say: `call ${SERVICE} Say.Hello {“name”: “Jane”}`, facts: ['"msg": "Hello Jane"'] },
  { say: `query ${SERVICE} Say.Hello {"name":"J. \\"R\\" 你好 🦀"}`, facts: ['"msg": "Hello J. \\"R\\" 你好 🦀"'] },
  { say: `call ${SERVICE} Say.Hello {"name":"raw"} --output raw`, facts: ['{"msg":"Hello raw"}'] },
  { say: `call ${SERVICE} Say.Odd {}`, facts: HOSTILE.map(inJson) },
  { say: `call ${SERVICE} Say.Fail {}`, facts: ["the greeter is out of greetings"] },
  { say: `call ${SERVICE} Say.Hello {"name":}`, facts: ["not JSON", 'Say.Hello takes {"name": string}'] },
  { say: `call ${SERVICE}`, facts: ["require service and method", "call <service> <endpoint>"] },
  { say: `health ${SERVICE}`, facts: ["status", "ok", /127\.0\.0\.1:\d+/] },
  { say: `stats ${SERVICE}`, facts: ["uptime", "threads", /\d+\.\d\dmb/] },
  { say: "lst services", facts: ['there is no command "lst services"', "list services"] },
  { say: `get service ${SERVICE} --limt 3`, facts: ["--limt", "^^^^^^", "usage: get service <service>"] },
  { say: "help", facts: ["list services", "deregister service", "jobs", "more"] },
  { say: "help call", facts: ["service", "endpoint", "request", "--timeout"] },
  { say: `register service ${EXTRA}`, facts: ["this changes things", "yes", "no"], not: [/\bok\b/] },
  { say: "yes", facts: ["ok"] },
  { say: "get service extra", facts: ["extra-1", "127.0.0.1 9"] },
  { say: `deregister service ${EXTRA}`, facts: ["this changes things"], not: [/\bok\b/] },
  { say: "no", facts: ["not done: deregister service"] },
  { say: "get service extra", facts: ["extra-1", "127.0.0.1 9"] },
  { say: "yes", facts: ["there is nothing of yours to say yes to"] },
  { say: `echo ${ODD}`, facts: ["你好 🦀", "<!channel>", "مرحبا"] },
  {
    say: `call ${SERVICE} Say.Long {}`,
    facts: ["line 0 of a long answer, ü 你好 🦀"],
  },
  {
    say: `call ${SERVICE} Say.Long {}`,
    cut: true,
    facts: ["characters in all"],
    learn: { long: /micro more ([0-9a-f]{6})/ },
  },
  { say: "more {long}", cut: true, facts: [/page 2 of \d+/, /line \d+ of a long answer, ü 你好 🦀/] },
  { say: "filter {long} line 577 ", cut: true, facts: ["line 577 of a long answer", /1 of \d+ lines/] },
  { say: `stream ${SERVICE} Say.Ticks {}`, facts: ['{"tick":1}', '{"tick":2}'] },
  { say: "jobs", facts: ["Caller", `stream ${SERVICE} Say.Ticks`], learn: { job: /([0-9a-f]{6}) \S+ \d+ stream/ } },
  { say: "cancel {job}", facts: ["cancelled {job}", /cancelled(?! \{)/] },
  { say: `subscribe ${TOPIC}`, facts: [`listening to ${TOPIC}`] },
  { say: `publish ${TOPIC} {"greeting":"grüezi 🦀"}`, facts: ["ok", '{"greeting":"grüezi 🦀"}'] },
  { say: "jobs", facts: [`subscribe ${TOPIC}`], learn: { job: /([0-9a-f]{6}) \S+ \d+ subscribe/ } },
  { say: "cancel {job}", facts: ["cancelled {job}"] },
  { say: "jobs", facts: ["nothing is running"], not: [/Caller/] },
  { say: `call ${SERVICE} Say.Once {"id":"a"}`, facts: ['"done": "a"'], after: "again" },
  {
    say: `call ${SERVICE} Say.Once {"id":"b"}`,
    facts: ['"done": "b"'],
    after: { edited: `call ${SERVICE} Say.Once {"id":"c"}` },
  },
  { say: "ping", facts: ["pong"] },
];

/** What `Say.Once` is to have done, whatever came again or was edited. */
export const EFFECTS: readonly string[] = ["a", "b"];

/** As it stands in JSON on several lines. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
