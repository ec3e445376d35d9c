/** Nanoseconds per call while `callers` make one after the other for `ms` milliseconds. */
export async function nsPerAnswer(call, callers, ms) {
  let calls = 0;
  const began = performance.now();
  const until = began + ms;
  const caller = async () => {
    while (performance.now() < until) {
      await call();
      calls++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return ((performance.now() - began) * 1e6) / calls;
}
