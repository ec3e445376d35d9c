/** What a thrown thing says, in a form that can be sent to the other thread. */
export function factsOf(thrown) {
  const error = Object(thrown);
  return {
    message: String(error.message ?? thrown).slice(0, 500),
    code: word(error.code),
    word: word(error.data?.error ?? error.original?.code),
    status: number(error.status ?? error.statusCode ?? error.response?.status),
    retryAfterS: number(error.retryAfter ?? error.retry_after ?? error.parameters?.retry_after),
  };
}

function word(value) {
  return typeof value === "string" ? value.slice(0, 100) : undefined;
}

function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
