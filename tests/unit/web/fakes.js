/** A runtime whose time moves only by its own sleeps, and whose network is a script. */

/**
 * @param {object} [options]
 * @param {((url: string, init: RequestInit) => Response | Promise<Response>)[]} [options.answers]
 * @param {number} [options.random]
 */
export function fakeRuntime({ answers = [], random = 0.5 } = {}) {
  const requests = [];
  const slept = [];
  let nowMs = 1_000_000;
  return {
    requests,
    slept,
    advance: (ms) => (nowMs += ms),
    now: () => nowMs,
    random: () => random,
    fetch: async (url, init = {}) => {
      requests.push({ url, ...init });
      const answer = answers.shift();
      if (answer === undefined) throw new TypeError('the script has no more answers');
      return answer(url, init);
    },
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
  };
}

/** Gives the text of a state snapshot. */
export function snapshotText(fields = {}) {
  return JSON.stringify({
    type: 'snapshot',
    doc: 'state',
    schema: 1,
    view: 'anonymous',
    room: 'demo',
    epoch: 5,
    version: 1,
    ts: 999_000,
    session: null,
    seat_mode: 'free',
    owner_seat: 0,
    seats: [],
    ...fields,
  });
}

/** Gives a problem+json answer. */
export function problemAnswer(status, body, headers = {}) {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  });
}

/** Runs a source until it ends, or has slept so often; gives what it said. */
export async function runSource(source, runtime, { sleeps = Infinity } = {}) {
  const controller = new AbortController();
  const arrivals = [];
  const statuses = [];
  const sleep = runtime.sleep;
  runtime.sleep = async (ms) => {
    await sleep(ms);
    if (runtime.slept.length >= sleeps) controller.abort();
  };
  await source.run(
    controller.signal,
    (one) => arrivals.push(one),
    (one) => statuses.push(one),
  );
  return { arrivals, statuses };
}
