/** The eras of go-micro that are built, oldest first. `ways`: how its servers are called. */
export const ERAS = [
  { era: "v0.8", title: "0.8 (2018)", grpc: false },
  { era: "v1.8", title: "1.8 (Aug 2019)", grpc: false },
  { era: "v1.18", title: "1.18 (Dec 2019)", grpc: false },
  { era: "v2.9", title: "2.9 (2020)", grpc: true },
  { era: "v5.7", title: "5.7 (2025)", grpc: false },
] as const;

export const TITLES = ERAS.map(({ era, title }) => [era, title] as const);
