/**
 * The eras of go-micro that are built, oldest first. `end`: how a server learns that a stream's caller has ended it, by a
 * message or only with the connection. `debug`: it answers `Debug.Health` unasked (`wire.md §9`). `garbles`: its server sends
 * what a handler answers on a stream from a buffer that it has filled anew by then, to clients of its own as well. `loses`: its
 * server leaves about one call in two thousand without an answer, of its own clients too. `hears`: its server tells a handler
 * that the stream's caller is gone. `mdns`: its core has no Consul, so it is met over mDNS, in a network of its own (`run.mjs`).
 */
export const ERAS = [
  {
    era: "v0.8",
    title: "0.8 (2018)",
    grpc: false,
    end: "close",
    debug: true,
    garbles: false,
    loses: false,
    hears: true,
    mdns: false,
  },
  {
    era: "v1.8",
    title: "1.8 (Aug 2019)",
    grpc: false,
    end: "close",
    debug: true,
    garbles: false,
    loses: false,
    hears: false,
    mdns: false,
  },
  {
    era: "v1.18",
    title: "1.18 (Dec 2019)",
    grpc: false,
    end: "message",
    debug: true,
    garbles: false,
    loses: false,
    hears: false,
    mdns: false,
  },
  {
    era: "v2.9",
    title: "2.9 (2020)",
    grpc: true,
    end: "message",
    debug: true,
    garbles: false,
    loses: false,
    hears: true,
    mdns: false,
  },
  {
    era: "v4.11",
    title: "4.11 (2024)",
    grpc: false,
    end: "message",
    debug: false,
    garbles: true,
    loses: true,
    hears: false,
    mdns: true,
  },
  {
    era: "v5.7",
    title: "5.7 (2025)",
    grpc: false,
    end: "message",
    debug: false,
    garbles: true,
    loses: true,
    hears: false,
    mdns: false,
  },
] as const;

export const TITLES = ERAS.map(({ era, title }) => [era, title] as const);
