/** What is no envelope, though it may look like one. */
export const HOSTILE: readonly (string | Uint8Array)[] = [
  "",
  "hello",
  "null",
  "[]",
  "7",
  "{}",
  '{"Header":',
  '{"name":"John"}',
  '{"Header":{},"Body":""}',
  '{"Header":[],"Body":"aGVsbG8="}',
  '{"Header":{"a":{}},"Body":"aGVsbG8="}',
  '{"Header":{"a":"b"},"Body":"aGVs!bG8="}',
  '{"Header":{"a":"b"},"Body":"aGVsbG8"}',
  '{"Header":{"a":"b"},"Body":{"0":1}}',
  Uint8Array.from({ length: 256 }, (_, index) => index),
];
