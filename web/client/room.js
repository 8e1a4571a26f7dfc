/**
 * One room, followed by every channel at once.
 *
 * @import {Channel} from './snapshot.js'
 * @import {Arrival, Source, Status} from './source.js'
 * @import {Runtime} from './runtime.js'
 * @import {Verdict} from './reconcile.js'
 *
 * @typedef {object} RoomListener
 * @property {(arrival: Arrival, verdict: Verdict) => void} onVerdict
 * @property {(channel: Channel, status: Status) => void} onStatus
 */

import { Commands } from './commands.js';
import { PollSource } from './poll.js';
import { Reconciler } from './reconcile.js';
import { browserRuntime } from './runtime.js';
import { SeiSource } from './sei.js';
import { EventStreamSource } from './sse.js';
import { WebSocketSource } from './ws.js';

/** Follows a room as one caller; a change of caller takes a new object, for another view. */
export class RoomReader {
  commands;
  #reconciler;
  /** @type {Source[]} */
  #sources;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {string} options.baseUrl of the gateway, without a path
   * @param {string | null} [options.token] without one: as anonymous
   * @param {Reconciler} [options.reconciler] of a reader before, for the same caller
   * @param {Runtime} [options.runtime]
   */
  constructor({ room, baseUrl, token = null, reconciler, runtime = browserRuntime }) {
    this.#reconciler = reconciler ?? new Reconciler();
    const roomUrl = `${baseUrl}/v1/rooms/${encodeURIComponent(room)}`;
    const caller = { token, runtime };
    this.commands = new Commands({ url: `${roomUrl}/commands`, ...caller });
    this.#sources = [
      new WebSocketSource({ url: `${roomUrl}/push?docs=state`, ...caller }),
      new EventStreamSource({ url: `${roomUrl}/events?docs=state`, ...caller }),
      new PollSource({ url: `${roomUrl}/state`, ...caller }),
      new SeiSource({ room, mediaUrl: `${roomUrl}/media`, runtime }),
    ];
  }

  /**
   * Runs until the signal aborts or every channel has ended.
   *
   * @param {AbortSignal} signal
   * @param {RoomListener} listener
   */
  async run(signal, { onVerdict, onStatus }) {
    /** @param {Arrival} arrival */
    const onArrival = (arrival) => {
      if (signal.aborted) return;
      onVerdict(arrival, this.#reconciler.offer(arrival.snapshot, arrival.channel));
    };
    await Promise.all(
      this.#sources.map((source) =>
        source.run(signal, onArrival, (status) => {
          if (!signal.aborted) onStatus(source.channel, status);
        }),
      ),
    );
  }
}
