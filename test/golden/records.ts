import type { EndpointRecord, ServiceRecord, ValueRecord } from "../../src/core/registry/registry.ts";

/** Services whose shapes cover the layout: versions, nodes, nested messages, lists, empty ones, several endpoints. */
export const SERVICES: readonly ServiceRecord[] = [
  {
    name: "go.micro.srv.greeter",
    version: "1.0.0",
    metadata: {},
    endpoints: [
      endpoint("Say.Hello", message("Request", value("name", "string")), message("Response", value("msg", "string"))),
    ],
    nodes: [
      node("go.micro.srv.greeter-154a6487", "10.0.0.5:57067"),
      node("go.micro.srv.greeter-99110f5e", "10.0.0.6:40000"),
    ],
  },
  {
    name: "go.micro.srv.greeter",
    version: "2.0.0",
    metadata: {},
    endpoints: [endpoint("Say.Goodbye", message("Request"), message("Response"))],
    nodes: [node("go.micro.srv.greeter-aa01", "[fd00::7]:8080")],
  },
  {
    name: "go.micro.srv.geo",
    version: "latest",
    metadata: {},
    endpoints: [
      endpoint(
        "Location.Search",
        message(
          "SearchRequest",
          value("center", "Point", value("latitude", "float64"), value("longitude", "float64")),
          value("numEntities", "int64"),
          value("types", "[]string", value("string", "string")),
        ),
        message("SearchResponse", value("entities", "[]Entity", value("entity", "Entity"))),
      ),
      endpoint("Location.Ping", message("PingRequest"), undefined),
      endpoint("Location.Watch", message("WatchRequest", value("userId", "string")), message("Event"), "true"),
    ],
    nodes: [node("go.micro.srv.geo-1", "192.168.1.7:9000")],
  },
  {
    name: "topic:geo.location",
    version: "",
    metadata: {},
    endpoints: [],
    nodes: [{ id: "topic-1", address: "10.0.0.9:1", metadata: {} }],
  },
];

/** The same, with the streams that tests open. */
export const STREAMING: readonly ServiceRecord[] = SERVICES.map((one) =>
  one.version !== "1.0.0"
    ? one
    : {
        ...one,
        endpoints: [
          ...one.endpoints,
          ...["Count", "Break", "Refuse", "Watch"].map((name) => endpoint(`Say.${name}`, undefined, undefined, "true")),
        ],
      },
);

function node(id: string, address: string) {
  return { id, address, metadata: { transport: "http", server: "rpc", broker: "http", registry: "consul" } };
}

function value(name: string, type: string, ...values: readonly ValueRecord[]): ValueRecord {
  return { name, type, values };
}

function message(type: string, ...values: readonly ValueRecord[]): ValueRecord {
  return { name: type, type, values };
}

function endpoint(
  name: string,
  request: ValueRecord | undefined,
  response: ValueRecord | undefined,
  stream = "false",
): EndpointRecord {
  return { name, request, response, metadata: { stream } };
}
