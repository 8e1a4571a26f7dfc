/**
 * The SEI channel: room state out of the video, by HTTP-FLV (SEI.md 4).
 *
 * @import {OnArrival, OnStatus, Source} from './source.js'
 * @import {Runtime} from './runtime.js'
 * @import {StreamSnapshot} from './assembler.js'
 */

import { Assembler } from './assembler.js';
import { FlvParser, VIDEO_TAG } from './flv.js';
import { findFlvUrl } from './media.js';
import { messagesOf } from './nal.js';
import { BadPayload, readMessage } from './payload.js';
import { Problem, reached } from './problem.js';
import { browserRuntime } from './runtime.js';
import { chunksOf, readArrival, reconnecting, whileHeard } from './source.js';
import { VideoTrack } from './video.js';

const SILENCE_MS = 10_000;

/** Finds whole snapshots in the bytes of an FLV stream; one reader a connection. */
export class SeiReader {
  /** Messages that could not be used: malformed, or with a CRC that did not hold. */
  damaged = 0;
  #parser = new FlvParser();
  #track = new VideoTrack();
  #assembler = new Assembler();

  /**
   * @param {Uint8Array} bytes
   * @returns {Promise<StreamSnapshot[]>} in the order of the stream
   * @throws {import('./flv.js').BadFlv}
   */
  async push(bytes) {
    const snapshots = [];
    for (const body of this.#bodies(bytes)) {
      const snapshot = await this.#read(body);
      if (snapshot !== null) snapshots.push(snapshot);
    }
    return snapshots;
  }

  /** @param {Uint8Array} bytes */
  *#bodies(bytes) {
    for (const { type, data } of this.#parser.push(bytes)) {
      const picture = type === VIDEO_TAG ? this.#track.push(data) : null;
      for (const unit of picture?.units ?? []) yield* messagesOf(unit, picture?.codec ?? 'h264');
    }
  }

  /**
   * @param {Uint8Array} body
   * @returns {Promise<StreamSnapshot | null>}
   */
  async #read(body) {
    try {
      const message = readMessage(body);
      if (message?.crcHolds === false) this.damaged += 1;
      return message && (await this.#assembler.offer(message));
    } catch (error) {
      // One damaged message is no reason to leave the stream: it is repeated soon.
      if (!(error instanceof BadPayload)) throw error;
      this.damaged += 1;
      return null;
    }
  }
}

/** @implements {Source} */
export class SeiSource {
  /** @type {'sei'} */
  channel = 'sei';
  #room;
  #mediaUrl;
  #runtime;

  /** @param {{room: string, mediaUrl: string, runtime?: Runtime}} options */
  constructor({ room, mediaUrl, runtime = browserRuntime }) {
    this.#room = room;
    this.#mediaUrl = mediaUrl;
    this.#runtime = runtime;
  }

  /**
   * @param {AbortSignal} signal
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   */
  async run(signal, onArrival, onStatus) {
    /** @type {OnStatus} */
    const onOwnStatus = (status) =>
      // A room without video is no failure.
      onStatus(status.code === 'NO_STREAM' ? { ...status, state: 'idle' } : status);
    const connect = () => this.#connect(signal, onArrival, onOwnStatus);
    await reconnecting(connect, signal, onOwnStatus, this.#runtime);
  }

  /**
   * @param {AbortSignal} signal
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   * @returns {Promise<never>}
   */
  async #connect(signal, onArrival, onStatus) {
    // Asked each time: a stream may move to another relay while we are away.
    const url = await findFlvUrl(this.#mediaUrl, signal, this.#runtime);
    return whileHeard(signal, SILENCE_MS, (ownSignal, heard) =>
      this.#follow(url, ownSignal, heard, onArrival, onStatus),
    );
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {() => void} heard
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   * @returns {Promise<never>}
   */
  async #follow(url, signal, heard, onArrival, onStatus) {
    const response = await reached(this.#runtime.fetch(url, { cache: 'no-store', signal }));
    if (response.status !== 200) throw refusal(response);
    onStatus({ state: 'connecting', words: 'Stream open, no state in it yet' });
    const reader = new SeiReader();
    let isLive = false;
    for await (const bytes of chunksOf(response)) {
      heard();
      for (const snapshot of await reader.push(bytes)) {
        const arrival = this.#judge(snapshot);
        if (arrival === null) continue;
        if (!isLive) onStatus({ state: 'live', words: 'In the video' });
        isLive = true;
        onArrival(arrival);
      }
    }
    throw new Problem({ code: 'ENDED', message: 'The stream ended', retryable: true });
  }

  /**
   * Takes only what belongs in this stream: the anonymous state of this room, at its position.
   *
   * @param {StreamSnapshot} streamed
   * @returns {import('./source.js').Arrival | null}
   */
  #judge({ text, epoch, version, ts }) {
    const arrival = readArrival('sei', text, this.#runtime.now());
    const { snapshot } = arrival;
    const isSame = snapshot.epoch === epoch && snapshot.version === version && snapshot.ts === ts;
    const isPublic = snapshot.doc === 'state' && snapshot.view === 'anonymous';
    return isSame && isPublic && snapshot.room === this.#room ? arrival : null;
  }
}

/**
 * Reads why a relay or CDN gave no stream; its address is asked for again, so all of it may pass.
 *
 * @param {Response} response
 */
function refusal({ status }) {
  return status === 404
    ? new Problem({ code: 'NO_STREAM', message: 'The stream is not running', retryable: true })
    : new Problem({
        code: `HTTP_${status}`,
        message: `The stream answered ${status}`,
        retryable: true,
      });
}
