/** What `micro new` is to make. */
export interface NewService {
  /** `go.micro.srv.greeter`. */
  readonly fqdn: string;
  /** `greeter`: names files, and the service within the proto file as `Greeter`. */
  readonly alias: string;
  /** Of this package, for the new one's dependency. */
  readonly version: string;
}

/**
 * The files of a new service by their paths in its folder, all but what `micro generate` writes: its handlers and its proto
 * file are those of the reference's template (`toolkit.md §8.1`). Pure.
 */
export function newFiles({ fqdn, alias, version }: NewService): ReadonlyMap<string, string> {
  const Alias = alias.charAt(0).toUpperCase() + alias.slice(1);
  return new Map([
    ["package.json", packageJson(alias, version)],
    ["tsconfig.json", TSCONFIG],
    [`proto/${alias}.proto`, proto(alias, Alias)],
    ["src/main.ts", main(fqdn)],
    ["src/handler.ts", handler(alias, Alias)],
    ["src/subscriber.ts", SUBSCRIBER],
    ["Dockerfile", DOCKERFILE],
    [".gitignore", "node_modules\ndist\n"],
    ["README.md", readme(fqdn, alias, Alias)],
  ]);
}

function packageJson(alias: string, version: string): string {
  const text = {
    name: alias,
    version: "0.0.1",
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts: {
      generate: `micro generate proto/${alias}.proto src/${alias}.proto.ts`,
      build: "tsc",
      start: "npm run --silent build && node dist/main.js",
    },
    dependencies: { "micro-chatops": `^${version}` },
    devDependencies: { "@types/node": "^20.19.0", typescript: ">=5.7" },
  };
  return `${JSON.stringify(text, undefined, 2)}\n`;
}

const TSCONFIG = `{
  "compilerOptions": {
    "target": "ES2022",
    "lib": ["ES2023", "ESNext.Disposable"],
    "types": ["node"],
    "module": "NodeNext",
    "rootDir": "src",
    "outDir": "dist",
    "rewriteRelativeImportExtensions": true,
    "strict": true,
    "skipLibCheck": true
  },
  "include": ["src"]
}
`;

function proto(alias: string, Alias: string): string {
  return `syntax = "proto3";

package ${alias};

service ${Alias} {
  rpc Call(Request) returns (Response) {}
  rpc Stream(StreamingRequest) returns (stream StreamingResponse) {}
  rpc PingPong(stream Ping) returns (stream Pong) {}
}

message Message { string say = 1; }
message Request { string name = 1; }
message Response { string msg = 1; }
message StreamingRequest { int64 count = 1; }
message StreamingResponse { int64 count = 1; }
message Ping { int64 stroke = 1; }
message Pong { int64 stroke = 1; }
`;
}

function main(fqdn: string): string {
  return `import { cached, createService, httpBroker, mdnsRegistry } from "micro-chatops";
import { serve } from "./handler.ts";
import { hear } from "./subscriber.ts";

export const NAME = "${fqdn}";

const registry = cached(mdnsRegistry()());
const service = createService({ name: NAME, version: "latest", registry, broker: httpBroker()({ registry }) });
serve(service, NAME);
hear(service, NAME);
await service.start();
console.log(\`\${NAME} answers at \${service.server.address}\`);
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => void service.stop());
`;
}

function handler(alias: string, Alias: string): string {
  return `import type { Service } from "micro-chatops";
import { ${alias}Endpoints } from "./${alias}.proto.ts";

/** What ${Alias} answers. */
export function serve(service: Service, name: string): void {
  const { Call, Stream, PingPong } = ${alias}Endpoints(name);

  service.handle(Call, ({ name }) => ({ msg: \`Hello \${name}\` }));

  service.handleStream(Stream, async (stream) => {
    for await (const { count } of stream) {
      for (let i = 0n; i < count; i++) await stream.send({ count: i });
      return;
    }
  });

  service.handleStream(PingPong, async (stream) => {
    for await (const { stroke } of stream) await stream.send({ stroke });
  });
}
`;
}

const SUBSCRIBER = `import { readEvent, type Service } from "micro-chatops";

/** Hears what is published to the topic that is named like the service. */
export function hear(service: Service, topic: string): void {
  service.subscribe(topic, (event) => console.log("heard", readEvent(event)));
}
`;

const DOCKERFILE = `FROM node:22-slim
WORKDIR /service
COPY . .
RUN npm install && npm run generate && npm run build && npm prune --omit=dev
ENTRYPOINT ["node", "dist/main.js"]
`;

function readme(fqdn: string, alias: string, Alias: string): string {
  return `# ${Alias}

The service ${fqdn}.

\`\`\`sh
npm install
npm run generate  # src/${alias}.proto.ts out of proto/${alias}.proto; again whenever that changes
npm start
micro call ${fqdn} ${Alias}.Call '{"name":"John"}'
\`\`\`
`;
}
